//! The command `clew health`: asks a server or worker on this machine whether it lives; for container checks.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cli::Globals;
use crate::{config, output, runtime};

/// The options of `clew health`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Ask for readiness (the database answers, not draining) rather than for life
    #[arg(long)]
    ready: bool,
    /// Whom to ask; the `listen` of the configuration when not given
    #[arg(long, value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
}

/// Runs the command.
///
/// # Errors
/// When nobody answers within two seconds, or not with 200.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let address = match args.address {
        Some(address) => address,
        None => config::load(globals.config.as_deref())?.listen.0,
    };
    let address = runtime::reachable(address);
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let status = runtime::block_on(async {
        tokio::time::timeout(Duration::from_secs(2), ask(address, path))
            .await
            .with_context(|| format!("{address} did not answer within 2 seconds"))?
    })?;
    if status != 200 {
        bail!("http://{address}{path} answered {status}");
    }
    output::line("ok")?;
    Ok(ExitCode::SUCCESS)
}

/// The status of a plain `GET`.
async fn ask(address: SocketAddr, path: &str) -> anyhow::Result<u16> {
    let mut stream =
        TcpStream::connect(address).await.with_context(|| format!("nobody listens at {address}"))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|word| word.parse().ok());
    status.with_context(|| format!("{address} does not speak HTTP"))
}
