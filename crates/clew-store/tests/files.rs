//! Files in, objects and snapshots, tried on a real Postgres and a real folder.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "files/common.rs"]
mod common;
#[path = "files/ingest.rs"]
mod ingest;
#[path = "files/object.rs"]
mod object;
#[path = "files/snapshot.rs"]
mod snapshot;
