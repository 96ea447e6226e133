//! What columns may be used for, when a file comes in and a model is trained.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;

use clew_crm::{ColumnClass, ColumnUse};
use clew_store::job::State;
use clew_store::{Entity, column};
use serde_json::{Value, json};
use support::{House, start};

const N_CUSTOMERS: u64 = 120;

impl House {
    /// Brings in a file; gives the class of each of its columns, by name.
    async fn bring(&self, entity: Entity, file: String) -> Value {
        let ended = self.end(self.import_file(entity, file).await).await;
        assert_eq!(ended.state, State::Succeeded, "{ended:?}");
        let columns = ended.result.unwrap()["columns"].clone();
        let columns = columns.as_array().unwrap().iter();
        columns.map(|c| (c["name"].as_str().unwrap().to_owned(), c["class"].clone())).collect()
    }

    /// Trains, and gives the hash of the model's bytes.
    async fn learned(&self) -> String {
        let (id, job) = self.train(1).await;
        let ended = self.end(job).await;
        assert_eq!(ended.state, State::Succeeded, "{ended:?}");
        self.model(id).await.object.unwrap().rsplit_once('/').unwrap().1.to_owned()
    }

    async fn declare(&self, name: &str, class: ColumnClass, learn: bool) {
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        let declared = Some(ColumnUse { class, learn });
        column::declare(&mut tenant, Entity::Customers, name, declared).await.unwrap();
        tenant.commit().await.unwrap();
    }
}

/// Customers with these columns more, whose values are made of the customer's number.
fn customers(names: &str, values: impl Fn(u64) -> String) -> String {
    let rows = (0..N_CUSTOMERS).map(|n| format!("c{n},city {}{}\n", n % 3, values(n)));
    format!("customer_id,city{names}\n{}", rows.collect::<String>())
}

fn purchases() -> String {
    let mut events = "kind,customer_id,occurred_at,product_id,revenue\n".to_owned();
    for n in 0..1_500_u64 {
        let mixed = n.wrapping_mul(6_364_136_223_846_793_005).rotate_left(29);
        let day = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(mixed % 199);
        let (customer, product) = ((mixed >> 20) % N_CUSTOMERS, (mixed >> 40) % 9);
        writeln!(events, "purchase,c{customer},{day}T12:{:02}:00Z,p{product},4.5", n % 60).unwrap();
    }
    events
}

fn products() -> String {
    let rows = (0..9).map(|n| format!("p{n},{},{n}.5\n", ["wine", "tea", "soap"][n % 3]));
    format!("product_id,category,price\n{}", rows.collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_closed_columns_nothing_is_learned_until_an_owner_says_so() {
    let mut house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    let mut hashes = Vec::new();
    let closed = |n: u64| format!(",creed {},+33 6 {n:08}", n % 4);
    for (names, file) in
        [("open", customers("", |_| String::new())), ("closed", customers(",religion,tel", closed))]
    {
        house.tenant_id = house.test.tenant(names).await.unwrap();
        let classes = house.bring(Entity::Customers, file).await;
        let expected = match names {
            "open" => json!({"customer_id": null, "city": "plain"}),
            _ => json!({"customer_id": null, "city": "plain", "religion": "sensitive", "tel": "identifier"}),
        };
        assert_eq!(classes, expected);
        house.bring(Entity::Products, products()).await;
        house.bring(Entity::Events, purchases()).await;
        hashes.push(house.learned().await);
    }
    assert_eq!(hashes[0], hashes[1], "a closed column has left its mark in the model");

    // What an owner lets in is learned from, and what is closed is so no more.
    house.declare("religion", ColumnClass::Sensitive, true).await;
    let with_religion = house.learned().await;
    assert_ne!(with_religion, hashes[0]);
    house.declare("religion", ColumnClass::Identifier, false).await;
    assert_eq!(house.learned().await, hashes[0]);
    house.declare("city", ColumnClass::Identifier, false).await;
    assert_ne!(house.learned().await, hashes[0]);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_rejected_lines_quotes_nothing_that_is_closed() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    let good: String = (0..50).map(|n| format!("c{n},1984-02-29,{n}\n")).collect();
    house.bring(Entity::Customers, format!("customer_id,birth_date,age\n{good}")).await;
    house.declare("age", ColumnClass::Plain, false).await;
    let bad = format!("customer_id,birth_date,age\n{good}x1,canary,3\nx2,1984-01-01,eighty\n");
    let ended = house
        .end(
            house
                .import_mapped(
                    Entity::Customers,
                    bad,
                    json!({"types":
        {"birth_date": "date", "age": "number"}}),
                )
                .await,
        )
        .await;
    let result = ended.result.unwrap();
    assert_eq!(result["rejected"], 2, "{result}");
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let id = result["import_id"].as_str().unwrap().parse().unwrap();
    let import = clew_store::import::find(&mut tenant, id).await.unwrap().unwrap();
    let list = house.objects().get(&import.rejected_object.unwrap()).await.unwrap();
    let list = String::from_utf8(list.to_vec()).unwrap();
    assert!(list.contains("eighty") && list.contains("birth_date") && !list.contains("canary"), "{list}");
    worker.end().await;
}
