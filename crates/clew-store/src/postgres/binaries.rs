//! Postgres's programs: where they are, and of which version.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The oldest version that clew works with.
const OLDEST: u32 = 15;
/// Where packages put the programs: a folder whose entries are versions, a prefix of those entries, what follows.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];
const PLAIN: &[&str] = &[
    "/usr/lib/postgresql/bin",
    "/usr/libexec/postgresql",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
];

/// The programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// Makes a cluster.
    pub initdb: PathBuf,
    /// Serves it.
    pub postgres: PathBuf,
    /// The major version.
    pub version: u32,
}

/// The programs in `bin` if it is given, else the newest that are found; of the very version of the data if there
/// are data already.
pub(super) fn find(bin: Option<&Path>, of_data: Option<u32>) -> Result<Binaries> {
    let folders = bin.map_or_else(usual_folders, |bin| vec![bin.to_owned()]);
    let mut found: Vec<Binaries> = folders.iter().filter_map(|folder| look(folder)).collect();
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.version));
    let fits = |version: u32| of_data.map_or(version >= OLDEST, |of_data| version == of_data);
    let chosen = found.iter().find(|binaries| fits(binaries.version)).cloned();
    chosen.ok_or_else(|| missing(bin, of_data, &found))
}

fn missing(bin: Option<&Path>, of_data: Option<u32>, found: &[Binaries]) -> Error {
    let place = bin.map_or_else(|| "programs".to_owned(), |bin| bin.display().to_string());
    let seen: Vec<String> = found.iter().map(|binaries| binaries.version.to_string()).collect();
    let seen = if seen.is_empty() { "none".to_owned() } else { format!("only version {}", seen.join(", ")) };
    let remedy = match of_data {
        Some(version) => format!(
            "the data were made by Postgres {version}, and {seen} was found; install postgresql-{version}, or set \
             the folder aside to begin anew"
        ),
        None => format!(
            "Postgres {OLDEST} or newer is needed, and {seen} was found; install its server (Debian and Ubuntu: \
             apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql@17), \
             or name the folder of initdb and postgres in CLEW_PG_BIN, or a running server in DATABASE_URL"
        ),
    };
    Error::private(place, remedy)
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && let Ok(folder) = String::from_utf8(output.stdout)
        && !folder.trim().is_empty()
    {
        folders.push(PathBuf::from(folder.trim()));
    }
    for (root, prefix, rest) in VERSIONED {
        let Ok(entries) = std::fs::read_dir(root) else { continue };
        let mut entries: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .and_then(|name| name.to_str())
                    .and_then(|name| name.strip_prefix(prefix))
                    .is_some_and(|version| {
                        !version.is_empty()
                            && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                    })
            })
            .collect();
        entries.sort();
        folders.extend(entries.into_iter().map(|entry| entry.join(rest)));
    }
    folders.extend(PLAIN.iter().map(PathBuf::from));
    folders
}

/// The programs in a folder, if both are there and tell their version.
fn look(folder: &Path) -> Option<Binaries> {
    // Links are followed: Postgres finds its own files from where the program really is.
    let postgres = folder.join("postgres").canonicalize().ok()?;
    let initdb = folder.join("initdb").canonicalize().ok()?;
    let output = Command::new(&postgres).arg("--version").output().ok()?;
    let version = version(&String::from_utf8(output.stdout).ok()?)?;
    Some(Binaries { initdb, postgres, version })
}

/// Reads `postgres (PostgreSQL) 15.13 (Debian …)`, also `… 18beta1`.
fn version(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let end = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        assert_eq!(version("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(version("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn says_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let message = find(Some(folder.path()), None).unwrap_err().to_string();
        assert!(
            message.contains("apt-get install postgresql") && message.contains("none was found"),
            "{message}"
        );
        let message = find(Some(folder.path()), Some(13)).unwrap_err().to_string();
        assert!(
            message.contains("made by Postgres 13") && message.contains("install postgresql-13"),
            "{message}"
        );
    }
}
