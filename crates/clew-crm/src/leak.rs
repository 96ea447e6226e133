//! Leak alarm: finds what knows the answer beforehand, so that it is named and left out of learning.
//!
//! A customers' file is written once, at its export, yet past cutoffs learn from it as though it had been known then. A
//! column that was filled after the fact ("ordered in October") is therefore a copy of the answer in one window and says
//! little in the others; and a kind of event may be written before what it tells of. Both are looked for the same way:
//! by how much of the outcome they explain on their own, on customers they were not fitted to (see `leak_strength`).
//!
//! Refused is what explains nearly all of an outcome, or far more of it in one window than in the others. A strong and
//! honest attribute does neither: it leaves chance its part, and it is as strong in June as in May. A season makes a
//! column stronger by a little, never by the fivefold of what an attribute usually explains.
use std::collections::BTreeMap;

use clew_learn::Run;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::event::EventKind;
use crate::feature_attribute::{Attribute, Cut};
use crate::feature_state::{DAY, Lines};
use crate::history::History;
use crate::leak_bins::bins;
use crate::leak_strength::{Strength, Window, windows};
use crate::train_customers::TrainCustomers;
use crate::train_params::TrainParams;
use crate::train_report::day;
use crate::train_setting;

/// Share of an outcome's deviance that nothing honest explains by itself: of columns, of kinds of events.
const COPY: (f64, f64) = (0.8, 0.6);
/// Share explained in one window from which it is compared with the other windows: of columns, of kinds of events, whose
/// recording may have begun in between.
const STRONG: (f64, f64) = (0.15, 0.5);
/// How many times as much is explained there as in the other windows, and how much more at the least.
const OUTSTANDING: (f64, f64) = (2.5, 0.12);
/// Log-likelihood (nats) gained on customers not fitted to, and gained over the other windows: far beyond chance.
const SURE: (f64, f64) = (20.0, 12.0);

/// What a leak is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakPlace {
    /// A column of the customers' file.
    CustomerColumn,
    /// A kind of event.
    EventKind,
}

/// Something that was left out of learning because it knows the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// What it is in.
    pub place: LeakPlace,
    /// The column's or the kind's name.
    pub name: String,
    /// The offer whose buyers it tells: `category = COFFEE`.
    pub offer: String,
    /// First day of the window whose buyers it tells.
    pub from: String,
    /// The day after the window's last.
    pub to: String,
    /// Share of that outcome (of its deviance, McFadden's R², on customers it was not fitted to) that it explains alone; 1 is a copy.
    pub explained: f64,
    /// The same in the other windows, their median; none where there is no other.
    pub elsewhere: Option<f64>,
}

impl Leak {
    /// The warning of it: what was left out, why, and the remedy.
    pub fn sentence(&self) -> String {
        let (what, remedy) = match self.place {
            LeakPlace::CustomerColumn => (
                "the customers' column",
                "remove it from the file, or fill it with what was known beforehand",
            ),
            LeakPlace::EventKind => {
                ("the kind of event", "map its time to when it happened, or leave it out")
            }
        };
        let elsewhere = self.elsewhere.map_or(String::new(), |share| {
            format!(", where it explains {:.0} % at other times", 100.0 * share.max(0.0))
        });
        format!(
            "{what} '{}' was left out: on its own it explains {:.0} % of who bought from '{}' between {} and {}{elsewhere}, \
             which only knowledge of the answer does; {remedy}",
            self.name,
            100.0 * self.explained,
            self.offer,
            self.from,
            self.to
        )
    }
}

/// What a training is told to leave out, or to take although it looks like a copy of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Columns of the customers' file not to learn from.
    #[serde(default)]
    pub customer_columns: Vec<String>,
    /// Columns of the products' file not to learn from.
    #[serde(default)]
    pub product_columns: Vec<String>,
    /// Kinds of events not to learn from.
    #[serde(default)]
    pub event_kinds: Vec<String>,
    /// Columns and kinds of events that are known to be honest: never refused.
    #[serde(default)]
    pub trusted: Vec<String>,
}

impl LeftOut {
    /// The same with these leaks.
    #[must_use]
    pub fn with(mut self, leaks: &[Leak]) -> LeftOut {
        for leak in leaks {
            let names = match leak.place {
                LeakPlace::CustomerColumn => &mut self.customer_columns,
                LeakPlace::EventKind => &mut self.event_kinds,
            };
            if !names.contains(&leak.name) {
                names.push(leak.name.clone());
            }
        }
        self
    }

    /// The history without the kinds of events that are left out.
    pub(crate) fn hide<'a>(&self, history: &History<'a>) -> History<'a> {
        let kinds = history
            .kinds()
            .filter(|&kind| self.event_kinds.iter().any(|name| name == history.kind_name(kind)));
        history.without_kinds(kinds)
    }
}

/// The lines that leaks are looked for in: of a large tenant those of the customers that it is judged on, who are as good as any.
pub(crate) fn lines_of(chosen: &TrainCustomers, history: &History<'_>) -> Lines {
    Lines::read(history, chosen.of(0).to_vec(), history.n_products(), None)
}

/// Looks for leaks in everything before `history.as_of()`, for a training that has these settings. A tenant with too little to learn from
/// has none.
pub(crate) fn inspect(run: &Run<'_>, history: &History<'_>, params: &TrainParams) -> Result<Vec<Leak>> {
    let chosen = TrainCustomers::draw(run, history, params);
    let lines = lines_of(&chosen, history);
    let (groupings, _) = train_setting::learn_attributes(history, &params.left_out, params.support());
    let attributes: Vec<Attribute> =
        groupings.iter().map(|grouping| grouping.apply(&history.products())).collect();
    inspect_lines(run, history, &lines, &attributes, params)
}

/// The same where the lines and the products' attributes are at hand.
pub(crate) fn inspect_lines(
    run: &Run<'_>,
    history: &History<'_>,
    lines: &Lines,
    attributes: &[Attribute],
    params: &TrainParams,
) -> Result<Vec<Leak>> {
    run.check()?;
    let whole: Vec<&Attribute> = attributes.iter().filter(|a| a.grouping.cut != Cut::Words).collect();
    let windows = windows(lines, &whole, params.horizon_days, params.n_cutoffs);
    let told = |name: &str, list: &[String]| list.iter().any(|known| known == name);
    let table = history.customers();
    let columns: Vec<_> = table
        .columns()
        .filter(|(name, _)| {
            !told(name, &params.left_out.customer_columns) && !told(name, &params.left_out.trusted)
        })
        .collect();
    let kinds: Vec<u8> = history
        .kinds()
        .filter(|&kind| {
            let name = history.kind_name(kind);
            kind != EventKind::PURCHASE
                && !told(name, &params.left_out.event_kinds)
                && !told(name, &params.left_out.trusted)
        })
        .collect();
    let dated = |window: &Window| {
        let day_of = |age: u16| day(history.as_of() - i64::from(age) * DAY);
        (day_of(window.until), day_of(window.from))
    };
    run.pool.install(|| {
        let in_columns = columns.par_iter().map(|&(name, column)| {
            run.check()?;
            let mut series = BTreeMap::new();
            let mut found = None;
            for coded in bins(column, &lines.customers) {
                series.clear();
                for (at, window) in windows.iter().enumerate() {
                    window.strengths(&coded, |offer, strength| {
                        series.entry(offer).or_insert_with(Vec::new).push((at, strength));
                    });
                }
                found = worse(found, outstanding(&series, COPY.0, STRONG.0));
            }
            Ok(found.map(|alarm| (LeakPlace::CustomerColumn, name.to_owned(), alarm)))
        });
        let in_kinds = kinds.par_iter().map(|&kind| {
            run.check()?;
            let mut series = BTreeMap::new();
            for (at, window) in windows.iter().enumerate() {
                window.foretold(
                    history,
                    lines,
                    kind,
                    params.horizon_days,
                    &whole,
                    |offer, about, strength| {
                        series.entry((offer, about)).or_insert_with(Vec::new).push((at, strength));
                    },
                );
            }
            let alarm = outstanding(&series, COPY.1, STRONG.1).map(|alarm| Alarm {
                offer: alarm.offer.0,
                window: alarm.window,
                explained: alarm.explained,
                elsewhere: alarm.elsewhere,
            });
            Ok(alarm.map(|alarm| (LeakPlace::EventKind, history.kind_name(kind).to_owned(), alarm)))
        });
        let found: Vec<Option<_>> = in_columns.chain(in_kinds).collect::<Result<_>>()?;
        Ok(found
            .into_iter()
            .flatten()
            .map(|(place, name, alarm)| {
                let (from, to) = windows.get(alarm.window).map(&dated).unwrap_or_default();
                let offer = Window::offer_name(&whole, alarm.offer);
                Leak { place, name, offer, from, to, explained: alarm.explained, elsewhere: alarm.elsewhere }
            })
            .collect())
    })
}

/// The offer and the window in which something explains out of all proportion.
struct Alarm<K> {
    offer: K,
    window: usize,
    explained: f64,
    elsewhere: Option<f64>,
}

fn worse<K>(a: Option<Alarm<K>>, b: Option<Alarm<K>>) -> Option<Alarm<K>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.explained > a.explained { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// The strongest alarm over all offers and windows.
fn outstanding<K: Copy + Ord>(
    series: &BTreeMap<K, Vec<(usize, Strength)>>,
    copy: f64,
    strong: f64,
) -> Option<Alarm<K>> {
    let mut found = None;
    for (&offer, strengths) in series {
        for &(window, strength) in strengths {
            let mut others: Vec<f64> =
                strengths.iter().filter(|(at, _)| *at != window).map(|(_, s)| s.explained()).collect();
            others.sort_by(f64::total_cmp);
            let elsewhere = others.get(others.len() / 2).copied();
            let explained = strength.explained();
            let is_copy = explained >= copy;
            let stands_out = elsewhere.is_some_and(|elsewhere| {
                explained >= strong
                    && explained >= OUTSTANDING.0 * elsewhere
                    && explained - elsewhere >= OUTSTANDING.1
                    && (explained - elsewhere.max(0.0)) * strength.deviance >= SURE.1
            });
            if strength.gain >= SURE.0 && (is_copy || stands_out) {
                found = worse(found, Some(Alarm { offer, window, explained, elsewhere }));
            }
        }
    }
    found
}
