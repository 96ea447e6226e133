//! Random bits for secrets, from the operating system.

use rand::TryRngCore as _;
use rand::rngs::OsRng;

use crate::error::{Error, Result};

/// 256 bits that nobody can guess.
pub(crate) fn random() -> Result<[u8; 32]> {
    let mut bits = [0; 32];
    OsRng
        .try_fill_bytes(&mut bits)
        .map_err(|error| Error::io("the system's random numbers", std::io::Error::other(error)))?;
    Ok(bits)
}
