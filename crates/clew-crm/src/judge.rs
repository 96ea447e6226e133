//! Judging: scores against what happened, per offer and then averaged, for all active customers and for those new to the offer.
use clew_learn::calibration::sigmoid;
use clew_learn::gain::Gain;
use clew_learn::metrics;

use crate::report::{CalibrationPoint, Figures, MethodFigures, OfferFigures};

/// Steps of an averaged gain curve.
const N_STEPS: usize = 40;

/// One offer on a judged window: active customers only.
#[derive(Clone, Debug, Default)]
pub(crate) struct JudgedOffer {
    /// The offer in words.
    pub(crate) name: String,
    /// Its products.
    pub(crate) n_products: usize,
    /// Whether its products were hidden.
    pub(crate) cold: bool,
    /// 1 bought, 0 did not.
    pub(crate) bought: Vec<f32>,
    /// Whether nothing of the offer was bought in the 56 days before.
    pub(crate) is_new: Vec<bool>,
    /// Log-odds by each candidate.
    pub(crate) decisions: Vec<Vec<f32>>,
    /// Of some idle customers, who bought nothing at all in the 56 days before and are judged nowhere else.
    pub(crate) idle: Idle,
    /// Calibrated propensities by the chosen one.
    pub(crate) propensity: Vec<f32>,
    /// AUC of each feature on its own.
    pub(crate) alone: Vec<f64>,
    /// Scores by each of [`BASELINES`].
    pub(crate) baselines: Vec<Vec<f32>>,
}

/// Idle customers of a judged offer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Idle {
    /// 1 bought, 0 did not.
    pub(crate) bought: Vec<f32>,
    /// Log-odds by each candidate.
    pub(crate) decisions: Vec<Vec<f32>>,
}

/// What a marketer has today.
pub(crate) const BASELINES: [&str; 4] = ["most_recent", "most_frequent", "most_spent", "popularity"];

impl JudgedOffer {
    fn chosen(&self, scores: &[f32], new_only: bool) -> (Vec<f32>, Vec<f32>) {
        scores
            .iter()
            .zip(&self.bought)
            .zip(&self.is_new)
            .filter(|&(_, &is_new)| is_new || !new_only)
            .map(|((&score, &bought), _)| (score, bought))
            .unzip()
    }
}

/// Figures of one way of scoring: `score` gives an offer's scores, `probability` says whether they are propensities.
pub(crate) fn figures<'a, S: AsRef<[f32]>>(
    offers: impl IntoIterator<Item = &'a JudgedOffer>,
    score: impl Fn(&'a JudgedOffer) -> S,
    probability: bool,
    new_only: bool,
) -> Figures {
    let mut sum = Figures { gain: vec![0.0; N_STEPS + 1], ..Figures::default() };
    let (mut predicted, mut loss) = (0.0_f64, 0.0_f64);
    for offer in offers {
        let scores = score(offer);
        let (scores, bought) = offer.chosen(scores.as_ref(), new_only);
        let n_buyers = bought.iter().filter(|&&y| y > 0.5).count();
        sum.n_rows += bought.len();
        sum.n_buyers += n_buyers;
        if probability {
            for (&p, &y) in scores.iter().zip(&bought) {
                let p = f64::from(p).clamp(1e-6, 1.0 - 1e-6);
                predicted += p;
                loss -= if y > 0.5 { p.ln() } else { (1.0 - p).ln() };
            }
        }
        let weight = vec![1.0; bought.len()];
        let Ok(auc) = metrics::auc(&scores, &bought, &weight) else { continue };
        let Ok(gain) = Gain::new(&scores, &bought, &weight) else { continue };
        let reached = |share: f64| gain.at(share * bought.len() as f64) / n_buyers.max(1) as f64;
        sum.n_offers += 1;
        sum.auc += auc;
        sum.buyers_5 += reached(0.05);
        sum.buyers_10 += reached(0.1);
        sum.buyers_20 += reached(0.2);
        sum.lift_10 += reached(0.1) / 0.1;
        for (step, gain) in sum.gain.iter_mut().enumerate().skip(1) {
            *gain += reached(step as f64 / N_STEPS as f64);
        }
    }
    let n = sum.n_offers.max(1) as f64;
    for figure in [&mut sum.auc, &mut sum.buyers_5, &mut sum.buyers_10, &mut sum.buyers_20, &mut sum.lift_10]
    {
        *figure /= n;
    }
    sum.gain.iter_mut().for_each(|gain| *gain /= n);
    if probability && sum.n_rows > 0 {
        sum.log_loss = Some(loss / sum.n_rows as f64);
        sum.calibration = (sum.n_buyers > 0).then(|| predicted / sum.n_buyers as f64);
    }
    sum
}

/// AUC of one candidate on each offer, the mean of all customers' and the new ones'; none where either has no buyer or nobody else.
pub(crate) fn aucs(offers: &[JudgedOffer], candidate: usize) -> Vec<Option<f64>> {
    let of = |offer: &JudgedOffer, new_only| {
        let (scores, bought) = offer.chosen(offer.decisions.get(candidate)?, new_only);
        metrics::auc(&scores, &bought, &vec![1.0; bought.len()]).ok()
    };
    offers.iter().map(|offer| Some(0.5 * (of(offer, false)? + of(offer, true)?))).collect()
}

/// The model's figures, under the name `clew`, then the baselines'.
pub(crate) fn methods<'a>(offers: &'a [JudgedOffer]) -> Vec<MethodFigures> {
    let mut methods = vec![MethodFigures {
        name: "clew".to_owned(),
        all: figures(offers, |offer| offer.propensity.as_slice(), true, false),
        new: figures(offers, |offer| offer.propensity.as_slice(), true, true),
    }];
    for (at, name) in BASELINES.iter().enumerate() {
        let score = |offer: &'a JudgedOffer| offer.baselines.get(at).map_or(&[][..], Vec::as_slice);
        // Popularity is the offer's own level, the same for everybody: a probability that orders nobody.
        let probability = *name == "popularity";
        methods.push(MethodFigures {
            name: (*name).to_owned(),
            all: figures(offers, score, probability, false),
            new: figures(offers, score, probability, true),
        });
    }
    methods
}

/// Twenty groups of equal size by prediction.
pub(crate) fn calibration_curve(offers: &[JudgedOffer]) -> Vec<CalibrationPoint> {
    let mut pairs: Vec<(f32, f32)> = offers
        .iter()
        .flat_map(|offer| offer.propensity.iter().copied().zip(offer.bought.iter().copied()))
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    pairs
        .chunks(pairs.len().div_ceil(20).max(1))
        .map(|group| {
            let mean = |pick: fn(&(f32, f32)) -> f32| {
                group.iter().map(|pair| f64::from(pick(pair))).sum::<f64>() / group.len() as f64
            };
            CalibrationPoint { predicted: mean(|p| p.0), realised: mean(|p| p.1), n_rows: group.len() }
        })
        .collect()
}

/// One judged offer's line of the report; `spread` gives that of an offer that such a share of customers is expected to buy from.
pub(crate) fn offer_figures(offer: &JudgedOffer, spread: impl Fn(f64) -> f64) -> OfferFigures {
    let propensity = offer.propensity.as_slice();
    let weight = vec![1.0; offer.bought.len()];
    let (new_scores, new_bought) = offer.chosen(propensity, true);
    let expected: f64 = propensity.iter().map(|&p| f64::from(p)).sum();
    let share = expected / propensity.len().max(1) as f64;
    let (low, high) = crate::gain_band::band(expected, variance(propensity), spread(share));
    OfferFigures {
        name: offer.name.clone(),
        judged_from: String::new(),
        n_products: offer.n_products,
        n_customers: offer.bought.len(),
        n_buyers: offer.bought.iter().filter(|&&y| y > 0.5).count(),
        expected_buyers: expected,
        low,
        high,
        auc: metrics::auc(propensity, &offer.bought, &weight).ok(),
        auc_new: metrics::auc(&new_scores, &new_bought, &vec![1.0; new_bought.len()]).ok(),
        buyers_10: metrics::share_of_buyers_at(propensity, &offer.bought, &weight, 0.1).ok(),
        cold: offer.cold,
    }
}

/// Variance of the number of buyers when each buys by chance alone (Poisson-binomial).
pub(crate) fn variance(propensity: &[f32]) -> f64 {
    propensity.iter().map(|&p| f64::from(p) * (1.0 - f64::from(p))).sum()
}

/// Uncalibrated propensities of one candidate.
pub(crate) fn plain(offer: &JudgedOffer, candidate: usize) -> Vec<f32> {
    offer
        .decisions
        .get(candidate)
        .map(|d| d.iter().map(|&z| sigmoid(f64::from(z)) as f32).collect())
        .unwrap_or_default()
}
