//! Calibration of a head and the spread of its bands, from past windows that were each judged by a fit that had not seen them.
use clew_learn::calibration::{Platt, sigmoid};

use crate::gain_band::{self, Miss, Spread};
use crate::judge::{self, JudgedOffer};

/// Rows that the slope is fitted to, at most.
const MAX_CALIBRATED: usize = 100_000;
/// Buyers for which no change of the slope counts as much as the slope found.
const TRUST: f64 = 200.0;

/// Idle buyers, expected and realised, that are added to those of a window: few tell little.
const FEW_IDLE: f64 = 10.0;

/// A judged window; the log-odds of its offers are by the chosen kind or, for older windows, by a quick one.
pub(crate) struct JudgedWindow<'a> {
    /// Its offers.
    pub(crate) offers: &'a [JudgedOffer],
    /// Which of their `decisions` counts.
    pub(crate) candidate: usize,
}

impl<'a> JudgedWindow<'a> {
    fn decisions(&self) -> impl Iterator<Item = (&'a JudgedOffer, &'a [f32])> {
        let candidate = self.candidate;
        self.offers.iter().filter_map(move |offer| Some((offer, offer.decisions.get(candidate)?.as_slice())))
    }

    /// Of the idle customers of all offers, log-odds and who bought.
    fn idle(&self) -> (Vec<f32>, f64) {
        let candidate = self.candidate;
        let of = self
            .offers
            .iter()
            .filter_map(|offer| Some((offer.idle.decisions.get(candidate)?, &offer.idle.bought)));
        of.fold((Vec::new(), 0.0), |(mut all, n), (decisions, bought)| {
            all.extend_from_slice(decisions);
            (all, n + bought.iter().map(|&y| f64::from(y)).sum::<f64>())
        })
    }

    /// Logarithm of realised over expected, all offers together.
    fn shift(&self) -> f64 {
        let (mut expected, mut realised) = (0.0, 0.0);
        for (offer, decisions) in self.decisions() {
            expected += decisions.iter().map(|&z| sigmoid(f64::from(z))).sum::<f64>();
            realised += offer.bought.iter().map(|&y| f64::from(y)).sum::<f64>();
        }
        ((realised + 0.5) / (expected + 0.5)).ln()
    }
}

/// Straightens log-odds and learns the bands from the windows, the newest first.
///
/// The slope is that of the newest window, pulled towards no change where few bought. The level follows what lasts of the windows' shifts
/// ([`gain_band::shift`]), whatever the slope; what comes and goes widens the band instead.
/// Each offer's own spread is learned from all windows, an older one counting half of the next: its fit had less to learn from.
pub(crate) fn calibrate(windows: &[JudgedWindow<'_>]) -> (Platt, Spread) {
    let unchanged = Platt { slope: 1.0, intercept: 0.0 };
    let Some(newest) = windows.first() else { return (unchanged, Spread::UNKNOWN) };
    let shifts: Vec<f64> = windows.iter().map(JudgedWindow::shift).collect();
    let shift = gain_band::shift(&shifts);
    let misses: Vec<Miss> = windows
        .iter()
        .zip(&shifts)
        .enumerate()
        .flat_map(|(age, (window, &shift))| {
            let weight = 0.5_f64.powi(age as i32);
            window.decisions().map(move |(offer, z)| Miss { weight, ..miss(offer, z, shift) })
        })
        .collect();
    let spread = gain_band::spread(&misses, shift.common);

    let n_rows: usize = newest.offers.iter().map(|offer| offer.bought.len()).sum();
    // Two numbers are found from every k-th row as well as from all.
    let step = n_rows.div_ceil(MAX_CALIBRATED).max(1);
    let (decisions, bought): (Vec<f32>, Vec<f32>) = newest
        .decisions()
        .flat_map(|(offer, z)| z.iter().copied().zip(offer.bought.iter().copied()))
        .step_by(step)
        .unzip();
    let n_buyers: f64 = bought.iter().map(|&y| f64::from(y)).sum();
    let trust = n_buyers / (n_buyers + TRUST);
    let slope = Platt::fit(&decisions, &bought, &vec![1.0; bought.len()])
        .map_or(1.0, |found| 1.0 + trust * (found.slope - 1.0));
    let plain: f64 = decisions.iter().map(|&z| sigmoid(f64::from(z))).sum();
    let platt = Platt { slope, intercept: level(&decisions, slope, plain * shift.lasting.exp()) };
    let (idle, idle_common) = of_idle(windows, &platt);
    (platt, Spread { idle, idle_common, ..spread })
}

/// What is to be added to the straightened log-odds of idle customers, and how far they are off from window to window besides. Nothing
/// is added unless it lasts ([`gain_band::shift`]).
fn of_idle(windows: &[JudgedWindow<'_>], platt: &Platt) -> (f64, f64) {
    let straightened = |z: f32| platt.slope * f64::from(z) + platt.intercept;
    let expected = |decisions: &[f32]| decisions.iter().map(|&z| sigmoid(straightened(z))).sum::<f64>();
    let idle: Vec<(Vec<f32>, f64)> = windows.iter().map(JudgedWindow::idle).collect();
    let shifts: Vec<f64> = idle
        .iter()
        .filter(|(decisions, _)| !decisions.is_empty())
        .map(|(decisions, realised)| ((realised + FEW_IDLE) / (expected(decisions) + FEW_IDLE)).ln())
        .collect();
    let shift = gain_band::shift(&shifts);
    let newest = idle.first().map(|(decisions, _)| decisions.as_slice()).unwrap_or_default();
    if newest.is_empty() {
        return (0.0, shift.common);
    }
    let wanted = expected(newest) * shift.lasting.exp();
    (level(newest, platt.slope, wanted) - platt.intercept, shift.common)
}

/// One offer's miss, freed of the shift of its window.
fn miss(offer: &JudgedOffer, decisions: &[f32], shift: f64) -> Miss {
    let propensity: Vec<f32> =
        decisions.iter().map(|&z| (sigmoid(f64::from(z)) * shift.exp()).min(1.0) as f32).collect();
    Miss {
        expected: propensity.iter().map(|&p| f64::from(p)).sum(),
        variance: judge::variance(&propensity),
        realised: offer.bought.iter().map(|&y| f64::from(y)).sum(),
        n_customers: offer.bought.len() as f64,
        weight: 1.0,
    }
}

/// The intercept with which the log-odds, times the slope, expect so many buyers.
fn level(decisions: &[f32], slope: f64, wanted: f64) -> f64 {
    let expected = |intercept: f64| -> f64 {
        decisions.iter().map(|&z| sigmoid(slope * f64::from(z) + intercept)).sum::<f64>()
    };
    let (mut low, mut high) = (-4.0, 4.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if expected(middle) < wanted { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Idle;

    #[test]
    fn a_steeper_line_expects_no_more_buyers_unless_the_windows_say_so() {
        let decisions: Vec<f32> = (0..2_000).map(|i| -5.0 + (i % 100) as f32 * 0.05).collect();
        let plain: f64 = decisions.iter().map(|&z| sigmoid(f64::from(z))).sum();
        // Buys by a line half as steep again, at the level expected.
        let intercept = level(&decisions, 1.5, plain);
        let bought: Vec<f32> = decisions
            .iter()
            .enumerate()
            .map(|(i, &z)| {
                f32::from(u8::from((i / 100) as f64 / 20.0 + 0.025 < sigmoid(1.5 * f64::from(z) + intercept)))
            })
            .collect();
        let offer = JudgedOffer { bought, decisions: vec![decisions.clone()], ..JudgedOffer::default() };
        let windows = [JudgedWindow { offers: std::slice::from_ref(&offer), candidate: 0 }];
        let (platt, spread) = calibrate(&windows);
        assert!(platt.slope > 1.1, "{platt:?}");
        let straightened: f64 =
            decisions.iter().map(|&z| sigmoid(platt.slope * f64::from(z) + platt.intercept)).sum();
        assert!((0.95..1.05).contains(&(straightened / plain)), "{straightened} {plain}");
        // One offer that was met exactly leaves most of what is held beforehand.
        assert!(spread.common > 0.01 && spread.of(spread.shares[0]) > 0.08, "{spread:?}");
        // Idle customers are another matter: here they buy half as often, in every window.
        let idle =
            |share: f64| Idle { bought: vec![share as f32; 1_000], decisions: vec![vec![-3.0; 1_000]] };
        let usual = sigmoid(platt.slope * -3.0 + platt.intercept);
        let off = |share: f64| {
            let offer = JudgedOffer { idle: idle(share), ..offer.clone() };
            let of = || JudgedWindow { offers: std::slice::from_ref(&offer), candidate: 0 };
            of_idle(&[of(), of(), of()], &platt)
        };
        let (half, _) = off(0.5 * usual);
        let found = sigmoid(platt.slope * -3.0 + platt.intercept + half) / usual;
        assert!((0.5..0.75).contains(&found), "{found}");
        let (same, _) = off(usual);
        assert!(same.abs() < 0.01, "{same}");
        let (same, _) = calibrate(&[]);
        assert_eq!((same.slope, same.intercept), (1.0, 0.0));
    }
}
