//! How the demo tells its story: on paper for people, in one object for machines.

use std::collections::HashMap;

use clew_crm::Report;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::draw::{Mark, Paper, Point, draw};
use super::story::Story;
use crate::figures;

/// Where the service is and who may ask it.
pub(super) struct Access {
    pub(super) url: String,
    pub(super) api_key: String,
    pub(super) tenant_id: String,
}

/// The whole story in one object.
#[derive(Serialize)]
pub(super) struct Object<'a> {
    url: &'a str,
    api_key: &'a str,
    tenant_id: &'a str,
    offer_id: &'a Value,
    offer: &'a Value,
    gain_curve: &'a RawValue,
    backtest: &'a Value,
    rule: Value,
    recommendations: Vec<Value>,
    seconds: Value,
}

/// The whole story in one object.
pub(super) fn object<'a>(
    access: &'a Access,
    story: &'a Story,
    titles: &HashMap<String, String>,
    seconds: Value,
) -> Object<'a> {
    let step = &story.ruled["waterfall"][0];
    let rule = json!({
        "id": story.rule["id"],
        "name": story.rule["name"],
        "expression": story.rule["expression"],
        "reason": story.rule["reason"],
        "n_customers": step["n_customers"],
        "expected_buyers": step["expected_buyers"],
        "expected_revenue": step["expected_revenue"],
        "named_volumes": story.ruled["named_volumes"],
    });
    let recommended = |product: &Value| {
        let mut product = product.clone();
        product["customer_id"] = story.customer_id.clone().into();
        product["title"] = product["product_id"].as_str().and_then(|id| titles.get(id)).cloned().into();
        product
    };
    Object {
        url: &access.url,
        api_key: &access.api_key,
        tenant_id: &access.tenant_id,
        offer_id: &story.offer["id"],
        offer: &story.offer,
        gain_curve: &story.curve_text,
        backtest: &story.report,
        rule,
        recommendations: story.recommendations.as_array().into_iter().flatten().map(recommended).collect(),
        seconds,
    }
}

/// The story on paper.
pub(super) fn text(access: &Access, story: &Story, titles: &HashMap<String, String>, paper: Paper) -> String {
    let bold = |text: &str| if paper.rich { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let mut out = format!("\n{}\n\n", bold(&heading(story)));
    let points: Vec<Point> = serde_json::from_value(story.curve["points"].clone()).unwrap_or_default();
    out.push_str(&draw(&points, &marks(&story.curve, &points), paper));
    if let Some(last) = points.last() {
        out.push_str(&format!(
            "         0 to {} customers; buyers expected in all: {:.0}, between {:.0} and {:.0} in 8 of 10 cases\n",
            grouped(last.volume),
            last.expected_buyers,
            last.low,
            last.high
        ));
    }
    out.push_str(&format!("\n  {}\n", bold(story.curve["sentence"].as_str().unwrap_or_default())));
    for warning in texts(&story.curve["warnings"]) {
        out.push_str(&format!("  note: {warning}\n"));
    }
    out.push_str(&format!("\n{}\n", rule(story)));
    out.push_str(&format!("\n{}\n", bold(&format!("Recommended to customer {}", story.customer_id))));
    for product in story.recommendations.as_array().into_iter().flatten() {
        let reasons = texts(&product["reasons"]).collect::<Vec<_>>().join("; ");
        out.push_str(&format!("  {}. {}\n     {reasons}\n", product["rank"], title(product, titles)));
    }
    if let Ok(report) = serde_json::from_value::<Report>(story.report.clone()) {
        out.push_str(&format!(
            "\n{}\n",
            bold("Would it have worked? Trained on the past, judged on the days after")
        ));
        for line in figures::table(&report).lines() {
            out.push_str(&format!("  {line}\n"));
        }
    }
    out.push_str(&format!(
        "\n  console   {url}/\n  API       {url}/docs\n  API key   {key}\n",
        url = access.url,
        key = access.api_key
    ));
    out
}

fn heading(story: &Story) -> String {
    let what = match story.offer["expression"].as_str() {
        Some(expression) => expression.to_owned(),
        None => format!("{} products by id", story.offer["product_ids"].as_array().map_or(0, Vec::len)),
    };
    let days = story.report["horizon_days"].as_u64().unwrap_or(28);
    format!(
        "Who buys \"{}\" in the next {days} days?  ({what}, {} products)",
        story.offer["name"].as_str().unwrap_or_default(),
        story.curve["n_products"]
    )
}

/// The volumes that reach 50, 70 and 90 % of the buyers, and the most profitable one.
fn marks(curve: &Value, points: &[Point]) -> Vec<Mark> {
    let all = points.last().map_or(1.0, |point| point.volume.max(1.0));
    let named = [
        ("buyers_50", "50 % of the buyers"),
        ("buyers_70", "70 % of the buyers"),
        ("buyers_90", "90 % of the buyers"),
        ("most_profitable", "most profitable"),
    ];
    let mark = |(name, what): (&str, &str)| {
        let volume = curve["named_volumes"][name].as_f64()?;
        let label = format!("{what}: {} messages ({:.0} %)", grouped(volume), volume / all * 100.0);
        Some(Mark { volume, label })
    };
    let mut marks: Vec<Mark> = named.into_iter().filter_map(mark).collect();
    marks.sort_by(|a, b| a.volume.total_cmp(&b.volume));
    marks
}

fn rule(story: &Story) -> String {
    let step = &story.ruled["waterfall"][0];
    let number = |name: &str| step[name].as_f64().unwrap_or(0.0);
    format!(
        "Rule \"{}\" ({}): takes away {} customers, {:.1} expected buyers and {} of expected revenue;\n     \
         70 % of the buyers that are left need {} messages instead of {}",
        story.rule["name"].as_str().unwrap_or_default(),
        story.rule["expression"].as_str().unwrap_or_default(),
        grouped(number("n_customers")),
        number("expected_buyers"),
        grouped(number("expected_revenue").round()),
        grouped(story.ruled["named_volumes"]["buyers_70"].as_f64().unwrap_or(0.0)),
        grouped(story.curve["named_volumes"]["buyers_70"].as_f64().unwrap_or(0.0)),
    )
}

fn title(product: &Value, titles: &HashMap<String, String>) -> String {
    let id = product["product_id"].as_str().unwrap_or_default();
    titles.get(id).map_or_else(|| id.to_owned(), |title| format!("{title} ({id})"))
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// `48,210`
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number <= -0.5 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0.0, 999.0, 48_210.0, -1_234_567.0].map(grouped), ["0", "999", "48,210", "-1,234,567"]);
    }

    #[test]
    fn both_forms_tell_the_same_story() {
        let curve = json!({
            "points": [
                { "volume": 0, "expected_buyers": 0.0, "low": 0.0, "high": 0.0 },
                { "volume": 1000, "expected_buyers": 50.0, "low": 40.0, "high": 60.0 },
            ],
            "named_volumes": { "buyers_50": 100, "buyers_70": 380, "buyers_90": 700, "most_profitable": null },
            "sentence": "70 % of the buyers with 38 % of the messages", "warnings": ["a note"], "n_products": 3,
        });
        let step = json!([{ "n_customers": 12, "expected_buyers": 1.5, "expected_revenue": 30.0 }]);
        let story = Story {
            offer: json!({ "id": "o", "name": "Red wine", "expression": "product.category == \"red wine\"" }),
            curve_text: RawValue::from_string(curve.to_string()).unwrap(),
            curve,
            rule: json!({ "id": "r", "name": "Pressure", "expression": "customer.unsubscribed", "reason": "why" }),
            ruled: json!({ "waterfall": step, "named_volumes": { "buyers_70": 370 } }),
            customer_id: "c1".to_owned(),
            recommendations: json!([{ "rank": 1, "product_id": "p1", "score": 0.5, "reasons": ["because"] }]),
            report: serde_json::to_value(Report::default()).unwrap(),
        };
        let access = Access { url: "http://x".into(), api_key: "clew_k".into(), tenant_id: "t".into() };
        let titles = HashMap::from([("p1".to_owned(), "Good wine".to_owned())]);
        let paper = Paper { width: 80, height: 8, rich: false };
        let told = text(&access, &story, &titles, paper);
        for part in
            ["38 % of the messages", "takes away 12 customers", "Good wine (p1)", "http://x/docs", "clew_k"]
        {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        let object = object(&access, &story, &titles, json!({ "total": 1.0 }));
        let object = serde_json::to_value(&object).unwrap();
        assert_eq!(object["gain_curve"]["named_volumes"]["buyers_70"], 380);
        assert_eq!(object["rule"]["n_customers"], 12);
        assert_eq!(object["recommendations"][0]["customer_id"], "c1");
    }
}
