//! What the binary's tests share.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod process;
pub(crate) mod yaml;
