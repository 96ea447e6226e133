//! Columns: what was declared goes before the guess, which only gets stricter; each tenant has its own.

use clew_crm::{ColumnClass, ColumnUse};
use clew_store::row::{self, Put};
use clew_store::testing::{TestStore, database};
use clew_store::{Entity, Error, Page, column, tenant};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

async fn put(test: &TestStore, tenant_id: Uuid, entity: Entity, id: &str, attributes: Value) {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let attributes = attributes.as_object().unwrap().clone();
    let put = row::put(&mut tenant, entity, id, attributes, false).await.unwrap();
    assert!(matches!(put, Put::Written { .. }), "{put:?}");
    tenant.commit().await.unwrap();
}

/// Every column with its class, of both tables, read two a page.
async fn classes(test: &TestStore, tenant_id: Uuid) -> Vec<String> {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let (mut all, mut page) = (Vec::new(), Page::first(2));
    loop {
        let found = column::list(&mut tenant, None, &page).await.unwrap();
        let told = |c: &column::Column| format!("{}.{} {}", c.entity, c.name, c.usable().class.name());
        all.extend(found.data.iter().map(told));
        match found.next_cursor {
            Some(cursor) => page = Page { cursor: Some(cursor), ..Page::first(2) },
            None => return all,
        }
    }
}

async fn declare(test: &TestStore, tenant_id: Uuid, name: &str, declared: Option<ColumnUse>) {
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    column::declare(&mut tenant, Entity::Customers, name, declared).await.unwrap();
    tenant.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_declared_goes_before_the_guess_and_is_the_tenants_own() {
    let test = database().await.unwrap();
    let (one, two) = (test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap());
    let ann = json!({"email": "ann@example.org", "age": 34, "religion": "none"});
    for tenant_id in [one, two] {
        put(&test, tenant_id, Entity::Customers, "c1", ann.clone()).await;
        put(&test, tenant_id, Entity::Products, "p1", json!({"email": "shop@example.org"})).await;
    }
    let guessed = [
        "customers.age plain",
        "customers.email personal",
        "customers.religion sensitive",
        "products.email plain",
    ];
    assert_eq!(classes(&test, one).await, guessed);
    declare(&test, one, "email", Some(ColumnClass::Identifier.into())).await;
    declare(&test, one, "religion", Some(ColumnUse { class: ColumnClass::Sensitive, learn: true })).await;
    let mut tenant = test.store.tenant(one).await.unwrap();
    let out = column::left_out(&mut tenant).await.unwrap();
    assert_eq!((out.customer_columns, out.product_columns), (vec!["email".to_owned()], vec![]));
    drop(tenant);
    assert_eq!(classes(&test, two).await, guessed);
    // What comes later does not undo it; what is left to the guess again is what it was.
    put(&test, one, Entity::Customers, "c2", ann).await;
    assert_eq!(classes(&test, one).await[1], "customers.email identifier");
    declare(&test, one, "email", None).await;
    assert_eq!(classes(&test, one).await, guessed);

    let mut tenant = test.store.tenant(one).await.unwrap();
    let missing = column::declare(&mut tenant, Entity::Customers, "shoe", None).await;
    assert!(matches!(missing, Err(Error::Missing { what: "column" })), "{missing:?}");
}

#[tokio::test]
async fn columns_of_before_guesses_were_kept_are_known_by_their_names() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    put(&test, tenant_id, Entity::Customers, "c1", json!({"phone": "+33 612345678", "age": 34})).await;
    let mut owner = test.owner().await.unwrap();
    sqlx::query("update attributes set guess = null").execute(&mut owner).await.unwrap();
    assert_eq!(classes(&test, tenant_id).await, ["customers.age plain", "customers.phone identifier"]);
}

#[tokio::test]
async fn what_cannot_be_is_not_kept() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    put(&test, tenant_id, Entity::Customers, "c1", json!({"age": 34})).await;
    put(&test, tenant_id, Entity::Products, "p1", json!({"title": "Wine"})).await;
    let mut owner = test.owner().await.unwrap();
    for wrong in [
        "update attributes set learn = true where entity = 'customers'",
        "update attributes set class = 'personal', learn = true where entity = 'customers'",
        "update attributes set class = 'sensitive' where entity = 'products'",
        "update attributes set class = 'secret' where entity = 'customers'",
        "update tenants set minimum_support = 9",
    ] {
        let refused = sqlx::raw_sql(AssertSqlSafe(wrong.to_owned())).execute(&mut owner).await.unwrap_err();
        assert!(refused.to_string().contains("check constraint"), "{wrong}: {refused}");
    }
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(tenant::find_own(&mut tenant).await.unwrap().minimum_support, 20);
    assert_eq!(tenant::set_minimum_support(&mut tenant, 10).await.unwrap().minimum_support, 10);
}
