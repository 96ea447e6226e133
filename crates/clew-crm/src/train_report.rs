//! What a training says of itself, put together from its heads.
use chrono::DateTime;
use clew_learn::Run;

use crate::gain_band::USUAL_SHARE;
use crate::judge;
use crate::leak::Leak;
use crate::report::{
    BandFigures, CandidateFigures, FeatureFigures, MethodFigures, OfferFigures, Report, ReportData,
};
use crate::train_head::LearnedHead;
use crate::train_setting::Setting;

/// A feature that separates buyers this well on its own is more likely a copy of the answer than a gift.
const LEAK_AUC: f64 = 0.97;

/// The day of a moment, `2017-10-09`.
pub(crate) fn day(at: i64) -> String {
    DateTime::from_timestamp(at, 0)
        .map_or_else(|| at.to_string(), |moment| moment.format("%Y-%m-%d").to_string())
}

/// The report of a training.
pub(crate) fn report(
    run: &Run<'_>,
    setting: &Setting<'_>,
    names: &[(String, bool)],
    warm: &LearnedHead,
    cold: Option<&LearnedHead>,
    n_offers: usize,
) -> Report {
    let offers: Vec<OfferFigures> =
        lines(warm).into_iter().chain(cold.map(lines).unwrap_or_default()).collect();
    let methods = judge::methods(&warm.judged);
    let mut features: Vec<FeatureFigures> = names
        .iter()
        .zip(&warm.alone)
        .map(|((name, _), &auc)| FeatureFigures { name: name.clone(), auc })
        .collect();
    features.sort_by(|a, b| b.auc.total_cmp(&a.auc).then_with(|| a.name.cmp(&b.name)));
    let candidates: Vec<CandidateFigures> =
        warm.candidates.iter().chain(cold.iter().flat_map(|head| &head.candidates)).cloned().collect();
    let mut warnings = warnings(&methods, warm);
    warnings.extend(setting.leaks.iter().map(Leak::sentence));
    for feature in features.iter().filter(|feature| feature.auc > LEAK_AUC) {
        warnings.push(format!(
            "'{}' alone tells buyers from others almost perfectly (AUC {:.3}); check that it is not a copy of the answer",
            feature.name, feature.auc
        ));
    }
    features.truncate(40);
    Report {
        as_of: day(setting.history.as_of()),
        judged_from: day(setting.cutoff(1)),
        judged_to: day(setting.cutoff(0)),
        horizon_days: setting.params.horizon_days,
        seed: run.seed,
        data: ReportData {
            n_customers: setting.chosen.n_learned(&setting.windows),
            n_products: setting.history.n_products(),
            n_events: setting.history.n_events(),
            n_buyers: setting.n_buyers,
            cutoffs: setting.windows.iter().rev().map(|&window| day(setting.cutoff(window))).collect(),
            n_offers,
            n_rows: warm.n_rows,
            minimum_support: setting.params.support(),
        },
        started_from: None,
        chosen: warm.model.kind.name().to_owned(),
        methods,
        cold_methods: cold.map(|head| judge::methods(&head.judged)).unwrap_or_default(),
        candidates,
        calibration_curve: judge::calibration_curve(&warm.judged),
        band_coverage: BandFigures::of(&offers, |_| true).coverage,
        warm_band: BandFigures::of(&offers, |offer| !offer.cold),
        cold_band: BandFigures::of(&offers, |offer| offer.cold),
        cutoffs: Vec::new(),
        shrunk: Vec::new(),
        band_spread: warm.spread.of(USUAL_SHARE),
        offers,
        features,
        ablation: warm.ablation.clone(),
        attributes: Vec::new(),
        stale: None,
        leaks: setting.leaks.clone(),
        learning_curve: Vec::new(),
        recommend: None,
        warnings,
    }
}

fn lines(head: &LearnedHead) -> Vec<OfferFigures> {
    head.judged.iter().map(|offer| judge::offer_figures(offer, |share| head.spread.of(share))).collect()
}

/// What must be known before trusting the figures.
fn warnings(methods: &[MethodFigures], warm: &LearnedHead) -> Vec<String> {
    let mut warnings = Vec::new();
    let buyers: usize = methods.first().map_or(0, |m| m.all.n_buyers);
    if buyers < 500 {
        warnings.push(format!("few buyers to judge on: {buyers}; the figures will move from month to month"));
    }
    warnings.extend(not_better(methods));
    if warm.candidates.iter().any(|c| c.chosen && c.auc_training - c.auc > 0.1) {
        warnings.push("the model does much better on what it was fitted to than out of time".to_owned());
    }
    warnings
}

/// A warning for each baseline that the model does not beat.
pub(crate) fn not_better(methods: &[MethodFigures]) -> Vec<String> {
    let [clew, baselines @ ..] = methods else { return Vec::new() };
    let in_words = |name: &str| match name {
        "most_recent" => "recency",
        "most_frequent" => "frequency",
        "most_spent" => "spending",
        _ => "popularity",
    };
    baselines
        .iter()
        .filter(|baseline| baseline.all.n_offers > 0 && clew.all.auc < baseline.all.auc + 0.005)
        .map(|baseline| {
            format!(
                "not better than {} (AUC {:.3} to {:.3})",
                in_words(&baseline.name),
                clew.all.auc,
                baseline.all.auc
            )
        })
        .collect()
}
