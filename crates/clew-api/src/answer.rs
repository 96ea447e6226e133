//! Answers: JSON with a status and perhaps a `Location`, kept whole so that an idempotent request can be
//! answered with the same bytes again; and pages of lists.

use std::fmt;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clew_store::{Page, Paged};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, Result};

/// A JSON answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) json: Vec<u8>,
}

impl fmt::Debug for Answer {
    /// Without the body: it may show a secret for the one time that it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, n_bytes) = (self.status, self.json.len());
        f.debug_struct("Answer").field("status", &status).field("n_bytes", &n_bytes).finish_non_exhaustive()
    }
}

impl Answer {
    fn new(status: StatusCode, location: Option<String>, body: &impl Serialize) -> Result<Self> {
        Ok(Self { status, location, json: serde_json::to_vec(body).map_err(Problem::internal)? })
    }

    /// 200.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self> {
        Self::new(StatusCode::OK, None, body)
    }

    /// 201 with the address of what was made.
    pub(crate) fn created(location: String, body: &impl Serialize) -> Result<Self> {
        Self::new(StatusCode::CREATED, Some(location), body)
    }

    /// 202 with the address of what to follow.
    pub(crate) fn accepted(location: Option<String>, body: &impl Serialize) -> Result<Self> {
        Self::new(StatusCode::ACCEPTED, location, body)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.json));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(location) = self.location.and_then(|l| HeaderValue::from_str(&l).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The rows of the page.
    #[schema(max_items = 1000)]
    data: Vec<T>,
    /// Ask for the next page with it; null on the last.
    #[schema(max_length = 1024, example = "AQx3Yl9wb3NpdGlvbg")]
    next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn of<R: Into<T>>(page: Paged<R>) -> Self {
        Self { data: page.data.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor }
    }

    pub(crate) fn new(data: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { data, next_cursor }
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Rows wanted.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
}

fn default_limit() -> u32 {
    100
}

impl From<PageQuery> for Page {
    fn from(query: PageQuery) -> Self {
        Self { limit: query.limit, cursor: query.cursor }
    }
}

/// The first `n_rows` ids after a position, in their order as bytes, and whether more follow.
pub(crate) fn by_id<'a>(
    ids: impl Iterator<Item = &'a str>,
    after: Option<&str>,
    n_rows: usize,
) -> (Vec<String>, bool) {
    let mut left: Vec<&str> = ids.filter(|id| after.is_none_or(|after| *id > after)).collect();
    let more = left.len() > n_rows;
    if more {
        left.select_nth_unstable(n_rows);
        left.truncate(n_rows);
    }
    left.sort_unstable();
    (left.into_iter().map(str::to_owned).collect(), more)
}

#[cfg(test)]
mod tests {
    use super::{Answer, by_id};

    #[test]
    fn debug_shows_no_body() {
        let answer = Answer::ok(&"clew_live_secret").unwrap();
        assert_eq!(format!("{answer:?}"), "Answer { status: 200, n_bytes: 18, .. }");
    }

    #[test]
    fn pages_by_id_cover_all_once() {
        let ids = ["c", "a", "e", "b", "d"];
        let mut seen = Vec::new();
        loop {
            let (page, more) = by_id(ids.into_iter(), seen.last().map(String::as_str), 2);
            seen.extend(page);
            if !more {
                break;
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    }
}
