//! What the schema and the roles must be for the wall between tenants to stand, asked of Postgres's own catalogue. The
//! service does not start on a database that breaks one of the rules; tests break each of them.

use sqlx::PgConnection;

use crate::error::{Error, Result};
use crate::store::Store;

/// What the service's transactions run as.
pub const ROLES: [&str; 4] = ["clew_app", "clew_operator", "clew_worker", "clew_auth"];

/// Tables that are not a tenant's. Each has grants and policies of its own.
pub const WITHOUT_TENANT: [&str; 5] =
    ["tenants", "operator_keys", "service_login", "sign_in_attempts", "_sqlx_migrations"];

/// Who else than its tenant may see rows of a table (`table role`), because it must look across tenants.
pub const ACROSS_TENANTS: [&str; 16] = [
    "keys clew_auth",
    "members clew_auth",
    "openid_accounts clew_auth",
    "sign_in_attempts clew_auth",
    "jobs clew_worker",
    "schedules clew_worker",
    "retentions clew_worker",
    "idempotency clew_worker",
    "idempotency clew_operator",
    // Of the tenant that is set alone, and only to remove what is old.
    "audit clew_worker",
    "audit_heads clew_worker",
    // The nil tenant's alone.
    "audit clew_operator",
    "audit_heads clew_operator",
    "tenants clew_operator",
    "operator_keys clew_operator",
    "operator_keys clew_auth",
];

/// A rule that is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Breach {
    /// The rule.
    pub rule: String,
    /// The table, index, function or role that breaks it.
    pub place: String,
}

/// Every breach that is found, of the schema and of the role that this connection is of.
///
/// # Errors
/// When Postgres does not answer.
pub async fn breaches(connection: &mut PgConnection) -> Result<Vec<Breach>> {
    Ok(sqlx::query_as(include_str!("wall.sql"))
        .bind(&WITHOUT_TENANT[..])
        .bind(&ROLES[..])
        .bind(&ACROSS_TENANTS[..])
        .fetch_all(connection)
        .await?)
}

impl Store {
    /// Makes sure that the wall stands before anything is served.
    ///
    /// # Errors
    /// [`Error::Input`] that names every breach.
    pub async fn check_wall(&self) -> Result<()> {
        let found = breaches(&mut *self.pool.acquire().await?).await?;
        if found.is_empty() {
            return Ok(());
        }
        let list: Vec<String> =
            found.iter().map(|Breach { rule, place }| format!("{rule} (broken by {place})")).collect();
        let remedy =
            format!("would not keep tenants apart, so nothing is served; put right: {}", list.join("; "));
        Err(Error::input("the database", remedy))
    }
}
