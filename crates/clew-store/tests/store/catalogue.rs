//! The rules of the wall hold for the schema as it is migrated, partitions included, and each of them is found broken
//! when it is: a new table is covered without anybody remembering it.

use chrono::NaiveDate;
use clew_store::testing::{TestStore, database};
use clew_store::wall::{Breach, breaches};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A migrated database with two months of events: partitions are tables too.
async fn migrated() -> (TestStore, PgConnection) {
    let test = database().await.unwrap();
    let months =
        [NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(), NaiveDate::from_ymd_opt(2017, 10, 1).unwrap()];
    assert_eq!(test.store.ensure_months(&months).await.unwrap(), 2);
    let owner = test.owner().await.unwrap();
    (test, owner)
}

/// What is found, by the role that serves, after this statement of the owner's, which is then undone.
async fn found_after(owner: &mut PgConnection, statement: String) -> Vec<Breach> {
    let login: String = sqlx::query_scalar(
        "select 'clew_service_' || oid from pg_database where datname = current_database()",
    )
    .fetch_one(&mut *owner)
    .await
    .unwrap();
    let mut transaction = owner.begin().await.unwrap();
    let statement = statement.replace("{login}", &login);
    transaction.execute(AssertSqlSafe(statement)).await.unwrap();
    let become_it = format!("set local session authorization {login}");
    transaction.execute(AssertSqlSafe(become_it)).await.unwrap();
    let found = breaches(&mut transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    found
}

#[tokio::test]
async fn the_schema_keeps_its_walls() {
    let (test, mut owner) = migrated().await;
    assert_eq!(found_after(&mut owner, "select 1".to_owned()).await, []);
    test.store.check_wall().await.unwrap();
}

#[tokio::test]
async fn each_rule_is_found_broken_when_it_is() {
    let (_test, mut owner) = migrated().await;
    let mut rules_of_all: Vec<&str> = BREACHES.iter().map(|(rule, _)| *rule).collect();
    rules_of_all.dedup();
    let n_rules = include_str!("../../src/wall.sql").matches("\nunion all\n").count() + 1;
    assert_eq!(rules_of_all.len(), n_rules, "a rule without a breach");
    for (rule, statement) in BREACHES {
        let found = found_after(&mut owner, statement.to_owned()).await;
        let is_named = found.iter().any(|breach| breach.rule.starts_with(rule));
        assert!(is_named, "{rule} was not found broken by {statement}: {found:?}");
    }
}

/// Each policy of the schema taken away, or opened, in turn.
#[tokio::test]
async fn each_policy_is_missed() {
    let (_test, mut owner) = migrated().await;
    let policies: Vec<(String, String)> = sqlx::query_as(
        "select tablename::text, policyname::text from pg_policies
         where schemaname = 'public' and roles = '{clew_app}'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(policies.len() >= 20, "{policies:?}");
    for (table, policy) in policies {
        for statement in [
            format!("drop policy {policy} on {table}"),
            format!("alter policy {policy} on {table} using (true)"),
            format!("alter policy {policy} on {table} with check (true)"),
            format!("alter table {table} disable row level security"),
            format!("alter table {table} no force row level security"),
        ] {
            let found = found_after(&mut owner, statement.clone()).await;
            // That of the tenants themselves is tried in `wall.rs`; without it, a tenant sees none, not all.
            assert!(
                !found.is_empty() || (table == "tenants" && statement.starts_with("drop")),
                "{statement}"
            );
        }
    }
}

#[tokio::test]
async fn a_database_without_its_walls_is_not_served() {
    let test = database().await.unwrap();
    test.sabotage("alter table offers no force row level security").await.unwrap();
    let error = test.store.check_wall().await.unwrap_err().to_string();
    assert!(error.contains("row-level security, forced (broken by offers)"), "{error}");
    // Nor over the owner's own connections, though the schema is whole.
    test.sabotage("alter table offers force row level security").await.unwrap();
    test.store.check_wall().await.unwrap();
    let owners = clew_store::Store::connect(&test.url, clew_store::StoreConfig::default()).await.unwrap();
    let error = owners.check_wall().await.unwrap_err().to_string();
    assert!(error.contains("the role that serves is no superuser"), "{error}");
}

/// Breaches of each rule, in the order of `wall.sql`.
const BREACHES: [(&str, &str); 29] = [
    ("every table has row-level security, forced", "alter table events_2024_02 no force row level security"),
    ("every table has row-level security, forced", "alter table keys disable row level security"),
    ("every tenant table has a policy", "drop policy own on offers"),
    ("the application's policies are of the tenant", "alter policy own on events_2024_02 using (true)"),
    ("the application's policies are of the tenant", "create policy more on jobs to clew_app using (true)"),
    ("nobody looks across tenants", "create policy more on offers to clew_worker using (true)"),
    ("nobody looks across tenants", "create policy more on offers using (true)"),
    ("every tenant table has a tenant_id", "create table extra (id uuid primary key)"),
    ("every table has a primary key", "create table extra (tenant_id uuid not null)"),
    ("every unique index", "create unique index extra on offers (name)"),
    ("every unique index", "create table extra (id uuid, tenant_id uuid, primary key (id, tenant_id))"),
    (
        "every foreign key",
        "create table extra (tenant_id uuid, id uuid unique);
         alter table offers add column extra uuid, add foreign key (extra) references extra (id)",
    ),
    (
        "no exclusion constraints",
        "create extension btree_gist; alter table offers add exclude using gist (name with =)",
    ),
    ("no views without security_invoker", "create view extra as select * from offers"),
    ("no views without security_invoker", "create materialized view extra as select * from offers"),
    (
        "no security definer",
        "create function extra() returns int language sql security definer as 'select 1'",
    ),
    ("no function that the service", "grant execute on function clew_events_month to clew_app"),
    ("no function that the service", "grant execute on function clew_events_month to public"),
    ("no rewrite rules", "create rule extra as on insert to offers do nothing"),
    ("the service's roles are there", "alter role clew_auth rename to clew_door"),
    ("the service's roles bypass nothing", "alter role clew_app bypassrls"),
    ("the service's roles own nothing", "alter table offers owner to clew_app"),
    ("the service's roles make nothing", "grant create on schema public to clew_app"),
    ("the service's roles are granted", "grant truncate on offers to clew_app"),
    ("the service's roles are granted", "grant select on offers to public"),
    ("partitions are reached", "grant select on events_2024_02 to clew_app"),
    ("the role that serves is no superuser", "alter role {login} bypassrls"),
    ("the role that serves owns nothing", "alter table offers owner to {login}"),
    ("the role that serves may become", "grant pg_read_all_data to {login}"),
];
