//! The role that the service logs in as. The owner of the tables migrates and makes new months of events; everything
//! else runs over connections of a role that owns nothing, bypasses nothing and may only take the four roles of the
//! service, so that no query, whatever it says, gets past row-level security.

use crate::error::{Error, Result};
use crate::store::{Store, StoreConfig, options};

/// `$1`: its name, `$2`: its password. Postgres takes neither as a parameter in `create role`, hence `format`. The lock
/// keeps two processes that start together from changing the same role at once.
const MAKE: &str = "
    select pg_advisory_xact_lock(hashtextextended('clew service login', 0)),
        set_config('clew.login', $1, true), set_config('clew.password', $2, true)";
const MADE: &str = "
    do $$
    declare
        login text := current_setting('clew.login');
        name text;
    begin
        if not exists (select from pg_roles where rolname = login) then
            execute format('create role %I', login);
        end if;
        execute format('alter role %I login noinherit nocreatedb nocreaterole password %L',
            login, current_setting('clew.password'));
        foreach name in array array['clew_app', 'clew_operator', 'clew_worker', 'clew_auth'] loop
            execute format('grant %I to %I', name, login);
        end loop;
    end
    $$";

impl Store {
    /// Connects to a migrated database as the role that may do no more than the service needs; `owner_url` is the
    /// address of the owner of the tables, who makes that role when it is missing. Its name holds the database's own
    /// number, since roles belong to the whole cluster.
    ///
    /// # Errors
    /// [`Error::Input`] with the remedy when the owner may not make roles or the role may not log in.
    pub async fn connect_to_serve(owner_url: &str, config: StoreConfig) -> Result<Self> {
        let owner = Self::connect(owner_url, StoreConfig { max_connections: 1, ..config.clone() }).await?;
        let made = make(&owner).await;
        owner.close().await;
        let (name, password) = made?;
        let login = options(owner_url)?.username(&name).password(&password);
        let owner_url = owner_url.to_owned().into();
        Self::connect_with(login, StoreConfig { owner_url: Some(owner_url), ..config })
            .await
            .map_err(|error| refused(error, &name))
    }

    /// Connects as a role that was made by hand, given the owner's address in [`StoreConfig::owner_url`], or as the
    /// one that clew makes when there is none.
    ///
    /// # Errors
    /// As [`Self::connect_to_serve`].
    pub async fn serve(url: &str, config: StoreConfig) -> Result<Self> {
        match config.owner_url {
            Some(_) => Self::connect(url, config).await,
            None => Self::connect_to_serve(url, config).await,
        }
    }
}

/// Makes the role, or finds it; gives its name and its password.
async fn make(owner: &Store) -> Result<(String, String)> {
    let mut transaction = owner.pool.begin().await?;
    let (name, password): (String, String) = sqlx::query_as(
        "select 'clew_service_' || pg_database.oid, password from service_login, pg_database
         where datname = current_database()",
    )
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query(MAKE).bind(&name).bind(&password).execute(&mut *transaction).await?;
    sqlx::raw_sql(MADE).execute(&mut *transaction).await.map_err(|error| not_made(error, &name))?;
    transaction.commit().await?;
    Ok((name, password))
}

fn not_made(error: sqlx::Error, name: &str) -> Error {
    match error.as_database_error().and_then(|error| error.code()).as_deref() {
        // Insufficient privilege.
        Some("42501") => Error::input(
            "the database's role",
            format!(
                "the owner of the tables may not make the role {name} that the service logs in as; let a superuser run \
                 `alter role … createrole` for it, or make a role by hand (`create role … login noinherit; grant \
                 clew_app, clew_operator, clew_worker, clew_auth to …`), give its address as database_url and the \
                 owner's as database_owner_url"
            ),
        ),
        _ => error.into(),
    }
}

fn refused(error: Error, name: &str) -> Error {
    let code = match &error {
        Error::Database(sqlx::Error::Database(database)) => database.code(),
        _ => None,
    };
    match code.as_deref() {
        // Invalid authorization, wrong password.
        Some("28000" | "28P01") => Error::input(
            "the database's role",
            format!("Postgres does not let {name} log in with a password; allow it in pg_hba.conf"),
        ),
        _ => error,
    }
}
