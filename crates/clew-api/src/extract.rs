//! Bodies, query strings and path ids, read into words of the domain or refused with everything that is wrong.

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{HeaderMap, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::openapi;
use crate::problem::{Code, FieldError, Problem, Result};
use crate::schema::Schemas;
use crate::state::ApiState;

/// A JSON body, checked against its schema in the document before it is read into `T`.
#[derive(Debug)]
pub(crate) struct Body<T> {
    /// The body.
    pub(crate) value: T,
    /// Hash of its bytes, for idempotency.
    pub(crate) digest: [u8; 32],
}

impl<T: DeserializeOwned + ToSchema> FromRequest<ApiState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self> {
        let (value, digest) = read_json(request, state, &["application/json"]).await?;
        Ok(Self { value: check_and_read(value)?, digest })
    }
}

/// Reads a JSON body of one of the media types, with the hash of its bytes.
pub(crate) async fn read_json(
    request: Request,
    state: &ApiState,
    kinds: &[&str],
) -> Result<(Value, [u8; 32])> {
    let (parts, body) = request.into_parts();
    check_media_type(&parts.headers, kinds)?;
    let bytes = read(body, state.config().body_max_bytes).await?;
    let value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::new(Code::Malformed, format!("the body is not JSON: {error}")))?;
    Ok((value, *blake3::hash(&bytes).as_bytes()))
}

/// Checks a JSON value against `T`'s schema and reads it.
pub(crate) fn check_and_read<T: DeserializeOwned + ToSchema>(value: Value) -> Result<T> {
    let schemas = Schemas { named: openapi::schemas() };
    let named = schemas.named.get(T::name().as_ref());
    let own;
    let schema = match named {
        Some(schema) => schema,
        None => {
            own = serde_json::to_value(T::schema()).map_err(Problem::internal)?;
            &own
        }
    };
    let errors = schemas.check(schema, &value);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    // What the schema cannot say (a number too large for its type, say) is said by serde.
    serde_json::from_value(value).map_err(|error| Problem::field("", error.to_string()))
}

fn check_media_type(headers: &HeaderMap, kinds: &[&str]) -> Result<()> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("none");
    let found = found.split(';').next().unwrap_or_default().trim();
    if !kinds.iter().any(|kind| kind.eq_ignore_ascii_case(found)) {
        let detail = format!("expected content-type {}, found {found}", kinds.join(" or "));
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity") {
        return Err(Problem::new(Code::UnsupportedMediaType, "send JSON bodies without content-encoding"));
    }
    Ok(())
}

async fn read(body: HttpBody, max_bytes: usize) -> Result<bytes::Bytes> {
    match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::TooLarge, format!("the body has more than {max_bytes} bytes")))
        }
        Err(error) => Err(Problem::new(Code::Malformed, "the body broke off").caused_by(error)),
    }
}

/// A query string, checked against its parameters in the document before it is read into `T`.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + IntoParams> FromRequestParts<ApiState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self> {
        let axum::extract::Query(pairs) =
            axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state)
                .await
                .map_err(|error| Problem::new(Code::Malformed, error.body_text()))?;
        read_pairs(pairs).map(Self)
    }
}

fn read_pairs<T: DeserializeOwned + IntoParams>(pairs: Vec<(String, String)>) -> Result<T> {
    let schemas = Schemas { named: openapi::schemas() };
    let parameters = T::into_params(|| Some(ParameterIn::Query));
    let mut errors = Vec::new();
    let mut given = Map::new();
    for (name, text) in pairs {
        let pointer = format!("?{name}");
        let Some(parameter) = parameters.iter().find(|p| p.name == name) else {
            let known: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
            let known = if known.is_empty() { "there are none here".into() } else { known.join(", ") };
            errors.push(FieldError { pointer, detail: format!("is not a known parameter; known: {known}") });
            continue;
        };
        let schema = serde_json::to_value(&parameter.schema).map_err(Problem::internal)?;
        let value = typed(schemas.resolve(&schema), &text);
        let found = schemas.check(&schema, &value);
        errors.extend(found.into_iter().map(|e| FieldError { pointer: pointer.clone(), detail: e.detail }));
        if given.insert(name, value).is_some() {
            errors.push(FieldError { pointer, detail: "is given twice".into() });
        }
    }
    for parameter in &parameters {
        let required = parameter.required == utoipa::openapi::Required::True;
        if required && !given.contains_key(&parameter.name) {
            errors.push(FieldError { pointer: format!("?{}", parameter.name), detail: "is missing".into() });
        }
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    serde_json::from_value(Value::Object(given)).map_err(|error| Problem::field("?", error.to_string()))
}

/// A query text as the JSON type its schema asks for; what does not fit stays text, and is refused as such.
fn typed(schema: &Value, text: &str) -> Value {
    let is = |kind: &str| match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(many)) => many.iter().any(|one| one == kind),
        _ => false,
    };
    let number = || text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from));
    if is("boolean") && matches!(text, "true" | "false") {
        Value::from(text == "true")
    } else if (is("integer") || is("number")) && number().is_ok_and(|n| n.is_number()) {
        number().unwrap_or_default()
    } else {
        Value::from(text)
    }
}

/// A UUID in the path. What is no UUID names nothing, hence 404.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(pub(crate) Uuid);

impl FromRequestParts<ApiState> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self> {
        let Path(id) = Path::<Uuid>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(Code::NotFound, "the path holds no valid id"))?;
        Ok(Self(id))
    }
}

/// A tenant's own id (of a customer, a product) in the path: any text of 1 to 256 bytes.
#[derive(Debug, Clone)]
pub(crate) struct OwnId(pub(crate) String);

impl FromRequestParts<ApiState> for OwnId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(Code::NotFound, "the path holds no valid id"))?;
        if id.is_empty() || id.len() > 256 || id.contains('\0') {
            return Err(Problem::new(Code::NotFound, "the path holds no valid id"));
        }
        Ok(Self(id))
    }
}
