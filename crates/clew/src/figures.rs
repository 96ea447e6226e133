//! The out-of-time figures of a report as text and as HTML: clew beside what a marketer has today.

pub(crate) mod html;

use clew_crm::Report;
use clew_crm::report::MethodFigures;

/// A table of the methods: AUC, and the share of the buyers in the first tenth of the customers.
pub(crate) fn table(report: &Report) -> String {
    let mut text = format!(
        "out of time, {} to {}: {} offers, {} buyers\n{:22}{:>9}{:>9}{:>12}\n",
        report.judged_from,
        report.judged_to,
        report.methods.first().map_or(0, |method| method.all.n_offers),
        report.methods.first().map_or(0, |method| method.all.n_buyers),
        "",
        "AUC all",
        "AUC new",
        "first 10 %"
    );
    for method in &report.methods {
        text.push_str(&format!(
            "{:22}{:>9.3}{:>9.3}{:>10.0} %\n",
            title(method),
            method.all.auc,
            method.new.auc,
            method.all.buyers_10 * 100.0
        ));
    }
    for warning in &report.warnings {
        text.push_str(&format!("note: {warning}\n"));
    }
    text.trim_end().to_owned()
}

/// What a method is called on paper.
pub(crate) fn title(method: &MethodFigures) -> String {
    match method.name.as_str() {
        "most_recent" => "most recent first".to_owned(),
        "most_frequent" => "most frequent first".to_owned(),
        "most_spent" => "most spent first".to_owned(),
        other => other.replace('_', " "),
    }
}
