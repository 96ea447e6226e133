//! Recommendations: products for a customer, best first, with reasons in plain words.
//!
//! Products are ordered by the blend that was chosen in training, or else by factors; exactly over the whole catalogue. Unless what was seen is left out, what a customer buys again and
//! again is lifted by how often and how lately. Rules and filter apply before ranking.
use clew_learn::Run;
use clew_learn::sparse::Csr;
use clew_learn::top_k::top_k;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::expression::Predicate;
use crate::feature_state::decay;
use crate::rule::{CompiledRule, Refusals};
use crate::scorer::Scorer;

/// Days after which a repeat counts half.
const REPEAT_HALF_LIFE: f32 = 56.0;
/// How much a product bought again and again is lifted over a new one of the same affinity.
const REPEAT_LIFT: f32 = 1.0;
/// Customers scored at a time when recommending to all.
const BLOCK: usize = 4096;

/// One product for one customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// 1 for the best.
    pub rank: usize,
    /// Index of the product in `Records::products`.
    #[serde(skip)]
    pub product: u32,
    /// The product's own id.
    pub product_id: String,
    /// Orders products for this customer; comparable between products only.
    pub score: f64,
    /// In plain words, the strongest first; empty unless asked for.
    pub reasons: Vec<String>,
}

/// What recommendations are asked for.
#[derive(Clone, Copy, Debug)]
pub struct RecommendRequest<'a> {
    /// Products a customer, at most.
    pub limit: usize,
    /// Only these products.
    pub filter: Option<&'a Predicate>,
    /// Rules in force: those over products narrow the catalogue; a customer whom one refuses gets nothing.
    pub rules: &'a [CompiledRule],
    /// Leaves out what the customer bought or saw before.
    pub exclude_seen: bool,
    /// With reasons.
    pub explain: bool,
}

impl Default for RecommendRequest<'_> {
    fn default() -> Self {
        RecommendRequest { limit: 10, filter: None, rules: &[], exclude_seen: false, explain: false }
    }
}

/// A request prepared for many customers: which products may be recommended, and who may get any.
struct Prepared {
    /// Codes of the allowed products, rising.
    products: Vec<u32>,
    /// Their vectors.
    vectors: Array2<f32>,
    /// Place of each product among the allowed, or `u32::MAX`.
    place: Vec<u32>,
    refusals: Refusals,
}

impl Scorer {
    /// Products for one customer. A customer without history before the date gets what their attributes and the popular products
    /// suggest. Errors on an unknown customer.
    pub fn recommend(
        &self,
        run: &Run<'_>,
        customer: u32,
        request: &RecommendRequest<'_>,
    ) -> Result<Vec<Recommendation>> {
        Ok(self.recommend_some(run, &[customer], request)?.pop().unwrap_or_default())
    }

    /// Products for each of these customers, in their order. The catalogue is prepared once for all of them. Errors on an unknown
    /// customer.
    pub fn recommend_some(
        &self,
        run: &Run<'_>,
        customers: &[u32],
        request: &RecommendRequest<'_>,
    ) -> Result<Vec<Vec<Recommendation>>> {
        if customers.iter().any(|&customer| customer as usize >= self.history().n_customers()) {
            return Err(Error::Nothing {
                what: "a customer".to_owned(),
                remedy: "use the ids of known customers".to_owned(),
            });
        }
        let prepared = self.prepare(request)?;
        let mut found = Vec::with_capacity(customers.len());
        for some in customers.chunks(BLOCK) {
            self.recommend_block(run, some, request, &prepared, &mut |_, products| found.push(products))?;
        }
        Ok(found)
    }

    /// Products for all customers with an event before the date, in order of their codes: `sink(customer, products)`.
    pub fn recommend_all(
        &self,
        run: &Run<'_>,
        request: &RecommendRequest<'_>,
        mut sink: impl FnMut(u32, Vec<Recommendation>) -> Result<()>,
    ) -> Result<()> {
        let prepared = self.prepare(request)?;
        let customers = self.customers();
        let mut outcome = Ok(());
        for (block, some) in customers.chunks(BLOCK).enumerate() {
            run.report("recommending", (block * BLOCK) as f64 / customers.len() as f64);
            self.recommend_block(run, some, request, &prepared, &mut |customer, products| {
                if outcome.is_ok() {
                    outcome = sink(customer, products);
                }
            })?;
            outcome.clone()?;
        }
        Ok(())
    }

    fn prepare(&self, request: &RecommendRequest<'_>) -> Result<Prepared> {
        let history = self.history();
        let refusals = Refusals::of(request.rules, &history)?;
        let wanted = request.filter.map(|filter| filter.evaluate(&history)).transpose()?;
        let n_products = self.state.popularity.len();
        let products: Vec<u32> = (0..n_products as u32)
            .filter(|&p| !refusals.products.get(p) && wanted.as_ref().is_none_or(|wanted| wanted.get(p)))
            .collect();
        let k = self.state.taste.products.ncols();
        let mut vectors = Array2::zeros((products.len(), k));
        let mut place = vec![u32::MAX; n_products];
        for (at, &product) in products.iter().enumerate() {
            vectors.row_mut(at).assign(&self.state.taste.products.row(product as usize));
            place[product as usize] = at as u32;
        }
        Ok(Prepared { products, vectors, place, refusals })
    }

    fn recommend_block(
        &self,
        run: &Run<'_>,
        customers: &[u32],
        request: &RecommendRequest<'_>,
        prepared: &Prepared,
        sink: &mut dyn FnMut(u32, Vec<Recommendation>),
    ) -> Result<()> {
        let k = prepared.vectors.ncols();
        let mut rows = Array2::zeros((customers.len(), k));
        let mut triplets = Vec::new();
        for (row, &customer) in customers.iter().enumerate() {
            match self.place(customer) {
                Some(place) => {
                    rows.row_mut(row).assign(&self.state.taste.customers.row(place));
                    if request.exclude_seen {
                        let seen =
                            self.state.purchases.lines_of(place).chain(self.state.interest.lines_of(place));
                        triplets.extend(
                            seen.map(|line| prepared.place[line.product as usize])
                                .filter(|&at| at != u32::MAX)
                                .map(|at| (row as u32, at, 1.0)),
                        );
                    }
                }
                None => {
                    let explained = self
                        .model
                        .taste
                        .customer_descriptors
                        .explain(&self.customer_attributes, customer as usize);
                    rows.row_mut(row).iter_mut().zip(explained).for_each(|(r, v)| *r = v);
                }
            }
        }
        let exclude = Csr::from_triplets(customers.len(), prepared.products.len(), &triplets)?;
        let exclude = request.exclude_seen.then_some(&exclude);
        let best = match &self.blend {
            Some(blend) => self.best_by_blend(
                run,
                blend,
                customers,
                &prepared.place,
                &prepared.products,
                request.limit,
                exclude,
            )?,
            None => top_k(run, rows.view(), prepared.vectors.view(), request.limit, exclude)?,
        };
        for ((row, &customer), best) in customers.iter().enumerate().zip(best) {
            if prepared.refusals.customers.get(customer) {
                sink(customer, Vec::new());
                continue;
            }
            let mut scored: Vec<(u32, f32)> =
                best.into_iter().map(|(at, score)| (prepared.products[at as usize], score)).collect();
            if !request.exclude_seen
                && let Some(place) = self.place(customer)
            {
                self.lift_repeats(
                    place,
                    rows.row(row).as_slice().unwrap_or(&[]),
                    prepared,
                    &mut scored,
                    request.limit,
                );
            }
            let found = scored
                .into_iter()
                .enumerate()
                .map(|(at, (product, score))| Recommendation {
                    rank: at + 1,
                    product,
                    product_id: self.records.products().view().id(product).to_owned(),
                    score: f64::from(score),
                    reasons: if request.explain { self.reasons(customer, product) } else { Vec::new() },
                })
                .collect();
            sink(customer, found);
        }
        Ok(())
    }

    /// Adds what the customer buys repeatedly, lifted by how often and how lately, and ranks again.
    fn lift_repeats(
        &self,
        place: usize,
        vector: &[f32],
        prepared: &Prepared,
        scored: &mut Vec<(u32, f32)>,
        limit: usize,
    ) {
        let mut repeats: Vec<(u32, u16, f32)> = Vec::new();
        let mut lines: Vec<_> =
            self.state.purchases.lines_of(place).map(|line| (line.product, line.age)).collect();
        lines.sort_unstable();
        lines.dedup();
        for (product, age) in lines {
            let weight = decay(age, REPEAT_HALF_LIFE);
            match repeats.last_mut() {
                Some((last, n, sum)) if *last == product => {
                    *n += 1;
                    *sum += weight;
                }
                _ => repeats.push((product, 1, weight)),
            }
        }
        // The blend's scores are in spreads of a customer's own: there the best one is the measure of a lift.
        let unit = self.blend.is_some().then(|| scored.first().map_or(0.0, |best| best.1.max(0.0)));
        for (product, n, sum) in repeats {
            if n < 2 || prepared.place[product as usize] == u32::MAX {
                continue;
            }
            let lift = REPEAT_LIFT * sum / (sum + 1.0);
            let held = scored.iter_mut().find(|(known, _)| *known == product);
            let score = match unit {
                Some(unit) => held.as_ref().map_or(0.0, |held| held.1) + unit * lift,
                None => {
                    let of_product = self.state.taste.products.row(product as usize);
                    crate::feature_taste::dot(vector, of_product.as_slice().unwrap_or(&[])) + lift
                }
            };
            match held {
                Some((_, held)) => *held = score,
                None => scored.push((product, score)),
            }
        }
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scored.truncate(limit);
    }
}
