//! `Idempotency-Key`: a creating request that is sent again gets its first answer again. The record is written
//! in the transaction of the effect. An answer that shows a secret is kept sealed under the caller's own
//! credential, which is stored nowhere.

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use clew_store::idempotency::{self, Begun};
use clew_store::{Scope, audit};
use uuid::Uuid;

use crate::answer::Answer;
use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;

/// The header of a request, if it has one.
#[derive(Clone)]
pub(crate) struct IdempotencyKey {
    key: Option<String>,
    seal: [u8; 32],
}

/// The first request of its key; its answer is to be kept.
pub(crate) struct Once(IdempotencyKey);

const SEALED: &str = "x-clew-sealed";

impl FromRequestParts<ApiState> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &ApiState) -> Result<Self> {
        let key = read(&parts.headers)?;
        let credential = parts.headers.get(header::AUTHORIZATION).map_or(&b""[..], |v| v.as_bytes());
        Ok(Self {
            key,
            seal: blake3::derive_key("clew 2026-11-22 idempotent answers with secrets", credential),
        })
    }
}

fn read(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > 255 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::field("Idempotency-Key", "expected 1 to 255 visible ASCII characters"));
    }
    Ok(Some(text.to_owned()))
}

impl IdempotencyKey {
    /// Looks the key up: `Ok(Ok(once))` means go on, `Ok(Err(answer))` is the first answer, to be sent again.
    ///
    /// # Errors
    /// 422 when the key was used with another operation or body.
    pub(crate) async fn begin(
        self,
        scope: &mut impl Scope,
        operation: &str,
        digest: [u8; 32],
    ) -> Result<Result<Once, Answer>> {
        let Some(key) = &self.key else { return Ok(Ok(Once(self))) };
        match idempotency::begin(scope, key, operation, &digest).await? {
            Begun::New => Ok(Ok(Once(self))),
            Begun::Replay(kept) => self.replay(kept).map(Err),
            Begun::Conflict => Err(mismatch()),
        }
    }

    fn replay(&self, kept: idempotency::Answer) -> Result<Answer> {
        let find = |name: &str| kept.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        let json = match find(SEALED) {
            Some(nonce) => self.open(&nonce, &kept.body).ok_or_else(mismatch)?,
            None => kept.body,
        };
        let status = StatusCode::from_u16(kept.status).map_err(Problem::internal)?;
        Ok(Answer { status, location: find("location"), json })
    }

    /// XORs with a keyed stream of BLAKE3, whose nonce is never used twice.
    fn stream(&self, nonce: &str, bytes: &[u8]) -> Vec<u8> {
        let mut stream = vec![0; bytes.len()];
        blake3::Hasher::new_keyed(&self.seal).update(nonce.as_bytes()).finalize_xof().fill(&mut stream);
        bytes.iter().zip(stream).map(|(byte, key)| byte ^ key).collect()
    }

    fn open(&self, nonce: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let json = self.stream(nonce, sealed);
        // Under another credential the stream is noise, and noise is no JSON.
        serde_json::from_slice::<serde::de::IgnoredAny>(&json).is_ok().then_some(json)
    }
}

fn mismatch() -> Problem {
    Problem::new(
        Code::IdempotencyMismatch,
        "this Idempotency-Key was used with another operation, body or credential; send a new key",
    )
}

impl Once {
    /// Keeps the answer, in the transaction of its effect.
    pub(crate) async fn keep(&self, scope: &mut impl Scope, answer: &Answer) -> Result<()> {
        self.write(scope, answer, None, answer.json.clone()).await
    }

    /// Keeps an answer that shows a secret.
    pub(crate) async fn keep_secret(&self, scope: &mut impl Scope, answer: &Answer) -> Result<()> {
        let nonce = Uuid::now_v7().to_string();
        let body = self.0.stream(&nonce, &answer.json);
        self.write(scope, answer, Some(nonce), body).await
    }

    async fn write(
        &self,
        scope: &mut impl Scope,
        answer: &Answer,
        nonce: Option<String>,
        body: Vec<u8>,
    ) -> Result<()> {
        // What was made is what the audit log names.
        if let Some((_, id)) = answer.location.as_deref().and_then(|location| location.rsplit_once('/')) {
            audit::note_made(scope, id);
        }
        let Some(key) = &self.0.key else { return Ok(()) };
        let location = answer.location.iter().map(|l| ("location".to_owned(), l.clone()));
        let sealed = nonce.into_iter().map(|nonce| (SEALED.to_owned(), nonce));
        let headers = location.chain(sealed).collect();
        let kept = idempotency::Answer { status: answer.status.as_u16(), headers, body };
        Ok(idempotency::finish(scope, key, &kept).await?)
    }
}
