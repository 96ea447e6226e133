//! The account that Postgres runs as: this program's own, except that Postgres refuses root.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result};

/// An account to change to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// Its name, for messages.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
}

/// The account to change to; none when this program does not run as root.
pub(super) fn to_run_as() -> Result<Option<Account>> {
    if super::process::effective_uid() != 0 {
        return Ok(None);
    }
    let path = Path::new("/etc/passwd");
    let accounts = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
    let found = ["postgres", "nobody"].iter().find_map(|name| parse(&accounts, name));
    found.map(Some).ok_or_else(|| {
        Error::private(
            "account",
            "Postgres refuses to run as root, and there is neither `postgres` nor `nobody`; \
            add one (useradd --system postgres), or run clew as another account",
        )
    })
}

/// Reads `name:password:uid:gid:…`.
fn parse(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (found && uid != 0).then(|| Account { name: name.to_owned(), uid, gid })
    })
}

impl Account {
    /// Makes a command run as this account, with no other groups.
    pub(super) fn apply(&self, command: &mut Command) {
        // The standard library drops root's supplementary groups when it changes the uid.
        command.gid(self.gid).uid(self.uid);
    }

    /// Gives it a file or folder.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(|error| Error::io(path, error))
    }

    /// May it enter this folder and all above it?
    pub(super) fn reaches(&self, folder: &Path) -> bool {
        folder.ancestors().filter(|part| !part.as_os_str().is_empty()).all(|part| {
            let Ok(metadata) = std::fs::metadata(part) else { return false };
            let shift = if metadata.uid() == self.uid {
                6
            } else if metadata.gid() == self.gid {
                3
            } else {
                0
            };
            metadata.permissions().mode() >> shift & 0o1 == 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_list_of_accounts() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nno body\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(
            parse(accounts, "nobody"),
            Some(Account { name: "nobody".into(), uid: 65534, gid: 65533 })
        );
        assert_eq!(parse(accounts, "postgres"), None);
        assert_eq!(parse(accounts, "root"), None, "never root");
    }

    #[test]
    fn sees_a_closed_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        // An account that owns nothing.
        let account = Account { name: "x".into(), uid: 4_000_001, gid: 4_000_001 };
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!account.reaches(&inner));
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(account.reaches(&inner), account.reaches(folder.path().parent().unwrap()));
        assert!(!account.reaches(Path::new("/no/such/folder")));
    }
}
