//! What the demo asks of the API once the data are in: model, offer, gain curve, rule, recommendations.

use anyhow::Context as _;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::step::Step;
use crate::client::Client;

/// What was asked and answered; each as the API gave it.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) offer: Value,
    pub(super) curve: Value,
    /// The same in the API's own digits: numbers that are read and written again may lose the last one.
    pub(super) curve_text: Box<RawValue>,
    /// The rule, and the curve with it in force.
    pub(super) rule: Value,
    pub(super) ruled: Value,
    pub(super) customer_id: String,
    pub(super) recommendations: Value,
    /// The model's report.
    pub(super) report: Value,
}

/// The model to show: the kept one if it still answers, else one that is trained now.
///
/// # Errors
/// When there is too little to learn from, in the job's own words.
pub(super) async fn model(client: &Client, kept: Option<String>, step: &Step) -> anyhow::Result<Value> {
    if let Some(id) = kept
        && let Ok(model) = client.get(&format!("/v1/models/{id}")).await
        && model["state"] == "ready"
        && model["active"] == true
    {
        return Ok(model);
    }
    let asked = client.post("/v1/models", &json!({ "activate": true })).await?;
    let job_id = asked["job_id"].as_str().unwrap_or_default();
    client
        .job(job_id, |job| {
            let phase = job["phase"].as_str().unwrap_or("waiting for the worker");
            let share = job["progress"].as_f64().unwrap_or(0.0);
            step.bar().tell(phase, share, job["eta_seconds"].as_f64());
        })
        .await?;
    client.get(&format!("/v1/models/{}", asked["id"].as_str().unwrap_or_default())).await
}

/// Asks for everything else.
///
/// # Errors
/// When the API refuses.
pub(super) async fn ask(
    client: &Client,
    model: Value,
    offer: &Value,
    rule: &Value,
    customers: &[String],
) -> anyhow::Result<Story> {
    let offer = kept(client, "/v1/offers", offer).await?;
    let without_rules = json!({ "offer_id": offer["id"], "rules": [] });
    let curve_text = RawValue::from_string(client.ask_text("/v1/gain-curves", &without_rules).await?)?;
    let curve = serde_json::from_str(curve_text.get())?;
    let rule = kept(client, "/v1/rules", rule).await?;
    let with_rule = json!({ "offer_id": offer["id"], "rules": [rule["id"]] });
    let ruled = client.post("/v1/gain-curves", &with_rule).await?;
    let wanted = json!({ "customer_ids": customers, "limit": 3, "explain": true });
    let all = client.post("/v1/recommendations", &wanted).await.context("could not recommend")?;
    // The customer of whom most can be said.
    let said = |one: &Value| {
        let products = one["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let n_reasons = |product: &Value| product["reasons"].as_array().map_or(0, Vec::len);
        (products.len(), products.iter().map(n_reasons).sum::<usize>())
    };
    let chosen = all["data"].as_array().into_iter().flatten().rev().max_by_key(|one| said(one));
    let chosen = chosen.cloned().unwrap_or_else(|| json!({ "customer_id": "", "data": [] }));
    Ok(Story {
        offer,
        curve,
        curve_text,
        rule,
        ruled,
        customer_id: chosen["customer_id"].as_str().unwrap_or_default().to_owned(),
        recommendations: chosen["data"].clone(),
        report: model["report"].clone(),
    })
}

/// The offer or rule with these words: the one that an earlier demo made, else a new one.
async fn kept(client: &Client, path: &str, wanted: &Value) -> anyhow::Result<Value> {
    let list = client.get(&format!("{path}?limit=100")).await?;
    let same = |one: &&Value| {
        let fields = ["name", "expression", "product_ids"];
        fields
            .iter()
            .all(|field| one.get(field).unwrap_or(&Value::Null) == wanted.get(field).unwrap_or(&Value::Null))
    };
    match list["data"].as_array().into_iter().flatten().find(same) {
        Some(one) => Ok(one.clone()),
        None => client.post(path, wanted).await,
    }
}
