//! Affinity: how near an offer lies to a customer's taste, by the factors of both factorisations.
use clew_learn::columns::{self, BLOCK, Column};
use ndarray::Array2;

use crate::feature_inside::{Seen, log_count};
use crate::feature_state::{State, decay};
use crate::feature_taste::{Taste, dot, dots};
use crate::product_set::ProductSet;

/// Products of an offer whose scores give the best and the spread.
const N_TOP: usize = 20;
/// Products near an offer, outside of it, whose purchases count.
const N_NEAR: usize = 60;

/// What affinities to one offer are computed from.
pub(crate) struct Affinity {
    /// Vectors against the customers' factors, one after the other: the offer's mean, that of all products, the look-alikes', and
    /// those of the offer's most popular products.
    by_product: Vec<f32>,
    n_top: usize,
    /// The same of the factors by group: the offer's mean, that of all products, the look-alikes'.
    by_group: Vec<f32>,
    /// The offer's mean, against what attributes say of the customers.
    described: Vec<f32>,
    /// Added to everybody's likeness.
    likeness: f32,
    /// Aligned with the state's customers.
    near: Vec<f32>,
}

impl Affinity {
    /// Names of the features.
    pub(crate) const NAMES: [&'static str; 9] = [
        "affinity to the offer",
        "affinity to the offer over that to any product",
        "affinity to the best products of the offer",
        "spread of the affinity",
        "affinity to the groups of the offer",
        "affinity to the groups of the offer over that to any",
        "likeness to buyers of the offer",
        "affinity by the customer's attributes",
        "recent purchases of the nearest products",
    ];

    /// Prepares the vectors; inside the pool of a run.
    pub(crate) fn new(state: &State, offer: &ProductSet, seen: &Seen) -> Affinity {
        let taste = &state.taste;
        let weight = |product: u32| state.popularity[product as usize] + 0.2;
        let mean_of = |rows: &Array2<f32>| {
            let mut mean = vec![0.0_f64; rows.ncols()];
            let mut sum = 0.0_f64;
            for &product in offer.products() {
                let w = f64::from(weight(product));
                sum += w;
                mean.iter_mut().zip(rows.row(product as usize)).for_each(|(m, &v)| *m += w * f64::from(v));
            }
            mean.into_iter().map(|m| (m / sum.max(1e-9)) as f32).collect::<Vec<f32>>()
        };
        let vector = mean_of(&taste.products);
        let (weights, likeness) = taste.look_alike.weights(
            seen.iter().filter(|(_, seen)| seen.days[2] > 0).map(|(place, seen)| {
                (
                    log_count(seen.days[2]),
                    [row(&taste.customers, place), row(&taste.customers_by_group, place)],
                )
            }),
        );
        let (first, second) = weights.split_at(vector.len().min(weights.len()));
        let top = most_popular(state, offer);
        let mut by_product = [&vector, &taste.mean_product, first].concat();
        top.iter().for_each(|&product| by_product.extend(taste.products.row(product as usize)));
        let by_group = [&mean_of(&taste.products_by_group), &taste.mean_by_group, second].concat();
        let near = near(state, offer, &vector);
        Affinity { by_product, n_top: top.len(), by_group, described: vector, likeness, near }
    }

    /// Fills the columns that [`Affinity::NAMES`] names.
    pub(crate) fn fill(&self, places: &[usize], taste: &Taste, out: &mut [Column]) {
        let [mean, over_any, best, spread, by_group, over_any_group, look_alike, described, near] = out
        else {
            return;
        };
        let scores = |factors: &Array2<f32>, vectors: &[f32], n: usize| {
            let mut rows = vec![[0.0; BLOCK]; factors.ncols()];
            columns::gather(places.iter().map(|&place| row(factors, place)), &mut rows);
            let mut scores = vec![[0.0; BLOCK]; n];
            columns::combine(&rows, vectors, &mut scores);
            scores
        };
        let over = |value: f32, general: f32| value / (general.abs() + 1e-3);
        let found = scores(&taste.customers, &self.by_product, 3 + self.n_top);
        let found_by_group = scores(&taste.customers_by_group, &self.by_group, 3);
        let [offer, general, likeness, top @ ..] = found.as_slice() else { return };
        let [group, general_by_group, likeness_by_group] = found_by_group.as_slice() else { return };
        (*mean, *by_group) = (*offer, *group);
        for lane in 0..BLOCK {
            over_any[lane] = over(offer[lane], general[lane]);
            over_any_group[lane] = over(group[lane], general_by_group[lane]);
            look_alike[lane] = likeness[lane] + likeness_by_group[lane] + self.likeness;
        }
        best_and_spread(top, best, spread);
        if let [only] = scores(&taste.described, &self.described, 1).as_slice() {
            *described = *only;
        }
        for (near, &place) in near.iter_mut().zip(places) {
            *near = self.near[place];
        }
        columns::ln_1p(near);
    }
}

fn row(factors: &Array2<f32>, place: usize) -> &[f32] {
    let width = factors.ncols();
    factors.as_slice().and_then(|all| all.get(place * width..(place + 1) * width)).unwrap_or(&[])
}

/// The offer's most popular products, the first of equals.
fn most_popular(state: &State, offer: &ProductSet) -> Vec<u32> {
    let mut products: Vec<u32> = offer.products().to_vec();
    let popular_first = |&a: &u32, &b: &u32| {
        state.popularity[b as usize].total_cmp(&state.popularity[a as usize]).then(a.cmp(&b))
    };
    if products.len() > N_TOP {
        products.select_nth_unstable_by(N_TOP - 1, popular_first);
        products.truncate(N_TOP);
    }
    products.sort_by(popular_first);
    products
}

/// Mean of the three best scores and standard deviation.
fn best_and_spread(scores: &[Column], best: &mut Column, spread: &mut Column) {
    let n = scores.len().max(1) as f32;
    let mut sum = [0.0_f32; BLOCK];
    let mut top = [[f32::NEG_INFINITY; BLOCK]; 3];
    for score in scores {
        for lane in 0..BLOCK {
            let mut score = score[lane];
            sum[lane] += score;
            for held in &mut top {
                let (high, low) = if score > held[lane] { (score, held[lane]) } else { (held[lane], score) };
                (held[lane], score) = (high, low);
            }
        }
    }
    let mut square = [0.0_f32; BLOCK];
    for score in scores {
        for lane in 0..BLOCK {
            let miss = score[lane] - sum[lane] / n;
            square[lane] += miss * miss;
        }
    }
    let few = scores.len().clamp(1, 3);
    for lane in 0..BLOCK {
        best[lane] = top.iter().take(few).map(|held| held[lane]).sum::<f32>() / few as f32;
        spread[lane] = (square[lane] / n).sqrt();
    }
}

/// Decayed purchases of the products that lie nearest to the offer without being part of it, each by its cosine.
fn near(state: &State, offer: &ProductSet, vector: &[f32]) -> Vec<f32> {
    let mut near = vec![0.0; state.customers.len()];
    let length = dot(vector, vector).sqrt().max(1e-9);
    let mut cosines: Vec<(f32, u32)> = dots(&state.taste.products, vector)
        .into_iter()
        .zip(0_u32..)
        .filter(|&(_, product)| state.popularity[product as usize] >= 1.0 && !offer.contains(product))
        .map(|(score, product)| (score / (length * state.taste.product_length[product as usize]), product))
        .collect();
    let n = N_NEAR.min(cosines.len());
    if n == 0 {
        return near;
    }
    let best_first = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    cosines.select_nth_unstable_by(n - 1, best_first);
    cosines.truncate(n);
    cosines.sort_by(best_first);
    let decays: Vec<f32> = (0..1024).map(|age| decay(age, 90.0)).collect();
    for (cosine, product) in cosines {
        if cosine > 0.0 {
            for (customer, line) in state.purchases.lines_of_product(product as usize) {
                near[customer as usize] += cosine * decays.get(usize::from(line.age)).copied().unwrap_or(0.0);
            }
        }
    }
    near
}
