//! A foreign id reads like an absent one: the same status, headers and body, byte for byte but for the request's id
//! and the moment.

use clew_store::key::Right;
use serde_json::Value;
use uuid::Uuid;

use crate::common::{Answer, Api};
use crate::operation::operations;
use crate::thing::things;

/// An answer with what differs between any two requests left out: ids that clew makes, moments, and the id asked for.
fn told(answer: &Answer, id: &str) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !name.as_str().starts_with("ratelimit"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let text = format!("{}\n{}\n{}", answer.status, headers.join("\n"), answer.text).replace(id, "ID");
    masked(&text)
}

/// The text with every UUID and every moment as `*`.
fn masked(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-:.+".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |n| start + n);
        let word = &rest[start..end];
        let is_own = word.parse::<Uuid>().is_ok() || chrono::DateTime::parse_from_rfc3339(word).is_ok();
        out.push_str(&rest[..start]);
        out.push_str(if is_own { "*" } else { word });
        rest = &rest[end..];
    }
    out + rest
}

#[tokio::test]
async fn what_is_another_tenants_is_not_there() {
    let api = Api::start().await;
    let things = things(&api, api.tenant_id, &api.owner().await, "own").await;
    let other = api.database.tenant("Another").await.unwrap();
    let stranger = api.bearer(&api.key_of(other, Right::Owner, None).await.1);
    let absent = things.absent();
    let mut n_tried = 0;
    let all = operations();
    let (about_one, others): (Vec<_>, Vec<_>) = all
        .iter()
        .filter(|operation| operation.allows("owner"))
        .partition(|operation| operation.is_about_one());
    // Lists first: what a stranger then names after the first tenant's things is its own.
    for operation in others.iter().filter(|operation| operation.id.starts_with("list_")) {
        let answer = operation.send(&stranger, &operation.address(&things)).await.expect(200);
        let marked = ["own-", " own"].iter().any(|mark| answer.text.contains(mark));
        assert!(!marked, "{}: {}", operation.id, answer.text);
        n_tried += 1;
    }
    for operation in about_one {
        let foreign = operation.send(&stranger, &operation.address(&things)).await;
        let nothing = operation.send(&stranger, &operation.address(&absent)).await;
        let ids = [&things, &absent].map(|things| things.id(operation.noun(), &operation.id).to_owned());
        assert_eq!(told(&foreign, &ids[0]), told(&nothing, &ids[1]), "{}", operation.id);
        // What clew has made an id for is found by nobody else; what a tenant names itself it may name alike.
        if ids[0].parse::<Uuid>().is_ok() {
            assert_eq!(foreign.status, 404, "{}: {}", operation.id, foreign.text);
        }
        n_tried += 1;
    }
    assert!(n_tried > 20, "only {n_tried} operations were tried");
    // Nothing that was tried has changed anything of the first tenant's.
    let owner = api.owner().await;
    for noun in ["offers", "segments", "rules", "imports", "models", "jobs", "campaigns"] {
        owner.get(&format!("/v1/{noun}/{}", things.id(noun, ""))).await.expect(200);
    }
    let key = owner.get(&format!("/v1/keys/{}", things.id("keys", ""))).await.body();
    assert_eq!(key["revoked_at"], Value::Null);
}
