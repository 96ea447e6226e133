//! Who may: nobody without a credential that holds, and each right what the document says.

use axum::http::Method;
use chrono::TimeDelta;
use clew_store::key::Right;
use uuid::Uuid;

use crate::common::{Api, now};
use crate::operation::operations;
use crate::thing::things;

/// With the checksum that a key ends in, so that it is looked up.
fn checked(key: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(key.as_bytes());
    format!("{key}{:08x}", crc.sum())
}

#[tokio::test]
async fn without_a_valid_credential_every_operation_says_401_before_it_reads_the_body() {
    let api = Api::start().await;
    let things = things(&api, api.tenant_id, &api.owner().await, "own").await;
    let past = now() - TimeDelta::days(3650);
    let expired = api.key_of(api.tenant_id, Right::Owner, Some(past)).await.1;
    let revoked = api.revoked_key(Right::Owner).await;
    let good = api.key(Right::Owner).await;
    let (id, secret) = good.rsplit_once('_').unwrap();
    let other = api.database.tenant("Another").await.unwrap();
    let others = api.key_of(other, Right::Owner, None).await.1;
    let guessed = format!("Bearer {}", checked(&format!("{id}_{}", "0".repeat(64))));
    let secret = &secret[..secret.len() - 8];
    let swapped = format!("{}_{secret}", others.rsplit_once('_').unwrap().0);
    let swapped = format!("Bearer {}", checked(&swapped));
    let unknown = format!("clew_live_{}_{}", Uuid::now_v7().simple(), "0".repeat(64));
    let unknown = format!("Bearer {}", checked(&unknown));
    let first_format = format!("Bearer clew_{}_{}", Uuid::now_v7().simple(), "0".repeat(64));
    let mistyped = if good.ends_with('0') { '1' } else { '0' };
    let credentials = [
        ("none", None),
        ("empty", Some(String::new())),
        ("garbage", Some("Bearer garbage".to_owned())),
        ("another scheme", Some(format!("Basic {good}"))),
        ("a JWT with alg none", Some("Bearer eyJhbGciOiJub25lIn0.eyJyaWdodCI6Im93bmVyIn0.".to_owned())),
        ("a guessed secret", Some(guessed)),
        ("another tenant's id with its own secret", Some(swapped)),
        ("an unknown key", Some(unknown)),
        ("an unknown key of the first format", Some(first_format)),
        ("a mistyped key", Some(format!("Bearer {}{mistyped}", &good[..good.len() - 1]))),
        ("a key cut short", Some(format!("Bearer {}", &good[..good.len() - 1]))),
        ("expired", Some(format!("Bearer {expired}"))),
        ("revoked", Some(format!("Bearer {revoked}"))),
    ];
    for operation in operations().iter().filter(|operation| !operation.is_open()) {
        for (name, credential) in &credentials {
            let client = api.with(credential.as_deref());
            let answer = operation.send_without_end(&client, &operation.address(&things)).await;
            assert_eq!(answer.status, 401, "{} with {name}: {}", operation.id, answer.text);
            assert_eq!(answer.problem(), "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"clew\"");
        }
    }
}

#[tokio::test]
async fn every_right_may_do_what_the_document_says_and_nothing_else() {
    let api = Api::start().await;
    let things = things(&api, api.tenant_id, &api.owner().await, "own").await;
    let clients = [
        ("ingest", api.as_right(Right::Ingest).await),
        ("reader", api.reader().await),
        ("marketer", api.marketer().await),
        ("owner", api.owner().await),
        ("operator", api.operator().await),
    ];
    for operation in operations().iter().filter(|operation| !operation.is_open()) {
        let address = operation.address(&things);
        for (right, client) in &clients {
            if operation.allows(right) {
                // The job never ends, so neither does its stream, and what deletes would end the others.
                if operation.is_stream || operation.method == Method::DELETE {
                    continue;
                }
                let answer = operation.send(client, &address).await;
                let status = answer.status.as_u16();
                assert!(
                    ![401, 403, 405, 500].contains(&status),
                    "{} as {right}: {}",
                    operation.id,
                    answer.text
                );
            } else {
                let answer = operation.send_without_end(client, &address).await;
                assert_eq!(answer.status, 403, "{} as {right}: {}", operation.id, answer.text);
                assert_eq!(answer.problem(), "forbidden");
            }
        }
    }
}
