//! What a command that waits needs of the machine: the tokio runtime, the one rayon pool, the clock, the signals.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The clock that everything below the binary is given.
pub(crate) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The machine's clock.
pub(crate) fn clock() -> Clock {
    Arc::new(now)
}

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "the binary is where the clock comes from")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Runs a future to its end on a runtime of its own.
///
/// # Errors
/// The future's, and when the system gives no threads.
pub(crate) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("clew-io")
        .build()
        .context("could not start the threads for input and output")?;
    let result = runtime.block_on(future);
    // A blocking read that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

/// The pool for arithmetic; `n_threads` 0: as many as there are cores.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn pool(n_threads: u16) -> anyhow::Result<Arc<rayon::ThreadPool>> {
    built(rayon::ThreadPoolBuilder::new().num_threads(n_threads.into()))
}

/// The pool for the arithmetic of jobs in a process that also answers requests: as many threads again, which get what the answers
/// leave of the processors. A pool shared with the answers would make each wait for a gap in a training.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn pool_behind(n_threads: u16) -> anyhow::Result<Arc<rayon::ThreadPool>> {
    built(rayon::ThreadPoolBuilder::new().num_threads(n_threads.into()).start_handler(|_| step_back()))
}

fn built(builder: rayon::ThreadPoolBuilder) -> anyhow::Result<Arc<rayon::ThreadPool>> {
    let pool = builder
        .thread_name(|index| format!("clew-{index}"))
        .build()
        .context("could not start the threads for arithmetic")?;
    Ok(Arc::new(pool))
}

/// Gives this thread the lowest priority. Where priorities are of whole processes only, it keeps its own.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a thread's priority is only had by setpriority")]
fn step_back() {
    // SAFETY: no memory is handed over. On Linux 0 is the calling thread (setpriority(2), "C library/kernel differences").
    let done = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
    if done != 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "jobs run at the priority of answers");
    }
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

/// A token that is cancelled by the first SIGTERM or SIGINT; the second ends the process at once.
///
/// # Errors
/// When the system refuses the handlers.
pub(crate) fn shutdown_signal() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for SIGINT")?;
    let token = CancellationToken::new();
    let raised = token.clone();
    tokio::spawn(async move {
        for round in 0..2 {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if round == 0 {
                tracing::info!(signal = name, "ending: what is under way may finish");
                raised.cancel();
            } else {
                tracing::warn!(signal = name, "ending at once");
                // The private Postgres ends with its parent.
                std::process::exit(1);
            }
        }
    });
    Ok(token)
}

/// The address under which a listener on every interface is reached from this machine.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
