//! The linear family under the contract.

use clew_learn::logistic::{FittedLogistic, LogisticRegression};

use crate::harness::{Candidate, Outcome, keep};

pub fn candidates() -> Vec<Candidate> {
    vec![Candidate {
        name: "logistic regression",
        fit: |run, cases, judged| {
            let fit =
                LogisticRegression::default().fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
            let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
            let reread = FittedLogistic::read(&file, "m")?.predict(judged.view())?;
            Ok(Outcome { predicted: fit.predict(judged.view())?, reread, bytes })
        },
        refuses_one_class: true,
        tolerance: 1e-6,
    }]
}
