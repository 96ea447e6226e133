//! What the binary's tests share.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod process;
pub(crate) mod yaml;
