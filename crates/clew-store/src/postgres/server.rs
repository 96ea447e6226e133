//! The server process: a thread starts it, watches it, starts it again when it dies, and stops it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::binaries::Binaries;
use super::cluster::{Cluster, explain};
use super::process::{Signal, signal};
use super::{PORT, process};
use crate::error::{Error, Result};

/// How often the thread looks at the process while something is about to happen.
const SOON: Duration = Duration::from_millis(10);
/// How often it looks while nothing is.
const LATER: Duration = Duration::from_millis(100);
/// How long a server that belonged to a killed program may take to go by itself before it is told to.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a start may take, recovery included.
const START: Duration = Duration::from_secs(120);
/// How long a stop in good order may take.
const STOP: Duration = Duration::from_secs(60);
/// A Unix socket's whole path must stay below about a hundred bytes.
const MAX_SOCKET: usize = 100;
/// The log begins anew above this size.
const MAX_LOG_BYTES: u64 = 16 << 20;
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=100",
    "fsync=on",
    "synchronous_commit=on",
    "shared_buffers=128MB",
    "work_mem=32MB",
    "maintenance_work_mem=128MB",
    "max_wal_size=2GB",
    "checkpoint_timeout=15min",
    // Compiling costs more than it saves on queries of milliseconds.
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    "logging_collector=off",
    "log_destination=stderr",
];

/// A running server. Dropped, it is stopped.
#[derive(Debug)]
pub(super) struct Server {
    socket_dir: PathBuf,
    process_id: Arc<AtomicU32>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it and waits until it answers.
    pub(super) fn start(binaries: Binaries, cluster: Cluster) -> Result<Self> {
        let socket_dir = socket_dir(&cluster)?;
        let process_id = Arc::new(AtomicU32::new(0));
        let (stop, stopped) = channel();
        let (tell_ready, ready) = channel();
        let supervisor = Supervisor {
            binaries,
            cluster,
            socket_dir: socket_dir.clone(),
            process_id: process_id.clone(),
            stopped,
        };
        // The kernel stops the server with the *thread* that started it, so this one lives as long as it should.
        let thread = std::thread::Builder::new()
            .name("clew-postgres".into())
            .spawn(move || supervisor.run(&tell_ready))
            .map_err(|error| Error::private("thread", error.to_string()))?;
        let server = Self { socket_dir, process_id, stop: Some(stop), thread: Some(thread) };
        ready.recv().unwrap_or_else(|_| Err(Error::private("thread", "it ended without a word")))?;
        Ok(server)
    }

    /// The folder of the socket.
    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The process, as it is now.
    pub(super) fn process_id(&self) -> u32 {
        self.process_id.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the private Postgres panicked");
        }
        // Only the folder that was made for this run is ours to remove; one with something in it stays.
        let _ = std::fs::remove_dir(&self.socket_dir);
    }
}

/// In the folder when its path is short enough, else in a new one among the system's short-lived files.
fn socket_dir(cluster: &Cluster) -> Result<PathBuf> {
    let fits = |dir: &Path| {
        let path = dir.as_os_str().as_encoded_bytes();
        // A comma or a quote would mean something in the setting.
        path.len() + format!("/.s.PGSQL.{PORT}").len() <= MAX_SOCKET
            && !path.iter().any(|byte| b",\"'".contains(byte))
    };
    let mut dir = cluster.home().join("run");
    if fits(&dir) {
        if dir.exists() {
            std::fs::remove_dir_all(&dir).map_err(|error| Error::io(&dir, error))?;
        }
    } else {
        dir = PathBuf::from(format!("/tmp/clew-{}", hex::encode(&crate::secret::random()?[..8])));
    }
    cluster.make_dir(&dir)?;
    Ok(dir)
}

/// What the thread owns.
struct Supervisor {
    binaries: Binaries,
    cluster: Cluster,
    socket_dir: PathBuf,
    process_id: Arc<AtomicU32>,
    stopped: Receiver<()>,
}

/// Why the thread stopped watching.
enum Watched {
    Stopped,
    Died,
}

impl Supervisor {
    fn run(self, ready: &Sender<Result<()>>) {
        let mut first = true;
        loop {
            match self.start() {
                Ok(Some(mut child)) => {
                    if first {
                        first = false;
                        let _ = ready.send(Ok(()));
                    }
                    match self.watch(&mut child) {
                        Watched::Stopped => return self.stop(child),
                        Watched::Died => {
                            tracing::error!("the private Postgres has died; it is started again")
                        }
                    }
                }
                Ok(None) => return,
                Err(error) if first => {
                    let _ = ready.send(Err(error));
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "the private Postgres cannot be started again");
                    if self.asked_to_stop(Duration::from_secs(1)) {
                        return;
                    }
                }
            }
        }
    }

    /// The owner has gone, or goes within this time.
    fn asked_to_stop(&self, within: Duration) -> bool {
        !matches!(self.stopped.recv_timeout(within), Err(RecvTimeoutError::Timeout))
    }

    fn watch(&self, child: &mut Child) -> Watched {
        loop {
            if self.asked_to_stop(LATER) {
                return Watched::Stopped;
            }
            if !matches!(child.try_wait(), Ok(None)) {
                return Watched::Died;
            }
        }
    }

    fn stop(&self, mut child: Child) {
        for (how, patience) in [(Signal::Fast, STOP), (Signal::Immediate, Duration::from_secs(10))] {
            signal(child.id(), how);
            let since = Instant::now();
            while since.elapsed() < patience {
                if !matches!(child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(SOON);
            }
        }
        tracing::error!("the private Postgres would not stop; it is killed, and recovers at the next start");
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Starts the server and waits until it answers; none when the owner went meanwhile.
    fn start(&self) -> Result<Option<Child>> {
        let since = Instant::now();
        let mut told = None;
        loop {
            let (mut child, log_start) = self.spawn()?;
            let exited = loop {
                if self.is_ready(child.id()) {
                    self.process_id.store(child.id(), Ordering::Relaxed);
                    return Ok(Some(child));
                }
                match child.try_wait() {
                    Ok(None) => {}
                    Ok(Some(_)) => break true,
                    Err(error) => return Err(Error::io(&self.binaries.postgres, error)),
                }
                if since.elapsed() > START {
                    break false;
                }
                if self.asked_to_stop(SOON) {
                    self.stop(child);
                    return Ok(None);
                }
            };
            if !exited {
                self.stop(child);
                return Err(Error::private(
                    self.cluster.home().display().to_string(),
                    format!("no answer after {} s; read {}", START.as_secs(), self.cluster.log().display()),
                ));
            }
            let said = self.said_since(log_start);
            // A server, or a part of one, whose program was killed and that is still on its way out.
            let dying = said.contains("lock file") || said.contains("is still in use");
            if !dying || since.elapsed() > START {
                return Err(explain("start", self.cluster.home(), &said));
            }
            self.hasten(since.elapsed(), &mut told);
            if self.asked_to_stop(LATER) {
                return Ok(None);
            }
        }
    }

    fn spawn(&self) -> Result<(Child, u64)> {
        let (log, log_start) = self.open_log()?;
        let stderr = log.try_clone().map_err(|error| Error::io(self.cluster.log(), error))?;
        let mut command = Command::new(&self.binaries.postgres);
        command
            .arg("-D")
            .arg(self.cluster.data())
            .arg("-p")
            .arg(PORT.to_string())
            .arg("-k")
            .arg(&self.socket_dir);
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        self.cluster.prepare(&mut command);
        process::stop_with_thread(&mut command);
        // A group of its own: a ctrl-C in the terminal is for clew, which then stops its Postgres last.
        command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(stderr);
        let child = command.spawn().map_err(|error| Error::io(&self.binaries.postgres, error))?;
        Ok((child, log_start))
    }

    fn open_log(&self) -> Result<(File, u64)> {
        let path = self.cluster.log();
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            if file.metadata()?.len() > MAX_LOG_BYTES {
                file.set_len(0)?;
            }
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        open().map_err(|error| Error::io(&path, error))
    }

    /// What the server has said since the log had this length.
    fn said_since(&self, log_start: u64) -> String {
        let mut said = Vec::new();
        if let Ok(mut file) = File::open(self.cluster.log())
            && file.seek(SeekFrom::Start(log_start)).is_ok()
        {
            let _ = file.take(1 << 20).read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The server writes its process id in the first line of this file, and how it is in the eighth.
    fn is_ready(&self, process_id: u32) -> bool {
        let Ok(text) = std::fs::read_to_string(self.cluster.data().join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines();
        lines.next().and_then(|line| line.trim().parse().ok()) == Some(process_id)
            && lines.nth(6).is_some_and(|line| line.trim() == "ready")
    }

    /// Sees to what the last server left behind. This program holds the folder's lock, so whatever server is there
    /// has lost its owner: after a while it is told to stop, and then to stop at once.
    fn hasten(&self, waited: Duration, told: &mut Option<Signal>) {
        let path = self.cluster.data().join("postmaster.pid");
        let Ok(text) = std::fs::read_to_string(&path) else { return };
        let Some(process_id) = text.lines().next().and_then(|line| line.trim().parse::<u32>().ok()) else {
            return;
        };
        if !self.is_ours(process_id) {
            // The number belongs to another program by now; Postgres cannot know that, we can.
            let _ = std::fs::remove_file(&path);
            return;
        }
        let wanted = if waited > PATIENCE * 2 {
            Signal::Immediate
        } else if waited > PATIENCE {
            Signal::Fast
        } else {
            return;
        };
        if *told != Some(wanted) {
            *told = Some(wanted);
            signal(process_id, wanted);
        }
    }

    /// Is this process a Postgres on our data? Taken for one where the system does not tell.
    fn is_ours(&self, process_id: u32) -> bool {
        if !Path::new("/proc/self/cmdline").exists() {
            return true;
        }
        let Ok(command_line) = std::fs::read(format!("/proc/{process_id}/cmdline")) else { return false };
        let data = self.cluster.data();
        let data = data.as_os_str().as_encoded_bytes();
        command_line.split(|byte| *byte == 0).any(|argument| argument == data)
    }
}
