//! Bodies that were made to fill the machine: refused in bounded memory. In a test binary of its own, since it watches
//! the whole process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are the result")]

mod common;

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use clew_api::ApiConfig;
use common::{Answer, Api, Client};
use futures_util::stream;

const MIB: usize = 1 << 20;
const MOST_BYTES: usize = 64 * MIB;

fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// A gibibyte, chunk by chunk.
fn gibibyte() -> Body {
    let piece = Bytes::from(b"c1,aaaaaaaaaaaa\n".repeat(MIB / 16));
    Body::from_stream(stream::iter((0..1024).map(move |_| Ok::<_, std::io::Error>(piece.clone()))))
}

async fn post(client: &Client, path: &str, kind: &str, body: Body) -> Answer {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS");
    let request = client.request(Method::POST, path).header("content-type", kind);
    let answer = client.send(request.body(body).unwrap()).await;
    let grown = memory("VmHWM").saturating_sub(before);
    println!("{path}: {} after {} MiB", answer.status, grown / MIB);
    assert!(grown <= MOST_BYTES, "{path}: {} MiB", grown / MIB);
    answer
}

#[tokio::test]
async fn what_was_made_to_fill_the_machine_is_refused_in_bounded_memory() {
    let api = Api::start_with(ApiConfig { import_max_bytes: 256 << 20, ..ApiConfig::default() }).await;
    let owner = api.owner().await;
    let answer = post(&owner, "/v1/imports?entity=customers", "text/csv", gibibyte()).await;
    assert_eq!(answer.expect(413).problem(), "too_large");
    let kept = api.database.objects_dir().join(api.tenant_id.to_string()).join("imports");
    let n_kept = std::fs::read_dir(kept).map_or(0, Iterator::count);
    assert_eq!(n_kept, 0, "a part of what was refused is kept");

    for path in ["/v1/offers", "/v1/events", "/v1/rules/test", "/v1/recommendations"] {
        let answer = post(&owner, path, "application/json", gibibyte()).await;
        assert_eq!(answer.expect(413).problem(), "too_large");
        for open in ["[", "{\"name\":"] {
            let brackets = Body::from(open.repeat(1_000_000 / open.len()));
            let answer = post(&owner, path, "application/json", brackets).await;
            assert_eq!(answer.expect(400).problem(), "malformed");
        }
    }
}
