//! What works on vectors that are there: neighbours, the scan of an offer, half precision.

use clew_learn::als::{Factors, ImplicitAls};
use clew_learn::half_factors::{HalfFactors, HalfVectors};
use clew_learn::neighbours::{FittedNeighbours, Measure, Neighbours};
use clew_learn::scan::{Link, Rows, Scan};
use clew_learn::{Result, Run};
use ndarray::ArrayView2;

use super::entry::{Target, kept, nothing_kept};
use super::source::{Outcomes, Source};

fn of_half(run: &Run<'_>, half: &HalfFactors, source: (usize, usize)) -> Result<Vec<f32>> {
    let (from, k) = source;
    let best = half.top_k(run, from..half.rows.len().max(from), k, None)?;
    let wide = half.widened();
    let best = best.into_iter().flatten().flat_map(|(column, score)| [column as f32, score]);
    Ok(best.chain(wide.rows).chain(wide.columns).collect())
}

fn small(source: &mut Source<'_>) -> usize {
    if source.one_in(8) { 0 } else { 1 + source.up_to(20) }
}

pub const TARGETS: &[(&str, Target)] = &[
    ("neighbours", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let measure = [Measure::Dot, Measure::Cosine, Measure::Euclidean][source.up_to(2)];
        let k = source.count(3);
        let fit = Neighbours { measure }.fit(run, cases.x.view())?;
        let judged = cases.judged;
        let of = move |run: &Run<'_>, fit: &FittedNeighbours| -> Result<Vec<f32>> {
            let found = [fit.nearest(run, judged.view(), k)?, fit.of_all(run, k)?].concat();
            Ok(found.into_iter().flatten().flat_map(|(row, measure)| [row as f32, measure]).collect())
        };
        kept(
            of(run, &fit)?,
            |writer| fit.write(writer, "m"),
            move |run, file| of(run, &FittedNeighbours::read(run, file, "m")?),
        )
    }),
    ("scan", |run, source| {
        let (n, d) = (small(source), source.up_to(9));
        let rows = source.matrix(n, d);
        let mood = source.mood();
        let length = if source.one_in(24) { d + 1 } else { d };
        let scan = Scan {
            vector: (0..length).map(|_| source.number(mood)).collect(),
            bias: source.parameter(0.0),
            link: if source.one_in(2) { Link::Logistic } else { Link::Identity },
            volumes: (0..source.up_to(3)).map(|_| source.up_to(n)).collect(),
            max_points: source.count(10),
        };
        let mut scores = Vec::new();
        let gain = if source.one_in(2) {
            let half = HalfVectors::new(run, rows.view())?;
            let view = ArrayView2::from_shape((n, d), half.values()).unwrap();
            scan.run(run, Rows::Half(view), &mut scores)?
        } else {
            scan.run(run, Rows::Single(rows.view()), &mut scores)?
        };
        assert_eq!(scores.len(), n);
        assert!(gain.volume.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", gain.volume);
        let curve = gain.volume.iter().chain(&gain.gain);
        assert!(curve.clone().all(|value| value.is_finite()), "{gain:?}");
        nothing_kept(scores.into_iter().chain(curve.map(|&value| value.clamp(-1e30, 1e30) as f32)).collect())
    }),
    ("factors in half precision", |run, source| {
        let (n, m, d) = (small(source), small(source), 1 + source.up_to(5));
        let params = ImplicitAls { n_factors: d, ..Default::default() };
        let factors = Factors { rows: source.matrix(n, d), columns: source.matrix(m, d), params };
        let half = factors.halved(run)?;
        let asked = (source.up_to(n), source.count(4));
        kept(
            of_half(run, &half, asked)?,
            |writer| half.write(writer, "m"),
            move |run, file| of_half(run, &HalfFactors::read(file, "m")?, asked),
        )
    }),
];
