//! The command `clew import`: sends a folder's files to a running server through its API, and says what became
//! of them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::cli::Globals;
use crate::client::{Client, Upload};
use crate::import_folder::{FolderFile, files};
use crate::progress::Bar;
use crate::{output, runtime};

/// The options of `clew import`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder with customers, products, events, campaigns (.csv .ndjson .parquet, plain, .gz or .zst) and
    /// mapping.toml
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The server
    #[arg(long, env = "CLEW_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A key that may send data
    #[arg(long, env = "CLEW_KEY", hide_env_values = true)]
    key: SecretString,
}

/// Runs the command.
///
/// # Errors
/// When there is nothing to send, the server cannot be reached, or a file is refused as a whole.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let files = files(&args.data)?;
    let client = Client::new(&args.url, args.key)?;
    let json = globals.json;
    runtime::block_on(async {
        let mut imports = Vec::new();
        for file in &files {
            let bar = Arc::new(Bar::new(file.entity, json));
            let seen = Arc::clone(&bar);
            let import = send(&client, file, move |phase, share, eta| seen.tell(phase, share, eta)).await?;
            drop(bar);
            if !json {
                output::line(told(file, &import))?;
                for line in refused(&client, &import).await? {
                    output::line(line)?;
                }
            }
            imports.push(import);
        }
        if json { output::json(&json!({ "imports": imports })) } else { Ok(()) }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The share of an import that sending its file is taken for.
const SENDING: f64 = 0.25;

/// Sends one file and waits until the server has read it. Gives the import as the API shows it; `progress` hears
/// of the phase, the share done and the seconds left of the phase, where they are known.
///
/// # Errors
/// When the server cannot be reached, refuses the file, or cannot read it.
pub(crate) async fn send(
    client: &Client,
    file: &FolderFile,
    progress: impl Fn(&str, f64, Option<f64>) + Clone + Send + Sync + 'static,
) -> anyhow::Result<Value> {
    let mut path = format!("/v1/imports?entity={}", file.entity);
    if let Some(mapping) = &file.mapping {
        path.push_str("&mapping=");
        path.push_str(&encoded(&mapping.to_string()));
    }
    let upload =
        Upload { file: &file.path, content_type: file.content_type, content_encoding: file.content_encoding };
    let (tell, n_sent, size_bytes) = (progress.clone(), AtomicU64::new(0), file.size_bytes.max(1));
    let sent = move |n| {
        let n_sent = n_sent.fetch_add(n, Ordering::Relaxed) + n;
        tell("sending", SENDING * n_sent as f64 / size_bytes as f64, None);
    };
    let import = client.upload(&path, upload, sent).await?;
    let job_id = import["job_id"].as_str().unwrap_or_default();
    client
        .job(job_id, |job| {
            let share = SENDING + (1.0 - SENDING) * job["progress"].as_f64().unwrap_or(0.0);
            progress(
                job["phase"].as_str().unwrap_or(if share < 1.0 { "waiting" } else { "done" }),
                share,
                job["eta_seconds"].as_f64(),
            );
        })
        .await?;
    client.get(&format!("/v1/imports/{}", import["id"].as_str().unwrap_or_default())).await
}

/// What became of a file, in a line.
fn told(file: &FolderFile, import: &Value) -> String {
    let n = |name: &str| import[name].as_i64().unwrap_or(0);
    format!(
        "{:10} {} accepted, {} rejected, {} already there, {} orphans  ({})",
        file.entity,
        n("accepted"),
        n("rejected"),
        n("duplicates"),
        n("orphans"),
        file.path.display()
    )
}

/// The first lines that were refused, with their reasons.
async fn refused(client: &Client, import: &Value) -> anyhow::Result<Vec<String>> {
    const N_SHOWN: usize = 5;
    let n_rejected = import["rejected"].as_u64().unwrap_or(0);
    if n_rejected == 0 {
        return Ok(Vec::new());
    }
    let path = format!("/v1/imports/{}/rejected", import["id"].as_str().unwrap_or_default());
    let text = client.text(&path).await?;
    let mut lines: Vec<String> = text
        .lines()
        .take(N_SHOWN)
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|line| {
            let column =
                line["column"].as_str().map(|column| format!(", column {column}")).unwrap_or_default();
            format!("  line {}{column}: {}", line["line"], line["reason"].as_str().unwrap_or_default())
        })
        .collect();
    if n_rejected > N_SHOWN as u64 {
        lines.push(format!("  all {n_rejected} of them: GET {path}"));
    }
    Ok(lines)
}

/// A text as a value in a query (RFC 3986, section 2.1).
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn what_is_not_plain_is_encoded() {
        assert_eq!(encoded(r#"{"a":"é"}"#), "%7B%22a%22%3A%22%C3%A9%22%7D");
    }
}
