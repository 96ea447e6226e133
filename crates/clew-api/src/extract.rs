//! Bodies, query strings and path ids, read into words of the domain or refused with everything that is wrong.

use axum::body::{Body as HttpBody, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Path, Request};
use axum::http::{HeaderMap, header, request::Parts};
use clew_store::intake::MAX_ID;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::openapi;
use crate::problem::{Code, FieldError, Problem, Result};
use crate::schema::{MAX_ERRORS, Schemas};
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
    serde_json::from_value(whole_numbers(value)).map_err(|error| Problem::field("", error.to_string()))
}

/// Writes 74.0 as 74: to JSON they are the same number (JSON Schema, section 4.2.3), to serde they are not.
fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            // Up to 2^53, where every integer is a float of its own.
            Some(x) if x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0 => Value::from(x as i64),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, one)| (name, whole_numbers(one))).collect())
        }
        other => other,
    }
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
    let too_large = || Problem::new(Code::TooLarge, format!("the body has more than {max_bytes} bytes"));
    // One that says so itself is not waited for.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(too_large());
    }
    match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
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

/// Refuses every parameter of the query where the operation has none; where it has some, [`Query`] looks at them.
///
/// # Errors
/// 422 that names each.
pub(crate) fn check_no_query(parts: &Parts) -> Result<()> {
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    if query.is_empty() || openapi::operation(&parts.method, path).is_none_or(|known| known.has_query) {
        return Ok(());
    }
    let errors = query.split('&').map(|pair| FieldError {
        pointer: format!("?{}", pair.split('=').next().unwrap_or_default()),
        detail: "is not a known parameter; known: there are none here".into(),
    });
    Err(Problem::invalid(errors.take(MAX_ERRORS).collect()))
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
        let mut schema = serde_json::to_value(&parameter.schema).map_err(Problem::internal)?;
        openapi::bound(&mut schema);
        let value = whole_numbers(typed(schemas.resolve(&schema), &text));
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

/// A UUID in the one form that RFC 9562 (section 4) and the document give it.
pub(crate) fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// A UUID in the path. What is no UUID names nothing, hence 404.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(pub(crate) Uuid);

impl FromRequestParts<ApiState> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self> {
        let no_id = || Problem::new(Code::NotFound, "the path holds no valid id");
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| no_id())?;
        uuid(&text).map(Self).ok_or_else(no_id)
    }
}

/// A tenant's own id (of a customer, a product) in the path: any text of 1 to 512 bytes, as long as an import may bring.
#[derive(Debug, Clone)]
pub(crate) struct OwnId(pub(crate) String);

impl FromRequestParts<ApiState> for OwnId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(Code::NotFound, "the path holds no valid id"))?;
        if id.is_empty() || id.len() > MAX_ID || id.contains('\0') {
            return Err(Problem::new(Code::NotFound, "the path holds no valid id"));
        }
        Ok(Self(id))
    }
}
