//! The command `clew demo`: a whole clew from nothing, in the present folder.
//!
//! Private Postgres, tenant and key, data through the HTTP API, a model trained by the worker, and then the story: a
//! gain curve, what a rule does to it, recommendations, the check out of time. What it makes stays under `.clew`; a
//! second run in the same folder keeps the data and the model when they still fit. Data that are too few to learn
//! from end it with a sentence that says how many are missing, and exit code 1.

mod choice;
mod draw;
mod source;
mod state;
mod step;
mod story;
mod title;
mod told;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clew_learn::Stop;
use clew_store::tenant::Mode;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use self::source::Source;
use self::state::State;
use self::step::Steps;
use self::told::{Access, grouped};
use crate::cli::Globals;
use crate::client::Client;
use crate::config::{self, Config};
use crate::service::Service;
use crate::{import, output, output_file, runtime, telemetry, tenant};

/// The options of `clew demo`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A folder of own files instead of the sample: customers, products, events and optionally campaigns (.csv
    /// .ndjson .parquet, plain, .gz or .zst) and mapping.toml
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The port to serve on; 0 = any free one. When not given: the configured one (8080), or any if that is in use
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// End after the report
    #[arg(long)]
    once: bool,
    /// Customers of the sample; a tenth as many products and forty times as many events go with them
    #[arg(long, value_name = "N", default_value_t = 50_000, conflicts_with = "data",
          value_parser = clap::value_parser!(u32).range(100..=5_000_000))]
    customers: u32,
}

/// Runs the command.
///
/// # Errors
/// When there is no Postgres to be had, the port is in use, a file cannot be read, or there is too little to learn
/// from; each with its remedy.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let config = configured(&args, globals)?;
    telemetry::init(&config, globals.json);
    let source = Source::new(args.data.clone(), args.customers, &config.data_dir);
    // Looked at before anything is started: a wrong folder should not cost a minute.
    if !source.is_sample() {
        source.files()?;
    }
    runtime::block_on(async {
        let shutdown = runtime::shutdown_signal()?;
        let stop = Arc::new(Stop::new());
        let stopped = "stopped; the next `clew demo` in this folder goes on with what is there";
        let mut steps = Steps::new(globals.json);
        let step = steps.begin("postgres", "Postgres and service");
        let service = tokio::select! {
            service = Service::start(&config, true) => service?,
            () = shutdown.cancelled() => bail!(stopped),
        };
        let whose = if service.has_private_database() { "a private Postgres" } else { "the given database" };
        steps.end(step, &format!("{whose}, {}", service.url()));
        let told = tokio::select! {
            told = tell(&service, &config, &source, &mut steps, &stop, globals.json) => told,
            () = shutdown.cancelled() => {
                stop.stop();
                Err(anyhow::anyhow!(stopped))
            }
        };
        if let Err(error) = told {
            service.stop().await;
            return Err(error);
        }
        if args.once {
            service.stop().await;
            return Ok(());
        }
        if !globals.json {
            output_file::tell("\n  Ctrl-C ends it; `clew demo` in this folder brings it back.");
        }
        service.serve(shutdown).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The configuration with what the demo does otherwise: its port, and a quiet log.
fn configured(args: &Args, globals: &Globals) -> anyhow::Result<Config> {
    let mut config = config::load(globals.config.as_deref())?;
    globals.apply(&mut config);
    if config.log_level.0 == "info" {
        // Bars and everyday log lines do not share a terminal well.
        "warn".clone_into(&mut config.log_level.0);
    }
    match args.port {
        Some(port) => config.listen.0.set_port(port),
        None => {
            let taken = TcpListener::bind(config.listen.0)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse);
            if taken {
                config.listen.0.set_port(0);
            }
        }
    }
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("could not make the folder {}", config.data_dir.display()))?;
    Ok(config)
}

/// From the running service to the story told.
async fn tell(
    service: &Service,
    config: &Config,
    source: &Source,
    steps: &mut Steps,
    stop: &Arc<Stop>,
    json: bool,
) -> anyhow::Result<()> {
    let (mut state, client) = tenant_and_key(service, config, source, steps).await?;
    if !state.imported {
        bring_in(&client, config, source, steps, stop).await?;
        state.imported = true;
        state.model_id = None;
        state.keep(&config.data_dir)?;
    }
    let data = client.get("/v1/data").await?;

    let step = steps.begin("train", "training by the worker");
    let model = story::model(&client, state.model_id.map(|id| id.to_string()), &step).await.context(
        "there is no model to draw a gain curve from; the data are in, add what is missing and run again",
    )?;
    let chosen = model["report"]["chosen"].as_str().unwrap_or("a factorisation").replace('_', " ");
    steps.end(step, &format!("{chosen}, {:.1} MB", model["size_bytes"].as_f64().unwrap_or(0.0) / 1e6));
    state.model_id = model["id"].as_str().and_then(|id| id.parse().ok());
    state.keep(&config.data_dir)?;

    let step = steps.begin("answer", "gain curves and the rest");
    let (offer, customers) = choose(source).await?;
    let story = story::ask(&client, model, &offer, &choice::rule(&data), &customers).await?;
    let ids: Vec<&str> = story
        .recommendations
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|p| p["product_id"].as_str())
        .collect();
    let titles = title::titles(source, &ids);
    steps.end(step, &format!("{} points", story.curve["points"].as_array().map_or(0, Vec::len)));

    let access =
        Access { url: service.url(), api_key: state.api_key.clone(), tenant_id: state.tenant_id.to_string() };
    if json {
        output::json(&told::object(&access, &story, &titles, steps.seconds()))
    } else {
        output_file::tell(&format!("  {:26} {:>6.1} s", "all together", steps.total()));
        output::line(told::text(&access, &story, &titles, draw::Paper::of_stdout()).trim_end())
    }
}

/// The tenant of the last demo in this folder if it is there and of the same data, else a new one.
async fn tenant_and_key(
    service: &Service,
    config: &Config,
    source: &Source,
    steps: &mut Steps,
) -> anyhow::Result<(State, Client)> {
    let step = steps.begin("tenant", "tenant and key");
    let data = source.fingerprint()?;
    if let Some(mut state) = State::find(&config.data_dir) {
        let client = Client::new(&service.url(), state.api_key.clone().into())?;
        // Files that changed in the same folder are sent again: what is the same changes nothing.
        let same_folder = !source.is_sample() && state.data.lines().next() == data.lines().next();
        if (state.data == data || same_folder) && client.get("/v1/tenant").await.is_ok() {
            state.imported &= state.data == data;
            state.data = data;
            steps.end(step, "kept from the last demo here");
            return Ok((state, client));
        }
    }
    let mode = if source.is_sample() { Mode::Test } else { Mode::Live };
    let (row, key) = tenant::create(service.store(), "demo", "EUR", mode).await?;
    let api_key = key.expose_secret().to_owned();
    let state = State { tenant_id: row.id, api_key, data, imported: false, model_id: None };
    state.keep(&config.data_dir)?;
    steps.end(step, &row.id.to_string());
    Ok((state, Client::new(&service.url(), key)?))
}

/// Makes the sample if need be, and sends every file through the API.
async fn bring_in(
    client: &Client,
    config: &Config,
    source: &Source,
    steps: &mut Steps,
    stop: &Arc<Stop>,
) -> anyhow::Result<()> {
    if source.is_sample() {
        let step = steps.begin("sample", "making a French shop");
        source.make(&step, config.threads, stop).await?;
        steps.end(step, &source.dir().display().to_string());
    }
    for file in source.files()? {
        let (name, title) = match file.entity {
            "customers" => ("import_customers", "customers through the API"),
            "products" => ("import_products", "products through the API"),
            "campaigns" => ("import_campaigns", "campaigns through the API"),
            _ => ("import_events", "events through the API"),
        };
        let step = steps.begin(name, title);
        let told = Arc::clone(step.bar());
        let import =
            import::send(client, &file, move |phase, share, eta| told.tell(phase, share, eta)).await?;
        let n = |name: &str| grouped(import[name].as_f64().unwrap_or(0.0));
        let mut came = format!("{} rows", n("accepted"));
        for (name, what) in
            [("rejected", "rejected"), ("duplicates", "already there"), ("orphans", "orphans")]
        {
            if import[name].as_u64().is_some_and(|n| n > 0) {
                came.push_str(&format!(", {} {what}", n(name)));
            }
        }
        steps.end(step, &came);
    }
    Ok(())
}

/// The offer and the customers to show.
async fn choose(source: &Source) -> anyhow::Result<(Value, Vec<String>)> {
    if source.is_sample() {
        return Ok((choice::sample_offer(), choice::sample_customers()));
    }
    let dir = source.dir().to_owned();
    let read = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let (records, _) = clew_store::folder::read(&dir, None)?;
        Ok((choice::best_seller(&records), choice::regular_customers(&records)))
    });
    let (offer, customers) = read.await.context("the choice of an offer was cut off")??;
    let offer =
        offer.context("nothing was ever bought in these files; send purchases to see a gain curve")?;
    Ok((offer, customers))
}
