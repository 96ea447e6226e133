//! Reads Postgres's catalogue and fails on a breach of the walls, so that a new table is covered without anybody
//! remembering it. Every query lists the breaches; each list must be empty.

use chrono::NaiveDate;
use clew_store::testing::database;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// What the service's transactions run as.
const ROLES: [&str; 4] = ["clew_app", "clew_operator", "clew_worker", "clew_auth"];
/// Tables that are not a tenant's. Each has policies of its own, tried in `wall.rs`.
const WITHOUT_TENANT: [&str; 4] = ["tenants", "operator_keys", "sign_in_attempts", "_sqlx_migrations"];
/// Who else than the tenant may see rows of a table, and why it must.
const ACROSS_TENANTS: [(&str, &str); 12] = [
    ("keys", "clew_auth"),
    ("members", "clew_auth"),
    ("sign_in_attempts", "clew_auth"),
    ("jobs", "clew_worker"),
    ("schedules", "clew_worker"),
    ("idempotency", "clew_worker"),
    ("idempotency", "clew_operator"),
    // The nil tenant's alone.
    ("audit", "clew_operator"),
    ("audit_heads", "clew_operator"),
    ("tenants", "clew_operator"),
    ("operator_keys", "clew_operator"),
    ("operator_keys", "clew_auth"),
];

#[derive(sqlx::FromRow)]
struct Policy {
    tablename: String,
    roles: Vec<String>,
    qual: Option<String>,
    with_check: Option<String>,
    permissive: String,
}

async fn breaches(owner: &mut PgConnection, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).bind(&WITHOUT_TENANT[..]).bind(&ROLES[..]).fetch_all(owner).await.unwrap()
}

#[tokio::test]
async fn the_schema_keeps_its_walls() {
    let test = database().await.unwrap();
    // Partitions are tables too.
    let months =
        [NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(), NaiveDate::from_ymd_opt(2017, 10, 1).unwrap()];
    assert_eq!(test.store.ensure_months(&months).await.unwrap(), 2);
    let mut owner = test.owner().await.unwrap();

    let n_tables: i64 = sqlx::query_scalar(
        "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert!(n_tables >= 20, "the catalogue is read: {n_tables} tables");

    for (rule, query) in RULES {
        let found = breaches(&mut owner, query).await;
        assert!(found.is_empty(), "{rule}: {found:?}");
    }

    // Each rule is broken once, lest one that finds nothing be one that looks at nothing.
    for (n, breach) in BREACHES.iter().enumerate() {
        let (rule, query) = RULES[n];
        let mut transaction = owner.begin().await.unwrap();
        transaction.execute(*breach).await.unwrap();
        assert!(
            !breaches(&mut transaction, query).await.is_empty(),
            "{rule} was not found broken by {breach}"
        );
    }

    // Policies: of the application's role, the tenant's expression to the letter; of others, only the known ones.
    let policies: Vec<Policy> = sqlx::query_as(
        "select tablename::text, roles::text[], qual, with_check, permissive from pg_policies
         where schemaname = 'public' order by 1, 2",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let own = "(tenant_id = (NULLIF(current_setting('clew.tenant'::text, true), ''::text))::uuid)";
    for Policy { tablename: table, roles, qual, with_check, permissive } in &policies {
        assert_eq!(permissive, "PERMISSIVE", "{table}");
        for role in roles {
            if role == "clew_app" {
                let own = if table == "tenants" { own.replace("(tenant_id", "(id") } else { own.to_owned() };
                assert_eq!(qual.as_deref(), Some(&*own), "{table}");
                assert_eq!(with_check.as_deref(), Some(&*own), "{table}");
            } else {
                assert!(ACROSS_TENANTS.contains(&(table, role)), "{role} sees {table} across tenants");
            }
        }
    }
}

/// A breach of each rule, in the order of [`RULES`].
const BREACHES: [&str; 13] = [
    "alter table events_2024_02 no force row level security",
    "drop policy own on offers",
    "create table extra (id uuid primary key)",
    "create table extra (tenant_id uuid not null)",
    "create unique index extra on offers (name)",
    "create table extra (tenant_id uuid, id uuid unique);
     alter table offers add column extra uuid, add foreign key (extra) references extra (id)",
    "create extension btree_gist; alter table offers add exclude using gist (name with =)",
    "create view extra as select * from offers",
    "create function extra() returns int language sql security definer as 'select 1'",
    "create rule extra as on insert to offers do nothing",
    "alter role clew_app bypassrls",
    "alter table offers owner to clew_app",
    "grant truncate on offers to clew_app",
];

/// `$1`: tables without a tenant; `$2`: the service's roles.
const RULES: [(&str, &str); 13] = [
    (
        "every table has row-level security, forced",
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> '_sqlx_migrations'
             and not (relrowsecurity and relforcerowsecurity) and $1::text[] is not null and $2::text[] is not null",
    ),
    (
        "every tenant table has a policy of the application's role",
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> all ($1)
             and $2::text[] is not null
             and not exists (select from pg_policies where schemaname = 'public' and tablename = relname
                 and roles = '{clew_app}' and cmd = 'ALL')",
    ),
    (
        "every tenant table has a tenant_id that is never null",
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> all ($1)
             and $2::text[] is not null
             and not exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id'
                 and attnotnull and atttypid = 'uuid'::regtype)",
    ),
    (
        "every table has a primary key",
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and $1::text[] is not null
             and $2::text[] is not null
             and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)",
    ),
    (
        "every unique index of a tenant table begins with tenant_id",
        "select i.relname::text from pg_index join pg_class i on i.oid = indexrelid join pg_class t on t.oid = indrelid
         where t.relnamespace = 'public'::regnamespace and indisunique and t.relname <> all ($1)
             and $2::text[] is not null
             and (select attname from pg_attribute where attrelid = indrelid and attnum = indkey[0])
                 is distinct from 'tenant_id'",
    ),
    (
        "every foreign key between tenant tables begins with tenant_id on both sides",
        "select conname::text from pg_constraint join pg_class t on t.oid = conrelid
             join pg_class f on f.oid = confrelid
         where contype = 'f' and t.relnamespace = 'public'::regnamespace and t.relname <> all ($1)
             and $2::text[] is not null
             and ((select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1])
                     is distinct from 'tenant_id'
                 or (select attname from pg_attribute where attrelid = confrelid and attnum = confkey[1])
                     is distinct from (case f.relname when 'tenants' then 'id' else 'tenant_id' end))",
    ),
    (
        "no exclusion constraints, which tell of foreign rows as unique ones do",
        "select conname::text from pg_constraint where contype = 'x' and connamespace = 'public'::regnamespace
             and $1::text[] is not null and $2::text[] is not null",
    ),
    (
        "no views without security_invoker, no materialised views, no foreign tables",
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and $1::text[] is not null and $2::text[] is not null
             and (relkind in ('m', 'f')
                 or (relkind = 'v' and not coalesce(reloptions @> '{security_invoker=true}', false)))",
    ),
    (
        "no security definer, and no function that everybody may call",
        "select proname::text from pg_proc
         where pronamespace = 'public'::regnamespace and $1::text[] is not null
             and (prosecdef or has_function_privilege('public', oid, 'execute')
                 or exists (select from unnest($2) role where has_function_privilege(role, pg_proc.oid, 'execute')))",
    ),
    (
        "no rewrite rules but those of views",
        "select rulename::text from pg_rewrite join pg_class t on t.oid = ev_class
         where relnamespace = 'public'::regnamespace and relkind <> 'v' and $1::text[] is not null
             and $2::text[] is not null",
    ),
    (
        "the service's roles are there, bypass nothing, make nothing, cannot log in and inherit nothing",
        "select role::text from unnest($2) role left join pg_roles on rolname = role
         where $1::text[] is not null and (rolname is null or rolsuper or rolbypassrls or rolcreaterole
             or rolcreatedb or rolreplication or rolcanlogin or rolinherit
             or exists (select from pg_auth_members where member = pg_roles.oid))",
    ),
    (
        "the service's roles own nothing",
        "select relname::text from pg_class join pg_roles on pg_roles.oid = relowner
         where relnamespace = 'public'::regnamespace and rolname = any ($2) and $1::text[] is not null",
    ),
    (
        "the service's roles are granted select, insert, update, delete and nothing else, and nobody is granted all",
        "select relname || ' to ' || coalesce(rolname, 'public') || ': ' || privilege_type
         from pg_class cross join lateral aclexplode(relacl) left join pg_roles on pg_roles.oid = grantee
         where relnamespace = 'public'::regnamespace and $1::text[] is not null
             and (grantee = 0 or (rolname = any ($2)
                 and (privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or is_grantable)))",
    ),
];
