//! Calibrations, scaling, encodings, and the figures that judge.

use clew_learn::Result;
use clew_learn::bootstrap::{Bootstrap, Method};
use clew_learn::calibration::{Beta, Calibrator, Isotonic, Platt};
use clew_learn::gain::Gain;
use clew_learn::importance::PermutationImportance;
use clew_learn::loss::Loss;
use clew_learn::metrics;
use clew_learn::scaling::StandardScaler;
use clew_learn::split::{DateSplit, TrainTest};
use clew_learn::target_encoding::{FittedTargetEncoder, TargetEncoder};
use clew_learn::uplift::{Qini, uplift_at};

use super::entry::{Target, kept, nothing_kept};
use super::source::{Cases, Outcomes, Source};

/// The first column, mostly between 0 and 1.
fn scores(source: &mut Source<'_>, cases: &Cases) -> (Vec<f32>, Vec<f32>) {
    let of = |x: &ndarray::Array2<f32>, squeeze: bool| -> Vec<f32> {
        let values = x.columns().into_iter().next().map(|column| column.to_vec()).unwrap_or_default();
        values.into_iter().map(|z| if squeeze { 1.0 / (1.0 + (-z).exp()) } else { z }).collect()
    };
    let squeeze = !source.one_in(4);
    (of(&cases.x, squeeze), of(&cases.judged, squeeze))
}

fn groups(source: &mut Source<'_>, n: usize) -> Vec<u64> {
    let most = source.up_to(20);
    (0..n).map(|_| source.up_to(most) as u64).collect()
}

/// A figure that was given is a number.
fn finite(figures: impl IntoIterator<Item = Result<f64>>) -> Vec<f32> {
    figures
        .into_iter()
        .filter_map(|figure| figure.ok().map(|figure| figure.clamp(-1e30, 1e30) as f32))
        .collect()
}

pub const TARGETS: &[(&str, Target)] = &[
    ("sigmoid", |_, source| {
        let cases = source.cases(Outcomes::Classes);
        let (score, judged) = scores(source, &cases);
        let fit = Platt::fit(&score, &cases.y, &cases.weight)?;
        let of = move |fit: Platt| judged.iter().map(|&z| fit.predict(z)).collect::<Vec<_>>();
        kept(of(fit), |writer| fit.write(writer, "m"), move |_, file| Ok(of(Platt::read(file, "m")?)))
    }),
    ("isotonic regression", |_, source| {
        let cases = source.cases(Outcomes::Amounts);
        let (score, judged) = scores(source, &cases);
        let fit = Isotonic::fit(&score, &cases.y, &cases.weight)?;
        let of = move |fit: &Isotonic| judged.iter().map(|&z| fit.predict(z)).collect::<Vec<_>>();
        kept(of(&fit), |writer| fit.write(writer, "m"), move |_, file| Ok(of(&Isotonic::read(file, "m")?)))
    }),
    ("beta calibration", |_, source| {
        let cases = source.cases(Outcomes::Classes);
        let (score, judged) = scores(source, &cases);
        let fit = Beta::fit(&score, &cases.y, &cases.weight)?;
        let of = move |fit: Beta| judged.iter().map(|&z| fit.predict(z)).collect::<Vec<_>>();
        kept(of(fit), |writer| fit.write(writer, "m"), move |_, file| Ok(of(Beta::read(file, "m")?)))
    }),
    ("chosen calibration", |run, source| {
        let cases = source.cases(Outcomes::Classes);
        let (score, judged) = scores(source, &cases);
        let (groups, n_folds) = (groups(source, score.len()), source.up_to(6) as u32);
        let fit = Calibrator::choose(run, &score, &cases.y, &cases.weight, &groups, n_folds)?.calibrator;
        let of = move |fit: &Calibrator| judged.iter().map(|&z| fit.predict(z)).collect::<Vec<_>>();
        kept(of(&fit), |writer| fit.write(writer, "m"), move |_, file| Ok(of(&Calibrator::read(file, "m")?)))
    }),
    ("scaler", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let fit = StandardScaler::fit(run, cases.x.view(), &cases.weight)?;
        let judged = cases.judged;
        let of =
            move |fit: &StandardScaler| Ok(fit.transform(judged.view())?.into_iter().collect::<Vec<_>>());
        kept(of(&fit)?, |writer| fit.write(writer, "m"), move |_, file| of(&StandardScaler::read(file, "m")?))
    }),
    ("target encoder", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let n = cases.y.len();
        let most = source.up_to(9);
        let values: Vec<u32> =
            (0..n).map(|_| if source.one_in(9) { u32::MAX } else { source.up_to(most) as u32 }).collect();
        let n_values = if source.one_in(8) { source.count(3) as u32 } else { most as u32 + 1 };
        let encoder =
            TargetEncoder { prior_weight: f64::from(source.parameter(5.0)), n_folds: source.count(4) as u32 };
        let groups = groups(source, n);
        let (fit, inside) = encoder.fit(run, &values, n_values, &cases.y, &cases.weight, &groups)?;
        let again = inside.clone();
        let predicted = [fit.transform(&values), inside].concat();
        kept(
            predicted,
            |writer| fit.write(writer, "m"),
            move |_, file| {
                Ok([FittedTargetEncoder::read(file, "m")?.transform(&values), again.clone()].concat())
            },
        )
    }),
    ("metrics", |_, source| {
        let cases = source.cases(Outcomes::Classes);
        let ((score, _), y, w) = (scores(source, &cases), &cases.y, &cases.weight);
        let share = f64::from(source.parameter(0.3));
        let k = source.count(5);
        let losses = [Loss::Squared, Loss::Logistic, Loss::Poisson, Loss::Gamma];
        let figures = [
            metrics::auc(&score, y, w),
            metrics::average_precision(&score, y, w),
            metrics::log_loss(&score, y, w),
            metrics::brier(&score, y, w),
            metrics::calibration_ratio(&score, y, w),
            metrics::share_of_buyers_at(&score, y, w, share),
            metrics::lift_at(&score, y, w, share),
            metrics::ndcg_graded(&score, y, k),
            metrics::reliability(&score, y, w, k).map(|bins| bins.iter().map(|bin| bin.realised).sum()),
            Gain::new(&score, y, w).map(|gain| gain.at(0.3) + gain.volume_for_share(0.3)),
        ];
        let by_loss = losses
            .into_iter()
            .flat_map(|loss| [metrics::mean_loss(loss, &score, y, w), metrics::deviance(loss, &score, y, w)]);
        nothing_kept(finite(figures.into_iter().chain(by_loss)))
    }),
    ("effects", |_, source| {
        let cases = source.cases(Outcomes::Classes);
        let ((score, _), y, w) = (scores(source, &cases), &cases.y, &cases.weight);
        let treated: Vec<bool> = (0..y.len()).map(|_| source.one_in(2)).collect();
        let (share, level) = (f64::from(source.parameter(0.5)), f64::from(source.parameter(0.8)));
        let qini = Qini::new(&score, y, &treated, w);
        let effect = uplift_at(&score, y, &treated, w, share, level);
        nothing_kept(finite([
            qini.clone().map(|qini| qini.area()),
            qini.map(|qini| qini.coefficient().unwrap_or(0.0)),
            effect.map(|effect| effect.uplift + effect.low + effect.high),
        ]))
    }),
    ("intervals", |run, source| {
        let cases = source.cases(Outcomes::Classes);
        let (score, _) = scores(source, &cases);
        let groups = groups(source, cases.y.len());
        let bootstrap = Bootstrap {
            n_resamples: if source.one_in(8) { source.up_to(40) } else { 40 },
            level: f64::from(source.parameter(0.8)),
            method: if source.one_in(2) { Method::Bca } else { Method::Percentile },
        };
        let found = bootstrap.interval(run, &groups, |weight| metrics::auc(&score, &cases.y, weight))?;
        nothing_kept(vec![found.value as f32, found.low as f32, found.high as f32])
    }),
    ("importance", |run, source| {
        let cases = source.cases(Outcomes::Classes);
        let columns: Vec<Vec<usize>> =
            (0..source.up_to(4)).map(|_| vec![source.up_to(4); source.up_to(2)]).collect();
        let importance = PermutationImportance { n_repeats: source.up_to(3) };
        let found = importance.measure(run, cases.x.view(), &columns, |x| {
            metrics::auc(
                &x.columns().into_iter().next().map(|c| c.to_vec()).unwrap_or_default(),
                &cases.y,
                &cases.weight,
            )
        })?;
        nothing_kept(found.into_iter().flat_map(|of| [of.mean as f32, of.deviation as f32]).collect())
    }),
    ("splits", |run, source| {
        let hard = [i64::MIN, i64::MAX, 0, -1];
        let mut date = |wild: bool| if wild { hard[source.up_to(3)] } else { source.up_to(60) as i64 };
        let dates: Vec<i64> = (0..40).map(|row| date(row % 13 == 12)).collect();
        let split = DateSplit {
            horizon: date(false),
            gap: date(false) / 8,
            train_length: Some(date(false)),
            test_length: date(false),
        };
        let (cutoff, step) = (date(false), date(false));
        let rolling = split.rolling(&dates, source.up_to(4), step)?;
        let part = TrainTest::by_group(run, &dates.iter().map(|&d| d as u64).collect::<Vec<_>>(), 0.5)?;
        let at = split.at(&dates, cutoff)?;
        nothing_kept(vec![rolling.len() as f32, part.train.len() as f32, at.test.len() as f32])
    }),
];
