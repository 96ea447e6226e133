//! Trees and additive models under the contract.

use clew_learn::trees::{BoostedTrees, FittedTrees};

use crate::harness::{Candidate, Outcome, keep};

pub fn candidates() -> Vec<Candidate> {
    vec![Candidate {
        name: "boosted trees",
        fit: |run, cases, judged| {
            let trees = BoostedTrees { n_trees: 20, learning_rate: 0.2, ..Default::default() };
            let fit = trees.fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
            let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
            let reread = FittedTrees::read(&file, "m")?.predict(run, judged.view())?;
            Ok(Outcome { predicted: fit.predict(run, judged.view())?, reread, bytes })
        },
        refuses_one_class: true,
        tolerance: 1e-4,
    }]
}
