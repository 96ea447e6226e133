//! Curves as SVG, drawn with attributes alone: they need no style and no script, and follow the page's colour.
use std::fmt::Write as _;

use crate::report_html::text;

/// A curve: its name, and its points from left to right.
pub(crate) type Curve = (String, Vec<(f64, f64)>);

/// Colours that can be told apart, also by those who see few of them (Okabe and Ito 2008).
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#808080"];

/// Curves over the unit square, whose far corner stands for `top` on both axes; the diagonal is dashed.
pub(crate) fn square(across: &str, up: &str, curves: &[Curve], top: f64) -> String {
    let mut svg = open(across, up);
    let _ = write!(
        svg,
        "<polyline points=\"{} {}\" fill=\"none\" stroke=\"#8c959f\" stroke-dasharray=\"4 4\"/>",
        place((0.0, 0.0)),
        place((1.0, 1.0))
    );
    draw(&mut svg, curves);
    close(&mut svg, &format!("{across}, 0 to {:.0} %", top * 100.0), up);
    svg
}

/// Curves in their own range, with the range written at the axes.
pub(crate) fn rising(across: &str, up: &str, curves: &[Curve]) -> String {
    let all = || curves.iter().flat_map(|(_, points)| points.iter().copied());
    let (right, low, high) = all()
        .fold((0.0_f64, f64::INFINITY, f64::NEG_INFINITY), |(right, low, high), (x, y)| {
            (right.max(x), low.min(y), high.max(y))
        });
    if all().next().is_none() {
        return String::new();
    }
    let (right, span) = (right.max(1e-9), (high - low).max(1e-9));
    let scaled: Vec<Curve> = curves
        .iter()
        .map(|(name, points)| {
            (name.clone(), points.iter().map(|(x, y)| (x / right, (y - low) / span)).collect())
        })
        .collect();
    let mut svg = open(across, up);
    draw(&mut svg, &scaled);
    close(&mut svg, &format!("{across}, 0 to {right:.0}"), &format!("{up}, {low:.3} to {high:.3}"));
    svg
}

fn place((x, y): (f64, f64)) -> String {
    format!("{:.1},{:.1}", 60.0 + x * 520.0, 320.0 - y * 300.0)
}

fn open(across: &str, up: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 760 370\" width=\"760\" role=\"img\" aria-label=\"{up} against {across}\">\
         <rect x=\"60\" y=\"20\" width=\"520\" height=\"300\" fill=\"none\" stroke=\"#8c959f\"/>"
    )
}

fn draw(svg: &mut String, curves: &[Curve]) {
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
}

fn close(svg: &mut String, across: &str, up: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"320\" y=\"350\" fill=\"currentColor\" text-anchor=\"middle\" font-size=\"13\">{across}</text>\
         <text x=\"30\" y=\"170\" fill=\"currentColor\" text-anchor=\"middle\" font-size=\"13\" \
         transform=\"rotate(-90 30 170)\">{up}</text></svg>"
    );
}
