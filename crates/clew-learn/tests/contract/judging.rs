//! Calibration and scaling under the contract.

use clew_learn::calibration::{Isotonic, Platt};
use clew_learn::scaling::StandardScaler;

use crate::harness::{Candidate, Outcome, keep};

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
