//! A report as one page of HTML that needs nothing else, for the command line and the API alike: what a marketer wants to know first,
//! then everything a statistician checks it by. No scripts; the one style sheet is [`STYLE`], for a policy that names its hash.
use std::fmt::Write as _;

use crate::report::{BandFigures, Figures, MethodFigures, Report};
use crate::report_html_learned;
use crate::report_svg::{self, Curve};
use crate::report_words;

/// The page's style sheet: exactly what stands between `<style>` and `</style>`.
pub const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;\
background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #d0d7de;\
text-align:right}td:not(:first-child){white-space:nowrap}td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}\
.note{border-left:4px solid #d55e00;padding-left:.8rem}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}}";

/// The report as a page.
pub fn page(report: &Report) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>clew report</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>Would it have worked?</h1>\n<p>Judged on what was bought from {} to {}, {} days at a time, each time by a model of what was known \
         before. {} customers, {} products, {} events; seed {}; model: {}.</p>\n",
        text(&report.judged_from),
        text(&report.judged_to),
        report.horizon_days,
        report.data.n_customers,
        report.data.n_products,
        report.data.n_events,
        report.seed,
        text(&report.chosen.replace('_', " "))
    );
    for warning in &report.warnings {
        let _ = writeln!(html, "<p class=\"note\"><strong>Note:</strong> {}</p>", text(warning));
    }
    let short = report_words::in_short(report);
    if !short.is_empty() {
        html.push_str("<h2>In short</h2>\n<ul>");
        for sentence in short {
            let _ = write!(html, "<li>{}</li>", text(&sentence));
        }
        html.push_str("</ul>\n");
    }
    section(&mut html, "All active customers", &report.methods, |method| &method.all);
    section(
        &mut html,
        "New customers: nothing bought from the offer in the 56 days before",
        &report.methods,
        |m| &m.new,
    );
    if !report.cold_methods.is_empty() {
        section(&mut html, "Masked launches: offers whose history was hidden", &report.cold_methods, |m| {
            &m.all
        });
    }
    calibration(&mut html, report);
    bands(&mut html, report);
    cutoffs(&mut html, report);
    shrunk(&mut html, report);
    candidates(&mut html, report);
    report_html_learned::write(&mut html, report);
    offers(&mut html, report);
    html.push_str("</body></html>\n");
    html
}

fn section(
    html: &mut String,
    heading: &str,
    methods: &[MethodFigures],
    of: impl Fn(&MethodFigures) -> &Figures,
) {
    table(
        html,
        heading,
        &[
            "",
            "AUC",
            "lift, first 10 %",
            "buyers in the first 5 %",
            "10 %",
            "20 %",
            "log loss",
            "predicted / realised",
        ],
        methods.iter().map(|method| {
            let figures = of(method);
            vec![
                report_words::title(&method.name),
                format!("{:.3}", figures.auc),
                format!("{:.2}", figures.lift_10),
                percent(figures.buyers_5),
                percent(figures.buyers_10),
                percent(figures.buyers_20),
                optional(figures.log_loss, 4),
                optional(figures.calibration, 2),
            ]
        }),
    );
    let curves: Vec<Curve> = methods
        .iter()
        .map(|method| {
            let gain = &of(method).gain;
            let last = gain.len().saturating_sub(1).max(1) as f64;
            let points = gain.iter().enumerate().map(|(n, share)| (n as f64 / last, *share)).collect();
            (report_words::title(&method.name), points)
        })
        .collect();
    html.push_str(&report_svg::square("share of the customers", "share of the buyers", &curves, 1.0));
}

fn calibration(html: &mut String, report: &Report) {
    if report.calibration_curve.is_empty() {
        return;
    }
    html.push_str("<h2>Calibration: of customers given 3 %, do 3 % buy?</h2>\n");
    let top = report.calibration_curve.iter().map(|p| p.predicted.max(p.realised)).fold(1e-6, f64::max);
    let points = report.calibration_curve.iter().map(|p| (p.predicted / top, p.realised / top)).collect();
    html.push_str(&report_svg::square("predicted", "realised", &[("clew".to_owned(), points)], top));
}

fn bands(html: &mut String, report: &Report) {
    let rows: Vec<(&str, &BandFigures)> =
        [("offers that had sold", &report.warm_band), ("masked launches", &report.cold_band)]
            .into_iter()
            .filter(|(_, band)| band.n_pairs > 0)
            .collect();
    table(
        html,
        "Did the 80 % bands hold?",
        &["", "offers", "within", "fewer buyers than the band", "more", "share within"],
        rows.into_iter().map(|(name, band)| {
            vec![
                name.to_owned(),
                band.n_pairs.to_string(),
                band.n_inside.to_string(),
                band.n_under.to_string(),
                band.n_over.to_string(),
                band.coverage.map_or_else(|| "–".to_owned(), percent),
            ]
        }),
    );
}

fn cutoffs(html: &mut String, report: &Report) {
    table(
        html,
        "Cutoff by cutoff",
        &[
            "judged from",
            "model",
            "AUC",
            "AUC new",
            "lift, first 10 %",
            "predicted / realised",
            "bands held",
            "AUC of launches",
        ],
        report.cutoffs.iter().map(|cutoff| {
            vec![
                cutoff.judged_from.clone(),
                cutoff.chosen.replace('_', " "),
                format!("{:.3}", cutoff.warm.auc),
                format!("{:.3}", cutoff.warm_new.auc),
                format!("{:.2}", cutoff.warm.lift_10),
                optional(cutoff.warm.calibration, 2),
                cutoff.warm_band.coverage.map_or_else(|| "–".to_owned(), percent),
                optional(cutoff.cold.as_ref().map(|figures| figures.auc), 3),
            ]
        }),
    );
}

fn shrunk(html: &mut String, report: &Report) {
    table(
        html,
        "Tenants cut down to few buyers",
        &[
            "buyers",
            "tenants",
            "refused",
            "AUC",
            "AUC of most frequent first",
            "better in",
            "not better, and said so",
            "bands held",
        ],
        report.shrunk.iter().map(|shrunk| {
            vec![
                shrunk.n_buyers.to_string(),
                shrunk.n_tenants.to_string(),
                shrunk.n_refused.to_string(),
                format!("{:.3}", shrunk.auc),
                format!("{:.3}", shrunk.auc_most_frequent),
                shrunk.n_better.to_string(),
                shrunk.n_said_not_better.to_string(),
                shrunk.band.coverage.map_or_else(|| "–".to_owned(), percent),
            ]
        }),
    );
}

fn candidates(html: &mut String, report: &Report) {
    table(
        html,
        "The nested models, in training and out of time",
        &["", "AUC in training", "AUC", "gap", "AUC new", "log loss in training", "log loss"],
        report.candidates.iter().map(|candidate| {
            let used = if candidate.chosen { " (used)" } else { "" };
            vec![
                format!("{}{used}", candidate.name.replace('_', " ")),
                format!("{:.3}", candidate.auc_training),
                format!("{:.3}", candidate.auc),
                format!("{:+.3}", candidate.auc_training - candidate.auc),
                format!("{:.3}", candidate.auc_new),
                format!("{:.4}", candidate.log_loss_training),
                format!("{:.4}", candidate.log_loss),
            ]
        }),
    );
}

fn offers(html: &mut String, report: &Report) {
    table(
        html,
        "Offer by offer",
        &["", "products", "buyers", "expected", "80 % band", "AUC", "AUC new"],
        report.offers.iter().map(|offer| {
            let masked = if offer.cold { " (masked)" } else { "" };
            let from = if offer.judged_from.is_empty() {
                String::new()
            } else {
                format!(", from {}", offer.judged_from)
            };
            vec![
                format!("{}{masked}{from}", offer.name),
                offer.n_products.to_string(),
                offer.n_buyers.to_string(),
                format!("{:.0}", offer.expected_buyers),
                format!("{:.0} – {:.0}", offer.low, offer.high),
                optional(offer.auc, 3),
                optional(offer.auc_new, 3),
            ]
        }),
    );
}

/// A heading and its table; nothing at all without rows.
pub(crate) fn table(
    html: &mut String,
    heading: &str,
    head: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = write!(html, "<h2>{}</h2>\n<table><tr>", text(heading));
    for name in head {
        let _ = write!(html, "<th>{}</th>", text(name));
    }
    html.push_str("</tr>\n");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = write!(html, "<td>{}</td>", text(&cell));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// Text as HTML: names of offers come from other people's files.
pub(crate) fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use crate::ablation::AblationFigures;
    use crate::attribute_effect::AttributeFigures;
    use crate::report::{CalibrationPoint, LearningPoint, OfferFigures};

    use super::*;

    #[test]
    fn a_page_holds_its_curves_and_no_markup_of_others() {
        let gain = |power: f64| (0..=40).map(|n| (f64::from(n) / 40.0).powf(power)).collect();
        let method = |name: &str, power| {
            let figures = Figures { auc: 0.8, n_offers: 1, gain: gain(power), ..Figures::default() };
            MethodFigures { name: name.to_owned(), all: figures.clone(), new: figures }
        };
        let point = |share, n_customers, auc| LearningPoint {
            share,
            n_customers,
            auc,
            auc_new: auc - 0.05,
            ..LearningPoint::default()
        };
        let report = Report {
            methods: vec![method("clew", 0.4), method("most_recent", 0.7)],
            calibration_curve: vec![CalibrationPoint { predicted: 0.1, realised: 0.2, n_rows: 5 }],
            offers: vec![OfferFigures { name: "<script>".to_owned(), ..OfferFigures::default() }],
            learning_curve: vec![point(0.5, 500, 0.75), point(1.0, 1_000, 0.8)],
            ablation: vec![AblationFigures {
                without: "purchases of the offer".to_owned(),
                ..Default::default()
            }],
            attributes: vec![AttributeFigures {
                column: "first_name".to_owned(),
                tells: true,
                ..Default::default()
            }],
            ..Report::default()
        };
        let page = page(&report);
        assert_eq!(page.matches("<svg").count(), 4, "{page}");
        assert!(page.contains("<td>purchases of the offer</td>") && page.contains("<td>first_name</td>"));
        assert!(page.contains("most recent first") && page.contains("&lt;script&gt;"));
        assert!(page.contains(&format!("<style>{STYLE}</style>")));
        assert!(!page.contains("<script") && !page.contains("style=") && !page.contains("NaN"), "{page}");
    }

    #[test]
    fn an_empty_report_is_a_page_without_tables() {
        let page = page(&Report::default());
        assert!(!page.contains("<table><tr><th></th><th>AUC</th><th>gap"), "{page}");
        assert!(page.ends_with("</html>\n"));
    }
}
