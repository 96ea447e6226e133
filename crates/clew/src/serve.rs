//! The command `clew serve`: the API and the console, with a worker in the same process when asked for.

use std::net::IpAddr;
use std::process::ExitCode;

use crate::cli::Globals;
use crate::service::Service;
use crate::{config, output, runtime, telemetry};

/// The options of `clew serve`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The port to serve on; 0 = any free one
    #[arg(long)]
    port: Option<u16>,
    /// The address to serve on; 0.0.0.0 for every interface
    #[arg(long)]
    host: Option<IpAddr>,
    /// Run jobs in this process too
    #[arg(long)]
    with_worker: bool,
}

/// Runs the command until SIGTERM or SIGINT.
///
/// # Errors
/// When the service cannot start.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut config = config::load(globals.config.as_deref())?;
    globals.apply(&mut config);
    if let Some(port) = args.port {
        config.listen.0.set_port(port);
    }
    if let Some(host) = args.host {
        config.listen.0.set_ip(host);
    }
    telemetry::init(&config, globals.json);
    runtime::block_on(async {
        let shutdown = runtime::shutdown_signal()?;
        let service = tokio::select! {
            service = Service::start(&config, args.with_worker) => service?,
            // Told to end before having begun.
            () = shutdown.cancelled() => return Ok(()),
        };
        let url = service.url();
        tracing::info!(
            service.url = url,
            service.worker = args.with_worker,
            database.private = service.has_private_database(),
            "serving"
        );
        // One line for whoever started us, once requests are answered.
        if globals.json {
            output::json(&serde_json::json!({ "url": url }))?;
        } else {
            output::line(format!("clew serves at {url} (API document: {url}/docs)"))?;
        }
        service.serve(shutdown).await
    })?;
    Ok(ExitCode::SUCCESS)
}
