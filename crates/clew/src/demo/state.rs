//! What a demo leaves in its folder for the next one: whose tenant, which key, made from which data.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The demo of a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The demo's tenant.
    pub(super) tenant_id: Uuid,
    /// The key of its owner; the file is readable by its owner only.
    pub(super) api_key: String,
    /// Which data: see `Source::fingerprint`.
    pub(super) data: String,
    /// Whether all of the data was imported.
    pub(super) imported: bool,
    /// The model trained on it.
    pub(super) model_id: Option<Uuid>,
}

impl State {
    fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("demo.json")
    }

    /// What the last demo in this folder left; none when there was none, or when it cannot be read any more.
    pub(super) fn find(data_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::path(data_dir)).ok()?).ok()
    }

    /// Keeps the state for the next demo.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(super) fn keep(&self, data_dir: &Path) -> anyhow::Result<()> {
        let path = Self::path(data_dir);
        let unfinished = data_dir.join(".demo.json.part");
        let write = || -> std::io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            fs::rename(&unfinished, &path)
        };
        write().with_context(|| format!("could not write {}; is the disk full?", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_again_and_nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(State::find(dir.path()), None);
        let state = State {
            tenant_id: Uuid::nil(),
            api_key: "clew_a_b".to_owned(),
            data: "sample".to_owned(),
            imported: true,
            model_id: None,
        };
        state.keep(dir.path()).unwrap();
        assert_eq!(State::find(dir.path()), Some(state));
        let mode = fs::metadata(dir.path().join("demo.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
