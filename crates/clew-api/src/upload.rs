//! Bodies that go to the object store as they come, piece by piece, and objects that are sent back so.

use axum::body::{Body, HttpBody as _};
use clew_store::object::ObjectWriter;
use http_body_util::BodyExt;
use serde_json::Value;
use uuid::Uuid;

use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;

/// A body that was kept.
pub(crate) struct Upload {
    /// Its name in the object store: its content's hash, and a mark of its own.
    pub(crate) object: String,
    /// Its size.
    pub(crate) size_bytes: i64,
}

impl Upload {
    /// Hash of the content and of what was said of it, for idempotency.
    pub(crate) fn digest(&self, said: &Value) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        // The object's name begins with the hash of its content; what tells it from the same content sent again does not
        // count.
        let content = self.object.rsplit_once('-').map_or(self.object.as_str(), |(content, _)| content);
        hasher.update(content.as_bytes()).update(&[0]).update(said.to_string().as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// Keeps a body in the object store in bounded memory. Nothing is kept of one that is too large or breaks off.
///
/// # Errors
/// 413 beyond the configured size, 408 when it pauses, 400 when it breaks off, 422 when it is empty, 507 when
/// there is no room.
pub(crate) async fn receive(state: &ApiState, tenant_id: Uuid, body: Body) -> Result<Upload> {
    // Each has a name of its own, so that one is deleted without another that happens to be the same file.
    let ending = format!("-{}", Uuid::now_v7().simple());
    let mut writer = state.objects().writer(&format!("{tenant_id}/imports"), &ending).await?;
    match copy(state, &mut writer, body).await {
        Ok(()) if writer.size_bytes() == 0 => {
            writer.abort().await?;
            Err(Problem::field("", "the body is empty; send the file as the body"))
        }
        Ok(()) => {
            let stored = writer.finish().await?;
            Ok(Upload {
                object: stored.name,
                size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
            })
        }
        Err(problem) => {
            writer.abort().await?;
            Err(problem)
        }
    }
}

async fn copy(state: &ApiState, writer: &mut ObjectWriter, mut body: Body) -> Result<()> {
    let config = state.config();
    let (pause, max_bytes) = (config.import_pause, config.import_max_bytes);
    let too_large = || {
        let detail = format!("the body has more than {max_bytes} bytes; send it in several files");
        Problem::new(Code::TooLarge, detail)
    };
    // One that says so itself is not waited for.
    if body.size_hint().lower() > max_bytes {
        return Err(too_large());
    }
    loop {
        let frame = tokio::time::timeout(pause, body.frame()).await.map_err(|_| {
            Problem::new(Code::Timeout, format!("the body paused for more than {} s", pause.as_secs()))
        })?;
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|e| {
            Problem::new(Code::Malformed, "the body broke off; nothing was kept").caused_by(e)
        })?;
        let Some(piece) = frame.data_ref() else { continue };
        if writer.size_bytes() + piece.len() as u64 > max_bytes {
            return Err(too_large());
        }
        writer.write(piece).await?;
    }
}

/// An object as a body, piece by piece.
pub(crate) async fn send(state: &ApiState, object: &str) -> Result<Body> {
    Ok(Body::from_stream(state.objects().stream(object).await?))
}
