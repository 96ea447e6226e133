//! Several recommenders as one: a weighted sum of their scores, each brought to the same spread within a row,
//! with weights chosen on events that were kept aside.

use std::sync::Arc;

use crate::als::Factors;
use crate::ease::FittedEase;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::graph_filter::FittedGraphFilter;
use crate::recommender::{FoldedIn, Recommender};
use crate::run::Run;
use crate::sparse::Csr;

pub use search::{BlendSearch, Choice};

mod search;

/// One recommender of a blend.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// An implicit factorisation; only its columns' vectors are used and saved.
    Factors(Factors),
    /// A ridge regression.
    Ease(FittedEase),
    /// A graph filter.
    GraphFilter(FittedGraphFilter),
}

impl Member {
    fn n_columns(&self) -> usize {
        match self {
            Member::Factors(factors) => factors.columns.nrows(),
            Member::Ease(ease) => ease.n_columns(),
            Member::GraphFilter(filter) => filter.n_columns(),
        }
    }
}

/// Fitted recommenders over the same columns and what each counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Blend {
    members: Vec<(Member, f32)>,
}

impl Blend {
    /// From recommenders and their weights ≥ 0, in units of the spread of their scores. Those of weight 0 are left
    /// out. Errors where nothing is left and on different numbers of columns.
    pub fn new(members: Vec<(Member, f32)>) -> Result<Blend> {
        if let Some(place) = members.iter().position(|(_, weight)| !(weight.is_finite() && *weight >= 0.0)) {
            return Err(Error::input(
                format!("recommender {place} has the weight {}", members[place].1),
                "use finite weights of 0 or more",
            ));
        }
        let members: Vec<_> = members.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
        let Some(n_columns) = members.first().map(|(member, _)| member.n_columns()) else {
            return Err(Error::input("a blend of nothing", "give at least one recommender a weight above 0"));
        };
        match members.iter().position(|(member, _)| member.n_columns() != n_columns) {
            Some(place) => Err(Error::input(
                format!("recommender {place} has another number of columns than the first"),
                "learn them all from the same columns",
            )),
            None => Ok(Blend { members }),
        }
    }

    /// The recommenders and their weights.
    pub fn members(&self) -> &[(Member, f32)] {
        &self.members
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.members.first().map_or(0, |(member, _)| member.n_columns())
    }

    /// Readies the blend for scoring.
    pub fn prepare(self: &Arc<Self>, run: &Run<'_>) -> Result<PreparedBlend> {
        let solvers = self.members.iter().map(|(member, _)| match member {
            Member::Factors(factors) => FoldedIn::new(run, factors).map(Some),
            _ => Ok(None),
        });
        Ok(PreparedBlend { solvers: solvers.collect::<Result<_>>()?, blend: Arc::clone(self) })
    }

    /// Adds the blend to a model file, under names that start with `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let weights: Vec<f32> = self.members.iter().map(|(_, weight)| *weight).collect();
        writer.section(&format!("{name}.weights"), &weights)?;
        let kinds: Vec<&str> = self
            .members
            .iter()
            .map(|(member, _)| match member {
                Member::Factors(_) => "factors",
                Member::Ease(_) => "ease",
                Member::GraphFilter(_) => "graph filter",
            })
            .collect();
        writer.json(&format!("{name}.kinds"), &kinds)?;
        for (place, (member, _)) in self.members.iter().enumerate() {
            let name = format!("{name}.{place}");
            match member {
                Member::Factors(factors) => {
                    let rows = ndarray::Array2::zeros((0, factors.columns.ncols()));
                    Factors { rows, ..factors.clone() }.write(writer, &name)?;
                }
                Member::Ease(ease) => ease.write(writer, &name)?,
                Member::GraphFilter(filter) => filter.write(writer, &name)?,
            }
        }
        Ok(())
    }

    /// Reads back what [`Blend::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<Blend> {
        let wrong = || Error::format(format!("the blend '{name}' does not fit together"), "train again");
        let weights = file.view::<f32>(&format!("{name}.weights"))?;
        let kinds: Vec<String> = file.json(&format!("{name}.kinds"))?;
        if weights.len() != kinds.len() {
            return Err(wrong());
        }
        let mut members = Vec::with_capacity(kinds.len());
        for (place, (kind, &weight)) in kinds.iter().zip(weights).enumerate() {
            let name = format!("{name}.{place}");
            let member = match kind.as_str() {
                "factors" => Member::Factors(Factors::read(file, &name)?),
                "ease" => Member::Ease(FittedEase::read(file, &name)?),
                "graph filter" => Member::GraphFilter(FittedGraphFilter::read(file, &name)?),
                _ => return Err(wrong()),
            };
            members.push((member, weight));
        }
        Blend::new(members).map_err(|_| wrong())
    }
}

/// A blend that scores.
#[derive(Debug)]
pub struct PreparedBlend {
    blend: Arc<Blend>,
    solvers: Vec<Option<FoldedIn>>,
}

impl Recommender for PreparedBlend {
    fn n_columns(&self) -> usize {
        self.blend.n_columns()
    }

    fn scores(&self, run: &Run<'_>, rows: &Csr, from: usize, to: usize) -> Result<Vec<f32>> {
        let m = self.n_columns();
        let mut total: Vec<f32> = Vec::new();
        for ((member, weight), solver) in self.blend.members.iter().zip(&self.solvers) {
            let mut scores = match (member, solver) {
                (_, Some(folded)) => folded.scores(run, rows, from, to)?,
                (Member::Ease(ease), _) => ease.scores(run, rows, from, to)?,
                (Member::GraphFilter(filter), _) => filter.scores(run, rows, from, to)?,
                (Member::Factors(_), None) => continue,
            };
            for (scores, row) in scores.chunks_exact_mut(m).zip(from..to) {
                let scale = weight * one_over_spread(scores, rows.row(row).0);
                scores.iter_mut().for_each(|score| *score *= scale);
            }
            if total.is_empty() {
                total = scores;
            } else {
                total.iter_mut().zip(&scores).for_each(|(sum, &score)| *sum += score);
            }
        }
        Ok(total)
    }
}

/// 1 / standard deviation of a row's scores, the columns that it holds left out: those are large by construction.
/// 0 where all are the same.
fn one_over_spread(scores: &[f32], held: &[u32]) -> f32 {
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    let mut add = |score: f32, sign: f64| {
        let score = f64::from(score);
        sum += sign * score;
        squares += sign * score * score;
    };
    scores.iter().for_each(|&score| add(score, 1.0));
    held.iter().for_each(|&column| add(scores[column as usize], -1.0));
    let n = (scores.len() - held.len()) as f64;
    let variance = squares / n - (sum / n) * (sum / n);
    if n > 0.0 && variance > 1e-20 { (1.0 / variance.sqrt()) as f32 } else { 0.0 }
}
