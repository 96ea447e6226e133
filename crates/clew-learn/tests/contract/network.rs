//! The network under the contract.

use crate::harness::Candidate;

pub fn candidates() -> Vec<Candidate> {
    vec![]
}
