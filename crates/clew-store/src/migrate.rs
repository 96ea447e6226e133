//! Brings the schema up to date, and tells whether it is.

use crate::error::{Error, Result};
use crate::store::Store;

/// The schema's steps, embedded at build time.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

impl Store {
    /// Brings the schema up to date. Several processes may call it at once: one works, the others wait.
    pub async fn migrate(&self) -> Result<()> {
        Ok(MIGRATIONS.run(&self.owner).await?)
    }

    /// Does Postgres answer, and is its schema the one that this program was built for? For readiness.
    pub async fn ping(&self) -> Result<()> {
        let wanted = MIGRATIONS.iter().map(|step| step.version).max().unwrap_or(0);
        // As the application's role, so that a role that was not granted is found here and not by a request.
        let mut tenant = self.tenant(uuid::Uuid::nil()).await.map_err(not_migrated)?;
        let found: Option<i64> =
            sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
                .fetch_one(tenant.connection())
                .await
                .map_err(|error| not_migrated(error.into()))?;
        let found = found.unwrap_or(0);
        if found == wanted {
            Ok(())
        } else {
            Err(schema(&format!("is at step {found}, and this program is for step {wanted}")))
        }
    }
}

fn schema(what: &str) -> Error {
    Error::input("the database's schema", format!("{what}; run `clew migrate` with this very program"))
}

/// Roles and tables are made by the migrations; one that is missing says that they have not run.
fn not_migrated(error: Error) -> Error {
    let code = match &error {
        Error::Database(sqlx::Error::Database(database)) => database.code(),
        _ => None,
    };
    match code.as_deref() {
        // Undefined table, undefined role, insufficient privilege.
        Some("42P01" | "22023" | "42704" | "42501") => schema("is not there, or its roles are not granted"),
        _ => error,
    }
}
