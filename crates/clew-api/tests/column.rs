//! What columns may be used for over HTTP: guessed, corrected, and kept to in every answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::http::Method;
use common::{Api, Client};
use serde_json::{Value, json};

/// A person, all of whose closed values begin with `canary`.
fn person(n: usize) -> Value {
    json!({
        "first_name": format!("canary {n}"), "contact": format!("canary{n}@example.org"), "phone": format!("canary 0{n}"),
        "religion": format!("canary {}", n % 2), "birth_date": format!("19{}-05-01", 50 + n % 40), "age": 20 + n % 50,
    })
}

/// As many persons, `c000` and so on.
async fn people(owner: &Client, n: usize) {
    for n in 0..n {
        owner.json(Method::PUT, &format!("/v1/customers/c{n:03}"), &person(n)).await.expect(201);
    }
}

async fn declare(client: &Client, column: &str, class: Value) -> common::Answer {
    client.json(Method::PUT, &format!("/v1/columns/customers/{column}"), &class).await
}

fn shown(columns: &Value) -> Vec<String> {
    let data = columns["data"].as_array().unwrap().iter();
    data.map(|c| {
        format!(
            "{}.{} {} declared {} learned {} shown {}",
            c["table"], c["name"], c["class"], c["declared"], c["learned"], c["shown"]
        )
        .replace('"', "")
    })
    .collect()
}

#[tokio::test]
async fn what_a_column_may_be_used_for_is_guessed_and_corrected() {
    let api = Api::start().await;
    let (owner, marketer, reader) = (api.owner().await, api.marketer().await, api.reader().await);
    people(&owner, 1).await;
    owner.json(Method::PUT, "/v1/products/p1", &json!({"title": "Wine", "supplier": "S"})).await.expect(201);
    let columns = reader.get("/v1/columns").await.expect(200).body();
    insta::assert_snapshot!(shown(&columns).join("\n"), @r"
    customers.age plain declared false learned true shown true
    customers.birth_date personal declared false learned true shown false
    customers.contact personal declared false learned true shown false
    customers.first_name personal declared false learned true shown false
    customers.phone identifier declared false learned false shown false
    customers.religion sensitive declared false learned false shown false
    products.supplier plain declared false learned true shown true
    products.title plain declared false learned true shown true
    ");
    let first = reader.get("/v1/columns?limit=3").await.expect(200).body();
    let rest = reader.get(&format!("/v1/columns?cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!([shown(&first), shown(&rest.expect(200).body())].concat(), shown(&columns));
    assert_eq!(shown(&reader.get("/v1/columns?table=products").await.expect(200).body()).len(), 2);

    // Anybody who works with the data may close a column further; only an owner opens one.
    declare(&reader, "age", json!({"class": "personal"})).await.expect(403);
    declare(&marketer, "age", json!({"class": "personal"})).await.expect(200);
    declare(&marketer, "age", json!({"class": "plain"})).await.expect(403);
    declare(&marketer, "age", json!({"class": null})).await.expect(403);
    declare(&marketer, "religion", json!({"class": "sensitive", "learn": true})).await.expect(403);
    declare(&marketer, "religion", json!({"class": "personal"})).await.expect(403);
    let back = declare(&owner, "age", json!({"class": null})).await.expect(200).body();
    assert_eq!((&back["class"], &back["declared"]), (&json!("plain"), &json!(false)));
    let on =
        declare(&owner, "religion", json!({"class": "sensitive", "learn": true})).await.expect(200).body();
    assert_eq!(
        (&on["learned"], &on["shown"], &on["guess"]),
        (&json!(true), &json!(false), &json!("sensitive"))
    );

    let wrong = declare(&owner, "age", json!({"class": "personal", "learn": true})).await.expect(422);
    assert_eq!(wrong.errors(), ["/learn: is only for sensitive columns"]);
    let of_product =
        owner.json(Method::PUT, "/v1/columns/products/supplier", &json!({"class": "personal"})).await;
    assert!(of_product.expect(422).errors()[0].starts_with("/class: products are no persons"));
    let supplier = json!({"class": "identifier"});
    let supplier =
        owner.json(Method::PUT, "/v1/columns/products/supplier", &supplier).await.expect(200).body();
    assert_eq!((&supplier["learned"], &supplier["shown"]), (&json!(false), &json!(true)));
    declare(&owner, "shoe", json!({"class": "plain"})).await.expect(404);
    owner.json(Method::PUT, "/v1/columns/events/kind", &json!({"class": "plain"})).await.expect(404);

    let log = owner.get("/v1/audit").await.expect(200).body();
    let written = log["data"].as_array().unwrap().iter().filter(|entry| entry["operation"] == "put_column");
    let written: Vec<&Value> = written.map(|entry| &entry["resource"]).collect();
    assert_eq!(written, ["products.supplier", "customers.religion", "customers.age", "customers.age"]);
}

#[tokio::test]
async fn closed_values_are_shown_to_owners_alone() {
    let api = Api::start().await;
    let (owner, marketer, reader) = (api.owner().await, api.marketer().await, api.reader().await);
    people(&owner, 1).await;
    let seen = reader.get("/v1/customers/c000").await.expect(200);
    assert_eq!(seen.body()["attributes"], json!({"age": 20}));
    let hidden = json!(["birth_date", "contact", "first_name", "phone", "religion"]);
    assert_eq!(seen.body()["hidden"], hidden);
    let whole = owner.get("/v1/customers/c000").await.expect(200).body();
    assert_eq!((&whole["attributes"], &whole["hidden"]), (&person(0), &Value::Null));
    assert_eq!(owner.get("/v1/customers/c000/data").await.expect(200).body()["attributes"], person(0));

    // Changing one attribute keeps the others, and tells none of them.
    let changed = marketer.patch("/v1/customers/c000", &json!({"age": 21})).await.expect(200);
    assert_eq!((&changed.body()["attributes"], &changed.body()["hidden"]), (&json!({"age": 21}), &hidden));
    assert_eq!(owner.get("/v1/customers/c000").await.body()["attributes"]["contact"], "canary0@example.org");
    // What is shown in part cannot be written back as though it were all.
    marketer.json(Method::PUT, "/v1/customers/c000", &seen.body()).await.expect(422);

    // What came with a value that is declared plain is shown again.
    declare(&owner, "contact", json!({"class": "plain"})).await.expect(200);
    assert_eq!(reader.get("/v1/customers/c000").await.body()["attributes"]["contact"], "canary0@example.org");
}

#[tokio::test]
async fn a_column_whose_values_change_their_nature_is_closed_and_never_opened_by_that() {
    let api = Api::start().await;
    let (owner, reader) = (api.owner().await, api.reader().await);
    let class = async || {
        let columns = reader.get("/v1/columns").await.expect(200).body();
        columns["data"][0]["class"].as_str().unwrap().to_owned()
    };
    let put = async |n: usize, note: &str| {
        owner.json(Method::PUT, &format!("/v1/customers/n{n}"), &json!({"note": note})).await.expect(201);
    };
    put(0, "likes wine").await;
    assert_eq!(class().await, "plain");
    // One odd value among few does not close it; most do.
    put(1, "ann@example.org").await;
    assert_eq!(class().await, "plain");
    for n in 2..6 {
        put(n, &format!("m{n}@example.org")).await;
    }
    assert_eq!(class().await, "personal");
    for n in 6..30 {
        put(n, "likes tea").await;
    }
    assert_eq!(class().await, "personal");
}

#[tokio::test]
async fn expressions_do_not_tell_what_is_closed() {
    let api = Api::start().await;
    let (owner, marketer, reader) = (api.owner().await, api.marketer().await, api.reader().await);
    people(&owner, 50).await;
    let segment = |expression: &str| json!({"name": "s", "expression": expression});
    let members = |id: String| format!("/v1/segments/{id}/members");

    // A sensitive column is asked for by owners alone, in whatever an expression stands.
    let half = segment("customer.religion == \"canary 0\"");
    let refused = marketer.post("/v1/segments", &half).await.expect(422);
    assert_eq!(
        refused.errors(),
        ["/expression: customer.religion is sensitive: only an owner may ask for it"]
    );
    let rule = json!({"name": "r", "scope": "customer", "reason": "r", "expression": half["expression"]});
    marketer.post("/v1/rules", &rule).await.expect(422);
    // A rule tells by whom it leaves out of other groups, so its personal columns are an owner's to name.
    let rule = json!({"name": "r", "scope": "customer", "reason": "r", "enabled": false,
        "expression": "customer.first_name == \"canary 1\""});
    let refused = marketer.post("/v1/rules", &rule).await.expect(422);
    assert!(refused.errors()[0].starts_with("/expression: customer.first_name is not shown"));
    owner.post("/v1/rules", &rule).await.expect(201);
    let tried = json!({"scope": "customer", "expression": half["expression"]});
    reader.post("/v1/rules/test", &tried).await.expect(422);
    let curve = json!({"offer": {"product_ids": ["p1"]}, "segment": half["expression"]});
    reader.post("/v1/gain-curves", &curve).await.expect(422);
    owner.post("/v1/rules/test", &tried).await.expect(200);
    let id = owner.post("/v1/segments", &half).await.expect(201).id();
    let told = owner.get(&members(id.clone())).await.expect(200).body();
    assert_eq!(told["data"].as_array().unwrap().len(), 25);
    assert_eq!(reader.get(&members(id.clone())).await.expect(403).problem(), "forbidden");
    marketer.patch(&format!("/v1/segments/{id}"), &json!({"name": "other"})).await.expect(422);

    // By a personal column groups may be made, but none in which somebody stands out.
    let born = |year: u32| segment(&format!("customer.birth_date < \"{year}-01-01\""));
    for (year, n) in [(1950, None), (1951, None), (1955, None), (1962, Some(22)), (1975, None), (1999, None)]
    {
        let id = marketer.post("/v1/segments", &born(year)).await.expect(201).id();
        let told = reader.get(&members(id.clone())).await;
        let tried = json!({"scope": "customer", "expression": born(year)["expression"]});
        let tried = reader.post("/v1/rules/test", &tried).await;
        match n {
            Some(n) => {
                assert_eq!(told.expect(200).body()["data"].as_array().unwrap().len(), n);
                assert_eq!(tried.expect(200).body()["n_refused"], n);
            }
            None => {
                assert!(told.expect(403).text.contains("fewer than 20 customers"));
                tried.expect(403);
            }
        }
        owner.get(&members(id)).await.expect(200);
    }
    // Nor is it told that nobody has a value.
    let either = "customer.age >= 0 && customer.age < 45 || customer.first_name == \"nobody\"";
    let tried = json!({"scope": "customer", "expression": either});
    assert_eq!(reader.post("/v1/rules/test", &tried).await.expect(200).body()["unmatched"], json!([]));
    let unmatched = owner.post("/v1/rules/test", &tried).await.expect(200).body()["unmatched"].clone();
    assert_eq!(unmatched, json!(["first_name: nobody"]));
    // Of plain columns, groups may be as small as they are.
    let one = marketer.post("/v1/segments", &segment("customer.age == 20")).await.expect(201).id();
    assert_eq!(reader.get(&members(one)).await.expect(200).body()["data"], json!([{"customer_id": "c000"}]));
}

#[tokio::test]
async fn the_minimum_support_is_set_by_owners_and_not_below_ten() {
    let api = Api::start().await;
    let (owner, marketer, reader) = (api.owner().await, api.marketer().await, api.reader().await);
    people(&owner, 50).await;
    assert_eq!(reader.get("/v1/tenant").await.expect(200).body()["minimum_support"], 20);
    let segment = json!({"name": "s", "expression": "customer.birth_date < \"1955-01-01\""});
    let members = marketer.post("/v1/segments", &segment).await.expect(201).id();
    let members = format!("/v1/segments/{members}/members");
    reader.get(&members).await.expect(403);
    marketer.patch("/v1/tenant", &json!({"minimum_support": 10})).await.expect(403);
    let low = owner.patch("/v1/tenant", &json!({"minimum_support": 9})).await.expect(422);
    assert_eq!(low.errors(), ["/minimum_support: expected at least 10, found 9"]);
    owner.patch("/v1/tenant", &json!({"name": "other"})).await.expect(422);
    let set = owner.patch("/v1/tenant", &json!({"minimum_support": 10})).await.expect(200).body();
    assert_eq!(set["minimum_support"], 10);
    assert_eq!(reader.get(&members).await.expect(200).body()["data"].as_array().unwrap().len(), 10);
    let log = owner.get("/v1/audit").await.expect(200).body();
    assert!(log["data"].as_array().unwrap().iter().any(|entry| entry["operation"] == "update_tenant"));
}
