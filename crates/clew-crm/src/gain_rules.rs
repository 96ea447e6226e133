//! Rules of a gain curve: those over products narrow the offer, then those over customers the audience, each with what it took.
//!
//! A narrower offer is scored anew for everybody. A few product rules are each worth that; of many, only what is left of the offer after all
//! of them is scored, and what they took together is shared among them by what their products have sold. So twenty rules cost
//! hardly more than one, and the curve, what product rules took in all, and what each customer rule took are exact either way.
use clew_learn::Run;

use crate::bits::Bits;
use crate::error::{Error, Result};
use crate::expression::Scope;
use crate::feature_offer::OfferState;
use crate::gain_request::GainRequest;
use crate::product_set::ProductSet;
use crate::rule::CompiledRule;
use crate::scorer::Scorer;
use crate::waterfall::Waterfall;

/// Narrower offers that are scored, at most, to tell what each product rule took.
const MAX_SCORED: usize = 3;

/// What rules have left.
pub(crate) struct Ruled<'a> {
    /// Products of the offer.
    pub(crate) products: ProductSet,
    /// The offer.
    pub(crate) offer: OfferState<'a>,
    /// Propensity and expected revenue of each customer, by place.
    pub(crate) worth: Vec<(f64, f64)>,
    /// A bit a customer.
    pub(crate) kept: Bits,
    /// What each rule took, in the order of the rules.
    pub(crate) waterfall: Waterfall,
}

/// What is left of the offer after a product rule that took some of it.
struct Narrowed {
    /// The rule's place.
    rule: usize,
    products: ProductSet,
    n_taken: usize,
    /// What the taken products have sold; a little for those that have not.
    sold: f64,
}

impl Scorer {
    /// Applies a request's segment and rules. Errors on an offer without products (also after product rules), and on a segment or a rule
    /// that cannot be evaluated.
    pub(crate) fn ruled(&self, run: &Run<'_>, request: &GainRequest<'_>) -> Result<Ruled<'_>> {
        let history = self.history();
        let mut kept = Bits::new(history.n_customers(), false);
        self.customers().iter().for_each(|&customer| kept.set(customer, true));
        if let Some(segment) = request.segment {
            kept.and(&segment.evaluate(&history)?);
        }
        let refused: Vec<Bits> =
            request.rules.iter().map(|rule| rule.refused(&history)).collect::<Result<_>>()?;
        let narrowed = self.narrowed(request, &refused)?;

        let mut products = request.products.clone();
        let mut offer = self.offer(run, &products)?;
        let mut worth = self.worth(run, &offer, &products)?;
        let mut lost = vec![(0, 0.0, 0.0); request.rules.len()];
        // Each of a few, or all of many together.
        let together = if narrowed.len() > MAX_SCORED { narrowed.len() } else { 1 };
        for steps in narrowed.chunks(together) {
            let Some(last) = steps.last() else { continue };
            let before = self.sum(&kept, &worth);
            products = last.products.clone();
            offer = self.offer(run, &products)?;
            worth = self.worth(run, &offer, &products)?;
            let after = self.sum(&kept, &worth);
            let sold: f64 = steps.iter().map(|step| step.sold).sum();
            for step in steps {
                let share = step.sold / sold;
                lost[step.rule] = (step.n_taken, share * (before.0 - after.0), share * (before.1 - after.1));
            }
        }

        let mut waterfall = Waterfall::default();
        for ((rule, refused), (n_products, buyers, revenue)) in request.rules.iter().zip(&refused).zip(lost) {
            match rule.scope() {
                Scope::Product => waterfall.take_products(rule, n_products, buyers, revenue),
                Scope::Customer => waterfall.take_customers(rule, refused, &mut kept, |customer| {
                    self.place(customer).map_or((0.0, 0.0), |place| worth[place])
                }),
            }
        }
        Ok(Ruled { products, offer, worth, kept, waterfall })
    }

    /// What is left of the offer after each product rule that takes some of it.
    fn narrowed(&self, request: &GainRequest<'_>, refused: &[Bits]) -> Result<Vec<Narrowed>> {
        let mut narrowed: Vec<Narrowed> = Vec::new();
        let of_products = |&(_, (rule, _)): &(usize, (&CompiledRule, &Bits))| rule.scope() == Scope::Product;
        for (at, (rule, refused)) in request.rules.iter().zip(refused).enumerate().filter(of_products) {
            let products = narrowed.last().map_or(request.products, |last| &last.products);
            let taken = products.products().iter().filter(|&&product| refused.get(product));
            let popularity =
                |&product: &u32| self.state.popularity.get(product as usize).copied().unwrap_or(0.0);
            let (n_taken, sold) = taken
                .fold((0, 0.0), |(n, sold), product| (n + 1, sold + f64::from(popularity(product)) + 1e-3));
            if n_taken == products.len() {
                return Err(Error::Nothing {
                    what: format!("the offer after rule '{}'", rule.rule().name),
                    remedy: "widen the offer or narrow the rule".to_owned(),
                });
            }
            if n_taken > 0 {
                let mut left = products.mask().clone();
                left.and_not(refused);
                narrowed.push(Narrowed { rule: at, products: ProductSet::from_bits(left), n_taken, sold });
            }
        }
        Ok(narrowed)
    }
}
