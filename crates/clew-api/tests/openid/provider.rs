//! An OpenID provider on this machine: it signs whom the test tells it to, and keeps the rules of PKCE and of single
//! use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

pub(crate) const CLIENT: &str = "clew at this shop";
pub(crate) const SECRET: &str = "a client's secret: with/odd+characters";

/// A code that was given out.
struct Grant {
    challenge: String,
    redirect_uri: String,
    claims: Value,
}

#[derive(Default)]
struct Book {
    grants: HashMap<String, Grant>,
    keys: Vec<(String, Vec<u8>)>,
    /// What the metadata say beside, or otherwise.
    metadata: Value,
    /// How often metadata were asked for.
    n_asked: usize,
    is_broken: bool,
}

/// The provider.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    book: Arc<Mutex<Book>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realms/shop", listener.local_addr().unwrap());
        let provider = Self { issuer, book: Arc::default() };
        provider.take_key("first");
        let routes = Router::new()
            .route("/realms/shop/.well-known/openid-configuration", get(metadata))
            .route("/realms/shop/keys", get(keys))
            .route("/realms/shop/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        provider
    }

    /// From now on it signs with another key.
    pub(crate) fn take_key(&self, kid: &str) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        self.book.lock().unwrap().keys.insert(0, (kid.to_owned(), der));
    }

    pub(crate) fn say(&self, name: &str, value: Value) {
        self.book.lock().unwrap().metadata[name] = value;
    }

    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.book.lock().unwrap().is_broken = is_broken;
    }

    pub(crate) fn n_asked(&self) -> usize {
        self.book.lock().unwrap().n_asked
    }

    /// Somebody signs in where the browser was sent: the code that the browser brings back.
    pub(crate) fn grant(&self, authorization_url: &str, claims: &Value) -> String {
        let url = Url::parse(authorization_url).unwrap();
        assert_eq!(url.path(), "/realms/shop/authorize");
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!((&*asked["response_type"], &*asked["client_id"]), ("code", CLIENT));
        assert_eq!((&*asked["scope"], &*asked["code_challenge_method"]), ("openid email", "S256"));
        let code = format!("code-{}", uuid::Uuid::now_v7());
        let mut whole = json!({"iss": self.issuer, "aud": CLIENT, "nonce": asked["nonce"]});
        for (name, value) in claims.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let grant = Grant {
            challenge: asked["code_challenge"].clone(),
            redirect_uri: asked["redirect_uri"].clone(),
            claims: whole,
        };
        self.book.lock().unwrap().grants.insert(code.clone(), grant);
        code
    }

    fn sign(&self, claims: &Value) -> String {
        let book = self.book.lock().unwrap();
        let (kid, der) = &book.keys[0];
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.clone());
        encode(&header, claims, &EncodingKey::from_ec_der(der)).unwrap()
    }
}

async fn metadata(State(provider): State<Provider>) -> Result<Json<Value>, StatusCode> {
    let mut book = provider.book.lock().unwrap();
    book.n_asked += 1;
    if book.is_broken {
        return Err(StatusCode::BAD_GATEWAY);
    }
    let issuer = &provider.issuer;
    let mut told = json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys")});
    for (name, value) in book.metadata.as_object().into_iter().flatten() {
        told[name] = value.clone();
    }
    Ok(Json(told))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let book = provider.book.lock().unwrap();
    let public = book.keys.iter().map(|(kid, der)| {
        let mut key = Jwk::from_encoding_key(&EncodingKey::from_ec_der(der), Algorithm::ES256).unwrap();
        key.common.key_id = Some(kid.clone());
        serde_json::to_value(key).unwrap()
    });
    // Real providers publish kinds of keys that nobody knows yet.
    let odd = json!({"kty": "ML-DSA", "kid": "of the future", "pub": "AAAA"});
    Json(json!({"keys": std::iter::once(odd).chain(public).collect::<Vec<_>>()}))
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(asked): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error})));
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    if headers.get("authorization").is_none_or(|found| found.as_bytes() != expected.as_bytes()) {
        return refused("invalid_client");
    }
    let Some(grant) = provider.book.lock().unwrap().grants.remove(&asked["code"]) else {
        return refused("invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(asked["code_verifier"].as_bytes()));
    if challenge != grant.challenge || asked["redirect_uri"] != grant.redirect_uri {
        return refused("invalid_grant");
    }
    let id_token = provider.sign(&grant.claims);
    (
        StatusCode::OK,
        Json(json!({"access_token": "not-for-clew", "token_type": "Bearer", "id_token": id_token})),
    )
}
