//! Brings the schema up to date.

use crate::error::Result;
use crate::store::Store;

/// The schema's steps, embedded at build time.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

impl Store {
    /// Brings the schema up to date. Several processes may call it at once: one works, the others wait.
    pub async fn migrate(&self) -> Result<()> {
        Ok(MIGRATIONS.run(&self.owner).await?)
    }
}
