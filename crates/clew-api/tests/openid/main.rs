//! Members who sign in with an account at an outside OpenID provider.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod provider;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::Method;
use chrono::TimeDelta;
use clew_api::{ApiConfig, OpenIdConfig, TokenConfig};
use common::{Answer, Api, now};
use provider::{CLIENT, Provider, SECRET};
use serde_json::{Value, json};
use url::Url;

const EMAIL: &str = "anna.lenoir@example.com";
const BEGIN: &str = "/v1/sign-in/openid";
const END: &str = "/v1/sign-in/openid/session";

/// An API with a provider beside it, and a clock that the test moves.
struct Stage {
    api: Api,
    provider: Provider,
    seconds: Arc<AtomicI64>,
}

impl Stage {
    async fn start() -> Self {
        Self::start_as(SECRET).await
    }

    async fn start_as(secret: &str) -> Self {
        let provider = Provider::start().await;
        let secret = Some(secret.to_owned().into());
        let openid =
            OpenIdConfig::new(&provider.issuer, "http://localhost:8080", CLIENT, secret, "Shop Login");
        let tokens = TokenConfig::hs256([b"thirty-two bytes of a test secret".as_slice()], "clew", "clew");
        let config = ApiConfig { tokens, openid: Some(openid.unwrap()), ..ApiConfig::default() };
        let seconds = Arc::new(AtomicI64::new(0));
        let shared = Arc::clone(&seconds);
        let clock = move || now() + TimeDelta::seconds(shared.load(Ordering::SeqCst));
        Self { api: Api::start_at(config, Arc::new(clock)).await, provider, seconds }
    }

    fn pass(&self, time: TimeDelta) {
        self.seconds.fetch_add(time.num_seconds(), Ordering::SeqCst);
    }

    async fn invite(&self, email: &str) -> String {
        let asked = json!({"email": email, "right": "marketer"});
        self.api.owner().await.post("/v1/members", &asked).await.expect(201).id()
    }

    async fn begin(&self) -> Value {
        self.api.nobody().post(BEGIN, &Value::Null).await.expect(200).body()
    }

    /// The claims of somebody's account at this moment.
    fn account(&self, subject: &str, email: &str) -> Value {
        let now = self.api.state.now().timestamp();
        json!({"sub": subject, "email": email, "email_verified": true, "iat": now, "exp": now + 300})
    }

    async fn answer(&self, begun: &Value, code: &str) -> Answer {
        self.answer_with(begun, code, json!({})).await
    }

    /// Brings the code back, with further fields or other ones.
    async fn answer_with(&self, begun: &Value, code: &str, other: Value) -> Answer {
        let url = Url::parse(begun["authorization_url"].as_str().unwrap()).unwrap();
        let (_, state) = url.query_pairs().find(|(name, _)| name == "state").unwrap();
        let mut asked = json!({"attempt": begun["attempt"], "code": code, "state": state});
        for (name, value) in other.as_object().unwrap() {
            asked[name] = value.clone();
        }
        self.api.nobody().post(END, &asked).await
    }

    /// From the beginning to the end with an account of these claims.
    async fn sign_in(&self, claims: &Value) -> Answer {
        let begun = self.begin().await;
        let code = self.provider.grant(begun["authorization_url"].as_str().unwrap(), claims);
        self.answer(&begun, &code).await
    }
}

#[tokio::test]
async fn a_member_signs_in_with_an_account_elsewhere() {
    let stage = Stage::start().await;
    let nobody = stage.api.nobody();
    let offer = nobody.get(BEGIN).await.expect(200).body();
    assert_eq!(offer, json!({"offered": true, "name": "Shop Login"}));
    let id = stage.invite(EMAIL).await;
    let session = stage.sign_in(&stage.account("anna", "Anna.Lenoir@example.com")).await.expect(200).body();
    assert_eq!((&session["member"]["id"], &session["member"]["has_password"]), (&json!(id), &json!(false)));
    assert_eq!(session["tenant_id"], json!(stage.api.tenant_id));
    let member = stage.api.bearer(session["access_token"].as_str().unwrap());
    member.get("/v1/offers").await.expect(200);
    let again = json!({"refresh_token": session["refresh_token"]});
    stage.api.nobody().post("/v1/sign-in/refresh", &again).await.expect(200);
    // It is in the audit log, as the member's.
    let log = stage.api.owner().await.get("/v1/audit").await.expect(200).body();
    let told =
        log["data"].as_array().unwrap().iter().find(|line| line["operation"] == "create_openid_session");
    assert_eq!(told.unwrap()["actor"], json!({"kind": "member", "id": id}));
}

#[tokio::test]
async fn the_account_stays_the_member_s_whatever_becomes_of_the_e_mail() {
    let stage = Stage::start().await;
    let id = stage.invite(EMAIL).await;
    stage.sign_in(&stage.account("anna", EMAIL)).await.expect(200);
    // Her e-mail changed; then it is given to another, who is not her.
    let session = stage.sign_in(&stage.account("anna", "anna.blanc@example.com")).await.expect(200).body();
    assert_eq!(session["member"]["id"], json!(id));
    stage.sign_in(&stage.account("another anna", EMAIL)).await.expect(401);
    // Who is removed is out at once, and back only when invited again.
    let owner = stage.api.owner().await;
    owner.delete(&format!("/v1/members/{id}")).await.expect(204);
    stage.api.bearer(session["access_token"].as_str().unwrap()).get("/v1/offers").await.expect(401);
    stage.sign_in(&stage.account("anna", EMAIL)).await.expect(401);
    let new = stage.invite(EMAIL).await;
    let session = stage.sign_in(&stage.account("anna", EMAIL)).await.expect(200).body();
    assert_eq!(session["member"]["id"], json!(new));
}

#[tokio::test]
async fn nobody_comes_in_by_an_e_mail_that_the_provider_has_not_verified() {
    let stage = Stage::start().await;
    stage.invite(EMAIL).await;
    for unverified in [json!(false), json!("false"), json!(null), json!(1), json!({})] {
        let mut claims = stage.account("anna", EMAIL);
        claims["email_verified"] = unverified;
        stage.sign_in(&claims).await.expect(401);
    }
    stage.sign_in(&stage.account("anna", "somebody.else@example.com")).await.expect(401);
    let mut without = stage.account("anna", EMAIL);
    without.as_object_mut().unwrap().shift_remove("email");
    assert_eq!(stage.sign_in(&without).await.expect(401).problem(), "unauthenticated");
}

#[tokio::test]
async fn only_the_page_that_began_can_bring_the_answer_and_only_once_and_soon() {
    let stage = Stage::start().await;
    stage.invite(EMAIL).await;
    let (mine, theirs) = (stage.begin().await, stage.begin().await);
    let url = |begun: &Value| begun["authorization_url"].as_str().unwrap().to_owned();
    let grant = |begun: &Value| stage.provider.grant(&url(begun), &stage.account("anna", EMAIL));
    // A code of another attempt: its state, its PKCE challenge and its nonce are not this one's.
    let code = grant(&theirs);
    stage.answer_with(&mine, &code, json!({"state": "guessed"})).await.expect(401);
    stage.answer_with(&theirs, &code, json!({"attempt": mine["attempt"]})).await.expect(401);
    stage.answer(&mine, &code).await.expect(401);
    stage.answer_with(&mine, "x", json!({"attempt": "AQAAAABpIf3YLq"})).await.expect(401);
    // A code that was used.
    let code = grant(&mine);
    stage.answer(&mine, &code).await.expect(200);
    stage.answer(&mine, &code).await.expect(401);
    // Too late.
    let late = stage.begin().await;
    let code = grant(&late);
    stage.pass(TimeDelta::minutes(10));
    stage.answer(&late, &code).await.expect(401);
    // Another provider's answer (RFC 9207).
    let begun = stage.begin().await;
    let code = grant(&begun);
    stage.answer_with(&begun, &code, json!({"iss": "https://evil.example.com"})).await.expect(401);
    stage.answer_with(&begun, &code, json!({"iss": stage.provider.issuer})).await.expect(200);
}

#[tokio::test]
async fn a_provider_that_says_who_it_is_must_do_so_in_each_answer() {
    let stage = Stage::start().await;
    stage.provider.say("authorization_response_iss_parameter_supported", json!(true));
    stage.invite(EMAIL).await;
    let begun = stage.begin().await;
    let url = begun["authorization_url"].as_str().unwrap().to_owned();
    let code = stage.provider.grant(&url, &stage.account("anna", EMAIL));
    stage.answer(&begun, &code).await.expect(401);
    stage.answer_with(&begun, &code, json!({"iss": stage.provider.issuer})).await.expect(200);
}

#[tokio::test]
async fn an_id_token_for_others_or_of_others_is_refused() {
    let stage = Stage::start().await;
    stage.invite(EMAIL).await;
    let now = stage.api.state.now().timestamp();
    for (name, value) in [
        ("iss", json!("https://id.example.com")),
        ("aud", json!("another client")),
        ("aud", json!([CLIENT, "another client"])),
        ("azp", json!("another client")),
        ("nonce", json!("guessed")),
        ("nonce", json!(null)),
        ("exp", json!(now - 61)),
        ("iat", json!(now + 120)),
        ("iat", json!(now - 3_600)),
        ("nbf", json!(now + 120)),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        ("sub", json!(7)),
    ] {
        let mut claims = stage.account("anna", EMAIL);
        claims[name] = value;
        assert_eq!(stage.sign_in(&claims).await.expect(401).problem(), "unauthenticated", "{claims}");
    }
    let mut both = stage.account("anna", EMAIL);
    both["aud"] = json!([CLIENT, "another client"]);
    both["azp"] = json!(CLIENT);
    stage.sign_in(&both).await.expect(200);
}

#[tokio::test]
async fn the_provider_s_keys_may_change_and_it_is_not_asked_at_every_sign_in() {
    let stage = Stage::start().await;
    stage.invite(EMAIL).await;
    for _ in 0..3 {
        stage.sign_in(&stage.account("anna", EMAIL)).await.expect(200);
    }
    assert_eq!(stage.provider.n_asked(), 1);
    stage.provider.take_key("second");
    // Not within a minute: whoever makes keys up does not make this server ask.
    stage.sign_in(&stage.account("anna", EMAIL)).await.expect(401);
    assert_eq!(stage.provider.n_asked(), 1);
    stage.pass(TimeDelta::minutes(1));
    stage.sign_in(&stage.account("anna", EMAIL)).await.expect(200);
    assert_eq!(stage.provider.n_asked(), 2);
}

#[tokio::test]
async fn a_provider_that_is_away_or_not_as_it_should_be_is_told_as_such() {
    let stage = Stage::start().await;
    stage.provider.set_broken(true);
    let begin = || async { stage.api.nobody().post(BEGIN, &Value::Null).await.expect(503).problem() };
    assert_eq!(begin().await, "unavailable");
    stage.provider.set_broken(false);
    for (name, value) in [
        ("issuer", json!("https://id.example.com")),
        ("token_endpoint", json!("http://id.example.com/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
    ] {
        let stage = Stage::start().await;
        stage.provider.say(name, value);
        stage.api.nobody().post(BEGIN, &Value::Null).await.expect(503);
    }
    // A secret that is not the client's is the operator's to mend.
    let stage = Stage::start_as("another secret").await;
    stage.invite(EMAIL).await;
    stage.sign_in(&stage.account("anna", EMAIL)).await.expect(503);
}

#[tokio::test]
async fn without_a_provider_there_is_nothing_to_begin() {
    let api = Api::start().await;
    assert_eq!(api.nobody().get(BEGIN).await.expect(200).body(), json!({"offered": false, "name": null}));
    api.nobody().post(BEGIN, &Value::Null).await.expect(503);
    let asked = json!({"attempt": "x", "code": "x", "state": "x"});
    api.nobody().json(Method::POST, END, &asked).await.expect(503);
}

#[tokio::test]
async fn an_account_is_a_member_in_the_tenant_that_is_named() {
    let stage = Stage::start().await;
    let here = stage.invite(EMAIL).await;
    let elsewhere = stage.api.database.tenant("Another").await.unwrap();
    let asked = json!({"email": EMAIL, "right": "reader"});
    let (_, key) = stage.api.key_of(elsewhere, clew_store::key::Right::Owner, None).await;
    let there = stage.api.bearer(&key).post("/v1/members", &asked).await.expect(201).id();
    for (tenant_id, member_id) in [(elsewhere, &there), (stage.api.tenant_id, &here)] {
        let begun = stage.begin().await;
        let url = begun["authorization_url"].as_str().unwrap().to_owned();
        let code = stage.provider.grant(&url, &stage.account("anna", EMAIL));
        let session =
            stage.answer_with(&begun, &code, json!({"tenant_id": tenant_id})).await.expect(200).body();
        assert_eq!((&session["tenant_id"], &session["member"]["id"]), (&json!(tenant_id), &json!(member_id)));
    }
    let third = stage.api.database.tenant("A third").await.unwrap();
    let begun = stage.begin().await;
    let url = begun["authorization_url"].as_str().unwrap().to_owned();
    let code = stage.provider.grant(&url, &stage.account("anna", EMAIL));
    stage.answer_with(&begun, &code, json!({"tenant_id": third})).await.expect(401);
}
