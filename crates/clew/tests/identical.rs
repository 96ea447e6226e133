//! The server and the command line are one: from the same files, date and seed they make the same model to the last
//! byte, and draw the same gain curve to the last digit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use clew_store::testing;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use support::process::{Beside, clew, done};

const AS_OF: &str = "2026-10-04";
const SEED: &str = "3";
const OFFER: &str = "product.category == \"red wine\"";

/// The points of a gain curve with their numbers as they are written: reading JSON may round the last bit.
#[derive(serde::Deserialize)]
struct Curve {
    points: Vec<HashMap<String, Box<RawValue>>>,
}

/// A request to the server with a key; its answer's body.
fn ask(url: &str, key: &str, method: &str, path: &str, body: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 2"), "{path}: {answer}");
    body.to_owned()
}

/// Every file below a folder whose name ends so.
fn below(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(below(&entry, ending));
        } else if entry.to_string_lossy().ends_with(ending) {
            found.push(entry);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_predicts_what_the_command_line_predicts() {
    let test = testing::database().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let sample = ["sample", "--customers", "1000", "--products", "200", "--events", "30000", "--out", "shop"];
    done(&mut clew(at, &sample));

    let mut command = clew(at, &["serve", "--with-worker", "--port", "0", "--json"]);
    command.env("DATABASE_URL", &test.url).env("CLEW_LOG_LEVEL", "error");
    let mut server = Beside::start(&mut command);
    let url = server.line()["url"].as_str().unwrap().to_owned();
    let mut made = clew(at, &["tenant", "create", "--name", "Shop", "--json"]);
    let made: Value = serde_json::from_str(&done(made.env("DATABASE_URL", &test.url))).unwrap();
    let key = made["api_key"].as_str().unwrap();
    done(&mut clew(at, &["import", "--data", "shop", "--url", &url, "--key", key]));

    let asked = json!({"as_of": AS_OF, "seed": SEED.parse::<i64>().unwrap()}).to_string();
    let model: Value = serde_json::from_str(&ask(&url, key, "POST", "/v1/models", &asked)).unwrap();
    // The stream ends with the job.
    let events = format!("/v1/jobs/{}/events", model["job_id"].as_str().unwrap());
    let events = ask(&url, key, "GET", &events, "");
    assert!(events.contains("\"succeeded\""), "{events}");
    let asked = json!({"offer": {"expression": OFFER}}).to_string();
    let curve: Curve = serde_json::from_str(&ask(&url, key, "POST", "/v1/gain-curves", &asked)).unwrap();
    assert_eq!(server.terminate().code(), Some(0));

    let data = ["--data", "shop", "--as-of", AS_OF, "--seed", SEED];
    done(&mut clew(at, &[&["train", "--model", "own.clew"][..], &data].concat()));
    let models = below(&at.join(".clew/objects"), ".clew");
    assert_eq!(models.len(), 1, "{models:?}");
    assert!(
        std::fs::read(&models[0]).unwrap() == std::fs::read(at.join("own.clew")).unwrap(),
        "the same files, date and seed gave another model"
    );
    let offers = format!("offer_id,expression\nwine,\"{}\"\n", OFFER.replace('"', "\"\""));
    std::fs::write(at.join("offers.csv"), offers).unwrap();
    let draw = ["gain-curve", "--model", "own.clew", "--offers", "offers.csv", "--out", "own.csv"];
    done(&mut clew(at, &[&draw[..], &data].concat()));

    let mut reader = csv::Reader::from_path(at.join("own.csv")).unwrap();
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), curve.points.len());
    for (row, point) in rows.iter().zip(&curve.points) {
        for (name, cell) in
            columns.iter().zip(row).filter(|(name, cell)| *name != "offer_id" && !cell.is_empty())
        {
            let (own, served): (f64, f64) = (cell.parse().unwrap(), point[name].get().parse().unwrap());
            assert_eq!(own, served, "{name} at volume {}", point["volume"]);
        }
    }
}
