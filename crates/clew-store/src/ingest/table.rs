//! Customers, products and campaigns: a row of a file replaces the row of the same id, and one that says nothing new
//! changes nothing.

use std::sync::Arc;

use clew_crm::ColumnType;
use clew_learn::Progress;

use super::pipe::{Listing, copy};
use crate::column;
use crate::data::{self, Change};
use crate::entity::Entity;
use crate::erased::{Gate, Incoming};
use crate::error::{Error, Result};
use crate::intake::{FileReport, TableFile};
use crate::mapping::EntityMapping;
use crate::scope::Tenant;

/// What the reading thread gives back.
struct Read {
    report: FileReport,
    schema: Vec<(String, ColumnType)>,
}

/// Which customers a file brings.
const INCOMING: Incoming = Incoming {
    ids: "select distinct id from incoming_rows",
    delete: "delete from incoming_rows where id = any ($1)",
};

pub(crate) struct Written {
    pub(crate) report: FileReport,
    /// Whether any row is new or another than before.
    pub(crate) is_changed: bool,
    pub(crate) batch: i64,
}

pub(crate) async fn run(
    tenant: &mut Tenant<'_>,
    entity: Entity,
    file: crate::intake::File,
    mapping: EntityMapping,
    listing: &Listing,
    gate: &Gate,
    progress: Arc<dyn Progress + Send + Sync>,
) -> Result<Written> {
    let tenant_id = tenant.id();
    let known: Vec<(String, String)> =
        sqlx::query_as("select name, type from attributes where tenant_id = $1 and entity = $2")
            .bind(tenant_id)
            .bind(entity)
            .fetch_all(tenant.connection())
            .await?;
    let connection = tenant.connection();
    sqlx::query("drop table if exists pg_temp.incoming_rows").execute(&mut *connection).await?;
    sqlx::query(
        "create temporary table incoming_rows
             (id text not null, line bigint not null, sent_at timestamptz, attributes jsonb not null) on commit drop",
    )
    .execute(&mut *connection)
    .await?;
    let sink = listing.sink();
    let refuser = (entity == Entity::Customers).then(|| gate.refuser());
    let told = Arc::clone(&progress);
    let read = move |rows: &mut super::pipe::RowSink| -> Result<Read> {
        told.report("reading", 0.0);
        let mut file = TableFile::open(&file, entity, &mapping)?;
        for (name, column_type) in &known {
            if let Some(column_type) = column_type_of(column_type) {
                file.widen(name, column_type);
            }
        }
        file.reject_to(sink);
        if let Some(refuser) = refuser {
            file.refuse(refuser);
        }
        let mut n = 0_u64;
        loop {
            if n.is_multiple_of(1 << 14) {
                told.report("reading", 0.2 + 0.4 * file.share());
            }
            n += 1;
            let Some(row) = file.next()? else { break };
            let out = rows.rows();
            out.row(4);
            out.text(Some(row.id));
            out.integer(row.line as i64);
            out.time(row.attributes.time("sent_at"));
            out.json(|json| row.attributes.write_json(json));
            if !rows.flush() {
                break;
            }
        }
        let schema = file.schema();
        Ok(Read { report: file.finish()?, schema })
    };
    let statement = "copy incoming_rows (id, line, sent_at, attributes) from stdin (format binary)";
    let (Read { mut report, schema }, mut n_sent) = copy(connection, statement, read).await?;

    progress.report("writing", 0.6);
    let batch = crate::tenant::next_batch(tenant).await?;
    if entity == Entity::Customers {
        let n = gate.turn_away(tenant, &INCOMING).await?;
        n_sent -= n;
        report.refuse_late(n);
    }
    let (n_new, n_changed): (i64, i64) = sqlx::query_as(insert_statement(entity)?)
        .bind(tenant_id)
        .bind(batch)
        .fetch_one(tenant.connection())
        .await?;
    let n_duplicates = n_sent.saturating_sub(n_changed.unsigned_abs());
    write_types(tenant, entity, schema).await?;
    if entity == Entity::Customers {
        column::guess(tenant).await?;
    }
    let change = Change {
        entity,
        kind: String::new(),
        n_rows: n_new,
        n_duplicates: n_duplicates as i64,
        n_rejected: report.n_rejected as i64,
        first_at: None,
        last_at: None,
    };
    data::add(tenant, &change).await?;
    report.n_duplicates = n_duplicates;
    if n_duplicates > 0 {
        let message =
            format!("{n_duplicates} rows say nothing new, or are replaced by a later row of the same id");
        report.note("duplicates", n_duplicates, message);
    }
    Ok(Written { report, is_changed: n_changed > 0, batch })
}

/// Keeps the types that columns were found to have.
pub(crate) async fn write_types(
    tenant: &mut Tenant<'_>,
    entity: Entity,
    schema: Vec<(String, ColumnType)>,
) -> Result<()> {
    let tenant_id = tenant.id();
    let (names, types): (Vec<String>, Vec<&str>) =
        schema.into_iter().map(|(name, column_type)| (name, column_type.name())).unzip();
    sqlx::query(
        "insert into attributes (tenant_id, entity, name, type)
         select $1, $2, name, type from unnest($3::text[], $4::text[]) as incoming (name, type)
         on conflict (tenant_id, entity, name) do update set type = excluded.type, updated_at = now()
         where attributes.type <> excluded.type",
    )
    .bind(tenant_id)
    .bind(entity)
    .bind(&names)
    .bind(&types)
    .execute(tenant.connection())
    .await?;
    Ok(())
}

pub(crate) fn column_type_of(name: &str) -> Option<ColumnType> {
    [ColumnType::Number, ColumnType::Text, ColumnType::Tags, ColumnType::Bool, ColumnType::Date]
        .into_iter()
        .find(|column_type| column_type.name() == name)
}

/// Of rows with the same id the last one counts. Gives how many rows are new, and how many are new or changed.
fn insert_statement(entity: Entity) -> Result<&'static str> {
    Ok(match entity {
        Entity::Customers => {
            "with latest as (
                 select distinct on (id) id, attributes from incoming_rows order by id, line desc
             ), written as (
                 insert into customers as known (tenant_id, id, attributes, batch)
                 select $1, id, attributes, $2 from latest
                 on conflict (tenant_id, id) do update
                     set attributes = excluded.attributes, batch = excluded.batch, updated_at = now()
                     where known.attributes <> excluded.attributes
                 returning (known.xmax = 0) as is_new
             )
             select count(*) filter (where is_new), count(*) from written"
        }
        Entity::Products => {
            "with latest as (
                 select distinct on (id) id, attributes from incoming_rows order by id, line desc
             ), written as (
                 insert into products as known (tenant_id, id, attributes, batch)
                 select $1, id, attributes, $2 from latest
                 on conflict (tenant_id, id) do update
                     set attributes = excluded.attributes, batch = excluded.batch, updated_at = now()
                     where known.attributes <> excluded.attributes
                 returning (known.xmax = 0) as is_new
             )
             select count(*) filter (where is_new), count(*) from written"
        }
        Entity::Campaigns => {
            "with latest as (
                 select distinct on (id) id, sent_at, attributes from incoming_rows order by id, line desc
             ), written as (
                 insert into campaigns as known (tenant_id, id, sent_at, attributes, batch)
                 select $1, id, sent_at, attributes, $2 from latest
                 on conflict (tenant_id, id) do update
                     set sent_at = excluded.sent_at, attributes = excluded.attributes, batch = excluded.batch,
                         updated_at = now()
                     where known.attributes <> excluded.attributes
                 returning (known.xmax = 0) as is_new
             )
             select count(*) filter (where is_new), count(*) from written"
        }
        Entity::Events => return Err(Error::input("events", "are not a table of attributes")),
    })
}
