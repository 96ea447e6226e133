//! Where the demo's data come from: a sample that is made now, or a folder of one's own files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use clew_learn::{Progress as _, Stop};
use clew_sample::{Compression, SampleParams, Shop, folder};

use super::step::Step;
use crate::import_folder::{self, FolderFile};
use crate::runtime;

/// Where the data come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A sample in a folder of its own.
    Sample(SampleParams, PathBuf),
    /// Somebody's files.
    Folder(PathBuf),
}

impl Source {
    /// The folder when one is given, else a sample of so many customers, with a tenth as many products and forty
    /// times as many events.
    pub(super) fn new(dir: Option<PathBuf>, n_customers: u32, data_dir: &Path) -> Self {
        match dir {
            Some(dir) => Self::Folder(dir),
            None => {
                let params = SampleParams {
                    n_customers,
                    n_products: (n_customers / 10).max(200),
                    n_events: u64::from(n_customers) * 40,
                    ..SampleParams::default()
                };
                Self::Sample(params, data_dir.join(format!("sample-{n_customers}")))
            }
        }
    }

    /// Whether it is the sample.
    pub(super) fn is_sample(&self) -> bool {
        matches!(self, Self::Sample(..))
    }

    /// The folder that the files are in.
    pub(super) fn dir(&self) -> &Path {
        match self {
            Self::Sample(_, dir) | Self::Folder(dir) => dir,
        }
    }

    /// The files to send.
    ///
    /// # Errors
    /// When there are none.
    pub(super) fn files(&self) -> anyhow::Result<Vec<FolderFile>> {
        import_folder::files(self.dir())
    }

    /// The same as long as the data are the same: the sample's parameters, or the files' names, sizes and times.
    ///
    /// # Errors
    /// As [`Self::files`].
    pub(super) fn fingerprint(&self) -> anyhow::Result<String> {
        if let Self::Sample(params, _) = self {
            return Ok(format!("sample {} {params:?}", env!("CARGO_PKG_VERSION")));
        }
        let dir = self.dir();
        let absolute =
            dir.canonicalize().with_context(|| format!("could not look into {}", dir.display()))?;
        let mut text = absolute.display().to_string();
        let mapping = dir.join("mapping.toml");
        let files = self.files()?.into_iter().map(|file| file.path);
        for path in files.chain(mapping.is_file().then_some(mapping)) {
            let about = path.metadata().with_context(|| format!("could not look at {}", path.display()))?;
            let changed = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let changed = changed.map_or(0, |since| since.as_millis());
            text.push_str(&format!("\n{} {} {changed}", path.display(), about.len()));
        }
        Ok(text)
    }

    /// Makes the sample unless it is there already. Says what is there.
    ///
    /// # Errors
    /// When the folder cannot be written to, and when stopped.
    pub(super) async fn make(&self, step: &Step, n_threads: u16, stop: &Arc<Stop>) -> anyhow::Result<()> {
        let Self::Sample(params, dir) = self else { return Ok(()) };
        // The truth is renamed last: with it, all of the files are whole.
        if dir.join("truth.json").is_file() {
            return Ok(());
        }
        let (share, told) = std::sync::mpsc::channel();
        let (params, dir, stop) = (params.clone(), dir.clone(), Arc::clone(stop));
        let mut made = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
            let pool = runtime::pool(n_threads)?;
            let shop = Shop::new(params)?;
            folder::write(&pool, &shop, &dir, Compression::Zstd, &mut |done| {
                let _ = share.send(done);
                !stop.is_stopped()
            })?;
            Ok(())
        });
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
        loop {
            tokio::select! {
                made = &mut made => return made.context("the sample was cut off")?,
                _ = tick.tick() => {
                    if let Some(done) = told.try_iter().last() {
                        step.bar().report("making customers and their lives", done);
                    }
                }
            }
        }
    }
}
