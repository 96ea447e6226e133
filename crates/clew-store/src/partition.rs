//! The months of events: each has its partition, made by the owner of the tables before rows are written to it, and
//! dropped by the owner when no tenant has a row left in it.

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

    /// Gives back the room of these months from which events were removed, and drops every month before the last two
    /// that holds nothing, of no tenant; gives how many were dropped. A month is shared, so that it goes with its
    /// last row, whoever's that was. One that is just being read or written stays until the next time.
    pub async fn drop_months(&self, emptied: &[NaiveDate]) -> Result<u64> {
        let vacuums: Vec<String> = sqlx::query_scalar(
            "select format('vacuum public.%I', relname) from unnest($1::date[]) as month
             join pg_class on oid = to_regclass('public.events_' || to_char(month, 'YYYY_MM'))",
        )
        .bind(emptied)
        .fetch_all(&self.owner)
        .await?;
        for vacuum in vacuums {
            // The one statement that takes no parameter and no transaction; its name is Postgres's own spelling of a
            // partition that is there.
            sqlx::raw_sql(sqlx::AssertSqlSafe(vacuum)).execute(&self.owner).await?;
        }
        let empty: Vec<NaiveDate> = sqlx::query_scalar(
            "select to_date(right(relname, 7), 'YYYY_MM') as month from pg_inherits
             join pg_class on pg_class.oid = inhrelid
             where inhparent = 'public.events'::regclass and pg_relation_size(inhrelid) = 0
                 and to_date(right(relname, 7), 'YYYY_MM') < date_trunc('month', now()) - interval '1 month'
             order by month",
        )
        .fetch_all(&self.owner)
        .await?;
        let mut n_dropped = 0;
        // Each by itself, so that the locks of one are gone before those of the next are waited for.
        for month in empty {
            let dropped: bool = sqlx::query_scalar("select clew_events_month_drop($1)")
                .bind(month)
                .fetch_one(&self.owner)
                .await?;
            n_dropped += u64::from(dropped);
        }
        Ok(n_dropped)
    }
}
