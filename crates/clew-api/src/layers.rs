//! What surrounds every handler: the request's id, its span, its log line and its metrics, the time limit, the
//! answer to a panic, and the security headers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tracing::Instrument;
use uuid::{NoContext, Timestamp, Uuid};

use crate::compute::panicked;
use crate::context::{CONTEXT, Context};
use crate::limit;
use crate::metrics::{IN_FLIGHT, REQUEST_SECONDS};
use crate::problem::{Code, Problem};
use crate::state::ApiState;
use crate::{address, openapi};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The API serves data only: nothing in an answer may load, run or be framed.
const CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// Swagger UI loads its own scripts and styles, and writes styles inline.
const DOCS_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// Puts the layers round the routes, outermost last.
pub(crate) fn surround(router: Router, state: &ApiState) -> Router {
    let router = router
        .layer(from_fn_with_state(state.clone(), deadline))
        .layer(from_fn_with_state(state.clone(), limit_open))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
            panicked(panic.as_ref()).into_response()
        }))
        .layer(CompressionLayer::new());
    // Without it, OPTIONS is a method like any other.
    let origins = &state.config().cors_origins;
    let router = if origins.is_empty() { router } else { router.layer(cors(origins)) };
    router
        .layer(from_fn(secure))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]))
        .layer(from_fn_with_state(state.clone(), observe))
}

struct InFlight;

impl InFlight {
    fn enter() -> Self {
        metrics::gauge!(IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(IN_FLIGHT).decrement(1.0);
    }
}

/// Gives the request its id and span, and writes its log line and metrics. The line holds the route's pattern,
/// never the path itself, which may hold a customer's id.
async fn observe(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let _in_flight = InFlight::enter();
    let now = state.now();
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let context =
        Context::new(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos())));
    let request_id = context.request_id.to_string();
    let method = request.method().clone();
    let route: Arc<str> =
        request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).into();
    let span = tracing::info_span!("request", request.id = request_id, tenant.id = tracing::field::Empty);
    let answer = next.run(request).instrument(span.clone());
    let mut response = CONTEXT.scope(Arc::clone(&context), answer).await;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    if let Some(limits) = context.limits.get() {
        limit::tell(response.headers_mut(), limits);
    }
    let elapsed = started.elapsed();
    let status = response.status();
    let labels = [
        ("method", method_label(&method).to_owned()),
        ("route", route.to_string()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::histogram!(REQUEST_SECONDS, &labels).record(elapsed.as_secs_f64());
    tracing::info!(
        request.id = request_id,
        tenant.id = context.tenant_id.get().map(tracing::field::display),
        http.method = %method,
        http.route = &*route,
        http.status = status.as_u16(),
        duration_ms = elapsed.as_secs_f64() * 1e3,
        "answered"
    );
    response
}

/// A closed set, so that nobody fills the metrics with invented methods.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Counts what needs no credential by the sender's network; the rest is counted when its caller is known.
async fn limit_open(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if openapi::operation(request.method(), path).is_some_and(|known| known.is_open) {
        let trusted = &state.config().trusted_proxies;
        let sender = address::of_sender(request.headers(), request.extensions(), trusted);
        if let Err(problem) = state.limiter().check_open(&address::network(sender)) {
            return problem.into_response();
        }
    }
    next.run(request).await
}

/// Ends a request that takes too long. Imports are bounded by their pauses instead.
async fn deadline(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if request.method() == Method::POST && route == Some("/v1/imports") {
        return next.run(request).await;
    }
    let limit = state.config().request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no answer within {} s; ask for less at once", limit.as_secs());
            Problem::unavailable(detail, 5).into_response()
        }
    }
}

/// Which pages of other origins may call the API from a browser: those that the configuration names. They send their
/// credential themselves; a browser adds none of its own.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let sent = [header::AUTHORIZATION, header::CONTENT_TYPE, header::CONTENT_ENCODING, IDEMPOTENCY_KEY];
    let limits = ["ratelimit", "ratelimit-policy"].map(HeaderName::from_static);
    let read = [header::LOCATION, header::RETRY_AFTER, header::CONTENT_DISPOSITION, X_REQUEST_ID];
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(sent)
        .expose_headers(read.into_iter().chain(limits).collect::<Vec<_>>())
        .max_age(Duration::from_secs(600))
}

/// Headers that keep a browser from making more of an answer than it is.
async fn secure(request: Request, next: Next) -> Response {
    let docs = request.uri().path().starts_with("/docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // Browsers heed it over TLS alone, which ends at the proxy in front.
    let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
    headers.insert(header::STRICT_TRANSPORT_SECURITY, two_years);
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers
        .insert("permissions-policy", HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    // A page that is made here brings its own policy.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(if docs { DOCS_CSP } else { CSP });
    if !docs {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// 405, as a problem. The `Allow` header is added by the router.
pub(crate) async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{method} is not among the methods of this path; see Allow"))
}

/// 404 below `/v1`, as a problem.
pub(crate) async fn no_such_path() -> Problem {
    Problem::new(Code::NotFound, "there is no such path; /docs lists all of them")
}
