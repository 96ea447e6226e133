//! The few calls to the system that the standard library does not offer.
#![expect(
    unsafe_code,
    reason = "signals and the parent-death signal have no safe interface in the standard library"
)]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

/// The uid that this program acts as.
pub(crate) fn effective_uid() -> u32 {
    // SAFETY: takes nothing, always succeeds.
    unsafe { libc::geteuid() }
}

/// A signal to a Postgres server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// "Fast": sessions are ended, everything is written, then it stops.
    Fast,
    /// "Immediate": it stops at once, and recovers at the next start.
    Immediate,
}

/// Sends a signal. A process that is gone already is no error.
pub(super) fn signal(process_id: u32, signal: Signal) {
    let number = match signal {
        Signal::Fast => libc::SIGINT,
        Signal::Immediate => libc::SIGQUIT,
    };
    // 0 and negative numbers would mean groups of processes.
    if let Ok(process_id) = libc::pid_t::try_from(process_id)
        && process_id > 1
    {
        // SAFETY: takes two numbers; the worst it can do is to signal the wrong process, and the callers hold a
        // child that they have not waited for, or have read the process's command line.
        unsafe { libc::kill(process_id, number) };
    }
}

/// Bytes that are free on the disk of a folder, if the system tells.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let path = CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut answer = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends with a zero, and the answer has the right size; it is read only when it was written.
    let answer = unsafe {
        if libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) != 0 {
            return None;
        }
        answer.assume_init()
    };
    // The types of the fields differ between systems.
    #[allow(clippy::unnecessary_cast, reason = "on Linux they are u64 already")]
    Some((answer.f_bavail as u64).saturating_mul(answer.f_frsize as u64))
}

/// Makes the kernel ask the command's process to stop (fast) when the *thread* that spawned it ends. So it must
/// be spawned by a thread that lives as long as the server is wanted. Only Linux has this.
pub(super) fn stop_with_thread(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt as _;

        let parent = std::process::id();
        let ask = move || {
            // SAFETY: both calls are async-signal-safe and touch no memory. This runs after the change of uid, which
            // would have cleared the setting.
            let (result, now) =
                unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT), libc::getppid()) };
            if result != 0 {
                return Err(std::io::Error::last_os_error());
            }
            // The parent may have died before the call.
            if u32::try_from(now).ok() == Some(parent) {
                Ok(())
            } else {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        };
        // SAFETY: the closure allocates nothing and takes no lock.
        unsafe { command.pre_exec(ask) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
