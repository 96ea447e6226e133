//! The command `clew member`: invites, lists and removes members, straight in the database.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::TimeDelta;
use clap::{Subcommand, ValueEnum};
use clew_store::audit;
use clew_store::key::Right;
use clew_store::member::{self, Member, NewMember};
use clew_store::{Page, Store};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::cli::Globals;
use crate::database::Database;
use crate::key::by_command;
use crate::{config, output, runtime, telemetry};

/// The options of `clew member`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// Whose members.
#[derive(clap::Args, Debug)]
struct Whose {
    /// The tenant's id
    #[arg(long, value_name = "ID")]
    tenant: Uuid,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Create a member; the invitation to set a password is shown only once
    Create {
        #[command(flatten)]
        whose: Whose,
        /// What they sign in with
        #[arg(long, value_parser = email)]
        email: String,
        /// What people call them
        #[arg(long)]
        name: Option<String>,
        /// What they may do
        #[arg(long, value_enum, default_value_t = RightName::Marketer)]
        right: RightName,
    },
    /// List the members, the newest first
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Make a new invitation, for who has lost a password; it is shown only once
    Invite {
        #[command(flatten)]
        whose: Whose,
        /// The member's id
        #[arg(value_name = "MEMBER_ID")]
        id: Uuid,
    },
    /// Remove a member and end their sessions, at once
    Remove {
        #[command(flatten)]
        whose: Whose,
        /// The member's id
        #[arg(value_name = "MEMBER_ID")]
        id: Uuid,
    },
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum RightName {
    Reader,
    Marketer,
    Owner,
}

impl From<RightName> for Right {
    fn from(name: RightName) -> Self {
        match name {
            RightName::Reader => Self::Reader,
            RightName::Marketer => Self::Marketer,
            RightName::Owner => Self::Owner,
        }
    }
}

fn email(text: &str) -> Result<String, String> {
    member::email(text).ok_or_else(|| "is no e-mail address; write one such as anna@example.com".to_owned())
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
            Action::Create { whose, email, name, right } => {
                let new = NewMember { email, name, right: right.into() };
                create(store, whose.tenant, &new, globals.json).await
            }
            Action::List { whose } => list(store, whose.tenant, globals.json).await,
            Action::Invite { whose, id } => invite(store, whose.tenant, id, globals.json).await,
            Action::Remove { whose, id } => remove(store, whose.tenant, id, globals.json).await,
        };
        database.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn create(store: &Store, tenant_id: Uuid, new: &NewMember, json: bool) -> anyhow::Result<()> {
    let mut tenant = store.tenant(tenant_id).await?.acting(by_command("member create"));
    let row = member::insert(&mut tenant, new).await.with_context(|| {
        format!("could not make the member; is {tenant_id} one of `clew tenant list`, and nobody there of this e-mail?")
    })?;
    let (row, invitation) = member::invite(&mut tenant, row.id, expires_at()).await?;
    audit::note_made(&mut tenant, &row.id.to_string());
    tenant.commit().await?;
    show_once(&row, &invitation, json)
}

fn expires_at() -> chrono::DateTime<chrono::Utc> {
    runtime::now() + TimeDelta::days(7)
}

async fn invite(store: &Store, tenant_id: Uuid, id: Uuid, json: bool) -> anyhow::Result<()> {
    let mut tenant = store.tenant(tenant_id).await?.acting(by_command("member invite"));
    audit::note_made(&mut tenant, &id.to_string());
    let (row, invitation) = member::invite(&mut tenant, id, expires_at())
        .await
        .with_context(|| format!("could not invite {id}"))?;
    tenant.commit().await?;
    show_once(&row, &invitation, json)
}

fn show_once(row: &Member, invitation: &SecretString, json: bool) -> anyhow::Result<()> {
    if json {
        let mut shown = described(row);
        shown["invitation"] = invitation.expose_secret().into();
        return output::json(&shown);
    }
    output::line(format!("member      {}", row.id))?;
    output::line(format!("invitation  {}  (shown only now; for seven days)", invitation.expose_secret()))
}

async fn list(store: &Store, tenant_id: Uuid, json: bool) -> anyhow::Result<()> {
    let mut page = Page::first(1_000);
    loop {
        let rows = member::list(&mut store.tenant(tenant_id).await?, &page).await?;
        for row in &rows.data {
            if json {
                output::json(&described(row))?;
                continue;
            }
            let state = if row.has_password { "active" } else { "invited" };
            output::line(format!("{}  {:8}  {:7}  {}", row.id, row.right, state, row.email))?;
        }
        match rows.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => return Ok(()),
        }
    }
}

async fn remove(store: &Store, tenant_id: Uuid, id: Uuid, json: bool) -> anyhow::Result<()> {
    let mut tenant = store.tenant(tenant_id).await?.acting(by_command("member remove"));
    audit::note_made(&mut tenant, &id.to_string());
    member::delete(&mut tenant, id).await.with_context(|| format!("could not remove {id}"))?;
    tenant.commit().await?;
    if json { output::json(&json!({"member_id": id})) } else { output::line(format!("{id} is removed")) }
}

fn described(row: &Member) -> serde_json::Value {
    json!({
        "member_id": row.id, "email": row.email, "name": row.name, "right": row.right,
        "has_password": row.has_password, "invitation_expires_at": row.invitation_expires_at,
        "created_at": row.created_at, "last_sign_in_at": row.last_sign_in_at,
    })
}
