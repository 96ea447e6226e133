//! Attributes: the columns of a table as groups of rows, the raw material of descriptors, surroundings and practice offers.
//!
//! A text, bool or tag column gives its values, a number or a date gives bands of equal count, a long text gives its words, an e-mail
//! address its domain, a five-figure postcode its department too. A value of fewer rows than the minimum support has no group of its own:
//! it could say nothing reliable and, of customers, might name one. Of customers it counts with what is broader: a postcode with its
//! department, any other with all rare ones together, if together they have the support. What was learned (`Grouping`) is kept in the
//! model, so that rows that come later are grouped alike.
use ahash::RandomState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::checkpoint::add;
use crate::column::{ColumnView, NULL_DATE};
use crate::feature_state::DAY;
use crate::ids::NONE;
use crate::table::TableView;
use crate::train_report::day;

/// Bands that a number is cut into.
const N_BANDS: usize = 10;
/// Label of the group of the values that are too rare for one of their own.
const REST: &str = "(rare)";
/// Groups of an attribute that are kept, the largest first.
const MAX_GROUPS: usize = 20_000;

/// How a column's cells become groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cut {
    /// Each value is a group.
    Values,
    /// What stands after the `@`.
    Domain,
    /// The first two figures of a postcode, overseas three: its department.
    Area,
    /// Each word.
    Words,
    /// Bands between these edges.
    Bands(#[serde(with = "crate::exact::f64s")] Vec<f64>),
}

/// What was learned of one attribute: which groups there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grouping {
    /// The column.
    pub(crate) column: String,
    /// How its cells become groups.
    pub(crate) cut: Cut,
    /// Labels of the groups, the largest first.
    pub(crate) labels: Vec<String>,
    /// Whether the last group is of all values that have none of their own.
    #[serde(default)]
    pub(crate) has_rest: bool,
}

/// A grouping applied to a table: the groups of each row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    /// What it is made of.
    pub(crate) grouping: Grouping,
    starts: Vec<u32>,
    codes: Vec<u32>,
}

impl Attribute {
    /// Groups of one row, rising; none for a row that the table did not have.
    pub(crate) fn of(&self, row: usize) -> &[u32] {
        match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(&from), Some(&to)) => &self.codes[from as usize..to as usize],
            _ => &[],
        }
    }

    /// Adds the groups of all rows to a hash.
    pub(crate) fn hash(&self, hasher: &mut blake3::Hasher) {
        add(hasher, &[self.n_groups() as u64]);
        add(hasher, &self.starts);
        add(hasher, &self.codes);
    }

    /// How many groups there are.
    pub(crate) fn n_groups(&self) -> usize {
        self.grouping.labels.len()
    }

    /// Rows of each group, rising.
    pub(crate) fn members(&self) -> Vec<Vec<u32>> {
        let mut members = vec![Vec::new(); self.n_groups()];
        for row in 0..self.starts.len().saturating_sub(1) {
            for &code in self.of(row) {
                members[code as usize].push(row as u32);
            }
        }
        members
    }
}

impl Grouping {
    /// Name of the attribute, for people and features.
    pub(crate) fn name(&self) -> String {
        match self.cut {
            Cut::Values => self.column.clone(),
            Cut::Domain => format!("{} domain", self.column),
            Cut::Area => format!("{} area", self.column),
            Cut::Words => format!("{} words", self.column),
            Cut::Bands(_) => format!("{} band", self.column),
        }
    }

    /// Groups the rows of a table; a table without the column gives no groups to any row.
    pub(crate) fn apply(&self, table: &TableView<'_>) -> Attribute {
        let n_named = self.labels.len() - usize::from(self.has_rest);
        let named = self.labels.iter().take(n_named).map(String::as_str);
        let place: HashMap<&str, u32, RandomState> = fixed(named.zip(0..));
        let rest = self.has_rest.then_some(n_named as u32);
        let mut starts = vec![0_u32];
        let mut codes = Vec::with_capacity(table.len());
        let end_row = |codes: &mut Vec<u32>, starts: &mut Vec<u32>| {
            let from = starts.last().map_or(0, |&from| from as usize);
            codes[from..].sort_unstable();
            let mut kept = from;
            for at in from..codes.len() {
                if at == from || codes[at] != codes[kept - 1] {
                    codes[kept] = codes[at];
                    kept += 1;
                }
            }
            codes.truncate(kept);
            starts.push(kept as u32);
        };
        match table.column(&self.column) {
            Some(column) => each_cell(&self.cut, column, |_, groups| {
                codes.extend(groups.iter().filter_map(|group| place.get(group.as_str()).copied().or(rest)));
                end_row(&mut codes, &mut starts);
            }),
            None => starts.resize(table.len() + 1, 0),
        }
        Attribute { grouping: self.clone(), starts, codes }
    }

    /// The grouping of a column by one cut; none unless at least two groups have the minimum support. Rarer values are
    /// one group together where they `fold`, if together they have it.
    fn learn(
        name: &str,
        cut: Cut,
        column: ColumnView<'_>,
        min_support: usize,
        folds: bool,
    ) -> Option<Grouping> {
        let mut count: HashMap<String, usize, RandomState> = fixed([]);
        each_cell(&cut, column, |_, groups| {
            for group in groups {
                if let Some(n) = count.get_mut(group) {
                    *n += 1;
                } else {
                    count.insert(group.clone(), 1);
                }
            }
        });
        let n_all: usize = count.values().sum();
        let mut kept: Vec<(String, usize)> = count.into_iter().filter(|&(_, n)| n >= min_support).collect();
        kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        kept.truncate(MAX_GROUPS);
        let n_rest = n_all - kept.iter().map(|kept| kept.1).sum::<usize>();
        let has_rest = folds && n_rest >= min_support;
        let labels = kept.into_iter().map(|(label, _)| label).chain(has_rest.then(|| REST.to_owned()));
        let labels: Vec<String> = labels.collect();
        (labels.len() >= 2).then(|| Grouping { column: name.to_owned(), cut, labels, has_rest })
    }
}

fn fixed<K: std::hash::Hash + Eq, V>(pairs: impl IntoIterator<Item = (K, V)>) -> HashMap<K, V, RandomState> {
    let mut map = HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4));
    map.extend(pairs);
    map
}

/// Calls `see(row, groups)` for every row.
fn each_cell(cut: &Cut, column: ColumnView<'_>, mut see: impl FnMut(usize, &[String])) {
    match column {
        ColumnView::Category { codes, values } => {
            let groups: Vec<Vec<String>> = values.iter().map(|text| cut_text(cut, text)).collect();
            for (row, &code) in codes.iter().enumerate() {
                see(
                    row,
                    if code == NONE { &[] } else { groups.get(code as usize).map_or(&[], Vec::as_slice) },
                );
            }
        }
        ColumnView::Tags { starts, codes, values } => {
            for (row, span) in starts.windows(2).enumerate() {
                let groups: Vec<String> = codes[span[0] as usize..span[1] as usize]
                    .iter()
                    .map(|&code| values.name(code).to_owned())
                    .collect();
                see(row, &groups);
            }
        }
        ColumnView::Bool(values) => {
            for (row, &value) in values.iter().enumerate() {
                match value {
                    0 => see(row, &["false".to_owned()]),
                    1 => see(row, &["true".to_owned()]),
                    _ => see(row, &[]),
                }
            }
        }
        ColumnView::Number(values) => {
            each_number(cut, values.iter().copied(), ("under", "and over"), |value| value.to_string(), see);
        }
        ColumnView::Date(days) => {
            each_number(
                cut,
                days.iter().map(|&date| if date == NULL_DATE { f64::NAN } else { f64::from(date) }),
                ("before", "and later"),
                |number| day(number as i64 * DAY),
                see,
            );
        }
    }
}

/// The bands of numbers: `words` name the first and the last one, `show` writes an edge.
fn each_number(
    cut: &Cut,
    values: impl Iterator<Item = f64>,
    words: (&str, &str),
    show: impl Fn(f64) -> String,
    mut see: impl FnMut(usize, &[String]),
) {
    let Cut::Bands(edges) = cut else { return };
    let labels: Vec<[String; 1]> = (0..=edges.len())
        .map(|band| match (band.checked_sub(1).and_then(|b| edges.get(b)), edges.get(band)) {
            (None, Some(&to)) => [format!("{} {}", words.0, show(to))],
            (Some(&from), Some(&to)) => [format!("{} to {}", show(from), show(to))],
            (Some(&from), None) => [format!("{} {}", show(from), words.1)],
            (None, None) => ["any".to_owned()],
        })
        .collect();
    for (row, value) in values.enumerate() {
        let band = edges.partition_point(|&edge| edge <= value);
        see(row, if value.is_nan() { &[] } else { labels.get(band).map_or(&[], |label| label.as_slice()) });
    }
}

fn cut_text(cut: &Cut, text: &str) -> Vec<String> {
    match cut {
        Cut::Values | Cut::Bands(_) => vec![text.to_owned()],
        Cut::Domain => {
            text.rsplit_once('@').map(|(_, domain)| vec![domain.to_lowercase()]).unwrap_or_default()
        }
        Cut::Area => {
            // The departments overseas have three figures.
            let n_figures = if text.starts_with("97") || text.starts_with("98") { 3 } else { 2 };
            text.get(..n_figures).map(|area| vec![area.to_owned()]).unwrap_or_default()
        }
        Cut::Words => text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() >= 3 && !word.bytes().all(|b| b.is_ascii_digit()))
            .map(str::to_lowercase)
            .collect(),
    }
}

/// The groupings of a table's columns but for those left out: at most `max`, in the order of the columns.
pub(crate) fn learn_groupings(
    table: &TableView<'_>,
    min_support: usize,
    max: usize,
    left_out: &[String],
    folds: bool,
) -> Vec<Grouping> {
    let mut found = Vec::new();
    for (name, column) in table.columns().filter(|(name, _)| !left_out.iter().any(|out| out == name)) {
        let cuts = match column {
            ColumnView::Category { codes, values } => {
                let n_filled = codes.iter().filter(|&&code| code != NONE).count();
                text_cuts(n_filled, &values.iter().collect::<Vec<_>>())
            }
            ColumnView::Tags { .. } | ColumnView::Bool(_) => vec![Cut::Values],
            ColumnView::Number(values) => {
                number_cuts(values.iter().copied().filter(|value| !value.is_nan()).collect())
            }
            ColumnView::Date(days) => {
                number_cuts(days.iter().filter(|&&day| day != NULL_DATE).map(|&day| f64::from(day)).collect())
            }
        };
        // What is rare counts with what is broader: a postcode with its department, else with all that is rare.
        let broader = cuts.contains(&Cut::Area);
        let is_text = matches!(column, ColumnView::Category { .. });
        found.extend(cuts.into_iter().filter_map(|cut| {
            let folds = folds && is_text && (cut == Cut::Area || !broader && cut != Cut::Words);
            Grouping::learn(name, cut, column, min_support, folds)
        }));
    }
    found.truncate(max);
    found
}

/// How a text column is cut: values that repeat, else domains, areas or words.
fn text_cuts(n_filled: usize, values: &[&str]) -> Vec<Cut> {
    let share = |test: &dyn Fn(&str) -> bool| {
        values.iter().filter(|value| test(value)).count() as f64 / values.len().max(1) as f64
    };
    if share(&|value| value.contains('@')) > 0.8 {
        return vec![Cut::Domain];
    }
    let mut cuts = Vec::new();
    let repeats = values.len() * 2 <= n_filled;
    if repeats {
        cuts.push(Cut::Values);
    }
    if values.len() > 100
        && share(&|value| value.len() == 5 && value.bytes().all(|b| b.is_ascii_digit())) > 0.8
    {
        cuts.push(Cut::Area);
    } else if !repeats && share(&|value| value.contains(' ')) > 0.5 {
        cuts.push(Cut::Words);
    }
    cuts
}

fn number_cuts(mut values: Vec<f64>) -> Vec<Cut> {
    values.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> =
        (1..N_BANDS).filter_map(|band| values.get(band * values.len() / N_BANDS).copied()).collect();
    edges.dedup();
    if edges.is_empty() { vec![] } else { vec![Cut::Bands(edges)] }
}

#[cfg(test)]
#[path = "feature_attribute_tests.rs"]
mod tests;
