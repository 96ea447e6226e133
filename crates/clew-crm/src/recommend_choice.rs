//! The choice of what recommends: several ways are learned from one part of the events and judged by the other,
//! and the weights of their blend are what orders that other part best.
use std::sync::Arc;

use clew_learn::als::ImplicitAls;
use clew_learn::blend::{Blend, BlendSearch, Member};
use clew_learn::ease::Ease;
use clew_learn::graph_filter::GraphFilter;
use clew_learn::recommender::{Recommender, judge};
use clew_learn::sparse::Csr;
use clew_learn::{Part, Run};

use crate::error::{Error, Result};
use crate::recommend_split::Split;
use crate::report::{RecommendReport, RecommenderFigures};

/// Best products that are judged.
const K: usize = 20;
/// Strengths kept of what goes together, over all products (8 bytes each), and how many a product has by that.
const N_STRENGTHS: usize = 25_000_000;
const FEWEST_NEIGHBOURS: usize = 100;
const MOST_NEIGHBOURS: usize = 600;
/// Filters tried, at most.
const MOST_FILTERS: usize = 14;
/// Products up to which a ridge regression takes part: its coefficients are products × products.
const MOST_RIDGE_PRODUCTS: usize = 4_000;
/// Values (customer × product) up to which factors are so many; beyond the last 64.
const N_FACTORS: [(usize, usize); 3] = [(1_000_000, 512), (2_000_000, 256), (6_000_000, 128)];

/// A way to recommend, before it is fitted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Way {
    Filter(GraphFilter),
    Factors(ImplicitAls),
    Ridge(Ease),
}

/// Ways and what each counts.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    ways: Vec<(Way, f32)>,
    pub(crate) report: RecommendReport,
}

impl Choice {
    /// What is used where too little can be kept aside to choose on.
    pub(crate) fn unjudged(all: &Csr) -> Choice {
        Choice { ways: vec![(Way::Filter(mild(all.n_cols())), 1.0)], report: RecommendReport::default() }
    }

    /// Tries each way on the split and blends what helps; `n_values` is how much there will be to learn from in the end.
    pub(crate) fn make(run: &Run<'_>, split: &Split, n_values: usize) -> Result<Choice> {
        let stage = |from, to| Part::new(run.progress, from, to);
        let (filter, n_filters) = climb(&run.with_progress(&stage(0.0, 0.4)), split)?;
        let factors = Way::Factors(ImplicitAls {
            n_factors: N_FACTORS
                .iter()
                .find(|(most, _)| n_values <= *most)
                .map_or(64, |(_, factors)| *factors),
            regularisation: 0.004,
            n_sweeps: 6,
            ..ImplicitAls::default()
        });
        let n_neighbours = filter.n_neighbours;
        let paper = GraphFilter { n_factors: 128, n_rounds: 2, n_neighbours, ..GraphFilter::default() };
        let mut ways = vec![Way::Filter(filter), factors, Way::Filter(paper)];
        if split.training.n_cols() <= MOST_RIDGE_PRODUCTS {
            ways.push(Way::Ridge(Ease::default()));
        }
        let mut fitted = Vec::with_capacity(ways.len());
        for (place, way) in ways.iter().enumerate() {
            let share = |place: usize| 0.4 + 0.5 * place as f64 / ways.len() as f64;
            fitted.push(
                way.prepared(&run.with_progress(&stage(share(place), share(place + 1))), &split.training)?,
            );
        }
        let members: Vec<&dyn Recommender> = fitted.iter().map(|member| member as &dyn Recommender).collect();
        let search = BlendSearch { k: K, ..BlendSearch::default() };
        let found = search.choose(run, &members, &split.rows, &split.wanted)?;
        let figures =
            |name: String, weight: f32, judged: clew_learn::recommender::Judged| RecommenderFigures {
                name,
                weight: f64::from(weight),
                recall_20: judged.recall,
                ndcg_20: judged.ndcg,
            };
        let mut recommenders: Vec<RecommenderFigures> = ways
            .iter()
            .zip(&found.weights)
            .zip(&found.alone)
            .map(|((way, &weight), &alone)| figures(way.name(), weight, alone))
            .collect();
        recommenders.insert(0, figures("blend".to_owned(), 1.0, found.together));
        let report = RecommendReport {
            kept_aside: split.kept_aside.clone(),
            n_customers: found.together.n_rows,
            n_filters,
            recommenders,
        };
        let ways = ways.into_iter().zip(found.weights).filter(|(_, weight)| *weight > 0.0).collect();
        Ok(Choice { ways, report })
    }

    /// Fits what was chosen to everything.
    pub(crate) fn fit(&self, run: &Run<'_>, all: &Csr) -> Result<Blend> {
        let mut members = Vec::with_capacity(self.ways.len());
        for (place, (way, weight)) in self.ways.iter().enumerate() {
            let share = |place: usize| place as f64 / self.ways.len() as f64;
            let part = Part::new(run.progress, share(place), share(place + 1));
            members.push((way.fit(&run.with_progress(&part), all)?, *weight));
        }
        Ok(Blend::new(members)?)
    }
}

impl Way {
    fn fit(&self, run: &Run<'_>, matrix: &Csr) -> Result<Member> {
        Ok(match self {
            Way::Filter(filter) => Member::GraphFilter(filter.fit(run, matrix)?),
            Way::Factors(als) => Member::Factors(als.fit(run, matrix, None)?),
            Way::Ridge(ease) => Member::Ease(ease.fit(run, matrix, &vec![1.0; matrix.n_rows()])?),
        })
    }

    fn prepared(&self, run: &Run<'_>, matrix: &Csr) -> Result<clew_learn::blend::PreparedBlend> {
        Ok(Arc::new(Blend::new(vec![(self.fit(run, matrix)?, 1.0)])?).prepare(run)?)
    }

    /// In words, with what sets it apart.
    fn name(&self) -> String {
        match self {
            Way::Filter(filter) if filter.n_factors == 0 => format!(
                "neighbours, exponents {:.2} of customers, {:.2} of products, {:.2} of popularity",
                filter.row_exponent, filter.column_exponent, filter.popularity_exponent
            ),
            Way::Filter(filter) => format!("graph filter, {} vectors", filter.n_factors),
            Way::Factors(als) => format!("factorisation, {} factors", als.n_factors),
            Way::Ridge(_) => "ridge regression".to_owned(),
        }
    }
}

/// Neighbours with the discounts that usually order well.
fn mild(n_products: usize) -> GraphFilter {
    GraphFilter {
        n_factors: 0,
        n_neighbours: (N_STRENGTHS / n_products.max(1)).clamp(FEWEST_NEIGHBOURS, MOST_NEIGHBOURS),
        row_exponent: 0.3,
        column_exponent: 0.45,
        popularity_exponent: 0.1,
        ..GraphFilter::default()
    }
}

/// The neighbours' exponents, by steps along each as long as the NDCG rises; how many were tried.
fn climb(run: &Run<'_>, split: &Split) -> Result<(GraphFilter, usize)> {
    let mut best = mild(split.training.n_cols());
    let judged = |filter: &GraphFilter| -> Result<f64> {
        let fitted = filter.fit(run, &split.training).map_err(Error::from)?;
        Ok(judge(run, &fitted, &split.rows, &split.wanted, K, true)?.ndcg)
    };
    let mut tried = vec![best.clone()];
    let mut highest = judged(&best)?;
    let steps: [fn(&mut GraphFilter, f32); 3] = [
        |filter, by| {
            filter.popularity_exponent = rounded(filter.popularity_exponent + 0.1 * by).clamp(-1.0, 1.0)
        },
        |filter, by| filter.row_exponent = rounded(filter.row_exponent + 0.1 * by).clamp(0.0, 1.0),
        |filter, by| filter.column_exponent = rounded(filter.column_exponent + 0.05 * by).clamp(0.0, 1.0),
    ];
    loop {
        let before = highest;
        for step in steps {
            for by in [1.0, -1.0] {
                loop {
                    let mut next = best.clone();
                    step(&mut next, by);
                    if tried.len() >= MOST_FILTERS || tried.contains(&next) {
                        break;
                    }
                    run.report("choosing what recommends", tried.len() as f64 / MOST_FILTERS as f64);
                    let ndcg = judged(&next)?;
                    tried.push(next.clone());
                    if ndcg <= highest {
                        break;
                    }
                    (best, highest) = (next, ndcg);
                }
            }
        }
        if highest <= before || tried.len() >= MOST_FILTERS {
            return Ok((best, tried.len()));
        }
    }
}

/// To hundredths, so that steps there and back meet.
fn rounded(exponent: f32) -> f32 {
    (exponent * 100.0).round() / 100.0
}
