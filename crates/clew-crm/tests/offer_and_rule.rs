//! Offers, segments, rules and the waterfall over a small shop.

mod shop;

use std::error::Error as _;

use clew_crm::{
    AppliesTo, Bits, CompiledRule, Error, Offer, ProductSet, Refusals, Rule, Scope, Segment, Waterfall,
};
use shop::{DAY, NEW_YEAR, event, records};

fn names(records: &clew_crm::Records, set: &ProductSet) -> Vec<String> {
    set.products().iter().map(|&p| records.products().ids.name(p).to_owned()).collect()
}

#[test]
fn an_offer_is_an_expression_or_a_list() {
    let records = records(&[event("view", "ann", "X1", NEW_YEAR)]);
    let wines = Offer::by_expression("wines", "product.category == 'wine'").resolve(&records).unwrap();
    assert_eq!(names(&records, &wines), ["W1", "W2", "W3"]);
    assert!(wines.contains(wines.products()[0]) && !wines.contains(0) && !wines.contains(u32::MAX));
    let listed = Offer::by_products("mine", ["W2", "X1", "gone", "W2"].map(str::to_owned).to_vec());
    assert_eq!(names(&records, &listed.resolve(&records).unwrap()), ["W2", "X1"]);
    // An orphan that is first heard of later is not in the catalogue yet.
    let then = records.history(NEW_YEAR);
    assert_eq!(listed.resolve_in(then.products()).unwrap().len(), 1);

    let both = Offer { expression: Some("true".to_owned()), ..listed };
    assert!(both.resolve(&records).unwrap_err().to_string().contains("has both an expression and a list"));
    assert!(Offer::default().resolve(&records).unwrap_err().to_string().contains("give one of the two"));
    let read: Offer =
        serde_json::from_str(r#"{"name": "wines", "expression": "product.category == 'wine'"}"#).unwrap();
    assert_eq!(read, Offer::by_expression("wines", "product.category == 'wine'"));
}

#[test]
fn an_offer_of_nothing_says_what_may_have_been_meant() {
    let records = records(&[]);
    let refuse = |offer: Offer| offer.resolve(&records).unwrap_err().to_string();
    assert_eq!(
        refuse(Offer::by_expression("Wines", "product.category == \"WINES\" && product.price < 9")),
        "the offer 'Wines' matches nothing; no product has 'WINES' in column 'category'; did you mean 'wine'?"
    );
    assert_eq!(
        refuse(Offer::by_expression("Bio", "\"orgnic\" in product.tags")),
        "the offer 'Bio' matches nothing; no product has 'orgnic' in column 'tags'; did you mean 'organic'?"
    );
    assert_eq!(
        refuse(Offer::by_expression("Dear", "product.price > 900")),
        "the offer 'Dear' matches nothing; none of the 6 products passes all its conditions; loosen one"
    );
    assert_eq!(
        refuse(Offer::by_products("List", vec!["W1x".to_owned()])),
        "the offer 'List' matches nothing; no product has 'W1x' in column 'product_id'; did you mean 'W1'?"
    );
    let error = Offer::by_expression("Wines", "product.colour == 1").resolve(&records).unwrap_err();
    assert_eq!(error.to_string(), "offer 'Wines'");
    assert!(
        error.source().unwrap().to_string().starts_with("line 1, column 9: product has no column 'colour'")
    );
}

#[test]
fn a_segment_has_members_as_of_a_date() {
    let records =
        records(&[event("purchase", "bob", "W1", NEW_YEAR), event("view", "new", "W1", NEW_YEAR + DAY)]);
    let buyers = Segment { name: "buyers".to_owned(), expression: "customer.n_purchases > 0".to_owned() };
    assert!(buyers.members(&records.history(NEW_YEAR)).unwrap().is_empty());
    assert_eq!(buyers.members(&records.history(NEW_YEAR + 1)).unwrap(), [1]);
    let all = Segment { name: "all".to_owned(), expression: "true".to_owned() };
    assert_eq!(all.members(&records.history(NEW_YEAR)).unwrap().len(), 4);
    let wrong = Segment { name: "all".to_owned(), expression: "product.price > 1".to_owned() };
    let error = wrong.members(&records.history(NEW_YEAR)).unwrap_err();
    assert_eq!(error.to_string(), "segment 'all'");
}

fn rules() -> Vec<Rule> {
    let mut off = Rule::new("off", Scope::Customer, "nonsense(", "");
    off.enabled = false;
    let mut elsewhere = Rule::new("elsewhere", Scope::Customer, "true", "not here");
    elsewhere.applies_to = vec![AppliesTo::Segments];
    vec![
        Rule::new("minors", Scope::Customer, "customer.age < 18", "too young"),
        off,
        Rule::new(
            "dry",
            Scope::Customer,
            "\"no-alcohol\" in customer.tags || customer.age == null",
            "no alcohol",
        ),
        Rule::new("dear", Scope::Product, "product.price >= 20", "too dear"),
        elsewhere,
    ]
}

#[test]
fn rules_refuse_customers_and_products_where_they_are_in_force() {
    let records = records(&[]);
    let history = records.history(NEW_YEAR);
    let compiled = CompiledRule::compile_all(&rules(), AppliesTo::GainCurves, &history).unwrap();
    assert_eq!(
        compiled.iter().map(|rule| rule.rule().name.as_str()).collect::<Vec<_>>(),
        ["minors", "dry", "dear"]
    );
    let refusals = Refusals::of(&compiled, &history).unwrap();
    assert_eq!(refusals.customers.ones().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(refusals.by_rule.iter().map(Bits::count).collect::<Vec<_>>(), [1, 2, 1]);
    let wines = Offer::by_expression("wines", "product.category == 'wine'").resolve(&records).unwrap();
    assert_eq!(names(&records, &refusals.allowed(&wines)), ["W1", "W3"]);
    assert!(compiled[0].refuses(&history, 1).unwrap() && !compiled[0].refuses(&history, 0).unwrap());
    assert_eq!(CompiledRule::compile_all(&rules(), AppliesTo::Segments, &history).unwrap().len(), 4);

    let broken = Rule::new("broken", Scope::Product, "product.price >", "");
    let error = CompiledRule::compile_all(&[broken], AppliesTo::Segments, &history).unwrap_err();
    assert!(matches!(error, Error::Named { what: "rule", .. }));
}

#[test]
fn a_rule_reads_with_defaults() {
    let rule: Rule =
        serde_json::from_str(r#"{"name": "a", "scope": "product", "expression": "true", "reason": "b"}"#)
            .unwrap();
    assert_eq!(rule, Rule::new("a", Scope::Product, "true", "b"));
    assert!(
        serde_json::from_str::<Rule>(r#"{"name": "a", "scope": "basket", "expression": "true"}"#).is_err()
    );
}

#[test]
fn the_waterfall_counts_each_customer_at_the_first_rule() {
    let records = records(&[]);
    let history = records.history(NEW_YEAR);
    let compiled = CompiledRule::compile_all(&rules(), AppliesTo::GainCurves, &history).unwrap();
    let refusals = Refusals::of(&compiled, &history).unwrap();
    let mut kept = Bits::new(history.n_customers(), true);
    kept.set(0, false);
    let mut waterfall = Waterfall::default();
    for (rule, refused) in compiled.iter().zip(&refusals.by_rule) {
        match rule.scope() {
            Scope::Customer => {
                waterfall.take_customers(rule, refused, &mut kept, |customer| (0.25, f64::from(customer)));
            }
            Scope::Product => waterfall.take_products(rule, refused.count(), 0.5, 3.0),
        }
    }
    assert_eq!(kept.ones().collect::<Vec<_>>(), [3]);
    let steps: Vec<_> = (waterfall.steps.iter())
        .map(|s| {
            (
                s.rule.as_str(),
                s.reason.as_str(),
                s.n_customers,
                s.n_products,
                s.expected_buyers,
                s.expected_revenue,
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("minors", "too young", 1, 0, 0.25, 1.0),
            ("dry", "no alcohol", 1, 0, 0.25, 2.0),
            ("dear", "too dear", 0, 1, 0.5, 3.0)
        ]
    );
    assert_eq!(waterfall.n_customers(), 2);
}
