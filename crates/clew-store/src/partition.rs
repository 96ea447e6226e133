//! The months of events: each has its partition, made by the owner of the tables before rows are written to it.

use chrono::NaiveDate;

use crate::error::Result;
use crate::store::Store;

impl Store {
    /// Makes the partitions of these months (any day of a month names it) where they are missing; gives how many
    /// were made. Call it before the transaction that writes events, not in it: it works as the owner of the
    /// tables, and the months outlive a write that is undone. Months lie between 1970 and 2099.
    pub async fn ensure_months(&self, months: &[NaiveDate]) -> Result<u64> {
        let made: i64 = sqlx::query_scalar(
            "select count(*) from (
                 select distinct date_trunc('month', day)::date as month from unnest($1::date[]) as day order by month
             ) months
             where to_regclass('public.events_' || to_char(month, 'YYYY_MM')) is null and clew_events_month(month)",
        )
        .bind(months)
        .fetch_one(&self.owner)
        .await?;
        Ok(made.unsigned_abs())
    }
}
