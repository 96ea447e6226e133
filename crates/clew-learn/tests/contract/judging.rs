//! Calibration and scaling under the contract.

use clew_learn::calibration::{Beta, Calibrator, Isotonic, Platt};
use clew_learn::scaling::StandardScaler;
use clew_learn::target_encoding::{FittedTargetEncoder, TargetEncoder};
use ndarray::Array2;

use crate::harness::{Candidate, Cases, Outcome, keep};

/// The first column squeezed into a probability, for what calibrates those. Infinite stays out of range.
fn probabilities(x: &Array2<f32>) -> Vec<f32> {
    x.column(0).iter().map(|&z| if z.is_finite() { 1.0 / (1.0 + (-z).exp()) } else { z }).collect()
}

/// The first column cut into 8 values, and what is not finite as a value out of range.
fn values(x: &Array2<f32>) -> Vec<u32> {
    x.column(0).iter().map(|&z| if z.is_finite() { (z + 4.0).clamp(0.0, 7.0) as u32 } else { 99 }).collect()
}

/// Rows that say the same are one group: so are the copies of a row.
fn groups(cases: &Cases) -> Vec<u64> {
    cases.x.column(1).iter().map(|value| u64::from(value.to_bits())).collect()
}

pub fn candidates() -> Vec<Candidate> {
    vec![
        Candidate {
            name: "sigmoid",
            fit: |_, cases, judged| {
                let fit = Platt::fit(&cases.column(), &cases.y, &cases.weight)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let again = Platt::read(&file, "m")?;
                let of = |fit: Platt| judged.column(0).iter().map(|&score| fit.predict(score)).collect();
                Ok(Outcome { predicted: of(fit), reread: of(again), bytes })
            },
            refuses_one_class: true,
            tolerance: 1e-6,
        },
        Candidate {
            name: "isotonic regression",
            fit: |_, cases, judged| {
                let fit = Isotonic::fit(&cases.column(), &cases.y, &cases.weight)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let again = Isotonic::read(&file, "m")?;
                let of = |fit: Isotonic| judged.column(0).iter().map(|&score| fit.predict(score)).collect();
                Ok(Outcome { predicted: of(fit), reread: of(again), bytes })
            },
            refuses_one_class: false,
            tolerance: 1e-6,
        },
        Candidate {
            name: "beta calibration",
            fit: |_, cases, judged| {
                let fit = Beta::fit(&probabilities(&cases.x), &cases.y, &cases.weight)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let again = Beta::read(&file, "m")?;
                let of = |fit: Beta| probabilities(judged).into_iter().map(|p| fit.predict(p)).collect();
                Ok(Outcome { predicted: of(fit), reread: of(again), bytes })
            },
            refuses_one_class: true,
            tolerance: 1e-6,
        },
        Candidate {
            name: "chosen calibration",
            fit: |run, cases, judged| {
                let p = probabilities(&cases.x);
                let fit = Calibrator::choose(run, &p, &cases.y, &cases.weight, &groups(cases), 4)?.calibrator;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let again = Calibrator::read(&file, "m")?;
                let of =
                    |fit: Calibrator| probabilities(judged).into_iter().map(|p| fit.predict(p)).collect();
                Ok(Outcome { predicted: of(fit), reread: of(again), bytes })
            },
            refuses_one_class: true,
            tolerance: 1e-6,
        },
        Candidate {
            name: "target encoder",
            fit: |run, cases, judged| {
                let encoder = TargetEncoder::default();
                let (y, weight) = (&cases.y, &cases.weight);
                let (fit, _) = encoder.fit(run, &values(&cases.x), 8, y, weight, &groups(cases))?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let reread = FittedTargetEncoder::read(&file, "m")?.transform(&values(judged));
                Ok(Outcome { predicted: fit.transform(&values(judged)), reread, bytes })
            },
            refuses_one_class: false,
            tolerance: 1e-6,
        },
        Candidate {
            name: "scaler",
            fit: |run, cases, judged| {
                let fit = StandardScaler::fit(run, cases.x.view(), &cases.weight)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let reread =
                    StandardScaler::read(&file, "m")?.transform(judged.view())?.into_iter().collect();
                Ok(Outcome { predicted: fit.transform(judged.view())?.into_iter().collect(), reread, bytes })
            },
            refuses_one_class: false,
            tolerance: 1e-6,
        },
    ]
}
