//! One of everything for a tenant, by noun. An operation whose path names a thing needs a row here.

use std::collections::BTreeMap;

use axum::http::Method;
use clew_store::model::{self, NewModel};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{Api, Client};

/// The ids of one tenant's things.
#[derive(Debug, Clone)]
pub(crate) struct Things(BTreeMap<&'static str, String>);

impl Things {
    /// The id of a thing of this noun (the second part of the path), or of this parameter of a path.
    pub(crate) fn id(&self, noun: &str, operation: &str) -> &str {
        self.0.get(noun).unwrap_or_else(|| panic!("{operation} needs a row for {noun} in wall/thing.rs"))
    }

    /// Sets the id of a thing.
    pub(crate) fn set(&mut self, noun: &'static str, id: String) {
        self.0.insert(noun, id);
    }

    /// All of them.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(noun, id)| (*noun, id.as_str()))
    }

    /// The same nouns, with ids that name nothing.
    pub(crate) fn absent(&self) -> Self {
        let absent = |id: &str| match id.parse::<Uuid>() {
            Ok(_) => Uuid::now_v7().to_string(),
            // As long as the other, since answers tell an id back and their lengths are compared.
            Err(_) => "x".repeat(id.len()),
        };
        Self(self.0.iter().map(|(noun, id)| (*noun, absent(id))).collect())
    }
}

/// One of everything for the tenant of this client, an owner. `mark` is in every string, so that it can be searched
/// for.
pub(crate) async fn things(api: &Api, tenant_id: Uuid, owner: &Client, mark: &str) -> Things {
    let named = |name: &str| format!("{name} {mark}");
    let made = |answer: crate::common::Answer| answer.expect(201).id();
    let offer = json!({"name": named("all"), "product_ids": [format!("{mark}-p1")]});
    let segment = json!({"name": named("s"), "expression": "customer.n_purchases > 1.0"});
    let rule = json!({"name": named("r"), "scope": "customer", "expression": "customer.n_purchases > 900.0",
        "reason": named("why")});
    let key = json!({"name": named("k"), "right": "reader"});
    let member = format!("{mark}-{}@example.com", Uuid::now_v7().simple());
    let member = json!({"email": member, "right": "reader"});
    let webhook = json!({"url": format!("https://hooks.example.com/{mark}")});
    let webhook = made(owner.post("/v1/webhooks", &webhook).await);
    let told = owner.post(&format!("/v1/webhooks/{webhook}/test"), &Value::Null).await.expect(200);
    let file = format!("customer_id,note\n{mark}-k1,{mark}\n,{mark}\n");
    let import = owner.upload("/v1/imports?entity=customers", "text/csv", file).await.expect(202);
    api.database.campaign(tenant_id, &format!("{mark}-m1")).await.unwrap();
    let column = format!("{mark}-c");
    let described = format!("/v1/customers/{mark}-{}", Uuid::now_v7().simple());
    owner.json(Method::PUT, &described, &json!({ column.as_str(): named("v") })).await.expect(201);
    // Of its own each time: who was erased does not come back.
    let gone = format!("/v1/customers/{mark}-{}", Uuid::now_v7().simple());
    owner.json(Method::PUT, &gone, &json!({"note": named("n")})).await.expect(201);
    let erasure = owner.delete(&gone).await.expect(202);
    let mut tenant = api.database.store.tenant(tenant_id).await.unwrap();
    let new = NewModel { as_of: None, horizon_days: 28, seed: 0, params: json!({}), request_id: None };
    let (model, job) = model::enqueue(&mut tenant, &new).await.unwrap();
    tenant.commit().await.unwrap();
    Things(BTreeMap::from([
        ("offers", made(owner.post("/v1/offers", &offer).await)),
        ("segments", made(owner.post("/v1/segments", &segment).await)),
        ("rules", made(owner.post("/v1/rules", &rule).await)),
        ("keys", made(owner.post("/v1/keys", &key).await)),
        ("members", made(owner.post("/v1/members", &member).await)),
        ("imports", import.id()),
        ("webhooks", webhook),
        ("deliveries", told.id()),
        ("erasures", erasure.id()),
        ("models", model.id.to_string()),
        ("jobs", job.id.to_string()),
        ("tenants", tenant_id.to_string()),
        ("customers", format!("{mark}-k1")),
        ("products", format!("{mark}-p1")),
        ("columns", format!("customers/{column}")),
        ("table", "customers".to_owned()),
        ("column", column),
        ("campaigns", format!("{mark}-m1")),
    ]))
}
