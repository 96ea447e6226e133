//! Heads: the two propensity models of a training, one for offers that have sold and one for those that never did, and which to use.
use clew_learn::Run;
use clew_learn::calibration::sigmoid;
use clew_learn::columns::BLOCK;
use clew_learn::format::{File, Writer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::feature_offer::OfferState;
use crate::gain_band::Spread;
use crate::propensity::Propensity;

/// Buyers of an offer at which the model for sold offers and the one for never-sold offers count the same.
const HALF_BUYERS: f32 = 8.0;
/// Customers that a task scores; a whole number of blocks.
const CHUNK: usize = 64 * BLOCK;

/// The models of a training.
#[derive(Clone, Debug)]
pub(crate) struct Heads {
    /// For offers that have sold.
    pub(crate) warm: Propensity,
    /// For offers that never sold; none where there was nothing to practise launches on.
    pub(crate) cold: Option<Propensity>,
    /// Spread of the offer factor, warm and cold.
    pub(crate) spread: [Spread; 2],
    /// Features in a row.
    pub(crate) n_features: usize,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "crate::exact::f64s")]
    spread: Vec<f64>,
    n_features: usize,
    with_cold: bool,
}

impl Heads {
    /// How much the warm model counts for an offer with so many buyers.
    fn warmth(&self, n_buyers: usize) -> f32 {
        if self.cold.is_none() { 1.0 } else { n_buyers as f32 / (n_buyers as f32 + HALF_BUYERS) }
    }

    /// Spread of the offer factor, for an offer with so many buyers so far, that such a share of customers is expected to buy from, and
    /// whose expected buyers are idle customers to the share `idle`.
    pub(crate) fn spread_of(&self, n_buyers: usize, share: f64, idle: f64) -> f64 {
        let warmth = f64::from(self.warmth(n_buyers));
        let [warm, cold] =
            self.spread.map(|spread| spread.of(share).powi(2) + (idle * spread.idle_common).powi(2));
        (warmth * warm + (1.0 - warmth) * cold).sqrt()
    }

    /// Propensities of all customers of the offer's state.
    pub(crate) fn propensities(&self, run: &Run<'_>, offer: &OfferState<'_>) -> Result<Vec<f32>> {
        let warmth = match &self.cold {
            Some(_) => f64::from(self.warmth(offer.level.n_buyers)),
            None => 1.0,
        };
        // The models that count, each with its scan, its weight, and what it adds for idle customers.
        let mut models = Vec::new();
        let heads = [(Some(&self.warm), warmth), (self.cold.as_ref(), 1.0 - warmth)];
        for ((model, weight), spread) in heads.into_iter().zip(self.spread) {
            if let Some(model) = model.filter(|_| weight > 0.01) {
                models.push((model, model.scan()?, weight, spread.idle));
            }
        }
        let whole: f64 = models.iter().map(|(_, _, weight, _)| weight).sum();
        let n_columns = models.iter().map(|(_, scan, _, _)| scan.n_columns()).max().unwrap_or_default();
        let mut all = vec![0.0; offer.state.customers.len()];
        run.pool.install(|| {
            all.par_chunks_mut(CHUNK).enumerate().try_for_each(|(part, out)| -> Result<()> {
                run.check()?;
                let mut block = vec![[0.0; BLOCK]; n_columns];
                for (at, out) in out.chunks_mut(BLOCK).enumerate() {
                    let from = part * CHUNK + at * BLOCK;
                    let places: [usize; BLOCK] = std::array::from_fn(|lane| from + lane);
                    offer.fill(&places[..out.len()], &mut block[..self.n_features]);
                    let is_idle = |lane: usize| {
                        offer.state.profile.get(from + lane).is_some_and(|customer| !customer.is_active())
                    };
                    let mut logits = [0.0_f64; BLOCK];
                    for (model, scan, weight, idle) in &models {
                        let decisions = scan.decision(&mut block)?;
                        for (lane, (logit, z)) in logits.iter_mut().zip(decisions).enumerate() {
                            let moved = if is_idle(lane) { *idle } else { 0.0 };
                            *logit += weight / whole * (model.straightened(z) + moved);
                        }
                    }
                    out.iter_mut().zip(logits).for_each(|(p, logit)| *p = probability(logit));
                }
                Ok(())
            })
        })?;
        Ok(all)
    }

    /// Whether the models are of rows of so many features.
    pub(crate) fn fits(&self, n_features: usize) -> bool {
        self.n_features == n_features
            && self.warm.fits(n_features)
            && self.cold.as_ref().is_none_or(|cold| cold.fits(n_features))
    }

    /// Adds the models to a file.
    pub(crate) fn write(&self, writer: &mut Writer) -> Result<()> {
        let saved = Saved {
            spread: self.spread.map(Spread::to_numbers).concat(),
            n_features: self.n_features,
            with_cold: self.cold.is_some(),
        };
        writer.json("heads", &saved)?;
        self.warm.write(writer, "warm")?;
        self.cold.as_ref().map_or(Ok(()), |cold| cold.write(writer, "cold"))
    }

    /// Reads back what [`Heads::write`] wrote.
    pub(crate) fn read(file: &File) -> Result<Heads> {
        let saved: Saved = file.json("heads")?;
        Ok(Heads {
            warm: Propensity::read(file, "warm")?,
            cold: if saved.with_cold { Some(Propensity::read(file, "cold")?) } else { None },
            spread: {
                let (warm, cold) = saved.spread.split_at(saved.spread.len() / 2);
                [warm, cold].map(|numbers| Spread::from_numbers(numbers).unwrap_or(Spread::UNKNOWN))
            },
            n_features: saved.n_features,
        })
    }
}

/// A propensity, never quite 0 or 1.
fn probability(logit: f64) -> f32 {
    sigmoid(logit).clamp(1e-7, 1.0 - 1e-7) as f32
}
