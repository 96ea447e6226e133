//! The command `clew tenant`: creates and lists tenants, straight in the database.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use clew_store::audit;
use clew_store::key::{NewKey, Right};
use clew_store::tenant::{Mode, TenantRow};
use clew_store::{Page, Store, key, tenant};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::cli::Globals;
use crate::database::Database;
use crate::key::by_command;
use crate::{config, output, runtime, telemetry};

/// The options of `clew tenant`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Create a tenant and, unless told otherwise, its owner's key
    Create {
        /// What people call it
        #[arg(long, value_parser = name)]
        name: String,
        /// ISO 4217 code of the currency that its money is in
        #[arg(long, default_value = "EUR", value_parser = currency)]
        currency: String,
        /// Its data are made up: its keys begin with `clew_test_`
        #[arg(long)]
        test: bool,
        /// Make no key; `clew key create` makes one later
        #[arg(long)]
        no_key: bool,
    },
    /// List the tenants, the newest first
    List,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached or refuses.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let config = config::load(globals.config.as_deref())?;
    telemetry::init(&config, globals.json);
    runtime::block_on(async {
        let database = Database::open_migrated(&config).await?;
        let done = match args.action {
            Action::Create { name, currency, test, no_key } => {
                let mode = if test { Mode::Test } else { Mode::Live };
                create_and_print(&database.store, &name, &currency, mode, !no_key, globals.json).await
            }
            Action::List => list(&database.store, globals.json).await,
        };
        database.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a tenant and its owner's key. The key is the only copy of the secret.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn create(
    store: &Store,
    name: &str,
    currency: &str,
    mode: Mode,
) -> anyhow::Result<(TenantRow, SecretString)> {
    let row = insert(store, name, currency, mode).await?;
    let mut tenant = store.tenant(row.id).await?.acting(by_command("tenant create"));
    audit::note_made(&mut tenant, &row.id.to_string());
    let new = NewKey { name: "owner".to_owned(), right: Right::Owner, expires_at: None };
    let (_, secret) = key::insert(&mut tenant, &new).await.context("could not make the owner's key")?;
    tenant.commit().await?;
    Ok((row, secret))
}

async fn insert(store: &Store, name: &str, currency: &str, mode: Mode) -> anyhow::Result<TenantRow> {
    let mut operator = store.operator().await?.acting(by_command("tenant create"));
    let row =
        tenant::insert(&mut operator, name, currency, mode).await.context("could not make the tenant")?;
    audit::note_made(&mut operator, &row.id.to_string());
    operator.commit().await?;
    Ok(row)
}

async fn create_and_print(
    store: &Store,
    name: &str,
    currency: &str,
    mode: Mode,
    with_key: bool,
    json: bool,
) -> anyhow::Result<()> {
    let (row, secret) = if with_key {
        let (row, secret) = create(store, name, currency, mode).await?;
        (row, Some(secret))
    } else {
        (insert(store, name, currency, mode).await?, None)
    };
    let secret = secret.as_ref().map(|secret| secret.expose_secret());
    if json {
        return output::json(&json!({
            "tenant_id": row.id, "name": row.name, "currency": row.currency, "mode": row.mode,
            "api_key": secret,
        }));
    }
    output::line(format!("tenant  {}  {}", row.id, row.name))?;
    match secret {
        Some(secret) => output::line(format!("key     {secret}  (owner; shown only now)")),
        None => Ok(()),
    }
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let mut page = Page::first(1_000);
    loop {
        let mut operator = store.operator().await?;
        let rows = tenant::list(&mut operator, &page).await?;
        for row in rows.data {
            if json {
                output::json(&json!({
                    "tenant_id": row.id, "name": row.name, "currency": row.currency, "mode": row.mode,
                    "created_at": row.created_at,
                }))?;
            } else {
                output::line(format!("{}  {}  {}", row.id, row.created_at.format("%Y-%m-%d"), row.name))?;
            }
        }
        match rows.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(()),
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if (1..=200).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err("must have 1 to 200 characters".to_owned())
    }
}

fn currency(text: &str) -> Result<String, String> {
    let code = text.to_ascii_uppercase();
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code)
    } else {
        Err("is no ISO 4217 code; write three letters such as EUR".to_owned())
    }
}
