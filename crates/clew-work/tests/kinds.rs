//! The house's own kinds of jobs on a small sample: files in, a model out, and what is told when they cannot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;

use clew_sample::{Compression, SampleParams, Shop};
use clew_store::job::{Job, State};
use clew_store::model::{self, ModelState, NewModel, Trained};
use clew_store::{Entity, job};
use serde_json::{Value, json};
use support::{House, start};

impl House {
    /// Puts another file in the place of a model's own.
    async fn replace(&self, model: &model::Model, file: &clew_crm::Model) {
        let folder = format!("{}/models", self.tenant_id);
        let stored = self.objects().put(&folder, ".clew", file.to_bytes().unwrap()).await.unwrap();
        let trained = Trained {
            as_of: model.as_of.unwrap(),
            object: stored.name,
            size_bytes: stored.size_bytes as i64,
            batch: model.batch.unwrap(),
            report: serde_json::to_value(&file.report).unwrap(),
            comparison: None,
        };
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        model::finish(&mut tenant, model.id, &trained).await.unwrap();
        tenant.commit().await.unwrap();
    }
}

fn failed(job: &Job) -> (&str, &str) {
    assert_eq!(job.state, State::Failed, "{job:?}");
    let error = job.error.as_ref().unwrap();
    (&error.code, &error.detail)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_shop_comes_in_and_a_model_comes_out() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(SampleParams {
        n_customers: 800,
        n_products: 150,
        n_events: 20_000,
        ..SampleParams::default()
    });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    clew_sample::folder::write(&pool, &shop.unwrap(), dir.path(), Compression::Gzip, &mut |_| true).unwrap();
    for entity in [Entity::Customers, Entity::Products, Entity::Campaigns, Entity::Events] {
        let bytes = std::fs::read(dir.path().join(format!("{entity}.csv.gz"))).unwrap();
        let ended = house.end(house.import_file(entity, bytes).await).await;
        assert_eq!(ended.state, State::Succeeded, "{ended:?}");
        let result = ended.result.unwrap();
        assert!(result["accepted"].as_i64().unwrap() > 0 && result["rejected"] == 0, "{result}");
    }
    let (first, job) = house.train(1).await;
    let ended = house.end(job).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let first = house.model(first).await;
    assert_eq!((first.state, first.active), (ModelState::Ready, true));
    let bytes = house.objects().get(first.object.as_ref().unwrap()).await.unwrap();
    let opened = clew_crm::Model::open(std::sync::Arc::new(bytes)).unwrap();
    assert_eq!(opened.as_of, first.as_of.unwrap().timestamp());

    // The same seed and data give the same file; and only the first becomes active by itself.
    let (again, job) = house.train(1).await;
    house.end(job).await;
    let again = house.model(again).await;
    assert_eq!((&again.object, again.active), (&first.object, false));

    // One that is to go live is compared with the live one; the same model is not worse.
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let params = json!({"activate": true});
    let new = NewModel { as_of: None, horizon_days: 28, seed: 1, params, request_id: None };
    let (third, job) = model::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    house.end(job.id).await;
    let third = house.model(third.id).await;
    let comparison = third.comparison.unwrap();
    assert!(third.active && comparison["worse"] == false, "{comparison}");
    assert_eq!(comparison["on"], "own_windows");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_day_starts_from_the_live_model_and_goes_live_only_when_it_is_not_worse() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::new(SampleParams {
        n_customers: 800,
        n_products: 150,
        n_events: 20_000,
        ..SampleParams::default()
    });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    clew_sample::folder::write(&pool, &shop.unwrap(), dir.path(), Compression::None, &mut |_| true).unwrap();
    let products = std::fs::read(dir.path().join("products.csv")).unwrap();
    house.end(house.import_file(Entity::Products, products).await).await;
    // The events of all days but the last, learned from in full.
    let events = std::fs::read_to_string(dir.path().join("events.csv")).unwrap();
    let occurred = |line: &str| line.split(',').nth(2).unwrap().to_owned();
    let known = |line: &&str| line.starts_with("kind,") || occurred(line).as_str() < "2026-10-31";
    let before: String = events.lines().filter(known).flat_map(|line| [line, "\n"]).collect();
    assert!(before.len() < events.len());
    let ended = house.end(house.import_file(Entity::Events, before).await).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let (live, job) = house.train(1).await;
    let ended = house.end(job).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let live = house.model(live).await;
    assert!(live.active && live.report.as_ref().unwrap().get("started_from").is_none(), "{live:?}");

    // The last day comes in; what was sent before is known.
    let ended = house.end(house.import_file(Entity::Events, events).await).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    // Beside a live model whose report is better than can be, the new one is held back.
    let bytes = house.objects().get(live.object.as_ref().unwrap()).await.unwrap();
    let mut boasting = clew_crm::Model::open(std::sync::Arc::new(bytes)).unwrap();
    let own = boasting.report.clone();
    boasting.report.methods[0].all.auc = 1.0;
    house.replace(&live, &boasting).await;
    let goes_live = || house.train_with(1, json!({"activate": true}));
    let (held, job) = goes_live().await;
    let ended = house.end(job).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let held = house.model(held).await;
    let comparison = held.comparison.as_ref().unwrap();
    assert_eq!(
        (&comparison["on"], &comparison["worse"]),
        (&json!("own_windows"), &json!(true)),
        "{comparison}"
    );
    assert_eq!(ended.result.unwrap()["held_back"], comparison["reason"]);
    assert!(!held.active && house.model(live.id).await.active);
    assert_eq!(held.report.as_ref().unwrap()["started_from"], own.as_of, "{:?}", held.report);

    // Beside the live model as it was it is not worse, and takes its place; the same training gives the same file.
    boasting.report = own;
    house.replace(&live, &boasting).await;
    let (next, job) = goes_live().await;
    let ended = house.end(job).await;
    let next = house.model(next).await;
    let comparison = next.comparison.as_ref().unwrap();
    assert_eq!(
        (&comparison["on"], &comparison["worse"]),
        (&json!("own_windows"), &json!(false)),
        "{comparison}"
    );
    assert_eq!(ended.result.unwrap()["held_back"], Value::Null);
    assert!(next.active && !house.model(live.id).await.active);
    assert!(next.as_of > live.as_of && next.object == held.object, "{next:?}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_with_place_and_remedy() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    let (model, job) = house.train(1).await;
    let ended = house.end(job).await;
    assert_eq!(failed(&ended).0, "not_enough_data");
    assert_eq!(house.model(model).await.state, ModelState::Failed);

    let ended = house.end(house.import_file(Entity::Customers, "id,age\nc1,34\n").await).await;
    let (code, detail) = failed(&ended);
    assert!(code == "invalid_input" && detail.contains("customer_id"), "{code}: {detail}");

    // Twelve buyers are too few to learn from, and no reason to fail otherwise.
    let mut events = "kind,customer_id,occurred_at,product_id\n".to_owned();
    for buyer in 0..12 {
        for month in 1..=9 {
            writeln!(events, "purchase,c{buyer},2026-0{month}-10,p{}", buyer % 3).unwrap();
        }
    }
    let ended = house.end(house.import_file(Entity::Events, events).await).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let (_, job) = house.train(1).await;
    let ended = house.end(job).await;
    let (code, detail) = failed(&ended);
    assert!(code == "not_enough_data" && detail.contains("12 of"), "{code}: {detail}");
    worker.end().await;

    // Over the limit: refused with the figures before it starts.
    let worker = start(house.worker("two", |config| config.train_limit.memory_bytes = Some(1_000)));
    let (_, job) = house.train(1).await;
    let ended = house.end(job).await;
    let (code, detail) = failed(&ended);
    assert!(code == "too_large" && detail.contains("of memory, 1 MB are allowed"), "{code}: {detail}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_runs_ahead_does_not_keep_a_tenant_from_learning() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    // All on one day, and one event of a clock that runs ahead by decades.
    let purchases = |first_day: u64, n_days: u64| {
        let mut events = "kind,customer_id,occurred_at,product_id,revenue\n".to_owned();
        for n in 0..1_200_u64 {
            let mixed = n.wrapping_mul(6_364_136_223_846_793_005).rotate_left(29);
            let day = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
                + chrono::Days::new(first_day + mixed % n_days);
            let (customer, product) = ((mixed >> 20) % 120, (mixed >> 40) % 9);
            writeln!(events, "purchase,c{customer},{day}T{:02}:{:02}:00Z,p{product},4.5", n % 24, n % 60)
                .unwrap();
        }
        events
    };
    let one_day = purchases(199, 1) + "purchase,c1,2099-01-01,p1,4.5\n";
    let ended = house.end(house.import_file(Entity::Events, one_day).await).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let (_, job) = house.train(1).await;
    let ended = house.end(job).await;
    let (code, detail) = failed(&ended);
    assert!(code == "not_enough_data" && detail.contains("1 of 84 days"), "{code}: {detail}");

    let products =
        (0..9).map(|n| format!("p{n},{},{n}.5\n", ["wine", "tea", "soap"][n % 3])).collect::<String>();
    house
        .end(house.import_file(Entity::Products, format!("product_id,category,price\n{products}")).await)
        .await;
    let ended = house.end(house.import_file(Entity::Events, purchases(0, 199)).await).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let (model, job) = house.train(1).await;
    let ended = house.end(job).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let as_of = house.model(model).await.as_of.unwrap();
    assert!(as_of.to_rfc3339().starts_with("2026-07-19"), "{as_of}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_unknown_kind_is_left_for_a_worker_that_knows_it() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    let unknown = house.enqueue("plan", json!({})).await;
    let ended = house.end(house.import_file(Entity::Products, "product_id\np1\n").await).await;
    assert_eq!(ended.state, State::Succeeded);
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    assert_eq!(job::find(&mut tenant, unknown).await.unwrap().unwrap().state, State::Queued);
    drop(tenant);
    worker.end().await;
}
