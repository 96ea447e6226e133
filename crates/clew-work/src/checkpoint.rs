//! The checkpoints of a training, in the object store: one that lost its worker goes on with what that one had factorised.
use bytes::Bytes;
use clew_crm::Checkpoint;
use clew_store::checkpoint::Checkpoints;
use tokio::runtime::Handle;

use crate::at::At;

/// The checkpoints of a job, for the thread that computes. What the object store cannot give or take now is only noted: the
/// training learns it again.
pub(crate) struct Kept {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) waiting: Handle,
    pub(crate) at: At,
}

impl Checkpoint for Kept {
    fn find(&self, name: &str) -> Option<Vec<u8>> {
        match self.waiting.block_on(self.checkpoints.find(name)) {
            Ok(found) => found.map(Vec::from),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint cannot be read");
                None
            }
        }
    }

    fn keep(&self, name: &str, bytes: Vec<u8>) {
        let size_bytes = bytes.len();
        match self.waiting.block_on(self.checkpoints.keep(name, Bytes::from(bytes))) {
            Ok(()) => tracing::debug!(checkpoint.size_bytes = size_bytes, "a checkpoint was kept"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint cannot be kept");
            }
        }
        self.at.reach("checkpoint");
    }
}
