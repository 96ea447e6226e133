//! A report as one page of HTML that needs nothing else: tables, the gain curves and the calibration as SVG.

use std::fmt::Write as _;

use clew_crm::Report;
use clew_crm::report::{Figures, MethodFigures};

use super::title;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;\
background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #d0d7de;\
text-align:right}td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}}";

/// Colours that can be told apart, also by those who see few of them.
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#808080"];

/// The report as a page.
pub(crate) fn page(report: &Report) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>clew backtest</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>Would it have worked?</h1>\n<p>Trained on what was known on {}, judged on what was bought from then to \
         {} ({} days). {} customers, {} products, {} events; seed {}; model: {}.</p>\n",
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
        let _ = writeln!(html, "<p><strong>Note:</strong> {}</p>", text(warning));
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
    candidates(&mut html, report);
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
    let _ = writeln!(html, "<h2>{}</h2>", text(heading));
    html.push_str(
        "<table><tr><th></th><th>AUC</th><th>lift, first 10 %</th><th>buyers in the first 5 %</th>\
                   <th>10 %</th><th>20 %</th><th>log loss</th><th>predicted / realised</th></tr>\n",
    );
    for method in methods {
        let figures = of(method);
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{:.3}</td><td>{:.2}</td><td>{:.1} %</td><td>{:.1} %</td><td>{:.1} %</td><td>{}</td><td>{}</td></tr>",
            text(&title(method)),
            figures.auc,
            figures.lift_10,
            figures.buyers_5 * 100.0,
            figures.buyers_10 * 100.0,
            figures.buyers_20 * 100.0,
            optional(figures.log_loss, 4),
            optional(figures.calibration, 2)
        );
    }
    html.push_str("</table>\n");
    let curves = methods.iter().map(|method| {
        let gain = &of(method).gain;
        let last = gain.len().saturating_sub(1).max(1) as f64;
        let points = gain.iter().enumerate().map(|(n, share)| (n as f64 / last, *share)).collect();
        (title(method), points)
    });
    html.push_str(&svg("share of the customers", "share of the buyers", &curves.collect::<Vec<_>>(), 1.0));
}

fn calibration(html: &mut String, report: &Report) {
    if report.calibration_curve.is_empty() {
        return;
    }
    html.push_str("<h2>Calibration: of customers given 3 %, do 3 % buy?</h2>\n");
    let top = report.calibration_curve.iter().map(|p| p.predicted.max(p.realised)).fold(1e-6, f64::max);
    let points = report.calibration_curve.iter().map(|p| (p.predicted / top, p.realised / top)).collect();
    html.push_str(&svg("predicted", "realised", &[("clew".to_owned(), points)], top));
    if let Some(coverage) = report.band_coverage {
        let _ = writeln!(
            html,
            "<p>The buyers of {:.0} % of the offers fell inside the 80 % band.</p>",
            coverage * 100.0
        );
    }
}

fn candidates(html: &mut String, report: &Report) {
    if report.candidates.is_empty() {
        return;
    }
    html.push_str("<h2>The nested models, in training and out of time</h2>\n<table><tr><th></th><th>AUC in training</th>\
                   <th>AUC</th><th>AUC new</th><th>log loss in training</th><th>log loss</th></tr>\n");
    for candidate in &report.candidates {
        let _ = writeln!(
            html,
            "<tr><td>{}{}</td><td>{:.3}</td><td>{:.3}</td><td>{:.3}</td><td>{:.4}</td><td>{:.4}</td></tr>",
            text(&candidate.name.replace('_', " ")),
            if candidate.chosen { " (used)" } else { "" },
            candidate.auc_training,
            candidate.auc,
            candidate.auc_new,
            candidate.log_loss_training,
            candidate.log_loss
        );
    }
    html.push_str("</table>\n");
}

fn offers(html: &mut String, report: &Report) {
    html.push_str(
        "<h2>Offer by offer</h2>\n<table><tr><th></th><th>products</th><th>buyers</th><th>expected</th>\
                   <th>80 % band</th><th>AUC</th><th>AUC new</th></tr>\n",
    );
    for offer in &report.offers {
        let _ = writeln!(
            html,
            "<tr><td>{}{}</td><td>{}</td><td>{}</td><td>{:.0}</td><td>{:.0} – {:.0}</td><td>{}</td><td>{}</td></tr>",
            text(&offer.name),
            if offer.cold { " (masked)" } else { "" },
            offer.n_products,
            offer.n_buyers,
            offer.expected_buyers,
            offer.low,
            offer.high,
            optional(offer.auc, 3),
            optional(offer.auc_new, 3)
        );
    }
    html.push_str("</table>\n");
}

/// Curves over the unit square, whose far corner stands for `top` on both axes; the diagonal is dashed.
fn svg(across: &str, up: &str, curves: &[(String, Vec<(f64, f64)>)], top: f64) -> String {
    let place = |(x, y): (f64, f64)| format!("{:.1},{:.1}", 60.0 + x * 520.0, 320.0 - y * 300.0);
    let mut svg = format!(
        "<svg viewBox=\"0 0 760 370\" width=\"760\" role=\"img\" aria-label=\"{up} against {across}\">\
         <rect x=\"60\" y=\"20\" width=\"520\" height=\"300\" fill=\"none\" stroke=\"#8c959f\"/>\
         <polyline points=\"{} {}\" fill=\"none\" stroke=\"#8c959f\" stroke-dasharray=\"4 4\"/>",
        place((0.0, 0.0)),
        place((1.0, 1.0))
    );
    for (n, (name, points)) in curves.iter().enumerate() {
        let colour = COLOURS.get(n % COLOURS.len()).copied().unwrap_or_default();
        let points: Vec<String> = points.iter().map(|&point| place(point)).collect();
        let y = 40 + n * 22;
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"592\" y=\"{y}\" fill=\"{colour}\" font-size=\"14\">{}</text>",
            points.join(" "),
            text(name)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"320\" y=\"350\" fill=\"currentColor\" text-anchor=\"middle\" font-size=\"13\">{across}, 0 to {:.0} %</text>\
         <text x=\"30\" y=\"170\" fill=\"currentColor\" text-anchor=\"middle\" font-size=\"13\" \
         transform=\"rotate(-90 30 170)\">{up}</text></svg>",
        top * 100.0
    );
    svg
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// Text as HTML: names of offers come from other people's files.
fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use clew_crm::report::{CalibrationPoint, OfferFigures};

    use super::*;

    #[test]
    fn a_page_holds_its_curves_and_no_markup_of_others() {
        let gain = |power: f64| (0..=40).map(|n| (f64::from(n) / 40.0).powf(power)).collect();
        let method = |name: &str, power| {
            let figures = Figures { auc: 0.8, gain: gain(power), ..Figures::default() };
            MethodFigures { name: name.to_owned(), all: figures.clone(), new: figures }
        };
        let report = Report {
            methods: vec![method("clew", 0.4), method("most_recent", 0.7)],
            calibration_curve: vec![CalibrationPoint { predicted: 0.1, realised: 0.2, n_rows: 5 }],
            offers: vec![OfferFigures { name: "<script>".to_owned(), ..OfferFigures::default() }],
            ..Report::default()
        };
        let page = page(&report);
        assert_eq!(page.matches("<svg").count(), 3, "{page}");
        assert!(page.contains("most recent first") && page.contains("&lt;script&gt;"));
        assert!(!page.contains("<script"), "{page}");
    }
}
