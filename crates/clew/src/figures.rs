//! The out-of-time figures of a report as text: clew beside what a marketer has today.

use clew_crm::{Report, report_words};

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
            report_words::title(&method.name),
            method.all.auc,
            method.new.auc,
            method.all.buyers_10 * 100.0
        ));
    }
    for point in &report.learning_curve {
        text.push_str(&format!(
            "learned from {:>9} customers{:>5.3} AUC all, {:.3} new\n",
            point.n_customers, point.auc, point.auc_new
        ));
    }
    for warning in report_words::more_data(&report.learning_curve).iter().chain(&report.warnings) {
        text.push_str(&format!("note: {warning}\n"));
    }
    text.trim_end().to_owned()
}
