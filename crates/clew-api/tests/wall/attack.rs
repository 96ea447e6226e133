//! Another tenant's ids in every place where an id can stand: path, query, body, cursor, idempotency key, header.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::Value;

use crate::canary::{Scene, is_in, owners, sign};
use crate::common::Answer;
use crate::operation::Operation;

/// Numbers that are the same at each run (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % n.max(1) as u64) as usize
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Where the other tenant's id stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Path,
    Query,
    Body,
    Cursor,
    IdempotencyKey,
    Header,
    /// Nowhere: the request is an honest one.
    Nowhere,
}

const PLACES: [Place; 7] = [
    Place::Path,
    Place::Query,
    Place::Body,
    Place::Cursor,
    Place::IdempotencyKey,
    Place::Header,
    Place::Nowhere,
];

/// What a run has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) n_requests: BTreeMap<Place, usize>,
    /// Operations that gave a canary away, with the place.
    pub(crate) leaks: Vec<(String, Place)>,
    /// Answers of 500 and above, with what was sent.
    pub(crate) failures: Vec<String>,
}

impl Seen {
    pub(crate) fn total(&self) -> usize {
        self.n_requests.values().sum()
    }
}

/// Makes this many requests as the first tenant's owner.
pub(crate) async fn attack(scene: &Scene, n_requests: usize, seed: u64) -> Seen {
    let client = scene.client();
    let operations = owners();
    let foreign: Vec<String> = scene.foreign.things.ids().map(|(_, id)| id.to_owned()).collect();
    let mut dice = Dice::new(seed);
    let mut seen = Seen::default();
    while seen.total() < n_requests {
        let operation = dice.one_of(&operations);
        let place = *dice.one_of(&PLACES);
        let own = operation.address(&scene.own.things);
        let body = operation.body.as_ref().map(|(_, example)| example.clone());
        // With its own id, a stream has no end and what deletes would end the other requests' things.
        if place != Place::Path && (operation.is_stream || operation.method == Method::DELETE) {
            continue;
        }
        let answer = match place {
            Place::Path if operation.is_about_one() => {
                let mut things = scene.foreign.things.clone();
                if dice.below(4) == 0 {
                    // An id of another noun.
                    let (noun, _) = things.ids().find(|(noun, _)| *noun == operation.noun()).unwrap();
                    things.set(noun, dice.one_of(&foreign).clone());
                }
                operation.send(&client, &operation.address(&things)).await
            }
            Place::Query => {
                let mut names = operation.parameters.clone();
                names.extend(["tenant_id", "tenant"].map(str::to_owned));
                let (name, id) = (dice.one_of(&names).clone(), dice.one_of(&foreign));
                let address = format!("{own}{}{name}={id}", sign(&own));
                operation.send_with(&client, &address, body, None).await
            }
            Place::Body if body.is_some() => {
                let id = dice.one_of(&foreign).clone();
                let body = poisoned(body.unwrap_or_default(), &id, &mut dice);
                operation.send_with(&client, &own, Some(body), None).await
            }
            Place::Cursor if operation.parameters.iter().any(|name| name == "cursor") => {
                let address = format!("{own}{}cursor={}", sign(&own), dice.one_of(&scene.cursors));
                operation.send_with(&client, &address, body, None).await
            }
            Place::IdempotencyKey if operation.method == Method::POST => {
                replay(scene, operation, &own, body, &mut dice).await
            }
            Place::Header => {
                let names = ["x-tenant-id", "x-clew-tenant", "x-forwarded-user", "x-request-id", "cookie"];
                let header = (*dice.one_of(&names), dice.one_of(&foreign).as_str());
                operation.send_with(&client, &own, body, Some(header)).await
            }
            Place::Nowhere => operation.send_with(&client, &own, body, None).await,
            _ => continue,
        };
        *seen.n_requests.entry(place).or_default() += 1;
        if is_in(&answer) {
            seen.leaks.push((operation.id.clone(), place));
        }
        if answer.status.is_server_error() {
            seen.failures.push(format!("{} ({place:?}): {}", operation.id, answer.text));
        }
    }
    seen
}

/// Asks once for each thing of the other tenant by its id, and says which operations gave a canary away.
pub(crate) async fn look_up(scene: &Scene) -> Vec<String> {
    let client = scene.client();
    let mut leaked = Vec::new();
    for operation in owners() {
        if operation.method == Method::GET && operation.is_about_one() && !operation.is_stream {
            let answer = operation.send(&client, &operation.address(&scene.foreign.things)).await;
            if is_in(&answer) {
                leaked.push(operation.id);
            }
        }
    }
    leaked
}

/// The other tenant's `Idempotency-Key`, with its own body when the operation is its own, else with ours.
async fn replay(
    scene: &Scene,
    operation: &Operation,
    address: &str,
    body: Option<String>,
    dice: &mut Dice,
) -> Answer {
    let (key, path, first) = dice.one_of(&scene.replays);
    // The body holds the canary, which its own name would echo; it is sent with another name.
    let body = if *path == operation.path {
        Some(first.to_string().replace(crate::canary::CANARY, "mine"))
    } else {
        body
    };
    operation.send_with(&scene.client(), address, body, Some(("idempotency-key", key))).await
}

/// The body with the id in the place of one of its values, or as one more.
fn poisoned(body: String, id: &str, dice: &mut Dice) -> String {
    let Ok(mut json) = serde_json::from_str::<Value>(&body) else { return body.replace("c1", id) };
    let n = count(&json);
    let at = dice.below(n + 1);
    if at == n {
        if let Some(object) = json.as_object_mut() {
            object.insert("tenant_id".to_owned(), id.into());
        }
    } else {
        replace(&mut json, &mut { at }, id);
    }
    json.to_string()
}

/// How many values there are that hold no others.
fn count(json: &Value) -> usize {
    match json {
        Value::Object(fields) => fields.values().map(count).sum(),
        Value::Array(values) => values.iter().map(count).sum(),
        _ => 1,
    }
}

fn replace(json: &mut Value, at: &mut usize, id: &str) {
    match json {
        Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, at, id)),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, at, id)),
        leaf => {
            if *at == 0 {
                *leaf = id.into();
            }
            *at = at.wrapping_sub(1);
        }
    }
}
