//! A private Postgres: made in a folder at the first start, started without network, stopped with its owner.
//!
//! `DATABASE_URL` is the better choice for a service; this is for the demo, for tests, and for a single machine.
//! It answers on a Unix socket in a folder that only its own account (and root) may enter, with fsync on. Postgres
//! refuses to run as root, so for root it runs as the account `postgres`, or `nobody` when there is none.

mod account;
mod binaries;
mod cluster;
mod process;
mod server;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
pub(crate) use process::effective_uid;
use server::Server;

/// The role that owns the cluster, and the database in it.
const NAME: &str = "clew";
/// Only a part of the socket's name: nothing listens on the network.
const PORT: u16 = 5432;

/// A program that comes with Postgres, by its name: `pg_dump`.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    Ok(binaries::find(None, None)?.postgres.with_file_name(name))
}

/// Where and with what to start.
#[derive(Debug, Clone)]
pub struct PrivateConfig {
    /// The folder for data, log and (when its path is short enough) socket; made when missing. When the account
    /// that Postgres runs as cannot reach it, only its lock stays there, and the rest goes to a folder of the
    /// system that it can reach ([`Private::dir`] tells which).
    pub dir: PathBuf,
    /// The folder of the programs `initdb` and `postgres`. When none, they are looked for where `pg_config` says
    /// and where the usual packages put them.
    pub bin: Option<PathBuf>,
}

impl PrivateConfig {
    /// In a folder, with the programs that are found.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), bin: None }
    }
}

/// A private Postgres that runs as long as this value lives. Dropped, it is stopped in good order, which takes a
/// moment. When this program is killed, the kernel asks Postgres to stop; a start in the same folder waits for
/// that. When Postgres itself is killed, it is started again.
#[derive(Debug)]
pub struct Private {
    url: String,
    dir: PathBuf,
    // Dropped in this order: the server stops before another program may take the folder.
    server: Server,
    _lock: cluster::Lock,
}

impl Private {
    /// Starts Postgres in a folder, making the cluster at the first time. Blocks until it answers: about two
    /// seconds at the first time, a fraction of one later, more when it has to recover.
    pub fn start(config: PrivateConfig) -> Result<Self> {
        Self::start_with(config, false)
    }

    /// The same, but a new cluster is made without waiting for the disk: for tests, whose clusters need not outlive
    /// the machine.
    #[doc(hidden)]
    pub fn start_hastily(config: PrivateConfig) -> Result<Self> {
        Self::start_with(config, true)
    }

    fn start_with(config: PrivateConfig, hasty: bool) -> Result<Self> {
        let account = account::to_run_as()?;
        let cluster = cluster::Cluster::locate(&config.dir, account)?;
        let mut lock = cluster.lock()?;
        let binaries = binaries::find(config.bin.as_deref(), cluster.version()?)?;
        cluster.ensure(&binaries, hasty)?;
        let dir = cluster.home().to_owned();
        let server = Server::start(binaries, cluster)?;
        let url = url(&server);
        lock.leave(&url).map_err(|error| Error::io(&config.dir, error))?;
        Ok(Self { url, dir, server, _lock: lock })
    }

    /// The address of the one that another program runs in this folder, if one does: the folder has but one.
    pub fn running(dir: &Path) -> Option<String> {
        cluster::address_left(dir)
    }

    /// Its address. It holds no password: the folder of the socket is closed to others.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder that data and log are in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The process's id, as it is now.
    pub fn process_id(&self) -> u32 {
        self.server.process_id()
    }
}

fn url(server: &Server) -> String {
    let mut socket = String::new();
    for byte in server.socket_dir().as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                socket.push(char::from(*byte))
            }
            _ => socket.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("postgres://{NAME}@localhost:{PORT}/{NAME}?host={socket}&sslmode=disable")
}
