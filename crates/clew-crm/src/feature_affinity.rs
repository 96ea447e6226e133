//! Affinity: how near an offer lies to a customer's taste, by the factors of both factorisations.
use crate::feature_offer::Inside;
use crate::feature_state::{State, decay};
use crate::feature_taste::{dot, dots};
use crate::product_set::ProductSet;

/// Products of an offer whose scores give the best and the spread.
const N_TOP: usize = 20;
/// Products near an offer, outside of it, whose purchases count.
const N_NEAR: usize = 60;

/// Affinities of all customers to one offer.
pub(crate) struct Affinity {
    mean: Vec<f32>,
    best: Vec<f32>,
    spread: Vec<f32>,
    by_group: Vec<f32>,
    look_alike: Vec<f32>,
    described: Vec<f32>,
    near: Vec<f32>,
    general: Vec<f32>,
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

    /// Scores all customers; inside the pool of a run.
    pub(crate) fn new(state: &State, offer: &ProductSet, inside: &[Inside]) -> Affinity {
        let taste = &state.taste;
        let weight = |product: u32| state.popularity[product as usize] + 0.2;
        let mean_of = |rows: &ndarray::Array2<f32>| {
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
        let group_vector = mean_of(&taste.products_by_group);
        let mean = dots(&taste.customers, &vector);
        let general = dots(&taste.customers, &taste.mean_product);
        let by_group = dots(&taste.customers_by_group, &group_vector);
        let general_by_group = dots(&taste.customers_by_group, &taste.mean_by_group);
        let described = dots(&taste.described, &vector);
        let look_alike = taste.look_alike.scores(
            inside
                .iter()
                .enumerate()
                .filter(|(_, seen)| seen.days[2] > 0)
                .map(|(c, seen)| (c, f32::from(seen.days[2]).ln_1p())),
        );
        let (best, spread) = best_and_spread(state, offer);
        let near = near(state, offer, &vector);
        let general = general.into_iter().zip(general_by_group).flat_map(|(a, b)| [a, b]).collect();
        Affinity { mean, best, spread, by_group, look_alike, described, near, general }
    }

    /// Writes the features that [`Affinity::NAMES`] names.
    pub(crate) fn write(&self, customer: usize, out: &mut [f32]) {
        let (general, general_by_group) = (self.general[customer * 2], self.general[customer * 2 + 1]);
        let values = [
            self.mean[customer],
            self.mean[customer] / (general.abs() + 1e-3),
            self.best[customer],
            self.spread[customer],
            self.by_group[customer],
            self.by_group[customer] / (general_by_group.abs() + 1e-3),
            self.look_alike[customer],
            self.described[customer],
            self.near[customer].ln_1p(),
        ];
        out[..values.len()].copy_from_slice(&values);
    }
}

/// Mean of the three best scores and standard deviation, over the offer's most popular products.
fn best_and_spread(state: &State, offer: &ProductSet) -> (Vec<f32>, Vec<f32>) {
    let mut products: Vec<u32> = offer.products().to_vec();
    products.sort_by(|&a, &b| {
        state.popularity[b as usize].total_cmp(&state.popularity[a as usize]).then(a.cmp(&b))
    });
    products.truncate(N_TOP);
    let vectors: Vec<Vec<f32>> =
        products.iter().map(|&p| state.taste.products.row(p as usize).to_vec()).collect();
    let mut scores = Vec::with_capacity(vectors.len());
    let n = vectors.len().max(1) as f32;
    state
        .taste
        .customers
        .rows()
        .into_iter()
        .map(|customer| {
            scores.clear();
            let customer = customer.to_slice().unwrap_or(&[]);
            scores.extend(vectors.iter().map(|vector| dot(customer, vector)));
            let mean = scores.iter().sum::<f32>() / n;
            let square = scores.iter().map(|s| (s - mean) * (s - mean)).sum::<f32>() / n;
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
            let best = scores.iter().take(3).sum::<f32>() / scores.len().clamp(1, 3) as f32;
            (best, square.sqrt())
        })
        .unzip()
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
    for (cosine, product) in cosines {
        if cosine > 0.0 {
            for (customer, line) in state.purchases.lines_of_product(product as usize) {
                near[customer as usize] += cosine * decay(line.age, 90.0);
            }
        }
    }
    near
}
