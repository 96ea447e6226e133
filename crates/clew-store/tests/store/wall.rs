//! Row-level security alone, tried without any `where`: as the service's roles, on every table.

use chrono::NaiveDate;
use clew_store::testing::{TestStore, database};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// Rows in every table for one tenant. `{t}` is its id, `{n}` a word of its own.
const ROWS: &str = "
    insert into keys (tenant_id, id, name, \"right\", hash, last_four)
        values ('{t}', gen_random_uuid(), '{n}', 'owner', decode(repeat('00', 32), 'hex'), 'abcd');
    insert into members (tenant_id, id, email, \"right\") values ('{t}', '{t}', '{n}@example.com', 'owner');
    insert into sessions (tenant_id, id, member_id, created_at, expires_at) values ('{t}', '{t}', '{t}', now(), now());
    insert into openid_accounts (tenant_id, issuer, subject, member_id, created_at)
        values ('{t}', 'https://id.example.com', '{n}', '{t}', now());
    insert into refresh_tokens (tenant_id, hash, session_id, expires_at)
        values ('{t}', sha256('{n}'), '{t}', now());
    insert into idempotency (tenant_id, key, operation, body_hash)
        values ('{t}', '{n}', 'x', decode(repeat('00', 32), 'hex'));
    insert into jobs (tenant_id, id, kind, payload) values ('{t}', '{t}', 'train', '{}');
    insert into customers (tenant_id, id, batch) values ('{t}', '{n}', 1);
    insert into products (tenant_id, id, batch) values ('{t}', '{n}', 1);
    insert into campaigns (tenant_id, id, batch) values ('{t}', '{n}', 1);
    insert into events (tenant_id, occurred_at, event_key, batch, kind, customer_id)
        values ('{t}', '2024-02-29', decode(repeat('00', 16), 'hex'), 1, 'view', '{n}');
    insert into event_kinds (tenant_id, kind, weight) values ('{t}', '{n}', 1);
    insert into attributes (tenant_id, entity, name, type) values ('{t}', 'customers', '{n}', 'text');
    insert into data_counts (tenant_id, entity) values ('{t}', 'customers');
    insert into imports (tenant_id, id, entity, job_id, object, size_bytes)
        values ('{t}', gen_random_uuid(), 'customers', '{t}', '{n}', 1);
    insert into snapshots (tenant_id, version, batch, object) values ('{t}', 1, 1, '{n}');
    insert into offers (tenant_id, id, name, expression) values ('{t}', gen_random_uuid(), '{n}', 'true');
    insert into segments (tenant_id, id, name, expression) values ('{t}', gen_random_uuid(), '{n}', 'true');
    insert into rules (tenant_id, id, name, scope, expression, reason, applies_to)
        values ('{t}', gen_random_uuid(), '{n}', 'customer', 'true', 'why', '{segments}');
    insert into schedules (tenant_id, at_drift, horizon_days) values ('{t}', true, 28);
    insert into drifts (tenant_id, model_id, batch, found) values ('{t}', '{t}', 1, '{}');
    insert into retentions (tenant_id, next, next_from, next_at) values ('{t}', '{}', now(), now());
    insert into last_contacts (tenant_id, customer_id, since) values ('{t}', '{n}', now());
    insert into webhooks (tenant_id, id, url, events, secret)
        values ('{t}', '{t}', 'https://{n}.example.com/', '{job.failed}', decode(repeat('00', 32), 'hex'));
    insert into deliveries (tenant_id, id, webhook_id, event, body) values ('{t}', '{t}', '{t}', 'job.failed', '{n}');
    insert into audit (tenant_id, seq, at, actor, operation, n_rows, prev, hash)
        values ('{t}', 1, now(), 'key', '{n}', 1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'));
    insert into audit_heads (tenant_id, seq, hash) values ('{t}', 1, decode(repeat('00', 32), 'hex'));
    insert into models (tenant_id, id, job_id, horizon_days, seed) values ('{t}', gen_random_uuid(), '{t}', 28, 1);
    insert into erased_customers (tenant_id, hash) values ('{t}', decode(repeat('00', 32), 'hex'));
    insert into erasures (tenant_id, id, customer_hash, job_id, places)
        values ('{t}', '{t}', decode(repeat('00', 32), 'hex'), '{t}', '[]');
";

/// What the application may add to, and neither change nor take from.
const ADDED_TO: [&str; 2] = ["audit", "audit_heads"];

/// Of these the application may not do everything: the hash of an erased customer is not changed, a receipt not deleted.
const PARTLY_GRANTED: [&str; 2] = ["erased_customers", "erasures"];

fn is_partly_granted(table: &str, error: &sqlx::Error) -> bool {
    PARTLY_GRANTED.contains(&table) && error.to_string().contains("permission denied")
}

async fn two_tenants() -> (TestStore, PgConnection, [Uuid; 2], Vec<String>) {
    let test = database().await.unwrap();
    test.store.ensure_months(&[NaiveDate::from_ymd_opt(2024, 2, 1).unwrap()]).await.unwrap();
    let tenants = [test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap()];
    let mut owner = test.owner().await.unwrap();
    for (tenant, name) in tenants.iter().zip(["one", "two"]) {
        let rows = ROWS.replace("{t}", &tenant.to_string()).replace("{n}", name);
        owner.execute(AssertSqlSafe(rows)).await.unwrap();
    }
    let tables: Vec<String> = sqlx::query_scalar(
        "select distinct table_name::text from information_schema.columns
         where table_schema = 'public' and column_name = 'tenant_id' order by 1",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(tables.len() >= 19, "{tables:?}");
    (test, owner, tenants, tables)
}

async fn take(connection: &mut PgConnection, role: &str, tenant: &str) {
    sqlx::query("select set_config('role', $1, true), set_config('clew.tenant', $2, true)")
        .bind(role)
        .bind(tenant)
        .execute(connection)
        .await
        .unwrap();
}

async fn seen(connection: &mut PgConnection, table: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(format!("select tenant_id from {table}"))).fetch_all(connection).await
}

#[tokio::test]
async fn without_a_where_a_tenant_sees_its_rows_alone() {
    let (_test, mut owner, [one, two], tables) = two_tenants().await;
    for table in &tables {
        let all = seen(&mut owner, table).await.unwrap();
        assert!(all.contains(&one) && all.contains(&two), "{table} was given rows of both");

        let mut transaction = owner.begin().await.unwrap();
        take(&mut transaction, "clew_app", &one.to_string()).await;
        if table.starts_with("events_") {
            // A partition is reached through its parent only.
            assert!(
                seen(&mut transaction, table).await.unwrap_err().to_string().contains("permission denied")
            );
            continue;
        }
        assert_eq!(seen(&mut transaction, table).await.unwrap(), [one], "{table}");
        if ADDED_TO.contains(&table.as_str()) {
            for statement in ["delete from {}", "truncate {}", "update {} set tenant_id = tenant_id"] {
                let mut attempt = transaction.begin().await.unwrap();
                let error = attempt.execute(AssertSqlSafe(statement.replace("{}", table))).await.unwrap_err();
                assert!(error.to_string().contains("permission denied"), "{table}: {statement}: {error}");
            }
            continue;
        }
        // Nor can they be changed, deleted, or given away; what the application has no grant for it cannot do at all.
        for statement in
            ["delete from {} where tenant_id = $1", "update {} set tenant_id = $1 where tenant_id = $1"]
        {
            let statement = statement.replace("{}", table);
            let mut attempt = transaction.begin().await.unwrap();
            let done = sqlx::query(AssertSqlSafe(statement)).bind(two).execute(&mut *attempt).await;
            match done {
                Ok(done) => assert_eq!(done.rows_affected(), 0, "{table}"),
                Err(error) => assert!(is_partly_granted(table, &error), "{table}: {error}"),
            }
        }
        let give = format!("update {table} set tenant_id = $1");
        let error = sqlx::query(AssertSqlSafe(give)).bind(two).execute(&mut *transaction).await.unwrap_err();
        let is_refused = error.to_string().contains("row-level security");
        assert!(is_refused || is_partly_granted(table, &error), "{table}: {error}");
    }
}

#[tokio::test]
async fn without_a_tenant_nothing_is_seen() {
    let (_test, mut owner, [one, _], tables) = two_tenants().await;
    for tenant in ["", &Uuid::nil().to_string(), &Uuid::now_v7().to_string()] {
        let mut transaction = owner.begin().await.unwrap();
        take(&mut transaction, "clew_app", tenant).await;
        for table in tables.iter().filter(|table| !table.starts_with("events_")) {
            assert!(seen(&mut transaction, table).await.unwrap().is_empty(), "{table}");
        }
    }
    // After a transaction with a tenant, the connection has none.
    let mut transaction = owner.begin().await.unwrap();
    take(&mut transaction, "clew_app", &one.to_string()).await;
    transaction.commit().await.unwrap();
    let mut transaction = owner.begin().await.unwrap();
    sqlx::query("set local role clew_app").execute(&mut *transaction).await.unwrap();
    assert!(seen(&mut transaction, "offers").await.unwrap().is_empty());
}

#[tokio::test]
async fn each_role_reaches_what_it_needs() {
    let (_test, mut owner, _, tables) = two_tenants().await;
    // (role, tables that it sees across tenants, tables of which it sees the rows of one alone); of `idempotency` the
    // worker may read the age alone, and the operator sees the records of operators. Of the audit log the worker sees
    // what is old, of the tenant that is set.
    for (role, reached, of_one) in [
        ("clew_worker", vec!["jobs", "schedules", "retentions"], vec!["audit", "audit_heads"]),
        ("clew_auth", vec!["keys", "members", "openid_accounts"], vec![]),
        ("clew_operator", vec![], vec!["idempotency", "audit", "audit_heads"]),
    ] {
        for table in &tables {
            let mut transaction = owner.begin().await.unwrap();
            take(&mut transaction, role, "").await;
            let seen = seen(&mut transaction, table).await;
            let table = table.as_str();
            if reached.contains(&table) || of_one.contains(&table) {
                let n_expected = if of_one.contains(&table) { 0 } else { 2 };
                assert_eq!(seen.unwrap().len(), n_expected, "{role}, {table}");
            } else {
                assert!(seen.unwrap_err().to_string().contains("permission denied"), "{role}, {table}");
            }
        }
    }
    // Neither hashes nor secrets are for others; and the tenant cannot change its own.
    for (role, statement) in [
        ("clew_worker", "select secret from tenants"),
        ("clew_auth", "select secret from tenants"),
        ("clew_app", "select hash from operator_keys"),
        ("clew_worker", "select hash from keys"),
        ("clew_worker", "select email from members"),
        ("clew_operator", "select email from members"),
        ("clew_auth", "select invitation_hash from members"),
        ("clew_auth", "update members set password_hash = ''"),
        ("clew_auth", "select hash from refresh_tokens"),
        ("clew_app", "select place from sign_in_attempts"),
        ("clew_worker", "select horizon_days from schedules"),
        ("clew_worker", "update schedules set next_at = now()"),
        ("clew_operator", "select hash from keys"),
        ("clew_auth", "update keys set revoked_at = null"),
        ("clew_app", "update tenants set secret = secret"),
        ("clew_app", "delete from tenants"),
        ("clew_worker", "delete from jobs"),
        ("clew_worker", "select in_force from retentions"),
        ("clew_worker", "update retentions set next_at = now()"),
        ("clew_worker", "select customer_id from last_contacts"),
        ("clew_worker", "select operation from audit"),
        ("clew_worker", "update audit set at = now()"),
        ("clew_worker", "update audit_heads set seq = 1"),
        ("clew_worker", "delete from audit_heads"),
        ("clew_app", "update audit_heads set anchor_seq = 1"),
        ("clew_app", "update audit set operation = 'x'"),
        ("clew_operator", "delete from audit"),
        ("clew_app", "select clew_events_month('2030-01-01')"),
        ("clew_app", "select clew_events_month_drop('2024-02-01')"),
        ("clew_worker", "select clew_events_month_drop('2024-02-01')"),
        ("clew_app", "create table t (x int)"),
    ] {
        let mut transaction = owner.begin().await.unwrap();
        take(&mut transaction, role, "").await;
        let error = transaction.execute(statement).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{role}: {statement}: {error}");
    }
}

#[tokio::test]
async fn the_doors_lead_to_their_own_rooms() {
    let (test, _, [one, two], _) = two_tenants().await;
    let new = clew_store::offer::NewOffer {
        name: "mine".into(),
        expression: Some("true".into()),
        ..Default::default()
    };
    let mut tenant = test.store.tenant(one).await.unwrap();
    let mine = clew_store::offer::insert(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();

    let mut tenant = test.store.tenant(two).await.unwrap();
    assert_eq!(clew_store::offer::find(&mut tenant, mine.id).await.unwrap(), None);
    let missing = clew_store::offer::update(&mut tenant, mine.id, &new).await.unwrap_err().to_string();
    let absent = clew_store::offer::update(&mut tenant, Uuid::now_v7(), &new).await.unwrap_err().to_string();
    assert_eq!(missing, absent, "a foreign id and an absent one read the same");
    assert!(clew_store::offer::delete(&mut tenant, mine.id).await.is_err());
    drop(tenant);

    // Dropped without a commit, nothing stays.
    let mut tenant = test.store.tenant(one).await.unwrap();
    clew_store::offer::delete(&mut tenant, mine.id).await.unwrap();
    drop(tenant);
    let mut tenant = test.store.tenant(one).await.unwrap();
    assert_eq!(clew_store::offer::find(&mut tenant, mine.id).await.unwrap(), Some(mine));
}
