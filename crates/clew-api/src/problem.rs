//! What an answer says when it is not what was asked for: RFC 9457 `application/problem+json` with a closed
//! list of codes, each with one HTTP status. Every error of the API passes through here.

use std::error::Error;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context;

/// The closed list of problem codes. A code never changes its meaning nor its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 400: the request cannot be read (broken JSON, broken query string).
    Malformed,
    /// 401: no credential, or none that is valid.
    Unauthenticated,
    /// 403: the credential's right is too low for this operation.
    Forbidden,
    /// 404: no such thing for this tenant.
    NotFound,
    /// 405: the path exists, not with this method.
    MethodNotAllowed,
    /// 408: the body paused for too long.
    Timeout,
    /// 409: the request contradicts what is stored.
    Conflict,
    /// 409: there is no active model yet; train one.
    NoModel,
    /// 413: the body is larger than this operation accepts.
    TooLarge,
    /// 415: the body's media type or encoding is not one this operation reads.
    UnsupportedMediaType,
    /// 422: fields of the request are wrong; `errors` lists all of them.
    Invalid,
    /// 422: the `Idempotency-Key` was used with another request.
    IdempotencyMismatch,
    /// 429: too many requests; `Retry-After` says when to come back.
    TooManyRequests,
    /// 500: a fault of the service; its log holds the rest under `request_id`.
    Internal,
    /// 503: starting, draining, out of places or out of time; `Retry-After` says when to come back.
    Unavailable,
    /// 507: the service has no room left for what was sent.
    StorageFull,
}

impl Code {
    /// Every code, in order of status.
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::Conflict,
        Self::NoModel,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::IdempotencyMismatch,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
        Self::StorageFull,
    ];

    /// The HTTP status of the code.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::NoModel => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid | Self::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// The code as it is written in `code`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::NoModel => "no_model",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Invalid => "invalid",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::TooManyRequests => "too_many_requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage_full",
        }
    }

    /// The sentence that is the same for every problem of this code.
    pub fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request cannot be read",
            Self::Unauthenticated => "No valid credential",
            Self::Forbidden => "The credential's right is too low",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Not with this method",
            Self::Timeout => "The body did not arrive in time",
            Self::Conflict => "The request contradicts what is stored",
            Self::NoModel => "There is no active model",
            Self::TooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body's type is not read here",
            Self::Invalid => "Fields of the request are wrong",
            Self::IdempotencyMismatch => "The Idempotency-Key was used with another request",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "A fault of the service",
            Self::Unavailable => "Not available at the moment",
            Self::StorageFull => "No room left",
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body; for a query parameter `?` and its name.
    #[schema(example = "/expression")]
    pub pointer: String,
    /// What was found, what was expected, and where.
    #[schema(example = "1:9: unknown column `product.categori`; near: `product.category`")]
    pub detail: String,
}

/// An RFC 9457 problem, as sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A URI reference naming the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/docs#problem-not_found")]
    pub kind: String,
    /// The same for every problem of this code.
    #[schema(example = "Not found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What happened this time, and what to do about it.
    #[schema(example = "no such offer for this tenant")]
    pub detail: String,
    /// One of a closed list.
    pub code: Code,
    /// The request's id, as in the `x-request-id` header and in the log.
    #[schema(example = "0198c6a1-7a52-7c3e-9d0f-3f6f4c3b2a10")]
    pub request_id: String,
    /// For 422: every field that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A refusal on its way to the client. The source is logged, never sent.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What handlers return.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem of a code, with what happened this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after_s: None, source: None }
    }

    /// 404 for a noun: missing, or another tenant's, which is the same answer.
    pub fn not_found(noun: &str) -> Self {
        Self::new(Code::NotFound, format!("no such {noun} for this tenant"))
    }

    /// 422 with every field error found.
    pub fn invalid(mut errors: Vec<FieldError>) -> Self {
        // What was sent is repeated in the answer; the document's texts hold no U+0000, and Postgres keeps none.
        for error in &mut errors {
            error.pointer = error.pointer.replace('\0', "\u{fffd}");
            error.detail = error.detail.replace('\0', "\u{fffd}");
        }
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are wrong; see errors", many.len()),
        };
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }

    /// 422 for one field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    /// 500: the source goes to the log, the client gets the request's id.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let detail = "the service failed; its log holds the cause under this request_id";
        Self { source: Some(source.into()), ..Self::new(Code::Internal, detail) }
    }

    /// 503 with the seconds after which to come back.
    pub fn unavailable(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(Code::Unavailable, detail) }
    }

    /// 429 with the seconds after which to come back.
    pub fn too_many_requests(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(Code::TooManyRequests, detail) }
    }

    /// 429 for an attempt to sign in that comes too soon after others that failed.
    pub(crate) fn too_soon(wait: TimeDelta) -> Self {
        let seconds = u64::try_from(wait.num_milliseconds()).unwrap_or(0).div_ceil(1_000).max(1);
        let detail =
            format!("too many failed attempts; this one was not looked at, come back in {seconds} s");
        Self::too_many_requests(detail, seconds)
    }

    /// Links what caused it, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Its field errors, empty but for 422.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// What happened this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    fn log(&self) {
        let mut chain = String::new();
        let mut next: Option<&(dyn Error + 'static)> = self.source.as_deref().map(|e| e as _);
        while let Some(error) = next {
            if !chain.is_empty() {
                chain.push_str(": ");
            }
            chain.push_str(&error.to_string());
            next = error.source();
        }
        if self.code.status().is_server_error() {
            tracing::error!(problem.code = self.code.name(), error.chain = chain, "request failed");
        } else if !chain.is_empty() {
            tracing::debug!(problem.code = self.code.name(), error.chain = chain, "request refused");
        }
    }

    fn body(self, request_id: String) -> ProblemBody {
        ProblemBody {
            kind: format!("/docs#problem-{}", self.code.name()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail,
            code: self.code,
            request_id,
            errors: self.errors,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let status = self.code.status();
        let retry_after_s = self.retry_after_s;
        let body = self.body(context::request_id());
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"clew\""));
        }
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
