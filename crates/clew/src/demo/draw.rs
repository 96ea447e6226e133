//! A gain curve drawn with characters: the curve, its band, and what chance would reach.

use std::io::IsTerminal as _;

use serde::Deserialize;

/// What is drawn of a point.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Point {
    pub(super) volume: f64,
    pub(super) expected_buyers: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A volume to mark on the axis.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) volume: f64,
    pub(super) label: String,
}

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paper {
    /// Characters a line.
    pub(super) width: usize,
    /// Lines of the drawing itself.
    pub(super) height: usize,
    /// Colours and block characters, or letters only.
    pub(super) rich: bool,
}

impl Paper {
    /// As wide as the terminal, and plain where standard output is none.
    pub(super) fn of_stdout() -> Self {
        let rich = std::io::stdout().is_terminal();
        let width = if rich { columns_of_stdout().unwrap_or(80) } else { 80 };
        Self { width: width.clamp(50, 120), height: 16, rich }
    }
}

/// The width of the terminal behind standard output, if it is one.
#[expect(unsafe_code, reason = "the width of a terminal is only had by ioctl")]
fn columns_of_stdout() -> Option<usize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: this request writes one `winsize` to where it is pointed, and `size` outlives the call.
    let done = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (done == 0 && size.ws_col > 0).then_some(size.ws_col.into())
}

/// Room for the axis on the left: a number and a line.
const LEFT: usize = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Nothing,
    Chance,
    Band,
    Curve(Half),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Upper,
    Lower,
    Both,
}

/// Draws the curve: volume to the right, expected buyers upwards. Nothing for less than two points.
pub(super) fn draw(points: &[Point], marks: &[Mark], paper: Paper) -> String {
    let (Some(last), true) = (points.last(), points.len() >= 2) else { return String::new() };
    let columns = paper.width.saturating_sub(LEFT + 2).max(20);
    let top = points.iter().map(|point| point.high).fold(1e-9, f64::max);
    let volume_of = |column: usize| last.volume * column as f64 / (columns - 1) as f64;
    let steps = (paper.height * 2) as f64;
    // Half lines from the bottom.
    let half_line = |buyers: f64| ((buyers / top * steps) as usize).min(paper.height * 2 - 1);
    let mut grid = vec![vec![Ink::Nothing; columns]; paper.height];
    for column in 0..columns {
        let volume = volume_of(column);
        let at = between(points, volume);
        let next = between(points, volume_of((column + 1).min(columns - 1)));
        let chance = half_line(last.expected_buyers * volume / last.volume.max(1.0)) / 2;
        let (low, high) = (half_line(at.low) / 2, half_line(at.high) / 2);
        let (from, to) = (half_line(at.expected_buyers), half_line(next.expected_buyers).max(1) - 1);
        for (line, row) in grid.iter_mut().rev().enumerate() {
            let Some(cell) = row.get_mut(column) else { continue };
            let covers = |half: usize| (from..=to.max(from)).contains(&half);
            *cell = match (covers(line * 2), covers(line * 2 + 1)) {
                (true, true) => Ink::Curve(Half::Both),
                (true, false) => Ink::Curve(Half::Lower),
                (false, true) => Ink::Curve(Half::Upper),
                _ if (low..=high).contains(&line) => Ink::Band,
                _ if line == chance => Ink::Chance,
                _ => Ink::Nothing,
            };
        }
    }
    let mut text = String::new();
    for (n, row) in grid.iter().enumerate() {
        let buyers = top * (paper.height - n) as f64 / paper.height as f64;
        let label = if n % 4 == 0 { format!("{buyers:>7.0}") } else { " ".repeat(7) };
        text.push_str(&format!("{label} {}", if paper.rich { "│" } else { "|" }));
        text.push_str(&line(row, paper.rich));
        text.push('\n');
    }
    text.push_str(&axis(marks, last.volume, columns, paper.rich));
    text
}

/// The curve at a volume, by straight lines between its points.
fn between(points: &[Point], volume: f64) -> Point {
    let after = points.partition_point(|point| point.volume < volume).min(points.len() - 1);
    let (Some(b), Some(a)) = (points.get(after), points.get(after.saturating_sub(1))) else {
        return Point { volume, expected_buyers: 0.0, low: 0.0, high: 0.0 };
    };
    let share =
        if b.volume > a.volume { ((volume - a.volume) / (b.volume - a.volume)).clamp(0.0, 1.0) } else { 1.0 };
    let mix = |from: f64, to: f64| from + (to - from) * share;
    Point {
        volume,
        expected_buyers: mix(a.expected_buyers, b.expected_buyers),
        low: mix(a.low, b.low),
        high: mix(a.high, b.high),
    }
}

/// A line of cells, with a colour only where it changes.
fn line(row: &[Ink], rich: bool) -> String {
    let mut text = String::new();
    let mut colour = "";
    for ink in row {
        let (wanted, rich_cell, plain_cell) = match ink {
            Ink::Nothing => ("", ' ', ' '),
            Ink::Chance => ("\x1b[2m", '·', '.'),
            Ink::Band => ("\x1b[36;2m", '░', ':'),
            Ink::Curve(Half::Both) => ("\x1b[36;1m", '█', '#'),
            Ink::Curve(Half::Upper) => ("\x1b[36;1m", '▀', '#'),
            Ink::Curve(Half::Lower) => ("\x1b[36;1m", '▄', '#'),
        };
        if rich && wanted != colour {
            text.push_str(if colour.is_empty() { "" } else { "\x1b[0m" });
            text.push_str(wanted);
            colour = wanted;
        }
        text.push(if rich { rich_cell } else { plain_cell });
    }
    if rich && !colour.is_empty() {
        text.push_str("\x1b[0m");
    }
    text.trim_end().to_owned()
}

/// The axis with its marks, each on a line of its own so that none covers another.
fn axis(marks: &[Mark], end: f64, columns: usize, rich: bool) -> String {
    let column =
        |volume: f64| ((volume / end.max(1.0) * (columns - 1) as f64).round() as usize).min(columns - 1);
    let mut cells: Vec<char> = vec![if rich { '─' } else { '-' }; columns];
    for mark in marks {
        if let Some(cell) = cells.get_mut(column(mark.volume)) {
            *cell = if rich { '┬' } else { '+' };
        }
    }
    let corner = if rich { '└' } else { '+' };
    let mut text = format!("{}{corner}{}\n", " ".repeat(LEFT - 1), cells.into_iter().collect::<String>());
    for mark in marks {
        let place = column(mark.volume);
        let arrow = if rich { "▲ " } else { "^ " };
        let room = mark.label.chars().count() + 2;
        let line = if place + room <= columns || place < room {
            format!("{}{arrow}{}", " ".repeat(LEFT + place), mark.label)
        } else {
            format!(
                "{}{}{}",
                " ".repeat(LEFT + place + 2 - room - 1),
                mark.label,
                if rich { " ▲" } else { " ^" }
            )
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> Vec<Point> {
        (0..=10)
            .map(|n| {
                let x = f64::from(n) / 10.0;
                let buyers = 100.0 * (1.0 - (1.0 - x) * (1.0 - x));
                Point { volume: x * 1_000.0, expected_buyers: buyers, low: buyers * 0.8, high: buyers * 1.2 }
            })
            .collect()
    }

    #[test]
    fn a_plain_drawing_has_letters_only_and_keeps_its_width() {
        let marks = [Mark { volume: 290.0, label: "50 % of the buyers: 290 messages".to_owned() }];
        let text = draw(&curve(), &marks, Paper { width: 60, height: 10, rich: false });
        assert!(text.is_ascii(), "{text}");
        assert_eq!(text.lines().count(), 12, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(text.contains("^ 50 % of the buyers"), "{text}");
        // The curve begins at the bottom left and ends at the right, below the band's top.
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[9].chars().nth(LEFT), Some('#'), "{text}");
        assert!(lines.iter().position(|line| line.contains('#')).unwrap() > 0, "{text}");
        assert!(lines.iter().position(|line| line.contains(':')).unwrap() == 0, "{text}");
    }

    #[test]
    fn a_rich_drawing_closes_its_colours() {
        let text = draw(&curve(), &[], Paper { width: 80, height: 16, rich: true });
        assert!(text.contains('█') || text.contains('▄'), "{text}");
        assert_eq!(text.matches("\x1b[36;1m").count() > 0, text.contains("\x1b[0m"));
        assert_eq!(draw(&[], &[], Paper { width: 80, height: 16, rich: true }), "");
    }
}
