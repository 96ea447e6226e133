//! The out-of-time figures of a report as text: clew beside what a marketer has today.

use clew_crm::report::{BandFigures, Figures, MethodFigures};
use clew_crm::{Report, report_words};

/// Tables: the methods over all judged offers and launches, each cutoff, whether the bands held, tenants cut down, and what to know.
pub(crate) fn table(report: &Report) -> String {
    let mut text = String::new();
    methods(&mut text, report, "offers", &report.methods);
    if !report.cold_methods.is_empty() {
        methods(&mut text, report, "masked launches", &report.cold_methods);
    }
    cutoffs(&mut text, report);
    bands(&mut text, report);
    shrunk(&mut text, report);
    for point in &report.learning_curve {
        text.push_str(&format!(
            "learned from {:>9} customers: AUC {:.3} all, {:.3} new\n",
            point.n_customers, point.auc, point.auc_new
        ));
    }
    for of in &report.ablation {
        text.push_str(&format!(
            "without {:37} ({:>2} features) AUC {:.3} / {:.3}, log loss {:.4}; it saves {:.4} ({:.4} to {:.4})\n",
            of.without, of.n_features, of.auc, of.auc_new, of.log_loss, of.saved.value, of.saved.low, of.saved.high
        ));
    }
    for warning in report_words::more_data(&report.learning_curve).iter().chain(&report.warnings) {
        text.push_str(&format!("note: {warning}\n"));
    }
    text.trim_end().to_owned()
}

/// The model beside what a marketer has today, each figure over all active customers and over new ones.
fn methods(text: &mut String, report: &Report, what: &str, methods: &[MethodFigures]) {
    text.push_str(&format!(
        "out of time, {} to {}: {} {what}, {} buyers\n{:22}{:>15}{:>15}{:>17}{:>17}{:>19}{:>13}\n",
        report.judged_from,
        report.judged_to,
        methods.first().map_or(0, |method| method.all.n_offers),
        methods.first().map_or(0, |method| method.all.n_buyers),
        "(all / new)",
        "AUC",
        "lift at 10 %",
        "buyers in 10 %",
        "buyers in 20 %",
        "log loss",
        "calibration"
    ));
    for method in methods {
        let both = |of: fn(&Figures) -> f64, digits: usize| {
            format!("{:.digits$} / {:.digits$}", of(&method.all), of(&method.new))
        };
        let loss = match (method.all.log_loss, method.new.log_loss) {
            (Some(all), Some(new)) => format!("{all:.4} / {new:.4}"),
            _ => "–".to_owned(),
        };
        let calibration =
            method.all.calibration.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        text.push_str(&format!(
            "{:22}{:>15}{:>15}{:>17}{:>17}{:>19}{:>13}\n",
            report_words::title(&method.name),
            both(|figures| figures.auc, 3),
            both(|figures| figures.lift_10, 2),
            both(|figures| figures.buyers_10, 3),
            both(|figures| figures.buyers_20, 3),
            loss,
            calibration
        ));
    }
}

/// A line for each cutoff, where there are several.
fn cutoffs(text: &mut String, report: &Report) {
    for cutoff in report.cutoffs.iter().filter(|_| report.cutoffs.len() > 1) {
        let line = |what: &str, all: &Figures, new: &Figures, band: &BandFigures| {
            format!(
                "{} {what:9} AUC {:.3} / {:.3}  calibration {}  within the band {} of {}\n",
                cutoff.judged_from,
                all.auc,
                new.auc,
                all.calibration.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")),
                band.n_inside,
                band.n_pairs
            )
        };
        text.push_str(&line("offers", &cutoff.warm, &cutoff.warm_new, &cutoff.warm_band));
        if let (Some(all), Some(new)) = (&cutoff.cold, &cutoff.cold_new) {
            text.push_str(&line("launches", all, new, &cutoff.cold_band));
        }
    }
}

/// Whether the 80 % bands held.
fn bands(text: &mut String, report: &Report) {
    for (what, band) in [("offers", &report.warm_band), ("masked launches", &report.cold_band)] {
        if let Some(coverage) = band.coverage {
            text.push_str(&format!(
                "80 % band, {what}: {:.1} % of {} pairs of offer and cutoff within ({} under, {} over)\n",
                100.0 * coverage,
                band.n_pairs,
                band.n_under,
                band.n_over
            ));
        }
    }
}

/// Tenants cut down to few buyers.
fn shrunk(text: &mut String, report: &Report) {
    for shrunk in &report.shrunk {
        text.push_str(&format!(
            "cut down to {} buyers, {} tenants: AUC {:.3} (most frequent first {:.3}), better in {}, said not to be in {}, \
             refused {}; within the band {} of {} pairs{}\n",
            shrunk.n_buyers,
            shrunk.n_tenants,
            shrunk.auc,
            shrunk.auc_most_frequent,
            shrunk.n_better,
            shrunk.n_said_not_better,
            shrunk.n_refused,
            shrunk.band.n_inside,
            shrunk.band.n_pairs,
            shrunk.band.coverage.map_or_else(String::new, |share| format!(" ({:.1} %)", 100.0 * share))
        ));
    }
}

#[cfg(test)]
mod tests {
    use clew_crm::report::{AblationFigures, LearningPoint};

    use super::*;

    #[test]
    fn what_was_asked_for_besides_is_in_the_text() {
        let ablation = AblationFigures {
            without: "purchases of the offer".to_owned(),
            n_features: 18,
            auc: 0.7,
            ..AblationFigures::default()
        };
        let point =
            |n_customers, auc| LearningPoint { n_customers, auc, auc_new: auc, ..LearningPoint::default() };
        let report = Report {
            ablation: vec![ablation],
            learning_curve: vec![point(500, 0.75), point(1_000, 0.8)],
            ..Report::default()
        };
        let text = table(&report);
        assert!(
            text.contains("without purchases of the offer") && text.contains("(18 features) AUC 0.700"),
            "{text}"
        );
        assert!(text.contains("1000 customers: AUC 0.800 all"), "{text}");
    }
}
