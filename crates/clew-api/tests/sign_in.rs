//! Members: invited, signed in, refreshed, slowed down, signed out, removed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use clew_api::{ApiConfig, TokenConfig};
use common::{Answer, Api, Client, now};
use serde_json::{Value, json};

const EMAIL: &str = "anna.lenoir@example.com";
const PASSWORD: &str = "seven grey herons";
const SECRET: &[u8] = b"thirty-two bytes of a test secret";

/// An API whose clock the test moves.
struct Stage {
    api: Api,
    seconds: Arc<AtomicI64>,
}

impl Stage {
    async fn start() -> Self {
        let seconds = Arc::new(AtomicI64::new(0));
        let shared = Arc::clone(&seconds);
        let clock = move || now() + TimeDelta::seconds(shared.load(Ordering::SeqCst));
        let tokens = TokenConfig::hs256([SECRET], "clew", "clew");
        let api = Api::start_at(ApiConfig { tokens, ..ApiConfig::default() }, Arc::new(clock)).await;
        Self { api, seconds }
    }

    fn pass(&self, time: TimeDelta) {
        self.seconds.fetch_add(time.num_seconds(), Ordering::SeqCst);
    }

    fn now(&self) -> DateTime<Utc> {
        self.api.state.now()
    }

    /// Invites somebody; gives what came back.
    async fn invite(&self, email: &str, right: &str) -> Value {
        let owner = self.api.owner().await;
        let asked = json!({"email": email, "name": "Anna Lenoir", "right": right});
        owner.post("/v1/members", &asked).await.expect(201).body()
    }

    async fn accept(&self, invitation: &Value, password: &str) -> Answer {
        let asked = json!({"invitation": invitation, "password": password});
        self.api.nobody().post("/v1/sign-in/invitation", &asked).await
    }

    /// A member with a password; gives the first session.
    async fn member(&self, right: &str) -> Value {
        let invited = self.invite(EMAIL, right).await;
        self.accept(&invited["invitation"], PASSWORD).await.expect(200).body()
    }

    async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.api.nobody().post("/v1/sign-in", &json!({"email": email, "password": password})).await
    }

    async fn sign_in_from(&self, address: &str, email: &str, password: &str) -> Answer {
        let nobody = self.api.nobody();
        let body = json!({"email": email, "password": password}).to_string();
        let mut request = nobody
            .request(Method::POST, "/v1/sign-in")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let address: SocketAddr = address.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        nobody.send(request).await
    }

    async fn refresh(&self, session: &Value) -> Answer {
        let asked = json!({"refresh_token": session["refresh_token"]});
        self.api.nobody().post("/v1/sign-in/refresh", &asked).await
    }

    fn as_member(&self, session: &Value) -> Client {
        self.api.bearer(session["access_token"].as_str().unwrap())
    }
}

#[tokio::test]
async fn a_member_is_invited_sets_a_password_and_signs_in() {
    let stage = Stage::start().await;
    let invited = stage.invite(" Anna.Lenoir@Example.com ", "marketer").await;
    assert_eq!((&invited["email"], &invited["has_password"]), (&json!(EMAIL), &json!(false)));
    assert!(invited["invitation"].as_str().unwrap().starts_with("clew_invite_"));
    assert_eq!(stage.sign_in(EMAIL, PASSWORD).await.status, 401, "there is no password yet");

    // Neither is a bad password taken, nor does it use the invitation up.
    let refused = stage.accept(&invited["invitation"], "Anna Lenoir 2026!").await.expect(422);
    assert!(refused.errors()[0].starts_with("/password: "), "{}", refused.text);
    assert!(!refused.text.contains("2026"), "a password is not said back");
    let first = stage.accept(&invited["invitation"], PASSWORD).await.expect(200).body();
    assert_eq!(first["tenant_id"], json!(stage.api.tenant_id));
    assert_eq!(stage.accept(&invited["invitation"], PASSWORD).await.expect(401).problem(), "unauthenticated");

    let session = stage.sign_in("ANNA.lenoir@example.com ", PASSWORD).await.expect(200).body();
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(session["member"]["last_sign_in_at"], json!(stage.now()));
    let member = stage.as_member(&session);
    member.get("/v1/tenant").await.expect(200);
    assert_eq!(member.get("/v1/members").await.expect(403).problem(), "forbidden", "a marketer is no owner");
    stage.pass(TimeDelta::minutes(15));
    member.get("/v1/tenant").await.expect(401);
}

#[tokio::test]
async fn an_invitation_ends_after_a_week_and_with_the_next() {
    let stage = Stage::start().await;
    let invited = stage.invite(EMAIL, "reader").await;
    let again = format!("/v1/members/{}/invitation", invited["id"].as_str().unwrap());
    let again = stage.api.owner().await.json(Method::POST, &again, &json!({})).await.expect(201).body();
    stage.accept(&invited["invitation"], PASSWORD).await.expect(401);
    stage.pass(TimeDelta::days(7));
    stage.accept(&again["invitation"], PASSWORD).await.expect(401);
    for made_up in
        [json!("clew_invite_x"), json!(""), json!(again["invitation"].as_str().unwrap().to_uppercase())]
    {
        stage.accept(&made_up, PASSWORD).await.expect(401);
    }
}

#[tokio::test]
async fn whatever_is_wrong_gets_the_same_answer() {
    let stage = Stage::start().await;
    stage.member("owner").await;
    let told = |answer: Answer| {
        let mut body = answer.body();
        body["request_id"] = Value::Null;
        (answer.status, body.to_string(), answer.header("www-authenticate").to_owned())
    };
    let mut answers = BTreeSet::new();
    answers.insert(told(stage.sign_in(EMAIL, "eight grey herons").await));
    answers.insert(told(stage.sign_in("nobody@example.com", PASSWORD).await));
    answers.insert(told(stage.sign_in("not an e-mail", PASSWORD).await));
    answers.insert(told(stage.sign_in(EMAIL, "x").await));
    let elsewhere = stage.api.database.tenant("Another").await.unwrap();
    let asked = json!({"email": EMAIL, "password": PASSWORD, "tenant_id": elsewhere});
    answers.insert(told(stage.api.nobody().post("/v1/sign-in", &asked).await));
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().unwrap().0, 401);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_second_use_ends_the_session() {
    let stage = Stage::start().await;
    let first = stage.member("reader").await;
    stage.pass(TimeDelta::minutes(14));
    let second = stage.refresh(&first).await.expect(200).body();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let third = stage.refresh(&second).await.expect(200).body();
    stage.as_member(&third).get("/v1/tenant").await.expect(200);
    let other = stage.sign_in(EMAIL, PASSWORD).await.expect(200).body();

    assert_eq!(stage.refresh(&second).await.expect(401).problem(), "unauthenticated", "it was used");
    stage.refresh(&third).await.expect(401);
    stage.as_member(&third).get("/v1/tenant").await.expect(401);
    // Another session of the same member goes on.
    stage.as_member(&other).get("/v1/tenant").await.expect(200);
    stage.refresh(&other).await.expect(200);
    // A made-up token ends nobody's session.
    for (token, status) in
        [("clew_refresh_x", 401), ("", 401), (first["access_token"].as_str().unwrap(), 422)]
    {
        stage.refresh(&json!({"refresh_token": token})).await.expect(status);
    }
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_is_a_theft() {
    let stage = Stage::start().await;
    let session = stage.member("reader").await;
    let (one, two) = tokio::join!(stage.refresh(&session), stage.refresh(&session));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let good = if one.status == 200 { one } else { two };
    stage.refresh(&good.body()).await.expect(401);
}

#[tokio::test]
async fn a_session_ends_when_idle_and_in_any_case_after_thirty_days() {
    let stage = Stage::start().await;
    let idle = stage.member("reader").await;
    stage.pass(TimeDelta::days(7));
    stage.refresh(&idle).await.expect(401);
    let mut session = stage.sign_in(EMAIL, PASSWORD).await.expect(200).body();
    for _ in 0..5 {
        stage.pass(TimeDelta::days(5));
        session = stage.refresh(&session).await.expect(200).body();
    }
    stage.pass(TimeDelta::days(5));
    stage.refresh(&session).await.expect(401);
}

#[tokio::test]
async fn signing_out_a_lower_right_and_removal_are_felt_at_once() {
    let stage = Stage::start().await;
    let session = stage.member("owner").await;
    let member = stage.as_member(&session);
    let path = format!("/v1/members/{}", session["member"]["id"].as_str().unwrap());
    member.get(&path).await.expect(200);
    let owner = stage.api.owner().await;
    let lower = json!({"right": "reader", "name": null});
    let refused = owner.patch(&path, &lower).await.expect(409);
    assert!(refused.text.contains("make another member an owner first"), "{}", refused.text);
    owner.delete(&path).await.expect(409);
    owner.post("/v1/members", &json!({"email": "second@example.com", "right": "owner"})).await.expect(201);
    owner.patch(&path, &lower).await.expect(200);
    member.get(&path).await.expect(403);
    assert_eq!(owner.get(&path).await.body()["name"], Value::Null);
    owner.patch(&path, &json!({"right": "ingest"})).await.expect(422);

    let out = member.request(Method::POST, "/v1/sign-out").body(Body::empty()).unwrap();
    member.send(out).await.expect(204);
    member.get("/v1/tenant").await.expect(401);
    stage.refresh(&session).await.expect(401);

    let session = stage.sign_in(EMAIL, PASSWORD).await.expect(200).body();
    owner.delete(&path).await.expect(204);
    stage.as_member(&session).get("/v1/tenant").await.expect(401);
    stage.refresh(&session).await.expect(401);
    stage.sign_in(EMAIL, PASSWORD).await.expect(401);
    owner.delete(&path).await.expect(404);
    let out = owner.request(Method::POST, "/v1/sign-out").body(Body::empty()).unwrap();
    assert_eq!(owner.send(out).await.expect(409).problem(), "conflict", "a key has no session");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let stage = Stage::start().await;
    let other = stage.member("reader").await;
    let session = stage.sign_in(EMAIL, PASSWORD).await.expect(200).body();
    let member = stage.as_member(&session);
    let change = |from: &str, to: &str| json!({"current_password": from, "new_password": to});
    let new = "eight marmalade skies";
    let wrong = member.json(Method::PUT, "/v1/password", &change("not this at all", new)).await.expect(422);
    assert_eq!(wrong.errors(), ["/current_password: is not the present one"]);
    let short = member.json(Method::PUT, "/v1/password", &change(PASSWORD, "short")).await.expect(422);
    assert!(short.errors()[0].starts_with("/new_password: expected at least 15"), "{}", short.text);
    member.json(Method::PUT, "/v1/password", &change(PASSWORD, new)).await.expect(204);
    member.get("/v1/tenant").await.expect(200);
    stage.as_member(&other).get("/v1/tenant").await.expect(401);
    stage.refresh(&other).await.expect(401);
    stage.sign_in(EMAIL, PASSWORD).await.expect(401);
    stage.sign_in(EMAIL, new).await.expect(200);
}

#[tokio::test]
async fn who_fails_is_slowed_down_and_nobody_is_locked_out() {
    let stage = Stage::start().await;
    stage.member("reader").await;
    stage.sign_in_from("192.0.2.1:1", EMAIL, PASSWORD).await.expect(200);
    // From one address: five are free, then each doubles the wait.
    for _ in 0..6 {
        stage.sign_in_from("198.51.100.7:1", EMAIL, "wrong").await.expect(401);
    }
    for wait in [1_i64, 3, 7] {
        // The right password is not looked at either, and what comes too soon counts for nothing.
        for password in ["wrong", PASSWORD] {
            let slowed = stage.sign_in_from("198.51.100.7:2", EMAIL, password).await.expect(429);
            assert_eq!(slowed.header("retry-after"), wait.to_string());
        }
        stage.pass(TimeDelta::seconds(wait));
        stage.sign_in_from("198.51.100.7:3", EMAIL, "wrong").await.expect(401);
    }
    // The member, at an address known to be theirs, feels nothing of it, however many others try.
    for n in 0..40 {
        stage.sign_in_from(&format!("203.0.113.{n}:1"), EMAIL, "wrong").await;
    }
    let stranger = stage.sign_in_from("203.0.113.200:1", EMAIL, PASSWORD).await.expect(429);
    assert!(stranger.header("retry-after").parse::<u64>().unwrap() <= 60, "{:?}", stranger.headers);
    stage.sign_in_from("192.0.2.1:9", EMAIL, PASSWORD).await.expect(200);
    // And from a new address they wait a minute at most.
    stage.pass(TimeDelta::seconds(60));
    stage.sign_in_from("203.0.113.200:1", EMAIL, PASSWORD).await.expect(200);
    // A day later nothing is held against anybody.
    stage.pass(TimeDelta::days(2));
    stage.sign_in_from("198.51.100.7:1", EMAIL, "wrong").await.expect(401);
    stage.sign_in_from("198.51.100.7:1", EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_account_of_ones_own_buys_no_guesses_at_others() {
    let stage = Stage::start().await;
    stage.member("reader").await;
    let mut refused_at = None;
    for n in 0..200 {
        let guess = stage.sign_in_from("192.0.2.9:1", &format!("{n}@example.com"), "wrong").await;
        if guess.status == 429 {
            refused_at = Some(n);
            break;
        }
        stage.sign_in_from("192.0.2.9:1", EMAIL, PASSWORD).await;
    }
    assert!(refused_at.is_some_and(|n| n <= 60), "{refused_at:?}");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_member_is_said_at_once() {
    let stage = Stage::start().await;
    let owner = stage.api.owner().await;
    let refused = owner.post("/v1/members", &json!({"email": "anna", "right": "king"})).await.expect(422);
    assert_eq!(
        refused.errors(),
        [
            "/email: expected an e-mail address such as anna@example.com",
            r#"/right: expected one of "reader", "marketer", "owner", found "king""#,
        ]
    );
}

#[tokio::test]
async fn the_same_e_mail_may_be_a_member_of_two_tenants() {
    let stage = Stage::start().await;
    stage.member("reader").await;
    let other = stage.api.database.tenant("Another").await.unwrap();
    let owner = stage.api.bearer(&stage.api.key_of(other, clew_store::key::Right::Owner, None).await.1);
    let asked = json!({"email": EMAIL, "right": "owner"});
    let invited = owner.post("/v1/members", &asked).await.expect(201).body();
    assert_eq!(owner.post("/v1/members", &asked).await.expect(409).problem(), "conflict", "once per tenant");
    stage.accept(&invited["invitation"], "eight marmalade skies").await.expect(200);
    // Who comes later changes nothing for who was there first.
    let session = stage.sign_in(EMAIL, PASSWORD).await.expect(200).body();
    assert_eq!(session["tenant_id"], json!(stage.api.tenant_id));
    stage.sign_in(EMAIL, "eight marmalade skies").await.expect(401);
    let named = json!({"email": EMAIL, "password": "eight marmalade skies", "tenant_id": other});
    let session = stage.api.nobody().post("/v1/sign-in", &named).await.expect(200).body();
    assert_eq!(session["tenant_id"], json!(other));
    // Each token reaches its own tenant.
    let list = stage.as_member(&session).get("/v1/members").await.expect(200).body();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_secret_nobody_signs_in() {
    let api = Api::start().await;
    let asked = json!({"email": EMAIL, "password": PASSWORD});
    assert_eq!(api.nobody().post("/v1/sign-in", &asked).await.expect(503).problem(), "unavailable");
    let good = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.e30.AAAA";
    api.bearer(good).get("/v1/tenant").await.expect(401);
}
