//! The web page, built once and embedded: a client of the public API like any other.
//!
//! `dist` is what `make console` builds from `web`; it is committed, so that building clew needs no Node, and CI rebuilds and compares it.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "dist"]
struct Dist;

/// Everything the page may do: its own script, style and icon, and calls to its own server. Nothing inline, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes of the page: `/` and the few files that it loads. Merge it beside the API's router.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router =
        Router::new().route("/", get(|headers: HeaderMap| async move { file("index.html", &headers) }));
    for name in Dist::iter().filter(|name| name != "index.html") {
        let path = format!("/{name}");
        router = router.route(
            &path,
            get(move |headers: HeaderMap| {
                let name = name.clone();
                async move { file(&name, &headers) }
            }),
        );
    }
    router
}

fn file(name: &str, asked: &HeaderMap) -> Response {
    let Some(file) = Dist::get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let tag: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = asked.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut answer = if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, media_type(name))], file.data).into_response()
    };
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    answer
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
