//! The whole way through the API: files in, a model, a gain curve, rules, segments, recommendations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use axum::http::Method;
use chrono::{TimeZone, Utc};
use clew_sample::{Compression, SampleParams, Shop};
use clew_store::object::Objects;
use clew_work::{WorkConfig, Worker, WorkerParts};
use common::{Api, Client, now};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A small shop, a sample of 500 days that end on 2026-11-01.
fn shop() -> Shop {
    Shop::new(SampleParams {
        n_customers: 1_000,
        n_products: 200,
        n_events: 30_000,
        ..SampleParams::default()
    })
    .unwrap()
}

/// A worker beside the API, until the token is raised.
fn start_worker(api: &Api, ending: &CancellationToken) -> tokio::task::JoinHandle<()> {
    let worker = Worker::new(WorkerParts {
        store: api.database.store.clone(),
        objects: Objects::open(api.database.objects_dir().to_str().unwrap()).unwrap(),
        pool: Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap()),
        clock: Arc::new(now),
        config: WorkConfig::new("test"),
    });
    tokio::spawn(worker.run(ending.clone()))
}

/// Follows a job by its events until it has ended; gives its last state.
async fn follow(client: &Client, location: &str) -> Value {
    let events = client.get(&format!("{location}/events")).await.expect(200);
    assert_eq!(events.header("content-type"), "text/event-stream");
    let last = events.text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    let job: Value = serde_json::from_str(last).unwrap();
    assert_eq!(job, client.get(location).await.expect(200).body());
    job
}

async fn import(client: &Client, dir: &std::path::Path, entity: &str) -> Value {
    let bytes = std::fs::read(dir.join(format!("{entity}.csv.gz"))).unwrap();
    let path = format!("/v1/imports?entity={entity}&format=csv");
    let answer = client.upload(&path, "application/gzip", bytes).await.expect(202);
    let job = follow(client, answer.header("location")).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    client.get(&format!("/v1/imports/{}", answer.id())).await.expect(200).body()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_files_to_a_gain_curve() {
    let api = Api::start().await;
    let ending = CancellationToken::new();
    let worker = start_worker(&api, &ending);
    let marketer = api.marketer().await;
    let sender = api.as_right(clew_store::key::Right::Ingest).await;

    let dir = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    clew_sample::folder::write(&pool, &shop(), dir.path(), Compression::Gzip, &mut |_| true).unwrap();
    let n_campaigns = shop().campaign_rows().count();
    for (entity, n_rows) in
        [("customers", 1_000), ("products", 200), ("campaigns", n_campaigns), ("events", 30_000)]
    {
        let import = import(&sender, dir.path(), entity).await;
        assert_eq!((&import["accepted"], &import["rejected"]), (&json!(n_rows), &json!(0)), "{import}");
    }
    check_rejected_lines(&sender).await;
    // What was imported can be looked at; nothing is predicted before a model is there.
    for (expression, n_products) in [("product.price > 0.0", 200), ("product.price > 100000.0", 0)] {
        let offer = json!({"name": "Everything, or nothing", "expression": expression});
        let offer = marketer.post("/v1/offers", &offer).await.expect(201).id();
        let page = marketer.get(&format!("/v1/offers/{offer}/products?limit=1000")).await.expect(200).body();
        assert_eq!(page["data"].as_array().unwrap().len(), n_products);
    }
    let early =
        marketer.post("/v1/gain-curves", &json!({"offer": {"product_ids": ["P0000001"]}})).await.expect(409);
    assert_eq!(early.problem(), "no_model");
    let asked = json!({"as_of": "2026-10-01", "horizon_days": 28, "seed": 7});
    let needs = marketer.post("/v1/models/estimate", &asked).await.expect(200).body();
    assert!(needs["seconds"].as_f64().unwrap() > 0.0 && needs["allowed"] == true, "{needs}");
    assert_eq!((&needs["way"], &needs["not_warm"]), (&json!("full"), &json!("there is no live model")));
    let n_events = needs["counted"]["n_events"].as_u64().unwrap();
    assert!((20_000..30_000).contains(&n_events), "in proportion to the days: {needs}");
    let asked = marketer.post("/v1/models", &asked).await.expect(202);
    let job = follow(&marketer, asked.header("location")).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let model = marketer.get(&format!("/v1/models/{}", asked.id())).await.expect(200).body();
    assert_eq!((&model["state"], &model["active"]), (&json!("ready"), &json!(true)));
    assert!(model["report"]["methods"][0]["all"]["auc"].as_f64().unwrap() > 0.5, "{model}");

    let page = marketer.get(&format!("/v1/models/{}/report", asked.id())).await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").contains("style-src 'sha256-"));
    let report: clew_crm::Report = serde_json::from_value(model["report"].clone()).unwrap();
    assert_eq!(page.text, clew_crm::report_html::page(&report));

    let columns = marketer.get("/v1/columns?limit=1000").await.expect(200).body();
    let of =
        |name: &str| columns["data"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap().clone();
    assert_eq!(
        (&of("first_name")["class"], &of("first_name")["learned_by_live_model"]),
        (&json!("personal"), &json!(true))
    );
    let data = marketer.get("/v1/data").await.expect(200).body();
    assert_eq!(data["n_batches_behind"], 0);
    let names: Vec<&str> =
        data["product_names"].as_array().unwrap().iter().filter_map(|n| n["name"].as_str()).collect();
    assert!(names.contains(&"product.category") && names.contains(&"product.product_id"), "{names:?}");

    check_schedule(&marketer).await;
    check_drift(&marketer, &sender, &model).await;
    check_gain_curves(&marketer, &model).await;
    check_segments(&marketer).await;
    check_recommendations(&marketer).await;
    check_campaigns(&marketer, &model).await;
    check_estimates(&marketer).await;

    ending.cancel();
    worker.await.unwrap();
}

async fn check_schedule(marketer: &Client) {
    marketer.get("/v1/models/schedule").await.expect(404);
    let neither = marketer.json(Method::PUT, "/v1/models/schedule", &json!({})).await.expect(422);
    assert_eq!(neither.errors(), ["/every_days: give days, or at_drift, or both"]);
    let weekly = json!({"every_days": 7, "at_drift": true});
    let put = marketer.json(Method::PUT, "/v1/models/schedule", &weekly).await.expect(200).body();
    assert_eq!((&put["every_days"], &put["horizon_days"]), (&json!(7), &json!(28)));
    assert!(put["next_at"].is_string(), "{put}");
    assert_eq!(marketer.get("/v1/models/schedule").await.expect(200).body(), put);
    marketer.delete("/v1/models/schedule").await.expect(204);
    marketer.delete("/v1/models/schedule").await.expect(404);
}

/// What comes after a training is compared with it.
async fn check_drift(marketer: &Client, sender: &Client, model: &Value) {
    assert_eq!(marketer.get("/v1/data").await.expect(200).body()["drift"], Value::Null);
    let file = "customer_id,age\nZ2,40\n";
    let answer = sender.upload("/v1/imports?entity=customers", "text/csv", file).await.expect(202);
    follow(sender, answer.header("location")).await;
    let jobs = marketer.get("/v1/jobs?kind=drift").await.expect(200).body();
    let job = jobs["data"][0]["id"].as_str().unwrap();
    let job = follow(marketer, &format!("/v1/jobs/{job}")).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let drift = marketer.get("/v1/data").await.expect(200).body()["drift"].clone();
    assert_eq!((&drift["model_id"], &drift["found"]["enough"]), (&model["id"], &json!(true)), "{drift}");
    assert!(drift["found"]["findings"].as_array().unwrap().len() > 3, "{drift}");
}

async fn check_rejected_lines(sender: &Client) {
    let file = "customer_id,age\nZ1,34\n,35\n";
    let answer = sender.upload("/v1/imports?entity=customers", "text/csv", file).await.expect(202);
    let job = follow(sender, answer.header("location")).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!((&job["result"]["accepted"], &job["result"]["rejected"]), (&json!(1), &json!(1)));
    let rejected = sender.get(&format!("/v1/imports/{}/rejected", answer.id())).await.expect(200);
    assert_eq!(rejected.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = rejected.text.lines().collect();
    assert_eq!(lines[0], "line,column,reason");
    assert!(lines.len() == 2 && lines[1].starts_with("3,\"customer_id\","), "{}", rejected.text);
}

async fn check_gain_curves(marketer: &Client, model: &Value) {
    let offer = json!({"name": "Under 40", "expression": "product.price < 40.0", "margin": 0.3, "cost_per_contact": 0.05});
    let offer = marketer.post("/v1/offers", &offer).await.expect(201);
    let products =
        marketer.get(&format!("/v1/offers/{}/products?limit=2", offer.id())).await.expect(200).body();
    assert_eq!(products["data"].as_array().unwrap().len(), 2);
    assert!(products["next_cursor"].is_string());

    let kept = json!({"offer_id": offer.id()});
    let curve = marketer.post("/v1/gain-curves", &kept).await.expect(200).body();
    assert_eq!(curve["model_id"], model["id"]);
    assert_eq!(curve["as_of"], "2026-10-01T00:00:00Z");
    let points = curve["points"].as_array().unwrap();
    let (first, last) = (&points[0], &points[points.len() - 1]);
    assert_eq!(first["volume"], 0);
    assert_eq!(last["volume"], curve["n_customers"]);
    assert!((last["share_of_buyers"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    assert!(last["expected_profit"].is_number());
    assert!(curve["named_volumes"]["buyers_50"].as_u64() < curve["named_volumes"]["buyers_90"].as_u64());
    assert!(curve["waterfall"].as_array().unwrap().is_empty());

    // The same offer as it would be written draws the same curve.
    let written =
        json!({"offer": {"expression": "product.price < 40.0", "margin": 0.3, "cost_per_contact": 0.05}});
    assert_eq!(marketer.post("/v1/gain-curves", &written).await.expect(200).body(), curve);

    let rule = json!({"name": "Newcomers", "scope": "customer", "expression": "customer.n_purchases < 3", "reason": "too new"});
    let tried = json!({"scope": "customer", "expression": "customer.n_purchases < 3", "as_of": "2026-10-01"});
    let tried = marketer.post("/v1/rules/test", &tried).await.expect(200).body();
    assert!(tried["n_refused"].as_u64().unwrap() > 0);
    marketer.post("/v1/rules", &rule).await.expect(201);
    let ruled = marketer.post("/v1/gain-curves", &kept).await.expect(200).body();
    let step = &ruled["waterfall"][0];
    assert_eq!((&step["rule"], &step["reason"]), (&json!("Newcomers"), &json!("too new")));
    let taken = step["n_customers"].as_u64().unwrap();
    assert!(taken > 0);
    assert_eq!(ruled["n_customers"].as_u64().unwrap() + taken, curve["n_customers"].as_u64().unwrap());
    // None of the kept rules, one as it would be written, and a segment.
    let asked = json!({"offer_id": offer.id(), "rules": [], "segment": "customer.n_purchases >= 3"});
    let segment = marketer.post("/v1/gain-curves", &asked).await.expect(200).body();
    assert_eq!(segment["n_customers"], ruled["n_customers"]);
    // By what is not shown, a marketer neither singles out a few nor learns whether there are any.
    let by = |first: &str| format!("customer.postcode.startsWith(\"{first}\")");
    for (first, status) in [("7", 200), ("no", 403)] {
        let rule = json!([{"scope": "customer", "expression": by(first)}]);
        let asked = json!({"offer_id": offer.id(), "rules": rule});
        marketer.post("/v1/gain-curves", &asked).await.expect(status);
        let asked = json!({"offer_id": offer.id(), "rules": [], "segment": by(first)});
        marketer.post("/v1/gain-curves", &asked).await.expect(status);
        let one =
            json!({"offer_id": offer.id(), "rules": rule, "segment": "customer.customer_id == \"C0000001\""});
        marketer.post("/v1/gain-curves", &one).await.expect(403);
    }

    let none = json!({"offer": {"expression": "product.price < -1.0"}});
    let none = marketer.post("/v1/gain-curves", &none).await.expect(422);
    assert!(none.errors()[0].starts_with("/offer: "), "{}", none.text);
    let unknown = json!({"offer": {"expression": "product.colour == \"red\""}});
    let unknown = marketer.post("/v1/gain-curves", &unknown).await.expect(422);
    assert!(unknown.errors()[0].contains("colour"), "{}", unknown.text);
    // Before the data there is nobody; long after it, a curve of old habits that says so.
    let at = |as_of: &str| json!({"offer_id": offer.id(), "rules": [], "as_of": as_of});
    let before = marketer.post("/v1/gain-curves", &at("2001-01-01")).await.expect(409);
    assert!(before.text.contains("customers with an event before the date"), "{}", before.text);
    let after = marketer.post("/v1/gain-curves", &at("2029-01-01")).await.expect(200).body();
    assert!(
        after["warnings"].to_string().contains("nobody bought anything in the 56 days before"),
        "{after}"
    );
    let wrong = json!({"offer_id": uuid::Uuid::nil(), "rules": [uuid::Uuid::nil()]});
    let wrong = marketer.post("/v1/gain-curves", &wrong).await.expect(422);
    assert_eq!(wrong.errors(), ["/offer_id: no such offer for this tenant"]);
}

async fn check_segments(marketer: &Client) {
    let segment = json!({"name": "All", "expression": "customer.n_events > 0"});
    let segment = marketer.post("/v1/segments", &segment).await.expect(201).id();
    let mut members = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/segments/{segment}/members?limit=150{cursor}");
        let page = marketer.get(&path).await.expect(200).body();
        members.extend(
            page["data"].as_array().unwrap().iter().map(|m| m["customer_id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(members.len() > 300 && members.is_sorted_by(|a, b| a < b), "{}", members.len());
    // The rule above is in force here too.
    let newcomers =
        json!({"scope": "customer", "expression": "customer.n_purchases < 3 && customer.n_events > 0"});
    let refused =
        marketer.post("/v1/rules/test", &newcomers).await.expect(200).body()["n_refused"].as_u64().unwrap();
    let all = json!({"scope": "customer", "expression": "customer.n_events > 0"});
    let all = marketer.post("/v1/rules/test", &all).await.expect(200).body()["n_refused"].as_u64().unwrap();
    assert_eq!(members.len() as u64, all - refused);
}

async fn check_recommendations(marketer: &Client) {
    let members = json!({"name": "Loyal", "expression": "customer.n_purchases >= 3"});
    let segment = marketer.post("/v1/segments", &members).await.expect(201).id();
    let page = marketer
        .get(&format!("/v1/segments/{segment}/members?limit=3&as_of=2026-10-01"))
        .await
        .expect(200)
        .body();
    let ids: Vec<&str> =
        page["data"].as_array().unwrap().iter().map(|m| m["customer_id"].as_str().unwrap()).collect();
    let path = format!(
        "/v1/customers/{}/recommendations?limit=3&explain=true&filter=product.price+%3C+40.0",
        ids[0]
    );
    let one = marketer.get(&path).await.expect(200).body();
    assert_eq!(
        one["as_of"],
        Utc.with_ymd_and_hms(2026, 10, 1, 0, 0, 0).unwrap().format("%FT%TZ").to_string()
    );
    let products = one["data"].as_array().unwrap();
    assert_eq!(products.iter().map(|p| p["rank"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(products.iter().any(|p| !p["reasons"].as_array().unwrap().is_empty()), "{one}");

    let asked = json!({"customer_ids": [ids[0], "nobody", ids[1]], "limit": 3, "explain": true, "filter": "product.price < 40.0"});
    let many = marketer.post("/v1/recommendations", &asked).await.expect(200).body();
    assert_eq!(many["unknown_customer_ids"], json!(["nobody"]));
    // Scores of several customers at once may differ in their last bits.
    let ids_of = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|p| p["product_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids_of(&many["data"][0]["data"]), ids_of(&one["data"]));
    assert_eq!(many["data"][1]["customer_id"], ids[1]);
    let twice = json!({"customer_ids": [ids[0], ids[0]]});
    let twice = marketer.post("/v1/recommendations", &twice).await.expect(422);
    assert_eq!(twice.errors(), ["/customer_ids/1: is there already"]);

    marketer.get("/v1/customers/nobody/recommendations").await.expect(404);
    let wrong = marketer
        .get(&format!("/v1/customers/{}/recommendations?filter=product.prise+%3C+4", ids[0]))
        .await
        .expect(422);
    assert!(wrong.errors()[0].starts_with("?filter: line 1, column 9"), "{}", wrong.text);
    let rule = json!({"name": "Dear", "scope": "product", "expression": "product.price < 40.0", "reason": "too cheap"});
    marketer.post("/v1/rules", &rule).await.expect(201);
    assert_eq!(marketer.get(&path).await.expect(200).body()["data"], json!([]));
}

/// Both ways to train are told, and which one it would go.
async fn check_estimates(marketer: &Client) {
    let asked = |seed: u64| json!({"as_of": "2026-10-03", "horizon_days": 28, "seed": seed});
    let needs = marketer.post("/v1/models/estimate", &asked(7)).await.expect(200).body();
    assert_eq!((&needs["way"], &needs["not_warm"]), (&json!("warm"), &Value::Null), "{needs}");
    assert_eq!((&needs["seconds"], &needs["phases"]), (&needs["warm"]["seconds"], &needs["warm"]["phases"]));
    assert!(needs["warm"]["seconds"].as_f64() < needs["full"]["seconds"].as_f64(), "{needs}");
    let other = marketer.post("/v1/models/estimate", &asked(8)).await.expect(200).body();
    assert_eq!((&other["way"], &other["warm"]), (&json!("full"), &Value::Null));
    assert_eq!(other["not_warm"], "the live model has another seed");
    assert_eq!(other["seconds"], other["full"]["seconds"]);
}

/// Campaigns of before and after the model's date: what became of them, and what was promoted.
async fn check_campaigns(marketer: &Client, model: &Value) {
    let page = marketer.get("/v1/campaigns?limit=2").await.expect(200).body();
    let next = page["next_cursor"].as_str().unwrap();
    let ids = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&page), ["M0000", "M0001"]);
    let rest = marketer.get(&format!("/v1/campaigns?limit=1000&cursor={next}")).await.expect(200).body();
    let later: Vec<&Value> = rest["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|campaign| campaign["sent_at"].as_str().unwrap() > "2026-10-01")
        .collect();
    let held = |campaign: &&&Value| campaign["attributes"]["holdout_share"].as_f64().unwrap() > 0.0;
    let campaign = later.iter().find(held).unwrap();
    let id = campaign["id"].as_str().unwrap();
    assert_eq!(marketer.get(&format!("/v1/campaigns/{id}")).await.expect(200).body(), **campaign);

    // After the model's date: an honest prediction of what its category sold to those who were sent it.
    let report = marketer.get(&format!("/v1/campaigns/{id}/report")).await.expect(200).body();
    assert_eq!((&report["model_id"], &report["promoted"]["by"]), (&model["id"], &json!("shared")));
    assert_eq!(
        report["promoted"]["expression"],
        format!("product.category == {}", campaign["attributes"]["category"])
    );
    let treated = &report["treated"];
    let deciles = report["deciles"].as_array().unwrap();
    let sum = |name: &str| deciles.iter().map(|d| d[name].as_f64().unwrap()).sum::<f64>();
    assert_eq!(sum("n_customers"), treated["n_customers"].as_f64().unwrap());
    assert!((sum("expected_buyers") - treated["expected_buyers"].as_f64().unwrap()).abs() < 1e-6);
    assert_eq!(sum("n_buyers"), treated["n_buyers"].as_f64().unwrap());
    let effect = &report["effect"];
    let uplift = |end: &str| effect["uplift"][end].as_f64().unwrap();
    assert!(
        report["n_holdout"].as_u64().unwrap() > 0
            && uplift("low") < uplift("value")
            && uplift("value") < uplift("high")
    );
    let warnings = report["warnings"].to_string();
    assert!(!warnings.contains("flatter"), "{warnings}");

    // Of another offer: a kept one, or one as it would be written.
    let everything = "expression=product.price+%3E+0.0";
    let asked = marketer.get(&format!("/v1/campaigns/{id}/report?{everything}")).await.expect(200).body();
    assert_eq!((&asked["promoted"]["by"], &asked["promoted"]["n_products"]), (&json!("asked"), &json!(200)));
    assert!(asked["treated"]["n_buyers"].as_u64() >= treated["n_buyers"].as_u64());
    let offer = json!({"name": "All", "expression": "product.price > 0.0"});
    let offer = marketer.post("/v1/offers", &offer).await.expect(201).id();
    let kept = marketer.get(&format!("/v1/campaigns/{id}/report?offer_id={offer}")).await.expect(200).body();
    assert_eq!(kept, asked);
    let both = format!("/v1/campaigns/{id}/report?offer_id={offer}&{everything}");
    let both = marketer.get(&both).await.expect(422);
    assert_eq!(both.errors(), ["?expression: give either offer_id or expression, not both"]);

    // Of the last one the days are not over, which the report says.
    let last = later.last().unwrap()["id"].as_str().unwrap();
    let last = marketer.get(&format!("/v1/campaigns/{last}/report")).await.expect(200).body();
    assert!(last["warnings"].to_string().contains("are not over yet"), "{last}");

    // Before the model's date it has seen what it should foretell, and the report says so.
    let early = marketer.get("/v1/campaigns/M0100/report").await.expect(200).body();
    assert!(early["warnings"].to_string().contains("flatter"), "{early}");
    marketer.get("/v1/campaigns/nothing/report").await.expect(404);
}
