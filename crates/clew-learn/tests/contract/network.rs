//! The network under the contract.

use clew_learn::network::{FittedNetwork, Network};

use crate::harness::{Candidate, Outcome, keep};

pub fn candidates() -> Vec<Candidate> {
    vec![Candidate {
        name: "network",
        fit: |run, cases, judged| {
            let network = Network { n_hidden: 6, max_iterations: 40, ..Default::default() };
            let fit = network.fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
            let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
            let reread = FittedNetwork::read(&file, "m")?.predict(run, judged.view())?;
            Ok(Outcome { predicted: fit.predict(run, judged.view())?, reread, bytes })
        },
        refuses_one_class: true,
        // Many steps over a surface that is not convex stretch the rounding.
        tolerance: 1e-3,
    }]
}
