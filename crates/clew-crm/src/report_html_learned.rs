//! The part of a report's page that shows what was learned from: how much data, what knew the answer, features, columns.
use std::fmt::Write as _;

use crate::report::{LearningPoint, Report};
use crate::report_html::{percent, table, text};
use crate::report_svg;
use crate::report_words;

/// Adds the sections.
pub(crate) fn write(html: &mut String, report: &Report) {
    learning_curve(html, report);
    leaks(html, report);
    features(html, report);
    ablation(html, report);
    attributes(html, report);
}

fn learning_curve(html: &mut String, report: &Report) {
    let points = &report.learning_curve;
    table(
        html,
        "Learning curve: what more data brings",
        &["share of the customers", "customers", "AUC", "AUC new", "buyers in the first 10 %", "log loss"],
        points.iter().map(|point| {
            vec![
                percent(point.share),
                point.n_customers.to_string(),
                format!("{:.3}", point.auc),
                format!("{:.3}", point.auc_new),
                percent(point.buyers_10),
                format!("{:.4}", point.log_loss),
            ]
        }),
    );
    if points.len() > 1 {
        let curve = |of: fn(&LearningPoint) -> f64| -> Vec<(f64, f64)> {
            points.iter().map(|point| (point.n_customers as f64, of(point))).collect()
        };
        let curves = [("AUC".to_owned(), curve(|p| p.auc)), ("AUC new".to_owned(), curve(|p| p.auc_new))];
        html.push_str(&report_svg::rising("customers learned from", "AUC", &curves));
    }
    if let Some(sentence) = report_words::more_data(points) {
        let _ = writeln!(html, "<p>{}</p>", text(&sentence));
    }
}

fn leaks(html: &mut String, report: &Report) {
    if report.leaks.is_empty() {
        return;
    }
    html.push_str("<h2>Left out, since it knows the answer</h2>\n<ul>");
    for leak in &report.leaks {
        let _ = write!(html, "<li>{}</li>", text(&leak.sentence()));
    }
    html.push_str("</ul>\n");
}

fn features(html: &mut String, report: &Report) {
    table(
        html,
        "What separates buyers best on its own",
        &["", "AUC alone"],
        report
            .features
            .iter()
            .take(20)
            .map(|feature| vec![feature.name.clone(), format!("{:.3}", feature.auc)]),
    );
}

fn ablation(html: &mut String, report: &Report) {
    table(
        html,
        "What each set of features is worth: a logistic model learned without it",
        &["without", "features", "AUC", "AUC new", "log loss", "log loss it saves (95 %)"],
        report.ablation.iter().map(|of| {
            vec![
                of.without.clone(),
                of.n_features.to_string(),
                format!("{:.3}", of.auc),
                format!("{:.3}", of.auc_new),
                format!("{:.4}", of.log_loss),
                format!("{:.4} ({:.4} to {:.4})", of.saved.value, of.saved.low, of.saved.high),
            ]
        }),
    );
}

fn attributes(html: &mut String, report: &Report) {
    table(
        html,
        "What each column of the customers tells of what they buy",
        &["", "of what there is to know", "95 % interval", "beyond chance"],
        report.attributes.iter().map(|column| {
            vec![
                column.column.clone(),
                format!("{:.2} %", 100.0 * column.explained),
                format!("{:.2} to {:.2} %", 100.0 * column.low, 100.0 * column.high),
                if column.tells { "yes" } else { "no" }.to_owned(),
            ]
        }),
    );
}
