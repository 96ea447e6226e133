//! How much one tenant may keep, and have trained at once.

use std::fmt;

use crate::error::Result;
use crate::scope::Tenant;

/// The most that a tenant may have; none: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Rows of customers, products, campaigns and events together.
    pub rows: Option<u64>,
    /// Bytes of files: what was imported, snapshots, models.
    pub bytes: Option<u64>,
    /// Trainings that wait or run.
    pub trainings: Option<u32>,
}

/// What a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Used {
    /// Rows of customers, products, campaigns and events together.
    pub n_rows: i64,
    /// Bytes of files: what was imported, snapshots, models.
    pub n_bytes: i64,
    /// Trainings that wait or run.
    pub n_trainings: i64,
}

/// What a tenant has as much of as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Trainings that wait or run.
    Trainings {
        /// As many as it may have.
        limit: u32,
    },
    /// Rows.
    Rows {
        /// As many as it may have.
        limit: u64,
    },
    /// Bytes of files.
    Bytes {
        /// As many as it may have.
        limit: u64,
    },
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trainings { limit } => {
                write!(f, "this tenant has {limit} trainings waiting or running, as many as it may")
            }
            Self::Rows { limit } => write!(
                f,
                "this tenant keeps {limit} rows or more, as many as it may; delete some, or ask for more room"
            ),
            Self::Bytes { limit } => write!(
                f,
                "this tenant's files take {limit} bytes or more, as much as they may; ask for more room"
            ),
        }
    }
}

impl Used {
    /// What of it is as much as the tenant may have; the first if there are several.
    pub fn exceeds(&self, quota: &Quota) -> Option<Exceeded> {
        let full = |used: i64, limit: u64| u64::try_from(used).is_ok_and(|used| used >= limit);
        let bytes = quota.bytes.filter(|limit| full(self.n_bytes, *limit));
        let rows = quota.rows.filter(|limit| full(self.n_rows, *limit));
        let trainings = quota.trainings.filter(|limit| full(self.n_trainings, u64::from(*limit)));
        bytes
            .map(|limit| Exceeded::Bytes { limit })
            .or(rows.map(|limit| Exceeded::Rows { limit }))
            .or(trainings.map(|limit| Exceeded::Trainings { limit }))
    }
}

/// What the tenant has. Running totals; no row is counted. An upload takes room until its import has ended, which
/// deletes it.
pub async fn used(tenant: &mut Tenant<'_>) -> Result<Used> {
    let tenant_id = tenant.id();
    Ok(sqlx::query_as(
        "select
             (select coalesce(sum(n_rows), 0)::bigint from data_counts where tenant_id = $1) as n_rows,
             ((select coalesce(sum(size_bytes), 0) from imports join jobs on jobs.tenant_id = imports.tenant_id
                     and jobs.id = imports.job_id
                 where imports.tenant_id = $1 and state in ('queued', 'running'))
                 + (select coalesce(sum(size_bytes), 0) from snapshots where tenant_id = $1)
                 + (select coalesce(sum(size_bytes), 0) from models where tenant_id = $1))::bigint as n_bytes,
             (select count(*) from jobs
              where tenant_id = $1 and kind = $2 and state in ('queued', 'running')) as n_trainings",
    )
    .bind(tenant_id)
    .bind(crate::model::JOB_KIND)
    .fetch_one(tenant.connection())
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_is_as_much_as_one_may_have() {
        let used = Used { n_rows: 10, n_bytes: 100, n_trainings: 2 };
        assert_eq!(used.exceeds(&Quota::default()), None);
        let quota = Quota { rows: Some(11), bytes: Some(101), trainings: Some(3) };
        assert_eq!(used.exceeds(&quota), None);
        assert_eq!(used.exceeds(&Quota { rows: Some(10), ..quota }), Some(Exceeded::Rows { limit: 10 }));
        assert_eq!(used.exceeds(&Quota { bytes: Some(99), ..quota }), Some(Exceeded::Bytes { limit: 99 }));
        let trainings = Quota { trainings: Some(2), ..quota };
        assert_eq!(used.exceeds(&trainings), Some(Exceeded::Trainings { limit: 2 }));
    }
}
