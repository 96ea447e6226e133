//! Setting: what all windows of one training have in common: the attributes, the customers learned from, and what they came to buy.
use clew_learn::Run;
use clew_learn::als::ImplicitAls;

use crate::checkpoint::{Checkpoint, Learned};
use crate::error::{Error, Result};
use crate::feature_attribute::{Attribute, Grouping, learn_groupings};
use crate::feature_state::{DAY, Lines, State};
use crate::feature_taste::{TasteModel, TasteParams};
use crate::history::History;
use crate::leak::{self, Leak, LeftOut};
use crate::model::Model;
use crate::product_set::ProductSet;
use crate::train_customers::TrainCustomers;
use crate::train_params::TrainParams;
use crate::train_report::day;

/// Least rows of a group of products.
const PRODUCT_SUPPORT: usize = 3;
/// Most attributes of products and of customers that are learned from.
const MAX_ATTRIBUTES: (usize, usize) = (8, 16);
/// Share of the active customers that an offer must have sold to for a launch to be practised on it.
const MIN_LAUNCHED: f64 = 0.003;
/// The answer of a customer who was not known yet.
pub(crate) const UNKNOWN: u8 = 2;
const STREAM: u64 = 0x5e77;

/// What all windows of a training have in common.
pub(crate) struct Setting<'a> {
    pub(crate) history: History<'a>,
    pub(crate) params: &'a TrainParams,
    pub(crate) product_attributes: Vec<Attribute>,
    pub(crate) customer_attributes: Vec<Attribute>,
    pub(crate) taste: TasteParams,
    /// Customers whose answers are learned from or judged on.
    pub(crate) chosen: TrainCustomers,
    /// Of a large tenant, all customers, rising: from them the factors are learned.
    everyone: Option<Vec<u32>>,
    /// Their lines up to `as_of`, for labels and for choosing the practice offers.
    pub(crate) all: Lines,
    /// Windows between the cutoffs and `as_of`: 1 is the last.
    pub(crate) windows: Vec<u32>,
    /// Customers who bought, in the whole history.
    pub(crate) n_buyers: usize,
    /// What was found to know the answer.
    pub(crate) leaks: Vec<Leak>,
    /// What is not learned from: what the parameters say, and the leaks.
    pub(crate) left_out: LeftOut,
    /// Where factorisations are kept, if anywhere.
    checkpoint: Option<&'a dyn Checkpoint>,
    /// Where each customer's label is read, when labels are permuted.
    permuted: Option<Vec<u32>>,
}

/// How to factorise, by the parameters of a training.
pub(crate) fn taste_params(params: &TrainParams) -> TasteParams {
    TasteParams {
        products: ImplicitAls {
            n_factors: params.n_factors,
            regularisation: 0.01,
            unobserved_weight: 0.01,
            n_sweeps: 6,
            ..ImplicitAls::default()
        },
        groups: ImplicitAls {
            n_factors: params.n_group_factors,
            regularisation: 0.01,
            unobserved_weight: 0.01,
            n_sweeps: 6,
            ..ImplicitAls::default()
        },
        half_life_days: params.half_life_days,
    }
}

/// Attributes of products and customers, learned from what is known, but for the columns that are left out. Groups of customers have
/// `min_support` of them: that keeps a descriptor from naming a person.
pub(crate) fn learn_attributes(
    history: &History<'_>,
    left_out: &LeftOut,
    min_support: usize,
) -> (Vec<Grouping>, Vec<Grouping>) {
    (
        learn_groupings(
            &history.products(),
            PRODUCT_SUPPORT,
            MAX_ATTRIBUTES.0,
            &left_out.product_columns,
            false,
        ),
        learn_groupings(
            &history.customers(),
            min_support,
            MAX_ATTRIBUTES.1,
            &left_out.customer_columns,
            true,
        ),
    )
}

/// That the date lies within the data: a last window in which nobody bought would teach that nobody ever buys.
fn check_end(history: &History<'_>, lines: &Lines, horizon_days: u32) -> Result<()> {
    let mut last_lines =
        (0..lines.customers.len()).filter_map(|customer| lines.purchases.lines_of(customer).next_back());
    if last_lines.any(|line| u32::from(line.age) < horizon_days) {
        return Ok(());
    }
    let last_purchase = |customer: &u32| {
        let events = history.events_of(*customer);
        (0..events.len()).rev().find(|&i| events.is_purchase(i)).and_then(|i| events.at.get(i).copied())
    };
    let last = lines.customers.iter().filter_map(last_purchase).max().unwrap_or(history.as_of());
    Err(Error::input(
        format!(
            "nothing was bought in the {horizon_days} days before {}: the last purchase is of {}",
            day(history.as_of()),
            day(last)
        ),
        format!("choose a date up to {}, or import what happened since", day(last + DAY)),
    ))
}

impl<'a> Setting<'a> {
    /// Reads what is common; errors with [`Error::NotEnoughData`]. A model to start from gives what its features are made of, and what
    /// it found to know the answer.
    pub(crate) fn new(
        run: &Run<'_>,
        history: History<'a>,
        params: &'a TrainParams,
        from: Option<&Model>,
    ) -> Result<Setting<'a>> {
        let active = history.active_customers();
        let n_buyers = active
            .iter()
            .filter(|&&customer| {
                let events = history.events_of(customer);
                (0..events.len()).any(|i| events.is_purchase(i))
            })
            .count();
        let not_enough = |have: usize, need: usize, what: &str| {
            Err(Error::NotEnoughData { have: have as u64, need: need as u64, what: what.to_owned() })
        };
        if n_buyers < params.min_buyers {
            return not_enough(n_buyers, params.min_buyers, "buyers");
        }
        if params.horizon_days == 0 {
            return Err(Error::input("a horizon of 0 days", "give at least one day"));
        }
        let given = match from {
            Some(model) => {
                let kinds = model.hidden_kinds.clone();
                LeftOut { event_kinds: kinds, ..params.left_out.clone() }.with(&model.report.leaks)
            }
            None => params.left_out.clone(),
        };
        let history = given.hide(&history);
        let chosen = TrainCustomers::draw(run, &history, params);
        let everyone = (!chosen.are_all()).then(|| history.active_customers());
        let mut all = Lines::read(&history, chosen.customers.clone(), history.n_products(), None);
        // Each cutoff needs some history before it: a horizon at least, and four weeks.
        let before = params.horizon_days.max(28);
        let n_days = u32::from(all.n_days);
        let n_windows = (n_days.saturating_sub(before) / params.horizon_days).min(params.n_cutoffs as u32);
        if n_windows < 2 {
            return not_enough(
                n_days as usize,
                (before + 2 * params.horizon_days) as usize,
                "days of history",
            );
        }
        check_end(&history, &all, params.horizon_days)?;
        let (products, described) = match from {
            Some(model) => (model.product_groupings.clone(), model.customer_groupings.clone()),
            None => learn_attributes(&history, &given, params.support()),
        };
        let product_attributes: Vec<Attribute> =
            products.iter().map(|grouping| grouping.apply(&history.products())).collect();
        let leaks = match from {
            Some(model) => model.report.leaks.clone(),
            None => {
                let few = (!chosen.are_all()).then(|| leak::lines_of(&chosen, &history));
                leak::inspect_lines(run, &history, few.as_ref().unwrap_or(&all), &product_attributes, params)?
            }
        };
        let left_out = given.with(&leaks);
        let (history, described) = if leaks.is_empty() || from.is_some() {
            (history, described)
        } else {
            let history = left_out.hide(&history);
            all = Lines::read(&history, chosen.customers.clone(), history.n_products(), None);
            (history, learn_attributes(&history, &left_out, params.support()).1)
        };
        let permuted = params.permute_labels.then(|| {
            let mut places: Vec<u32> = (0..chosen.customers.len() as u32).collect();
            rand::seq::SliceRandom::shuffle(places.as_mut_slice(), &mut run.rng(STREAM + 1));
            places
        });
        Ok(Setting {
            history,
            params,
            product_attributes,
            customer_attributes: described
                .iter()
                .map(|grouping| grouping.apply(&history.customers()))
                .collect(),
            taste: taste_params(params),
            chosen,
            everyone,
            all,
            windows: (1..=n_windows).collect(),
            n_buyers,
            leaks,
            left_out,
            checkpoint: None,
            permuted,
        })
    }

    /// The same, with a place to keep factorisations in.
    pub(crate) fn keeping(self, checkpoint: Option<&'a dyn Checkpoint>) -> Setting<'a> {
        Setting { checkpoint, ..self }
    }

    /// The cutoff before the `window`-th last horizon, Unix seconds.
    pub(crate) fn cutoff(&self, window: u32) -> i64 {
        self.history.as_of()
            - i64::from(window) * i64::from(self.params.horizon_days) * crate::feature_state::DAY
    }

    /// The state as of a cutoff and the factors learned there; `start` is the model of an earlier cutoff.
    pub(crate) fn state(
        &self,
        run: &Run<'_>,
        window: u32,
        hidden: Option<&ProductSet>,
        start: Option<&TasteModel>,
    ) -> Result<(State, TasteModel)> {
        let history = self.history.earlier(self.cutoff(window));
        let mut lines =
            Lines::read(&history, self.chosen.of(window).to_vec(), self.all.popularity.len(), hidden);
        let model = match self.read_everyone(&history, hidden) {
            Some(everyone) => {
                let model = self.fit_taste(run, &everyone, start)?;
                // What is popular is asked of all, so that it is on the scale that it will have in use.
                lines.popularity = everyone.popularity;
                model
            }
            None => self.fit_taste(run, &lines, start)?,
        };
        let taste = model.apply(run, &lines, &self.product_attributes, &self.customer_attributes)?;
        Ok((State::new(run, lines, self.params.horizon_days, &self.product_attributes, taste)?, model))
    }

    /// The factors of today, of all customers.
    pub(crate) fn taste_of_today(&self, run: &Run<'_>, start: Option<&TasteModel>) -> Result<TasteModel> {
        match self.read_everyone(&self.history, None) {
            Some(everyone) => self.fit_taste(run, &everyone, start),
            None => self.fit_taste(run, &self.all, start),
        }
    }

    /// The lines of all customers, where only some are learned from.
    fn read_everyone(&self, history: &History<'_>, hidden: Option<&ProductSet>) -> Option<Lines> {
        let n_products = self.all.popularity.len();
        self.everyone.as_ref().map(|customers| Lines::read(history, customers.clone(), n_products, hidden))
    }

    fn fit_taste(&self, run: &Run<'_>, lines: &Lines, start: Option<&TasteModel>) -> Result<TasteModel> {
        let learned = Learned {
            seed: run.seed,
            lines,
            product_attributes: &self.product_attributes,
            customer_attributes: &self.customer_attributes,
            params: &self.taste,
            start,
        };
        learned.fit(run, self.checkpoint)
    }

    /// Whether as many customers bought from an offer, in the horizon before the cutoff of a window, as it takes to launch one: who launches
    /// something does not expect it to be bought by next to nobody, and a level learned from such offers would be too low.
    pub(crate) fn is_worth_it(&self, offer: &ProductSet, window: u32) -> bool {
        let horizon = self.params.horizon_days;
        let (from, to) = (window * horizon, (window + 1) * horizon);
        let (mut n_bought, mut last) = (0_u32, None);
        self.all.purchases.each_line(offer, |customer, line| {
            if (from..to).contains(&u32::from(line.age)) && last != Some(customer) {
                last = Some(customer);
                n_bought += 1;
            }
        });
        let n_active = self.all.profile.iter().filter(|customer| customer.is_active()).count();
        f64::from(n_bought) >= MIN_LAUNCHED * n_active as f64
    }

    /// What each customer answered to an offer in a window: 1 bought, 0 did not, [`UNKNOWN`] at the cutoff.
    pub(crate) fn answers(&self, state: &State, offer: &ProductSet, window: u32) -> Vec<u8> {
        let horizon = self.params.horizon_days;
        let (from, to) = ((window - 1) * horizon, window * horizon);
        let mut bought = vec![0_u8; self.chosen.customers.len()];
        self.all.purchases.each_line(offer, |customer, line| {
            if (from..to).contains(&u32::from(line.age)) {
                bought[customer as usize] = 1;
            }
        });
        if let Some(places) = &self.permuted {
            // Another permutation for each window: one for all of them would leave each customer somebody's habits to be learned.
            let from = (window as usize).checked_rem(places.len()).unwrap_or(0);
            let rotated = places.iter().cycle().skip(from).take(places.len());
            bought = rotated.map(|&place| bought[place as usize]).collect();
        }
        let mut bought = self.chosen.answers_of(window, bought);
        for (answer, customer) in bought.iter_mut().zip(&state.profile) {
            if !customer.is_known() {
                *answer = UNKNOWN;
            }
        }
        bought
    }
}
