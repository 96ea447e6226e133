//! The command `clew key`: creates, lists, rotates and revokes API keys, straight in the database.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{DateTime, Days, Utc};
use clap::{Subcommand, ValueEnum};
use clew_store::audit::{self, Act, Actor};
use clew_store::key::{Key, NewKey, Right};
use clew_store::{Page, Store, key};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::cli::Globals;
use crate::database::Database;
use crate::{config, output, runtime, telemetry};

/// The options of `clew key`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// Whose keys: a tenant's, or the operators'.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct Whose {
    /// The tenant's id
    #[arg(long, value_name = "ID")]
    tenant: Option<Uuid>,
    /// The operators', who manage tenants and see no tenant's data
    #[arg(long)]
    operator: bool,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Create a key; it is shown only once
    Create {
        #[command(flatten)]
        whose: Whose,
        /// What people call it
        #[arg(long)]
        name: String,
        /// What a tenant's key may do
        #[arg(long, value_enum, default_value_t = RightName::Marketer, conflicts_with = "operator")]
        right: RightName,
        /// The key ends by itself after so many days
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3650))]
        expires_in_days: Option<u64>,
    },
    /// List the keys, the newest first, revoked ones too
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Make a key in another's place; both work until the overlap is over
    Rotate {
        #[command(flatten)]
        whose: Whose,
        /// The old key's id: the part before its last underscore
        #[arg(value_name = "KEY_ID")]
        id: Uuid,
        /// For how long the old key works beside the new one; 0: not at all
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32).range(0..=2_592_000))]
        overlap_seconds: u32,
    },
    /// Revoke a key, at once
    Revoke {
        #[command(flatten)]
        whose: Whose,
        /// The key's id: the part before its last underscore
        #[arg(value_name = "KEY_ID")]
        id: Uuid,
    },
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum RightName {
    Ingest,
    Reader,
    Marketer,
    Owner,
}

impl From<RightName> for Right {
    fn from(name: RightName) -> Self {
        match name {
            RightName::Ingest => Self::Ingest,
            RightName::Reader => Self::Reader,
            RightName::Marketer => Self::Marketer,
            RightName::Owner => Self::Owner,
        }
    }
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
        let store = &database.store;
        let done = match args.action {
            Action::Create { whose, name, right, expires_in_days } => {
                let expires_at =
                    expires_in_days.and_then(|days| runtime::now().checked_add_days(Days::new(days)));
                create(store, &whose, name, right.into(), expires_at, globals.json).await
            }
            Action::List { whose } => list(store, &whose, globals.json).await,
            Action::Rotate { whose, id, overlap_seconds } => {
                rotate(store, &whose, id, overlap_seconds, globals.json).await
            }
            Action::Revoke { whose, id } => revoke(store, &whose, id, globals.json).await,
        };
        database.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn create(
    store: &Store,
    whose: &Whose,
    name: String,
    right: Right,
    expires_at: Option<DateTime<Utc>>,
    json: bool,
) -> anyhow::Result<()> {
    let (row, secret) = if let Some(tenant_id) = whose.tenant {
        let mut tenant = store.tenant(tenant_id).await?.acting(by_command("key create"));
        let made = key::insert(&mut tenant, &NewKey { name, right, expires_at })
            .await
            .with_context(|| format!("could not make the key; is {tenant_id} one of `clew tenant list`?"))?;
        audit::note_made(&mut tenant, &made.0.id.to_string());
        tenant.commit().await?;
        made
    } else {
        let mut operator = store.operator().await?.acting(by_command("key create"));
        let made =
            key::insert_operator(&mut operator, &name, expires_at).await.context("could not make the key")?;
        audit::note_made(&mut operator, &made.0.id.to_string());
        operator.commit().await?;
        made
    };
    show_once(&row, &secret, json)
}

async fn rotate(
    store: &Store,
    whose: &Whose,
    id: Uuid,
    overlap_seconds: u32,
    json: bool,
) -> anyhow::Result<()> {
    let (row, secret) = if let Some(tenant_id) = whose.tenant {
        let mut tenant = store.tenant(tenant_id).await?.acting(by_command("key rotate"));
        audit::note_made(&mut tenant, &id.to_string());
        let made = key::rotate(&mut tenant, id, overlap_seconds)
            .await
            .with_context(|| format!("could not rotate {id}"))?;
        tenant.commit().await?;
        made
    } else {
        let mut operator = store.operator().await?.acting(by_command("key rotate"));
        audit::note_made(&mut operator, &id.to_string());
        let made = key::rotate_operator(&mut operator, id, overlap_seconds)
            .await
            .with_context(|| format!("could not rotate {id}"))?;
        operator.commit().await?;
        made
    };
    show_once(&row, &secret, json)
}

fn show_once(row: &Key, secret: &SecretString, json: bool) -> anyhow::Result<()> {
    if json {
        let mut shown = described(row);
        shown["api_key"] = secret.expose_secret().into();
        return output::json(&shown);
    }
    output::line(format!("{}  (shown only now)", secret.expose_secret()))
}

async fn list(store: &Store, whose: &Whose, json: bool) -> anyhow::Result<()> {
    let mut page = Page::first(1_000);
    loop {
        let rows = if let Some(tenant_id) = whose.tenant {
            key::list(&mut store.tenant(tenant_id).await?, &page).await?
        } else {
            key::list_operator(&mut store.operator().await?, &page).await?
        };
        for row in &rows.data {
            if json {
                output::json(&described(row))?;
                continue;
            }
            let state = if row.revoked_at.is_some() { "revoked" } else { "valid" };
            let line = format!("{}  {:8}  {:7}  …{}  {}", row.id, right(row), state, row.last_four, row.name);
            output::line(line)?;
        }
        match rows.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(()),
        }
    }
}

async fn revoke(store: &Store, whose: &Whose, id: Uuid, json: bool) -> anyhow::Result<()> {
    let row = if let Some(tenant_id) = whose.tenant {
        let mut tenant = store.tenant(tenant_id).await?.acting(by_command("key revoke"));
        audit::note_made(&mut tenant, &id.to_string());
        let row = key::revoke(&mut tenant, id).await.with_context(|| format!("could not revoke {id}"))?;
        tenant.commit().await?;
        row
    } else {
        let mut operator = store.operator().await?.acting(by_command("key revoke"));
        audit::note_made(&mut operator, &id.to_string());
        let row = key::revoke_operator(&mut operator, id)
            .await
            .with_context(|| format!("could not revoke {id}"))?;
        operator.commit().await?;
        row
    };
    if json { output::json(&described(&row)) } else { output::line(format!("{} is revoked", row.id)) }
}

/// For the audit log: whoever runs the program on its machine is not known by name.
pub(crate) fn by_command(words: &str) -> Act {
    Act::new(Actor::Command, words)
}

fn right(row: &Key) -> &'static str {
    row.right.map_or("operator", Right::as_str)
}

fn described(row: &Key) -> serde_json::Value {
    json!({
        "key_id": row.id, "name": row.name, "right": right(row), "last_four": row.last_four,
        "created_at": row.created_at, "expires_at": row.expires_at, "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at, "successor_id": row.successor_id,
    })
}
