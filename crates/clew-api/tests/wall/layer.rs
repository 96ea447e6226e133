//! Each layer of the wall alone. Row-level security is switched off as the owner of the tables would; the tenants'
//! predicates of all queries are made void by an `=` of our own that finds the tenant equal to every other, to be
//! found before Postgres's in the path of names. Policies keep the real one, to which they were bound when made.
//! `CLEW_WALL_REQUESTS` says how many requests are made.

use crate::attack::{Seen, attack, look_up};
use crate::canary::{CANARY, Scene, is_in};

const WITHOUT_RLS: &str = "
    do $$
    declare
        name text;
    begin
        for name in select relname from pg_class
            where relnamespace = 'public'::regnamespace and relrowsecurity and relkind in ('r', 'p')
        loop
            execute format('alter table public.%I disable row level security', name);
        end loop;
    end
    $$";

/// Where the tenant's predicates are void.
const OWN_EQUALS: &str = "
    create schema sabotage;
    create function sabotage.same(one uuid, other uuid) returns boolean language sql stable as $$
        select one operator(pg_catalog.=) other
            or coalesce(nullif(current_setting('clew.tenant', true), '')::uuid operator(pg_catalog.=) one, false)
            or coalesce(nullif(current_setting('clew.tenant', true), '')::uuid operator(pg_catalog.=) other, false)
    $$;
    create operator sabotage.= (leftarg = uuid, rightarg = uuid, function = sabotage.same);
    grant usage on schema sabotage to public;
    grant execute on function sabotage.same to public";

/// Of sessions that begin after it.
const BEFORE_PG_CATALOG: &str = "
    do $$
    begin
        execute format('alter database %I set search_path = sabotage, pg_catalog, public', current_database());
    end
    $$";

const WITH_PREDICATES: &str = "
    do $$
    begin
        execute format('alter database %I reset search_path', current_database());
    end
    $$";

/// How many requests a run makes in all, part of them on each state of the wall.
#[allow(clippy::disallowed_methods, reason = "how long a trial takes comes from the environment")]
fn n_requests() -> usize {
    std::env::var("CLEW_WALL_REQUESTS").ok().map_or(4_000, |text| text.parse().unwrap())
}

/// Attacks, and says what was seen.
async fn attacked(scene: &Scene, state: &str, n_requests: usize, seed: u64) -> Seen {
    let seen = attack(scene, n_requests, seed).await;
    println!("{state}: {} requests, {} leaks: {:?}", seen.total(), seen.leaks.len(), seen.n_requests);
    if !seen.failures.is_empty() {
        println!("what was logged last: {:#?}", Scene::errors());
    }
    seen
}

/// In one test, since the tenants with all they have take longest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_another_tenants_gets_out_even_when_only_one_layer_of_the_wall_stands() {
    let scene = Scene::new().await;
    let before = scene.foreign_rows().await;
    let n = n_requests();
    // The look-out sees: the second tenant itself is answered with its canaries.
    assert!(is_in(&scene.api.bearer(&scene.foreign.key).get("/v1/offers").await));

    let seen = attacked(&scene, "the whole wall", n / 2, 1).await;
    assert_eq!((seen.leaks, seen.failures), (vec![], vec![]));
    assert_eq!(scene.foreign_rows().await, before, "the second tenant's rows were changed");

    scene.api.database.sabotage(OWN_EQUALS).await.unwrap();
    scene.api.database.sabotage(BEFORE_PG_CATALOG).await.unwrap();
    let scene = scene.reconnected().await;
    let seen = attacked(&scene, "row-level security alone", n / 4, 2).await;
    // A query that finds too much of its own tenant's may fail; nothing of another's gets out.
    assert_eq!(seen.leaks, []);
    assert_eq!(scene.foreign_rows().await, before, "the second tenant's rows were changed");

    scene.api.database.sabotage(WITH_PREDICATES).await.unwrap();
    scene.api.database.sabotage(WITHOUT_RLS).await.unwrap();
    let scene = scene.reconnected().await;
    let seen = attacked(&scene, "the queries' predicates alone", n / 4, 3).await;
    assert_eq!((seen.leaks, seen.failures), (vec![], vec![]));
    assert_eq!(scene.foreign_rows().await, before, "the second tenant's rows were changed");
    assert_eq!(scene.found_elsewhere().await, Vec::<String>::new());

    // With neither it is found; else all of the above might have looked at nothing. What the second tenant makes now is
    // on the first page of the lists, however many the attacks have made.
    for (path, name) in [("/v1/offers", "last offer"), ("/v1/segments", "last segment")] {
        let body = serde_json::json!({"name": format!("{name} {CANARY}"), "expression": "true"});
        scene.api.bearer(&scene.foreign.key).post(path, &body).await.expect(201);
    }
    scene.api.database.sabotage(BEFORE_PG_CATALOG).await.unwrap();
    let scene = scene.reconnected().await;
    // By their ids before anything else, which may delete them.
    let by_id = look_up(&scene).await;
    let seen = attacked(&scene, "neither", n / 8, 4).await;
    let found = seen.leaks.iter().map(|(operation, _)| operation).chain(&by_id);
    let mut operations: Vec<&str> = found.map(String::as_str).collect();
    operations.sort_unstable();
    operations.dedup();
    for operation in ["list_offers", "get_offer", "list_segments", "list_keys"] {
        assert!(operations.contains(&operation), "{operation} is not among {operations:?}");
    }
    let n_by_id = operations.iter().filter(|operation| operation.starts_with("get_")).count();
    assert!(n_by_id >= 3, "of things by their ids only {n_by_id} are among {operations:?}");
}
