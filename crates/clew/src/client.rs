//! A small client of clew's own API: what `clew import` and `clew demo` need, and no more. Plain HTTP/1.1.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::http::{Request, StatusCode, Uri, header};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_util::io::ReaderStream;

use crate::failure::WrongUse;

/// Times that a question is asked while the server is not ready, and the pause between them: ten minutes together, at the least.
const ASKED: usize = 120;
const SOON: Duration = Duration::from_secs(5);

/// The server says that it is not ready to answer; in its words.
#[derive(Debug)]
struct NotReady(String);

impl std::fmt::Display for NotReady {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotReady {}

/// A server's address and the key to speak to it with.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    authority: String,
    prefix: String,
    key: SecretString,
}

/// A file to send: where it is and how it is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upload<'a> {
    /// The file.
    pub(crate) file: &'a Path,
    /// Its media type: `text/csv`, `application/x-ndjson` or `application/vnd.apache.parquet`.
    pub(crate) content_type: &'a str,
    /// Its compression as an HTTP coding: `gzip`, `zstd`, or none.
    pub(crate) content_encoding: Option<&'a str>,
}

impl Client {
    /// A client for `http://host[:port][/prefix]`.
    ///
    /// # Errors
    /// A [`WrongUse`] when the address is not of that form.
    pub(crate) fn new(url: &str, key: SecretString) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().map_err(|_| {
            WrongUse::new(format!("\"{url}\" is not an address; write for example http://127.0.0.1:8080"))
        })?;
        if uri.scheme_str() != Some("http") {
            return Err(WrongUse::new(format!(
                "\"{url}\" is not a plain http address; speak to the server directly, or through a tunnel that ends its TLS"
            ))
            .into());
        }
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        Ok(Self { authority, prefix: uri.path().trim_end_matches('/').to_owned(), key })
    }

    /// `GET path` as JSON.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses; the message is the server's own.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.request("GET", path).body(Body::empty())?).await
    }

    /// `GET path` as text.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let body = self.bytes(self.request("GET", path).body(Body::empty())?).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.request("POST", path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(serde_json::to_vec(body)?))?).await
    }

    /// `POST path` of a question, which changes nothing, answered as the very text: its numbers keep their last digit. Asked again, for
    /// a while, as long as the server is not ready to answer it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn ask_text(&self, path: &str, body: &Value) -> anyhow::Result<String> {
        let body = serde_json::to_vec(body)?;
        let mut asked = 0;
        loop {
            asked += 1;
            let request = self.request("POST", path).header(header::CONTENT_TYPE, "application/json");
            match self.bytes(request.body(Body::from(body.clone()))?).await {
                Err(error) if error.is::<NotReady>() && asked < ASKED => tokio::time::sleep(SOON).await,
                answer => {
                    return String::from_utf8(answer?.into())
                        .with_context(|| format!("POST {path} was not answered in JSON"));
                }
            }
        }
    }

    /// `POST path` with a file's bytes, streamed; `sent` hears of every further piece that left, in bytes.
    ///
    /// # Errors
    /// As [`Self::get`], and when the file cannot be read.
    pub(crate) async fn upload(
        &self,
        path: &str,
        upload: Upload<'_>,
        sent: impl Fn(u64) + Send + Sync + 'static,
    ) -> anyhow::Result<Value> {
        let name = upload.file.display();
        let file =
            tokio::fs::File::open(upload.file).await.with_context(|| format!("could not open {name}"))?;
        let size = file.metadata().await.with_context(|| format!("could not look at {name}"))?.len();
        let pieces = ReaderStream::with_capacity(file, 256 * 1024).inspect_ok(move |piece| {
            sent(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        });
        let mut request = self
            .request("POST", path)
            .header(header::CONTENT_TYPE, upload.content_type)
            .header(header::CONTENT_LENGTH, size);
        if let Some(coding) = upload.content_encoding {
            request = request.header(header::CONTENT_ENCODING, coding);
        }
        self.send(request.body(Body::from_stream(pieces))?).await
    }

    /// Waits for a job's end; `seen` hears of every state on the way. Gives the job as it ended.
    ///
    /// # Errors
    /// As [`Self::get`], and when the job failed or was cancelled, with the job's own error.
    pub(crate) async fn job(&self, id: &str, mut seen: impl FnMut(&Value)) -> anyhow::Result<Value> {
        // Quick at first, so that small jobs feel immediate; then once in a while.
        let mut pause = Duration::from_millis(40);
        loop {
            let job = self.get(&format!("/v1/jobs/{id}")).await?;
            seen(&job);
            match job["state"].as_str() {
                Some("succeeded") => return Ok(job),
                Some(state @ ("failed" | "cancelled")) => {
                    let kind = job["kind"].as_str().unwrap_or("job");
                    let error = &job["error"];
                    let detail = error["detail"].as_str().or_else(|| error.as_str()).unwrap_or_default();
                    bail!("the {kind} {state}: {detail}");
                }
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_millis(500));
        }
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.prefix))
            .header(header::HOST, &self.authority)
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key.expose_secret()))
    }

    async fn send(&self, request: Request<Body>) -> anyhow::Result<Value> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let body = self.bytes(request).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).with_context(|| format!("{what} was not answered in JSON"))
    }

    async fn bytes(&self, request: Request<Body>) -> anyhow::Result<Bytes> {
        let what = format!("{} {}", request.method(), request.uri().path());
        let address = if self.authority.contains(':') {
            self.authority.clone()
        } else {
            format!("{}:80", self.authority)
        };
        let stream = TcpStream::connect(&address)
            .await
            .with_context(|| format!("no server answers at {address}; is `clew serve` running there?"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await.with_context(|| format!("{what} was cut off"))?;
        let status = answer.status();
        let body =
            answer.into_body().collect().await.with_context(|| format!("{what} was cut off"))?.to_bytes();
        connection.abort();
        if !status.is_success() {
            let said = format!("{what} was refused: {}", problem(status.as_u16(), &body));
            if status == StatusCode::SERVICE_UNAVAILABLE {
                return Err(NotReady(said).into());
            }
            bail!(said);
        }
        Ok(body)
    }
}

/// A refusal in the server's own words: `422 title: detail (pointer: detail; …)`.
fn problem(status: u16, body: &[u8]) -> String {
    let Ok(problem) = serde_json::from_slice::<Value>(body) else { return status.to_string() };
    let mut text = format!("{status} {}", problem["title"].as_str().unwrap_or_default());
    if let Some(detail) = problem["detail"].as_str().filter(|detail| !detail.is_empty()) {
        text.push_str(": ");
        text.push_str(detail);
    }
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields: Vec<String> = errors
        .iter()
        .map(|e| {
            format!(
                "{}: {}",
                e["pointer"].as_str().unwrap_or_default(),
                e["detail"].as_str().unwrap_or_default()
            )
        })
        .collect();
    if !fields.is_empty() {
        text.push_str(&format!(" ({})", fields.join("; ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_in_the_server_s_words() {
        let body =
            br#"{"title":"Invalid","detail":"2 faults","errors":[{"pointer":"/name","detail":"is empty"}]}"#;
        assert_eq!(problem(422, body), "422 Invalid: 2 faults (/name: is empty)");
        assert_eq!(problem(502, b"<html>"), "502");
    }

    #[test]
    fn only_plain_http_addresses_are_taken() {
        assert!(Client::new("https://clew.example", "k".into()).is_err());
        assert!(Client::new("127.0.0.1:8080", "k".into()).is_err());
        assert!(Client::new("http://127.0.0.1:8080/clew/", "k".into()).is_ok_and(|c| c.prefix == "/clew"));
    }
}
