//! `clew serve` as a process: answers, ends in good order, and says what is wrong when it cannot start.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clew_store::{key, testing};
use secrecy::ExposeSecret as _;
use support::process::{Beside, clew, done, told};

/// The status and the body of a plain `GET`.
fn get(url: &str, path: &str) -> (u16, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_and_ends_in_good_order() {
    let test = testing::database().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut command = clew(dir.path(), &["serve", "--with-worker", "--port", "0", "--json"]);
    command.env("DATABASE_URL", &test.url).env("CLEW_LOG_FORMAT", "json").env("CLEW_LOG_LEVEL", "error");
    let mut server = Beside::start(&mut command);
    let url = server.line()["url"].as_str().unwrap().to_owned();
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/"] {
        assert_eq!(get(&url, path).0, 200, "{path}");
    }
    assert_eq!(get(&url, "/v1/tenant").0, 401);
    // The worker counts the queue in its first round, which may come after the first request.
    let began = Instant::now();
    while !get(&url, "/metrics").1.contains("clew_queue_jobs") {
        assert!(began.elapsed() < Duration::from_secs(60), "the worker's metrics are missing");
    }
    let address = url.strip_prefix("http://").unwrap();
    assert_eq!(done(&mut clew(dir.path(), &["health", "--ready", "--address", address])), "ok\n");

    // Another one finds the port taken, says so, and leaves nothing behind.
    let port = address.rsplit(':').next().unwrap();
    let mut second = clew(dir.path(), &["serve", "--port", port]);
    let output = second.env("DATABASE_URL", &test.url).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains(&format!("port {port} of 127.0.0.1 is in use")), "{}", told(&output));

    assert_eq!(server.terminate().code(), Some(0));
    assert!(TcpListener::bind(address).is_ok(), "the port is still taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_answered_after_sigterm() {
    let test = testing::database().await.unwrap();
    let tenant_id = test.tenant("shop").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let new = key::NewKey { name: "test".to_owned(), right: key::Right::Ingest, expires_at: None };
    let (_, secret) = key::insert(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut command = clew(dir.path(), &["serve", "--with-worker", "--port", "0", "--json"]);
    command.env("DATABASE_URL", &test.url).env("CLEW_LOG_LEVEL", "error");
    let mut server = Beside::start(&mut command);
    let url = server.line()["url"].as_str().unwrap().to_owned();
    let address = url.strip_prefix("http://").unwrap();

    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /v1/imports?entity=customers HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\nc\r\ncustomer_id\n\r\n",
        secret.expose_secret()
    )
    .unwrap();
    // The server has begun to read it when another request, sent later, was answered.
    assert_eq!(get(&url, "/healthz").0, 200);
    let began = Instant::now();
    done(Command::new("sh").args(["-c", &format!("kill -TERM {}", server.id())]));
    while TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on to listen");
    }
    write!(stream, "3\r\nc1\n\r\n0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(server.wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_command_beside_a_server_shares_its_private_postgres() {
    let dir = tempfile::tempdir().unwrap();
    // The account that Postgres runs as must reach it.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut server = clew(dir.path(), &["serve", "--port", "0", "--json"]);
    let mut server = Beside::start(server.env("CLEW_LOG_LEVEL", "error"));
    assert!(server.line()["url"].is_string());
    let made = done(&mut clew(dir.path(), &["tenant", "create", "--name", "Shop", "--json"]));
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert!(made["api_key"].as_str().unwrap().starts_with("clew_"));
    let listed =
        done(&mut clew(dir.path(), &["key", "list", "--tenant", made["tenant_id"].as_str().unwrap()]));
    assert!(listed.contains("owner") && listed.contains("valid"), "{listed}");
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_database_that_does_not_answer_is_told_without_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = clew(dir.path(), &["migrate"]);
    // Port 1 of this machine: nobody listens there.
    let output = command.env("DATABASE_URL", "postgres://clew:hush@127.0.0.1:1/clew").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = told(&output);
    assert!(told.contains("check DATABASE_URL") && !told.contains("hush"), "{told}");
}

#[test]
fn no_postgres_to_be_found_is_told_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = clew(dir.path(), &["serve", "--port", "0"]);
    let output = command.env("CLEW_PG_BIN", dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = told(&output);
    assert!(told.contains("DATABASE_URL") && told.contains("CLEW_PG_BIN"), "{told}");
}

#[test]
fn wrong_use_is_two_and_faults_of_the_configuration_come_together() {
    let dir = tempfile::tempdir().unwrap();
    let usage = clew(dir.path(), &["serve", "--prot", "1"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
    std::fs::write(dir.path().join("clew.toml"), "drain = -1\nlissten = \"x\"\n").unwrap();
    let output = clew(dir.path(), &["config", "check"]).env("CLEW_THREADS", "many").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = told(&output);
    for part in ["3 faults", "drain: \"-1\"", "did you mean listen?", "threads: \"many\"", "CLEW_THREADS"] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
}

#[test]
fn the_effective_configuration_is_shown_without_secrets() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("clew.toml"), "work_places = 3\nlisten = \"0.0.0.0:1\"\n").unwrap();
    let mut command = clew(dir.path(), &["config", "check", "--json"]);
    command.env("DATABASE_URL", "postgres://u:hush@db/clew").env("CLEW_LISTEN", "localhost:9000");
    let text = done(&mut command);
    assert!(!text.contains("hush"), "{text}");
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["listen"], "127.0.0.1:9000");
    assert_eq!(shown["work_places"], "3");
    assert_eq!(shown["database_url"], "[hidden]");
}

#[test]
fn a_reader_who_has_had_enough_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = clew(dir.path(), &["openapi"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), told(&output).as_str()), (Some(0), ""));
}
