//! Importing files into a tenant's tables.

use clew_store::ingest::{self, NewEvent};
use clew_store::{Entity, data};
use serde_json::json;

use crate::common::{CAMPAIGNS, CUSTOMERS, EVENTS, PRODUCTS, Shop, now};

#[tokio::test]
async fn files_become_rows_and_sent_again_change_nothing() {
    let shop = Shop::open().await;
    let customers = shop.import(Entity::Customers, CUSTOMERS).await.outcome;
    assert_eq!((customers.accepted, customers.duplicates, customers.batch), (3, 1, Some(1)));
    shop.import(Entity::Products, PRODUCTS).await;
    shop.import(Entity::Campaigns, CAMPAIGNS).await;
    let events = shop.import(Entity::Events, EVENTS).await;
    let outcome = &events.outcome;
    assert_eq!((outcome.accepted, outcome.rejected, outcome.duplicates, outcome.orphans), (7, 0, 1, 1));
    assert_eq!(shop.number("select count(*) from events where tenant_id = $1 and batch = 4").await, 6);
    for (entity, text) in
        [(Entity::Customers, CUSTOMERS), (Entity::Products, PRODUCTS), (Entity::Events, EVENTS)]
    {
        let again = shop.import(entity, text).await.outcome;
        assert_eq!((again.duplicates, again.batch), (again.accepted, None), "{entity}");
    }
    assert_eq!(shop.number("select count(*) from customers where tenant_id = $1 and batch = 1").await, 2);
    let mut tenant = shop.test.store.tenant(shop.tenant_id).await.unwrap();
    let data = data::find(&mut tenant).await.unwrap();
    assert_eq!((data.n_rows(Entity::Customers), data.n_rows(Entity::Events)), (2, 6));
    let purchases = data.totals.iter().find(|total| total.kind == "purchase").unwrap();
    assert_eq!(purchases.n_rows, 2);
    assert_eq!(data.event_range().unwrap().1.to_rfc3339(), "2017-03-04T00:00:00+00:00");
}

#[tokio::test]
async fn attributes_keep_their_types_and_a_later_row_replaces_the_earlier() {
    let shop = Shop::open().await;
    shop.import(Entity::Customers, CUSTOMERS).await;
    let mut owner = shop.test.owner().await.unwrap();
    let stored: Vec<(String, serde_json::Value)> =
        sqlx::query_as("select id, attributes from customers order by id")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    assert_eq!(
        stored,
        [
            (
                "c1".to_owned(),
                json!({"first_name": "Anne", "age": 32, "since": "2016-05-01T23:30:00Z", "active": true, "tags": ["b"]})
            ),
            ("c2".to_owned(), json!({"first_name": "Bob, \"B\"", "active": false})),
        ]
    );
    // The column was a number; now it is text, and says so from now on.
    shop.import(Entity::Customers, "customer_id,age\nc3,40-50\n").await;
    shop.import(Entity::Customers, "customer_id,age\nc4,18\n").await;
    let types: Vec<(String, String)> = sqlx::query_as("select name, type from attributes order by name")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    let types: Vec<(&str, &str)> = types.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
    assert_eq!(
        types,
        [("active", "bool"), ("age", "text"), ("first_name", "text"), ("since", "date"), ("tags", "tags")]
    );
    let age: serde_json::Value =
        sqlx::query_scalar("select attributes -> 'age' from customers where id = 'c4'")
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert_eq!(age, json!("18"));
}

#[tokio::test]
async fn rejected_lines_are_listed_and_the_future_is_refused() {
    let shop = Shop::open().await;
    let text = "kind,customer_id,occurred_at\n\
        purchase,c1,2017-01-01\n\
        purchase,c1,2017-07-15T02:39:59Z\n\
        purchase,c1,2017-07-15T02:41:00Z\n\
        purchase,c1,\"31/12, 2016\"\n";
    let outcome = shop.import(Entity::Events, text).await.outcome;
    assert_eq!((outcome.accepted, outcome.rejected), (2, 2));
    let listed = shop.objects.get(&outcome.rejected_object.unwrap()).await.unwrap();
    let listed = String::from_utf8(listed.to_vec()).unwrap();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines[0], "line,column,reason");
    assert!(lines[1].starts_with("4,\"occurred_at\",\"2017-07-15T02:41:00Z is in the future"), "{listed}");
    assert!(lines[2].starts_with("5,\"occurred_at\",\"\"\"31/12, 2016\"\" is not a date"), "{listed}");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_leaves_nothing() {
    let shop = Shop::open().await;
    let cases = [
        ("kind;customer_id;occurred_at\npurchase;c1;31/12/2016\n", json!({}), "%d/%m/%Y"),
        ("kind,household,occurred_at\npurchase,c1,2017-01-01\n", json!({}), "has no column 'customer_id'"),
        ("kind,customer_id,occurred_at\n", json!({"customer_id": "household"}), "which the mapping names"),
        ("kind,customer_id,occurred_at\n", json!({"options": {"delimiter": "ab"}}), "must be one sign"),
    ];
    for (text, mapping, expected) in cases {
        let message = shop.try_import(Entity::Events, text, &mapping).await.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(shop.number("select last_batch from tenants where id = $1").await, 0);
    assert_eq!(shop.number("select count(*) from data_counts where tenant_id = $1").await, 0);
    // The same connection goes on, and a mapping makes the first file good.
    let mapping = json!({"dates": {"occurred_at": "%d/%m/%Y"}});
    let outcome = shop
        .try_import(Entity::Events, "kind;customer_id;occurred_at\npurchase;c1;31/12/2016\n", &mapping)
        .await
        .unwrap()
        .outcome;
    assert_eq!((outcome.accepted, outcome.batch), (1, Some(1)));
    assert_eq!(
        shop.number("select count(*) from events where tenant_id = $1 and occurred_at = '2016-12-31Z'").await,
        1
    );
}

#[tokio::test]
async fn an_import_stays_with_its_tenant() {
    let shop = Shop::open().await;
    let other = shop.test.tenant("Another").await.unwrap();
    shop.import(Entity::Customers, CUSTOMERS).await;
    shop.import(Entity::Events, EVENTS).await;
    let mut tenant = shop.test.store.tenant(other).await.unwrap();
    let data = data::find(&mut tenant).await.unwrap();
    assert_eq!((data.totals.len(), data.last_batch), (0, 0));
}

#[tokio::test]
async fn events_of_a_request_are_taken_once_and_checked_all_together() {
    let shop = Shop::open().await;
    let event = NewEvent { kind: "Product Viewed".into(), customer_id: "c1".into(), ..NewEvent::default() };
    let events = [
        NewEvent { event_id: Some("e1".into()), ..event.clone() },
        NewEvent {
            event_id: Some("e2".into()),
            occurred_at: Some(now() - chrono::TimeDelta::days(400)),
            ..event.clone()
        },
    ];
    let mut tenant = shop.test.store.tenant(shop.tenant_id).await.unwrap();
    let taken = ingest::insert_events(&mut tenant, &events, now()).await.unwrap();
    assert_eq!((taken.n_accepted, taken.n_duplicates), (2, 0));
    let taken = ingest::insert_events(&mut tenant, &events, now()).await.unwrap();
    assert_eq!((taken.n_accepted, taken.n_duplicates), (0, 2));
    tenant.commit().await.unwrap();
    assert_eq!(shop.number("select count(*) from events where tenant_id = $1 and kind = 'view'").await, 2);
    let bad = [
        NewEvent { customer_id: " ".into(), quantity: Some(f64::NAN), ..event.clone() },
        event.clone(),
        NewEvent { kind: String::new(), occurred_at: Some(now() + chrono::TimeDelta::days(2)), ..event },
    ];
    let faults: Vec<(usize, &str)> =
        ingest::check_events(&bad, now()).iter().map(|fault| (fault.index, fault.field)).collect();
    assert_eq!(faults, [(0, "customer_id"), (0, "quantity"), (2, "kind"), (2, "occurred_at")]);
}

#[tokio::test]
async fn more_kinds_than_can_be_told_apart_are_refused_whole() {
    let shop = Shop::open().await;
    let file = |n: usize| {
        let rows: String = (0..n).map(|i| format!("kind {i},c1,2017-01-01\n")).collect();
        format!("kind,customer_id,occurred_at\n{rows}")
    };
    let message = shop.try_import(Entity::Events, &file(241), &json!({})).await.unwrap_err().to_string();
    assert!(message.contains("at most 240"), "{message}");
    assert_eq!(shop.number("select count(*) from events where tenant_id = $1").await, 0);
    assert_eq!(shop.import(Entity::Events, &file(240)).await.outcome.accepted, 240);
}
