//! A private Postgres: started in a folder, stopped with its owner.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// Where and with what to start.
#[derive(Debug, Clone)]
pub struct PrivateConfig {
    /// The folder: data, log and (when its path is short enough) socket.
    pub dir: PathBuf,
    /// The folder of `initdb` and `postgres`; looked for when none.
    pub bin: Option<PathBuf>,
}

/// A private Postgres that runs as long as this value lives.
#[derive(Debug)]
pub struct Private {
    url: String,
}

impl Private {
    /// Starts Postgres in a folder, making the cluster at the first time. Blocks until it answers.
    pub fn start(config: PrivateConfig) -> Result<Self> {
        Err(Error::private(config.dir.display().to_string(), "not built yet; give DATABASE_URL"))
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}
