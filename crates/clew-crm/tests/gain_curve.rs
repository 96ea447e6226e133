//! Gain curves: their shape, their rules, segments and money; and recommendations from the same scorer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/run.rs"]
mod run;
#[path = "common/shop.rs"]
mod shop;

use std::sync::Arc;

use clew_crm::{
    CompiledRule, Error, GainCurve, GainRequest, Offer, Predicate, ProductSet, RecommendRequest, Records,
    Rule, Schema, Scope, Scorer, TrainParams,
};
use clew_learn::Run;
use run::with_run;
use shop::{DAY, START};

const AS_OF: i64 = START + 168 * DAY;

fn with_scorer(work: impl FnOnce(&Run<'_>, &Scorer, &Records)) {
    let records = shop::plain(500, 168);
    let params = TrainParams {
        n_offers: 30,
        max_rows: 20_000,
        n_factors: 8,
        n_group_factors: 8,
        ..TrainParams::new(AS_OF)
    };
    with_run(2, |run| {
        let model = clew_crm::train(run, &records, &params).unwrap();
        let scorer = Scorer::new(run, Arc::new(model), Arc::clone(&records), AS_OF).unwrap();
        work(run, &scorer, &records);
    });
}

fn offer(records: &Records, expression: &str) -> ProductSet {
    Offer::by_expression("offer", expression).resolve(records).unwrap()
}

fn has_the_shape_of_a_gain_curve(curve: &GainCurve, propensities: &[f32]) {
    let (first, last) = (curve.points.first().unwrap(), curve.points.last().unwrap());
    assert_eq!((first.volume, first.expected_buyers, first.lift), (0, 0.0, 1.0));
    assert_eq!(last.volume, curve.n_customers);
    assert!((last.share_of_buyers - 1.0).abs() < 1e-9 && (last.lift - 1.0).abs() < 1e-9);
    assert!(curve.points.len() <= 200);
    let mut sorted: Vec<f64> = propensities.iter().map(|&p| f64::from(p)).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let exact = |volume: usize| sorted[..volume].iter().sum::<f64>();
    for pair in curve.points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        assert!(
            b.volume > a.volume
                && b.expected_buyers >= a.expected_buyers
                && b.expected_revenue >= a.expected_revenue
        );
        assert!(b.low <= b.expected_buyers && b.expected_buyers <= b.high && b.high <= b.volume as f64);
        assert!((exact(b.volume) - b.expected_buyers).abs() < 1e-6 * (1.0 + b.expected_buyers));
        // Straight lines between the points err by less than 0.1 % of all buyers.
        let middle = (a.volume + b.volume) / 2;
        let share = (middle - a.volume) as f64 / (b.volume - a.volume) as f64;
        let drawn = a.expected_buyers + share * (b.expected_buyers - a.expected_buyers);
        assert!((drawn - exact(middle)).abs() <= 0.001 * last.expected_buyers);
    }
    let named = curve.named_volumes;
    for (volume, share) in [(named.buyers_50, 0.5), (named.buyers_70, 0.7), (named.buyers_90, 0.9)] {
        assert!(exact(volume) >= share * last.expected_buyers - 1e-6);
        assert!(exact(volume - 1) < share * last.expected_buyers + 1e-6);
    }
}

#[test]
fn rises_ends_at_all_buyers_and_obeys_rules_segments_and_money() {
    with_scorer(|run, scorer, records| {
        let products = offer(records, r#"product.category == "category 3""#);
        let propensities = scorer.propensities(run, &products).unwrap();
        assert!(propensities.iter().all(|p| (0.0..=1.0).contains(p)));
        let plain = scorer.gain_curve(run, &GainRequest::new(&products)).unwrap();
        has_the_shape_of_a_gain_curve(&plain, &propensities);
        assert!(plain.points.iter().all(|point| point.expected_profit.is_none()));
        assert!(plain.sentence.starts_with("70 % of the buyers with "), "{}", plain.sentence);

        let history = records.history(AS_OF);
        let rules: Vec<CompiledRule> = [
            Rule::new("no minors", Scope::Customer, "customer.age < 30", "the law"),
            Rule::new("no dear ones", Scope::Product, "product.price > 15.0", "out of stock"),
        ]
        .iter()
        .map(|rule| rule.compile(&history).unwrap())
        .collect();
        let segment = Predicate::parse("customer.age < 60", &Schema::of(Scope::Customer, &history)).unwrap();
        let request = GainRequest {
            rules: &rules,
            segment: Some(&segment),
            margin: Some(0.3),
            cost_per_contact: Some(0.5),
            ..GainRequest::new(&products)
        };
        let curve = scorer.gain_curve(run, &request).unwrap();
        assert_eq!(curve.waterfall.steps.len(), 2);
        assert!(curve.waterfall.steps[0].n_customers > 0 && curve.waterfall.steps[0].expected_buyers > 0.0);
        assert!(curve.waterfall.steps[1].n_products > 0);
        assert_eq!(curve.n_products + curve.waterfall.steps[1].n_products, products.len());
        assert!(curve.n_customers < plain.n_customers);
        let best = curve.named_volumes.most_profitable.unwrap();
        let at = |volume: usize| {
            curve.points.iter().min_by_key(|p| p.volume.abs_diff(volume)).unwrap().expected_profit.unwrap()
        };
        assert!(
            curve
                .points
                .iter()
                .all(|point| point.expected_profit.unwrap() <= at(best) + 0.05 * at(best).abs() + 0.5)
        );

        let nobody = Predicate::parse("customer.age > 999", &Schema::of(Scope::Customer, &history)).unwrap();
        let refused =
            scorer.gain_curve(run, &GainRequest { segment: Some(&nobody), ..GainRequest::new(&products) });
        assert!(matches!(refused, Err(Error::Nothing { .. })));
        let empty = ProductSet::new(records.n_products(), []);
        assert!(matches!(scorer.propensities(run, &empty), Err(Error::Nothing { .. })));
    });
}

#[test]
fn what_rules_take_adds_up_however_many_there_are_and_whichever_way_they_stand() {
    with_scorer(|run, scorer, records| {
        let products = offer(records, "product.price > 0.0");
        let history = records.history(AS_OF);
        let dear = |price: f64| {
            Rule::new("dear", Scope::Product, &format!("product.price > {price:.1}"), "dear")
                .compile(&history)
                .unwrap()
        };
        let young =
            Rule::new("young", Scope::Customer, "customer.age < 30", "the law").compile(&history).unwrap();
        let curve = |rules: &[CompiledRule]| {
            scorer.gain_curve(run, &GainRequest { rules, ..GainRequest::new(&products) }).unwrap()
        };
        let all = |curve: &GainCurve| curve.points.last().unwrap().expected_buyers;
        let whole = all(&curve(&[]));
        let warned =
            |curve: &GainCurve| curve.warnings.iter().any(|warning| warning.contains("of all that sells"));
        assert!(warned(&curve(&[])) && !warned(&curve(&[dear(3.0)])));
        let adds_up = |curve: &GainCurve| {
            let taken: f64 = curve.waterfall.steps.iter().map(|step| step.expected_buyers).sum();
            assert!((all(curve) + taken - whole).abs() < 1e-6 * whole, "{} + {taken}, {whole}", all(curve));
            let n_taken: usize = curve.waterfall.steps.iter().map(|step| step.n_products).sum();
            assert_eq!(curve.n_products + n_taken, products.len());
        };
        // Each of a few product rules takes what is lost by adding it to those before.
        let few = [dear(18.0), young.clone(), dear(30.0), dear(14.0)];
        let found = curve(&few);
        adds_up(&found);
        let steps = &found.waterfall.steps;
        assert_eq!(
            (steps[0].rule.as_str(), steps[1].rule.as_str(), steps[2].n_products),
            ("dear", "young", 0)
        );
        let alone = |rules: &[CompiledRule]| whole - all(&curve(rules));
        assert!((steps[0].expected_buyers - alone(&[dear(18.0)])).abs() < 1e-6 * whole);
        assert!(
            (steps[3].expected_buyers - (alone(&[dear(14.0)]) - alone(&[dear(18.0)]))).abs() < 1e-6 * whole
        );
        // A customer rule is told of what is left of the offer, wherever it stands.
        let turned = curve(&[young.clone(), dear(18.0), dear(14.0)]);
        assert_eq!(turned.waterfall.steps[0], steps[1]);
        assert_eq!(turned.points, found.points);
        // Many: all that they take is exact together; products that sell more take more of it.
        let many = [dear(19.0), dear(18.0), dear(17.0), young, dear(16.0), dear(14.0)];
        let found = curve(&many);
        adds_up(&found);
        assert_eq!(found.points, turned.points);
        let of_products = found.waterfall.steps.iter().filter(|step| step.scope == Scope::Product);
        assert!(of_products.clone().all(|step| step.n_products > 0 && step.expected_revenue != 0.0));
        let together: f64 = of_products.map(|step| step.expected_buyers).sum();
        assert!((together - alone(&[dear(14.0)])).abs() < 1e-6 * whole);
        assert_eq!(found.waterfall.steps[3], turned.waterfall.steps[0]);
        let nothing = GainRequest { rules: &[dear(5.0), dear(0.0)], ..GainRequest::new(&products) };
        assert!(matches!(scorer.gain_curve(run, &nothing), Err(Error::Nothing { .. })));
    });
}

#[test]
fn recommends_what_is_allowed_best_first_and_says_why() {
    with_scorer(|run, scorer, records| {
        let history = records.history(AS_OF);
        let customer = scorer.customers()[0];
        let request = RecommendRequest { limit: 5, explain: true, ..RecommendRequest::default() };
        let found = scorer.recommend(run, customer, &request).unwrap();
        assert_eq!(found.iter().map(|r| r.rank).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
        assert!(found.iter().all(|r| !r.reasons.is_empty()));
        assert!(
            found.iter().any(|r| r.reasons.iter().any(|reason| reason.starts_with("bought "))),
            "{found:?}"
        );

        let seen: Vec<u32> = history.events_of(customer).product.to_vec();
        let unseen = RecommendRequest { exclude_seen: true, ..request };
        assert!(scorer.recommend(run, customer, &unseen).unwrap().iter().all(|r| !seen.contains(&r.product)));

        let rules = [Rule::new("cheap only", Scope::Product, "product.price > 6.0", "")];
        let rules: Vec<CompiledRule> = rules.iter().map(|rule| rule.compile(&history).unwrap()).collect();
        let filter =
            Predicate::parse(r#"product.category == "category 2""#, &Schema::of(Scope::Product, &history))
                .unwrap();
        let narrow = RecommendRequest { rules: &rules, filter: Some(&filter), ..request };
        let all = |r: &clew_crm::Recommendation| r.product % 6 == 2 && r.product < 17;
        let found = scorer.recommend(run, customer, &narrow).unwrap();
        assert!(!found.is_empty() && found.iter().all(all), "{found:?}");

        let mut n = 0;
        scorer
            .recommend_all(run, &request, |customer, products| {
                n += 1;
                if n % 100 == 1 {
                    assert_eq!(products, scorer.recommend(run, customer, &request).unwrap());
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(n, scorer.customers().len());
    });
}
