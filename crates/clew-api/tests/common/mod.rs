//! The in-process API over a real store, spoken to in intentions: `api.reader().get("/v1/offers").await`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of tests")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use chrono::{DateTime, TimeZone, Utc};
use clew_api::{ApiConfig, ApiParts, ApiState, Clock, router};
use clew_store::key::{self, NewKey, Right};
use clew_store::object::Objects;
use clew_store::testing::{TestStore, database};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

/// An API over a fresh database with one tenant.
pub struct Api {
    pub router: Router,
    pub database: TestStore,
    pub state: ApiState,
    pub tenant_id: Uuid,
    pub draining: CancellationToken,
}

/// Somebody who sends requests.
pub struct Client {
    router: Router,
    authorization: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// The moment that the injected clock shows.
pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, 18, 0, 0).unwrap()
}

impl Api {
    pub async fn start() -> Self {
        Self::start_with(ApiConfig::default()).await
    }

    pub async fn start_with(config: ApiConfig) -> Self {
        Self::start_at(config, Arc::new(now)).await
    }

    /// With a clock of the test's own.
    pub async fn start_at(config: ApiConfig, clock: Clock) -> Self {
        let database = database().await.unwrap();
        let tenant_id = database.tenant("Maison Lenoir").await.unwrap();
        Self::over(database, tenant_id, config, clock)
    }

    /// An API over a database that is there.
    pub fn over(database: TestStore, tenant_id: Uuid, config: ApiConfig, clock: Clock) -> Self {
        let objects = Objects::open(database.objects_dir().to_str().unwrap()).unwrap();
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
        let draining = CancellationToken::new();
        let state = ApiState::new(ApiParts {
            store: database.store.clone(),
            objects,
            pool,
            clock,
            config,
            metrics: clew_api::metrics::install().unwrap(),
            draining: draining.clone(),
        });
        Self { router: router(state.clone()), database, state, tenant_id, draining }
    }

    /// A key of the first tenant.
    pub async fn key(&self, right: Right) -> String {
        self.key_of(self.tenant_id, right, None).await.1
    }

    pub async fn key_of(
        &self,
        tenant_id: Uuid,
        right: Right,
        expires_at: Option<DateTime<Utc>>,
    ) -> (Uuid, String) {
        let mut tenant = self.database.store.tenant(tenant_id).await.unwrap();
        let new = NewKey { name: right.to_string(), right, expires_at };
        let (row, shown) = key::insert(&mut tenant, &new).await.unwrap();
        tenant.commit().await.unwrap();
        (row.id, shown.expose_secret().to_owned())
    }

    pub async fn revoked_key(&self, right: Right) -> String {
        let (id, shown) = self.key_of(self.tenant_id, right, None).await;
        let mut tenant = self.database.store.tenant(self.tenant_id).await.unwrap();
        key::revoke(&mut tenant, id).await.unwrap();
        tenant.commit().await.unwrap();
        shown
    }

    pub async fn operator_key(&self) -> String {
        let mut operator = self.database.store.operator().await.unwrap();
        let (_, shown) = key::insert_operator(&mut operator, "operator", None).await.unwrap();
        operator.commit().await.unwrap();
        shown.expose_secret().to_owned()
    }

    pub fn with(&self, authorization: Option<&str>) -> Client {
        Client { router: self.router.clone(), authorization: authorization.map(str::to_owned) }
    }

    pub fn bearer(&self, key: &str) -> Client {
        self.with(Some(&format!("Bearer {key}")))
    }

    pub fn nobody(&self) -> Client {
        self.with(None)
    }

    pub async fn as_right(&self, right: Right) -> Client {
        self.bearer(&self.key(right).await)
    }

    pub async fn reader(&self) -> Client {
        self.as_right(Right::Reader).await
    }

    pub async fn marketer(&self) -> Client {
        self.as_right(Right::Marketer).await
    }

    pub async fn owner(&self) -> Client {
        self.as_right(Right::Owner).await
    }

    pub async fn operator(&self) -> Client {
        self.bearer(&self.operator_key().await)
    }
}

impl Client {
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        request
    }

    /// Sends a request. Every JSON answer that is no problem must be as the document says.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        if answer.header("content-type") == "application/json" && path != "/openapi.json" {
            conforms(&method, &path, &answer);
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).body(Body::empty()).unwrap()).await
    }

    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PATCH, path, body).await
    }

    /// A creating request with an `Idempotency-Key`.
    pub async fn post_once(&self, key: &str, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        let request = request.header("idempotency-key", key);
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A file for an import.
    pub async fn upload(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", kind);
        self.send(request.body(body.into()).unwrap()).await
    }
}

/// Checks an answer against the schema that the document gives for it.
fn conforms(method: &Method, path: &str, answer: &Answer) {
    let fits = |template: &str| {
        let (mut said, mut sent) = (template.split('/'), path.split('/'));
        template.split('/').count() == path.split('/').count()
            && said.by_ref().zip(sent.by_ref()).all(|(said, sent)| said == sent || said.starts_with('{'))
    };
    let paths = clew_api::document()["paths"].as_object().unwrap();
    // What is written out goes before what has a place for an id.
    let template = paths.keys().filter(|template| fits(template)).min_by_key(|t| t.matches('{').count());
    let operation = &paths[template.unwrap_or_else(|| panic!("{path} is not in the document"))];
    let response = &operation[method.as_str().to_lowercase()]["responses"][answer.status.as_str()];
    let schema = &response["content"]["application/json"]["schema"];
    assert!(!schema.is_null(), "{method} {path} answers {} without a schema", answer.status);
    let faults = clew_api::openapi::check_example(schema, &answer.body());
    assert!(faults.is_empty(), "{method} {path}: {faults:?}\n{}", answer.text);
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// One of the closed codes; checks that it is a whole problem.
    #[track_caller]
    pub fn problem(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        let body = self.body();
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["request_id"], self.headers["x-request-id"].to_str().unwrap());
        assert!(body["title"].is_string() && body["type"].is_string() && body["detail"].is_string());
        body["code"].as_str().unwrap().to_owned()
    }

    /// `pointer: detail` of each field error.
    #[track_caller]
    pub fn errors(&self) -> Vec<String> {
        let body = self.body();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let line =
            |e: &Value| format!("{}: {}", e["pointer"].as_str().unwrap(), e["detail"].as_str().unwrap());
        errors.iter().map(line).collect()
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.body()["id"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}
