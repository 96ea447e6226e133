//! The command `clew work`: runs jobs until it is told to end.

use std::process::ExitCode;

use anyhow::Context as _;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use clew_store::Store;
use clew_work::{Worker, WorkerParts};
use tokio_util::sync::CancellationToken;

use crate::cli::Globals;
use crate::config::Config;
use crate::database::Database;
use crate::{config, output, runtime, service, telemetry};

/// The options of `clew work`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Jobs run at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    places: Option<u16>,
}

/// Runs the command until SIGTERM or SIGINT.
///
/// # Errors
/// When the database or the object store cannot be reached at the start.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let mut config = config::load(globals.config.as_deref())?;
    globals.apply(&mut config);
    if let Some(places) = args.places {
        config.work_places = places;
    }
    telemetry::init(&config, globals.json);
    runtime::block_on(async {
        let shutdown = runtime::shutdown_signal()?;
        work(&config, shutdown, globals.json).await
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn work(config: &Config, shutdown: CancellationToken, json: bool) -> anyhow::Result<()> {
    let listener = match config.work_listen {
        Some(address) => Some(service::bind(address.0).await?),
        None => None,
    };
    let metrics = clew_api::metrics::install().context("could not start the metrics")?;
    let database = Database::open_migrated(config).await?;
    let worker_config = service::work_config(config);
    let worker_id = worker_config.worker_id.clone();
    let worker = Worker::new(WorkerParts {
        store: database.store.clone(),
        objects: service::objects(config)?,
        pool: runtime::pool(config.threads)?,
        clock: runtime::clock(),
        config: worker_config,
    });
    if let Some(listener) = listener {
        let health = health(database.store.clone(), metrics);
        tokio::spawn(async move { axum::serve(listener, health).await });
    }
    if json {
        output::json(&serde_json::json!({ "worker_id": worker_id }))?;
    } else {
        output::line(format!("clew works as {worker_id}"))?;
    }
    worker.run(shutdown).await;
    database.close().await;
    Ok(())
}

/// What watches a lone worker: does it live, can it reach the database, what has it done.
fn health(store: Store, metrics: metrics_exporter_prometheus::PrometheusHandle) -> Router {
    let ready = move || {
        let store = store.clone();
        async move { if store.ping().await.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    Router::new()
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/readyz", get(ready))
        .route("/metrics", get(move || async move { metrics.render() }))
}
