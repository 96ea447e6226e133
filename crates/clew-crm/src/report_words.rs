//! A report in sentences, for whoever has to decide and does not read tables.
use crate::report::{BandFigures, LearningPoint, Report};

/// What a method is called on paper.
pub fn title(name: &str) -> String {
    match name {
        "most_recent" => "most recent first".to_owned(),
        "most_frequent" => "most frequent first".to_owned(),
        "most_spent" => "most spent first".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The report in a handful of sentences.
pub fn in_short(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let [clew, baselines @ ..] = report.methods.as_slice()
        && clew.all.n_offers > 0
    {
        let reach = |share: f64| format!("{:.0} %", share * 100.0);
        let best = baselines.iter().max_by(|a, b| a.all.buyers_10.total_cmp(&b.all.buyers_10));
        let beside = best.map_or_else(String::new, |best| {
            format!("; {} reaches {}", title(&best.name), reach(best.all.buyers_10))
        });
        sentences.push(format!(
            "Writing to a tenth of the customers reaches {} of the buyers of an offer, on average over {} offers{beside}.",
            reach(clew.all.buyers_10),
            clew.all.n_offers
        ));
        sentences.push(format!(
            "Among customers new to the offer, a tenth holds {} of its buyers.",
            reach(clew.new.buyers_10)
        ));
        if let Some(calibration) = clew.all.calibration {
            sentences
                .push(format!("For 100 buyers that came, {:.0} had been announced.", calibration * 100.0));
        }
    }
    sentences.extend(held("offers that had sold", &report.warm_band));
    sentences.extend(held("masked launches", &report.cold_band));
    if let Some(launches) = report.cold_methods.first().filter(|method| method.all.n_offers > 0) {
        sentences.push(format!(
            "For an offer that never sold, a tenth of the customers holds {:.0} % of the buyers.",
            launches.all.buyers_10 * 100.0
        ));
    }
    sentences.extend(more_data(&report.learning_curve));
    sentences
}

fn held(what: &str, band: &BandFigures) -> Option<String> {
    let coverage = band.coverage?;
    Some(format!(
        "The buyers of {} of {} {what} fell within the 80 % band announced for them ({:.0} %).",
        band.n_inside,
        band.n_pairs,
        coverage * 100.0
    ))
}

/// What the last step of a learning curve has brought, and so what the next can be expected to; none without two points.
pub fn more_data(points: &[LearningPoint]) -> Option<String> {
    let [.., before, last] = points else { return None };
    let gained = last.auc_new - before.auc_new;
    let factor = last.n_customers as f64 / before.n_customers.max(1) as f64;
    let outlook = if gained >= 0.005 {
        "more data would still bring something"
    } else if gained > 0.001 {
        "more data would bring little"
    } else {
        "more data of the same kind would bring nothing that can be seen"
    };
    Some(format!(
        "From {} to {} customers ({factor:.1} times as many) the AUC among new customers moved by {gained:+.3}: {outlook}.",
        before.n_customers, last.n_customers
    ))
}
