//! Choice: which of the nested kinds is used.
use crate::judge::{self, JudgedOffer};
use crate::report::CandidateFigures;

/// A larger kind must beat a smaller one by this much in log loss (relative) or in AUC to be taken.
const MARGIN: (f64, f64) = (0.001, 0.0005);
/// Standard errors of the mean difference in AUC, offer by offer, up to which an order counts as no worse: a mean over offers of a
/// few buyers each is itself by chance, where the log loss is of every customer of every offer.
const NO_WORSE: f64 = 2.0;

/// The smallest candidate that no larger one beats: in log loss without being worse in order, or in order without being worse in log loss.
pub(crate) fn choose(candidates: &[CandidateFigures], judged: &[JudgedOffer]) -> usize {
    let aucs: Vec<Vec<Option<f64>>> = (0..candidates.len()).map(|at| judge::aucs(judged, at)).collect();
    let mut best = 0;
    for at in 1..candidates.len() {
        let (held, candidate) = (&candidates[best], &candidates[at]);
        let gain = (held.log_loss - candidate.log_loss) / held.log_loss.max(1e-9);
        let (better, error) = difference(&aucs[best], &aucs[at]);
        let no_worse = better > -MARGIN.1.max(NO_WORSE * error);
        if (gain > MARGIN.0 && no_worse) || (better > MARGIN.1.max(error) && gain > -MARGIN.0) {
            best = at;
        }
    }
    best
}

/// The mean difference of what both have, and its standard error; nothing is known of fewer than two.
fn difference(from: &[Option<f64>], to: &[Option<f64>]) -> (f64, f64) {
    let steps: Vec<f64> = from.iter().zip(to).filter_map(|(from, to)| Some((*to)? - (*from)?)).collect();
    let n = steps.len() as f64;
    if steps.len() < 2 {
        return (0.0, 0.0);
    }
    let mean = steps.iter().sum::<f64>() / n;
    let variance = steps.iter().map(|step| (step - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offers of ten customers, three of whom bought, ordered by the first candidate and by the second as told: `right` gives the
    /// buyers' log-odds over the others'.
    fn offers(right: [&dyn Fn(usize) -> f32; 2]) -> Vec<JudgedOffer> {
        (0..40)
            .map(|n| {
                let bought: Vec<f32> = (0..10).map(|c| f32::from(u8::from(c < 3))).collect();
                let decided = |lift: f32| {
                    bought.iter().enumerate().map(|(c, &y)| y * lift - c as f32 * 0.1).collect::<Vec<f32>>()
                };
                let decisions = right.iter().map(|right| decided(right(n))).collect();
                JudgedOffer { is_new: vec![true; 10], bought, decisions, ..JudgedOffer::default() }
            })
            .collect()
    }

    fn candidates(log_loss: [f64; 2]) -> Vec<CandidateFigures> {
        log_loss.map(|log_loss| CandidateFigures { log_loss, ..CandidateFigures::default() }).to_vec()
    }

    #[test]
    fn a_larger_kind_is_taken_for_its_log_loss_unless_its_order_is_surely_worse() {
        let well: &dyn Fn(usize) -> f32 = &|_| 1.0;
        let badly: &dyn Fn(usize) -> f32 = &|_| -1.0;
        // Better on three offers of five and worse on two: a little worse in the mean, and nothing is sure.
        let mixed: &dyn Fn(usize) -> f32 = &|n| if n % 5 < 3 { 1.5 } else { -1.0 };
        assert_eq!(choose(&candidates([0.20, 0.19]), &offers([well, well])), 1);
        assert_eq!(choose(&candidates([0.20, 0.19995]), &offers([well, well])), 0, "too little");
        assert_eq!(choose(&candidates([0.20, 0.19]), &offers([well, badly])), 0, "surely worse in order");
        assert_eq!(choose(&candidates([0.20, 0.20]), &offers([badly, well])), 1, "surely better in order");
        assert_eq!(choose(&candidates([0.20, 0.21]), &offers([badly, well])), 0, "worse in log loss");
        let half: &dyn Fn(usize) -> f32 = &|_| -0.35;
        let (step, error) = {
            let judged = offers([half, mixed]);
            difference(&judge::aucs(&judged, 0), &judge::aucs(&judged, 1))
        };
        assert!(step < 0.0 && step > -2.0 * error, "{step} {error}");
        assert_eq!(choose(&candidates([0.20, 0.19]), &offers([half, mixed])), 1, "no worse for sure");
        assert_eq!(choose(&candidates([0.20, 0.19]), &[]), 1);
    }
}
