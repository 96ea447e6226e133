//! Scorer: a model brought to a date: the state of every customer, ready to answer for any offer.
use std::sync::Arc;

use clew_learn::Run;
use clew_learn::blend::PreparedBlend;
use hashbrown::HashMap;

use crate::error::{Error, Result};
use crate::fact_columns::FactColumns;
use crate::feature_attribute::Attribute;
use crate::feature_offer::OfferState;
use crate::feature_state::{Lines, State};
use crate::history::History;
use crate::ids::NONE;
use crate::leak::LeftOut;
use crate::model::Model;
use crate::product_set::ProductSet;
use crate::records::Records;
use crate::table::TableView;
use crate::train_launch::groupings;
use crate::train_offers::{PracticeOffer, practice_offers};

/// A model brought to a date. Making one costs a pass over the history; it then answers for any offer.
pub struct Scorer {
    pub(crate) model: Arc<Model>,
    pub(crate) records: Arc<Records>,
    pub(crate) as_of: i64,
    pub(crate) product_attributes: Vec<Attribute>,
    pub(crate) customer_attributes: Vec<Attribute>,
    pub(crate) state: State,
    /// What recommends, where the model holds it.
    pub(crate) blend: Option<PreparedBlend>,
    /// Place of each product in the model's order, or [`NONE`].
    pub(crate) to_model: Vec<u32>,
    /// Place of each customer in the state, or [`NONE`].
    places: Vec<u32>,
    facts: FactColumns,
}

impl std::fmt::Debug for Scorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scorer")
            .field("as_of", &self.as_of)
            .field("n_customers", &self.state.customers.len())
            .finish_non_exhaustive()
    }
}

impl Scorer {
    /// Brings a model to a date (Unix seconds): nothing at or after it is read. Errors when no customer has an event before it.
    pub fn new(run: &Run<'_>, model: Arc<Model>, records: Arc<Records>, as_of: i64) -> Result<Scorer> {
        let hidden = LeftOut { event_kinds: model.hidden_kinds.clone(), ..LeftOut::default() };
        let history = hidden.hide(&records.history(as_of));
        let customers = history.active_customers();
        if customers.is_empty() {
            return Err(Error::NotEnoughData {
                have: 0,
                need: 1,
                what: "customers with an event before the date".to_owned(),
            });
        }
        let products = history.products();
        let place = places_of(&model.product_ids, &products);
        let product_attributes: Vec<Attribute> =
            model.product_groupings.iter().map(|grouping| grouping.apply(&products)).collect();
        let customer_attributes: Vec<Attribute> =
            model.customer_groupings.iter().map(|grouping| grouping.apply(&history.customers())).collect();
        let lines = Lines::read(&history, customers, products.len(), None);
        let taste = model.taste.clone().reordered(&place).apply(
            run,
            &lines,
            &product_attributes,
            &customer_attributes,
        )?;
        let state = State::new(run, lines, model.horizon_days, &product_attributes, taste)?;
        let to_model = place.iter().map(|place| place.map_or(NONE, |place| place as u32)).collect();
        let mut places = vec![NONE; history.n_customers()];
        for (place, &customer) in state.customers.iter().enumerate() {
            places[customer as usize] = place as u32;
        }
        let blend = model.blend.as_ref().map(|blend| blend.prepare(run)).transpose()?;
        Ok(Scorer {
            model,
            blend,
            records,
            as_of,
            product_attributes,
            customer_attributes,
            state,
            to_model,
            places,
            facts: FactColumns::default(),
        })
    }

    /// Codes of the customers with an event before the date, rising.
    pub fn customers(&self) -> &[u32] {
        &self.state.customers
    }

    /// The date, Unix seconds.
    pub fn as_of(&self) -> i64 {
        self.as_of
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The records.
    pub fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// The records as known at the date.
    pub fn history(&self) -> History<'_> {
        self.records.history(self.as_of).with_facts(&self.facts)
    }

    /// Practice offers by what had sold at the date.
    pub(crate) fn practice_offers(&self, run: &Run<'_>, n: usize) -> Vec<PracticeOffer> {
        let groups = groupings(&self.product_attributes);
        practice_offers(run, &self.history().products(), &groups, &self.state.popularity, n)
    }

    /// Place of a customer among [`Scorer::customers`]; none for one without an event before the date.
    pub(crate) fn place(&self, customer: u32) -> Option<usize> {
        self.places.get(customer as usize).filter(|&&place| place != NONE).map(|&place| place as usize)
    }

    /// Whether each customer bought from an offer between the date and `until`, aligned with [`Scorer::customers`]: what judges it.
    pub(crate) fn bought(&self, products: &ProductSet, until: i64) -> Vec<bool> {
        let mut bought = vec![false; self.customers().len()];
        for customer in self.records.bought(products, self.as_of, until) {
            if let Some(place) = self.place(customer) {
                bought[place] = true;
            }
        }
        bought
    }

    /// The probability that each customer buys from the offer within the horizon, aligned with [`Scorer::customers`]. Errors on an
    /// offer without products and on a model that is a factorisation only.
    pub fn propensities(&self, run: &Run<'_>, products: &ProductSet) -> Result<Vec<f32>> {
        let offer = self.offer(run, products)?;
        self.score(run, &offer)
    }

    /// What is known of an offer as of the date.
    pub(crate) fn offer(&self, run: &Run<'_>, products: &ProductSet) -> Result<OfferState<'_>> {
        run.check()?;
        if products.is_empty() {
            return Err(Error::Nothing {
                what: "the offer".to_owned(),
                remedy: "widen its expression or its list of products".to_owned(),
            });
        }
        // Products that the history does not know yet cannot be among the features' columns.
        let n_products = self.state.popularity.len();
        if products.products().last().is_some_and(|&last| last as usize >= n_products) {
            let known = ProductSet::new(
                n_products,
                products.products().iter().copied().filter(|&p| (p as usize) < n_products),
            );
            return self.offer(run, &known);
        }
        Ok(run.pool.install(|| OfferState::new(&self.state, &self.product_attributes, products)))
    }

    /// Propensities of all customers for an offer.
    pub(crate) fn score(&self, run: &Run<'_>, offer: &OfferState<'_>) -> Result<Vec<f32>> {
        let heads = self.model.heads.as_ref().ok_or_else(|| {
            Error::input("the model is a factorisation only", "train a model with propensities")
        })?;
        heads.propensities(run, offer)
    }

    /// What each customer is expected to spend on the offer within the horizon if they buy: their own habit, shrunk towards everybody's.
    pub(crate) fn baskets(&self, offer: &OfferState<'_>, products: &ProductSet) -> Vec<f32> {
        let usual = offer.usual_spending().unwrap_or_else(|| self.usual_price(products));
        offer.spending(usual)
    }

    /// Mean price of an offer that never sold: of its products' column `price`, else a usual line of the tenant.
    fn usual_price(&self, products: &ProductSet) -> f32 {
        if let Some(crate::column::ColumnView::Number(prices)) = self.history().products().column("price") {
            let known: Vec<f64> = products
                .products()
                .iter()
                .filter_map(|&p| prices.get(p as usize).copied().filter(|price| price.is_finite()))
                .collect();
            if !known.is_empty() {
                return (known.iter().sum::<f64>() / known.len() as f64) as f32;
            }
        }
        let (mut sum, mut n) = (0.0_f64, 0_u64);
        for place in 0..self.state.customers.len() {
            for line in self.state.purchases.lines_of(place).rev().take(20) {
                sum += f64::from(line.value);
                n += 1;
            }
        }
        (sum / n.max(1) as f64) as f32
    }
}

/// Where each product of the catalogue stands in the model's order; none for one that the model did not know.
pub(crate) fn places_of(model_ids: &[String], products: &TableView<'_>) -> Vec<Option<usize>> {
    let mut known: HashMap<&str, usize, ahash::RandomState> =
        HashMap::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
    known.extend(model_ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)));
    (0..products.len() as u32).map(|product| known.get(products.id(product)).copied()).collect()
}
