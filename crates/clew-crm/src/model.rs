//! Model: what a training leaves behind, in one checksummed and versioned file.
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::report::Report;

/// A trained model. Opened from bytes it is the same as when it was trained.
#[derive(Clone, Debug)]
pub struct Model {
    /// Unix seconds: nothing at or after this was known to the training.
    pub as_of: i64,
    /// Days in which a purchase counts.
    pub horizon_days: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// What the training says of itself.
    pub report: Report,
}

impl Model {
    /// The whole model as one file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        Err(Error::input("a model cannot be saved yet", "wait for it"))
    }

    /// Opens a model from a file held in memory or mapped into it. Errors on a damaged or foreign file.
    pub fn open(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Result<Model> {
        let _ = bytes;
        Err(Error::input("a model cannot be opened yet", "wait for it"))
    }
}
