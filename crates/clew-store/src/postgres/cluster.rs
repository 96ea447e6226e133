//! The folder of a private Postgres: where its data go, who may have it, and how it is made.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::binaries::Binaries;
use super::{NAME, process};
use crate::error::{Error, Result};

/// Postgres does not start with less than a log segment (16 MiB) to spare.
const TOO_LITTLE_BYTES: u64 = 16 << 20;

/// The folder, held: no other program may start a Postgres in it. The system lets go when this program ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Leaves the address for whoever finds the folder taken and would rather connect than start another.
    pub(super) fn leave(&mut self, url: &str) -> std::io::Result<()> {
        writeln!(self.file, "{url}")
    }
}

/// The address that the holder of a folder left in its lock; none when nobody holds it, or it is not yet up.
pub(super) fn address_left(dir: &Path) -> Option<String> {
    let mut file = OpenOptions::new().read(true).write(true).open(dir.join("lock")).ok()?;
    if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.lines().nth(1).map(str::to_owned)
}

/// The folder of a private Postgres.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// What was asked for.
    dir: PathBuf,
    /// Where data and log are.
    home: PathBuf,
    /// The account to run as.
    account: Option<Account>,
}

impl Cluster {
    /// Makes the folder, and finds one that the account can reach when it cannot reach this one.
    pub(super) fn locate(dir: &Path, account: Option<Account>) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
        let dir = dir.canonicalize().map_err(|error| Error::io(dir, error))?;
        let home = match &account {
            Some(account) if !account.reaches(&dir) => reachable(&dir, account)?,
            _ => dir.clone(),
        };
        Ok(Self { dir, home, account })
    }

    /// Where data and log are.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Postgres's own folder.
    pub(super) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// What Postgres says.
    pub(super) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// Takes the folder.
    pub(super) fn lock(&self) -> Result<Lock> {
        let path = self.dir.join("lock");
        let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = open.map_err(|error| Error::io(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(Error::private(
                    self.dir.display().to_string(),
                    format!(
                        "in use by process {}; end it, or take another folder",
                        holder.lines().next().unwrap_or_default()
                    ),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(&path, error)),
        }
        // Who holds it, for the message above.
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| Error::io(&path, error))?;
        Ok(Lock { file })
    }

    /// The major version that made the data, if there are any.
    pub(super) fn version(&self) -> Result<Option<u32>> {
        let path = self.data().join("PG_VERSION");
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let damaged =
                    || Error::corrupt(path.display().to_string(), "restore the folder, or set it aside");
                Ok(Some(text.trim().parse().map_err(|_| damaged())?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path, error)),
        }
    }

    /// Makes the cluster and its database, unless they are there. It is made aside and then renamed: a first start
    /// that was killed half-way leaves nothing that looks like a cluster. `hasty` does not wait for the disk.
    pub(super) fn ensure(&self, binaries: &Binaries, hasty: bool) -> Result<()> {
        if self.data().exists() {
            return Ok(());
        }
        let new = self.home.join("data.new");
        if new.exists() {
            std::fs::remove_dir_all(&new).map_err(|error| Error::io(&new, error))?;
        }
        self.make_dir(&new)?;
        let mut initdb = Command::new(&binaries.initdb);
        initdb.arg("-D").arg(&new).args([
            "--username",
            NAME,
            "--auth=trust",
            "--encoding=UTF8",
            "--no-instructions",
        ]);
        // Text in the order of its bytes (fast, and the same on every machine); messages in English, since we read
        // them; upper and lower case of all letters.
        initdb.args(["--locale=C", "--lc-ctype=C.UTF-8"]);
        let mut single = Command::new(&binaries.postgres);
        single.args(["--single", "-D"]).arg(&new);
        if hasty {
            initdb.arg("--no-sync");
            single.arg("-F");
        }
        single.arg("postgres");
        self.run(initdb, "initdb", b"")?;
        self.run(single, "create database", format!("create database {NAME}\n").as_bytes())?;
        std::fs::rename(&new, self.data()).map_err(|error| Error::io(&new, error))
    }

    /// A command as the right account, with an environment that does not change what it does.
    pub(super) fn prepare(&self, command: &mut Command) {
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&self.home);
        if let Some(account) = &self.account {
            account.apply(command);
        }
    }

    /// A folder that only the right account may enter.
    pub(super) fn make_dir(&self, path: &Path) -> Result<()> {
        DirBuilder::new().mode(0o700).create(path).map_err(|error| Error::io(path, error))?;
        if let Some(account) = &self.account {
            account.own(path)?;
        }
        Ok(())
    }

    fn run(&self, mut command: Command, step: &str, input: &[u8]) -> Result<()> {
        self.prepare(&mut command);
        process::stop_with_thread(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Error::io(command.get_program(), error))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends early says why on its standard error.
            let _ = stdin.write_all(input);
        }
        let output = child.wait_with_output().map_err(|error| Error::io(command.get_program(), error))?;
        let said = String::from_utf8_lossy(&output.stderr);
        // In single-user mode an error of a statement is no error of the program.
        if output.status.success() && !said.contains("ERROR:") && !said.contains("FATAL:") {
            return Ok(());
        }
        Err(explain(step, &self.home, &said))
    }
}

/// An error from what Postgres's programs say.
pub(super) fn explain(step: &str, home: &Path, said: &str) -> Error {
    // On a full disk the log may not hold a word.
    let full = process::free_bytes(home).is_some_and(|n_bytes| n_bytes < TOO_LITTLE_BYTES);
    if full || said.contains("No space left on device") {
        return Error::private(home.display().to_string(), "the disk is full; make room, then start again");
    }
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(6)).copied().collect::<Vec<_>>().join("; ");
    Error::private(format!("{step} in {}", home.display()), format!("it said: {last}"))
}

/// A folder for what was asked for in `dir`, which the account cannot reach: it lies below one that others may not
/// enter, such as root's home.
fn reachable(dir: &Path, account: &Account) -> Result<PathBuf> {
    // Its own folder may just be closed, and is ours to open to passers-by.
    if dir.parent().is_some_and(|parent| account.reaches(parent)) {
        let mode = std::fs::metadata(dir).map_err(|error| Error::io(dir, error))?.permissions().mode();
        let opened = std::fs::set_permissions(dir, Permissions::from_mode(mode & 0o7777 | 0o011));
        opened.map_err(|error| Error::io(dir, error))?;
        if account.reaches(dir) {
            return Ok(dir.to_owned());
        }
    }
    let name = &blake3::hash(dir.as_os_str().as_encoded_bytes()).to_hex()[..16];
    // What is below a folder for short-lived files stays short-lived.
    let temporary = ["/tmp", "/var/tmp"].into_iter().find(|folder| dir.starts_with(folder));
    let home = temporary.map_or_else(
        || Path::new("/var/lib/clew").join(name),
        |folder| Path::new(folder).join(format!("clew-postgres-{name}")),
    );
    let made = DirBuilder::new().recursive(true).mode(0o755).create(&home);
    // In a folder where anybody may make one, it may be somebody else's.
    let ours = std::fs::metadata(&home).is_ok_and(|metadata| metadata.uid() == process::effective_uid());
    if made.is_err() || !ours || !account.reaches(&home) {
        return Err(Error::private(
            dir.display().to_string(),
            format!(
                "the account {} cannot reach it, nor {}; take a folder that it can reach, or run clew as another account",
                account.name,
                home.display()
            ),
        ));
    }
    tracing::warn!(
        folder = %dir.display(), instead = %home.display(), account = %account.name,
        "the folder is below one that Postgres's account cannot enter; its data go elsewhere"
    );
    Ok(home)
}
