//! TreeSHAP.

use ndarray::{Array2, ArrayView2};

use super::{CHUNK, Contributions};
use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::trees::{FittedTrees, Node, depth};

/// Most cuts on a way down: room grows with their square, and each is a call.
const DEEPEST: usize = 512;

/// One feature on the way down, and with it one size of the sets of features that are known.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    /// None for the step that stands for no feature, before the root.
    feature: Option<usize>,
    /// Share of the training weight that comes this way when the feature is not known.
    zero: f64,
    /// 1 when the row goes this way, else 0.
    one: f64,
    /// Share of the sets of this size, in the order of the sizes.
    weight: f64,
}

pub(super) fn contributions(
    run: &Run<'_>,
    x: ArrayView2<'_, f32>,
    model: &FittedTrees,
) -> Result<Contributions> {
    let d = x.ncols();
    let base = model.base() + model.trees().map(expected).sum::<f64>();
    let deepest = model.trees().map(depth).max().unwrap_or(0);
    if deepest > DEEPEST {
        return Err(Error::input(
            format!("a tree has {deepest} cuts on one way down"),
            format!("explain trees of at most {DEEPEST}: learn with fewer leaves"),
        ));
    }
    let x = x.as_standard_layout();
    let values = x.as_slice().unwrap_or(&[]);
    let parts = map_chunks(run, x.nrows(), CHUNK, |from, to| {
        let mut sums = vec![0.0; (to - from) * d];
        let rows = model.coded(&values[from * d..to * d]);
        // A way of k steps needs k + 1 places, its longest way down all of them from 1 on.
        let mut room = vec![Step::default(); (deepest + 2) * (deepest + 3) / 2];
        for (row, sums) in rows.chunks_exact(d).zip(sums.chunks_exact_mut(d)) {
            for nodes in model.trees().filter(|nodes| nodes.len() > 1) {
                let mut walk = Walk { nodes, groups: model.groups(), row, sums };
                walk.down(0, &mut room, 0, Step { feature: None, zero: 1.0, one: 1.0, weight: 0.0 });
            }
        }
        sums
    })?;
    let flat: Vec<f64> = parts.into_iter().flatten().collect();
    let values = Array2::from_shape_vec((x.nrows(), d), flat).unwrap_or_else(|_| Array2::zeros((0, d)));
    Ok(Contributions { base, values })
}

/// What a tree says when nothing is known.
fn expected(nodes: &[Node]) -> f64 {
    let mut means: Vec<f64> = nodes.iter().map(|node| f64::from(node.value)).collect();
    for (place, node) in nodes.iter().enumerate().rev() {
        if let Some((left, right)) = node.children() {
            means[place] =
                share(nodes, place, left) * means[left] + share(nodes, place, right) * means[right];
        }
    }
    means.first().copied().unwrap_or(0.0)
}

/// The share of a cut's training weight that came to one of its children; halves where none came at all.
fn share(nodes: &[Node], parent: usize, child: usize) -> f64 {
    let Some((left, right)) = nodes[parent].children() else { return 1.0 };
    let whole = f64::from(nodes[left].cover) + f64::from(nodes[right].cover);
    if whole > 0.0 { f64::from(nodes[child].cover) / whole } else { 0.5 }
}

struct Walk<'a> {
    nodes: &'a [Node],
    groups: &'a [[u64; 4]],
    row: &'a [f32],
    sums: &'a mut [f64],
}

impl Walk<'_> {
    /// Goes down from a node, `n` steps (besides `next`) being at the beginning of `room`.
    fn down(&mut self, at: usize, room: &mut [Step], n: usize, next: Step) {
        extend(room, n, next);
        let node = &self.nodes[at];
        let Some((left, right)) = node.children() else {
            for place in 1..=n {
                let step = room[place];
                let share = unwound_sum(room, n, place);
                if let Some(feature) = step.feature {
                    self.sums[feature] += share * (step.one - step.zero) * f64::from(node.value);
                }
            }
            return;
        };
        let feature = node.feature();
        let is_left = node.goes_left(self.row[feature], self.groups);
        let (hot, cold) = if is_left { (left, right) } else { (right, left) };
        // The children's steps are built on a copy behind this one's.
        let (own, deeper) = room.split_at_mut(n + 1);
        let (mut zero, mut one) = (1.0, 1.0);
        let known = own.iter().position(|step| step.feature == Some(feature));
        for (child, goes) in [(hot, 1.0), (cold, 0.0)] {
            deeper[..=n].copy_from_slice(own);
            let mut n_steps = n + 1;
            if let Some(place) = known {
                (zero, one) = (own[place].zero, own[place].one);
                unwind(deeper, n, place);
                n_steps -= 1;
            }
            let zero = zero * share(self.nodes, at, child);
            let one = one * goes;
            // Where neither the row nor any training weight goes there is nothing to share out.
            if zero + one > 0.0 {
                self.down(child, deeper, n_steps, Step { feature: Some(feature), zero, one, weight: 0.0 });
            }
        }
    }
}

/// Puts a step behind the `n` there are, each set of features now with and without it.
fn extend(steps: &mut [Step], n: usize, next: Step) {
    steps[n] = Step { weight: if n == 0 { 1.0 } else { 0.0 }, ..next };
    let all = n as f64 + 1.0;
    for place in (0..n).rev() {
        let weight = steps[place].weight;
        steps[place + 1].weight += next.one * weight * (place as f64 + 1.0) / all;
        steps[place].weight = next.zero * weight * (n - place) as f64 / all;
    }
}

/// Takes the step at `place` out of the steps 0..=n.
fn unwind(steps: &mut [Step], n: usize, place: usize) {
    let Step { zero, one, .. } = steps[place];
    let all = n as f64 + 1.0;
    let mut next = steps[n].weight;
    for at in (0..n).rev() {
        if one != 0.0 {
            let weight = steps[at].weight;
            steps[at].weight = next * all / ((at as f64 + 1.0) * one);
            next = weight - steps[at].weight * zero * (n - at) as f64 / all;
        } else {
            steps[at].weight = steps[at].weight * all / (zero * (n - at) as f64);
        }
    }
    for at in place..n {
        steps[at] = Step { weight: steps[at].weight, ..steps[at + 1] };
    }
}

/// The sum of the weights that [`unwind`] would leave.
fn unwound_sum(steps: &[Step], n: usize, place: usize) -> f64 {
    let Step { zero, one, .. } = steps[place];
    let all = n as f64 + 1.0;
    let (mut next, mut sum) = (steps[n].weight, 0.0);
    for at in (0..n).rev() {
        if one != 0.0 {
            let weight = next * all / ((at as f64 + 1.0) * one);
            sum += weight;
            next = steps[at].weight - weight * zero * (n - at) as f64 / all;
        } else {
            sum += steps[at].weight * all / (zero * (n - at) as f64);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::run::{Silent, Stop};
    use crate::trees::BoostedTrees;

    /// What a tree says when only the features in `known` are.
    fn game(model: &FittedTrees, nodes: &[Node], at: usize, row: &[f32], known: usize) -> f64 {
        let node = &nodes[at];
        let Some((left, right)) = node.children() else { return f64::from(node.value) };
        if known >> node.feature() & 1 == 1 {
            let goes_left = node.goes_left(row[node.feature()], model.groups());
            return game(model, nodes, if goes_left { left } else { right }, row, known);
        }
        [left, right].map(|way| share(nodes, at, way) * game(model, nodes, way, row, known)).iter().sum()
    }

    fn factorial(n: usize) -> f64 {
        (1..=n).map(|n| n as f64).product()
    }

    #[test]
    fn they_are_the_shapley_values_and_sum_to_the_decision() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let run = Run { pool: &pool, seed: 4, progress: &Silent, stop: &Stop::new() };
        let (n, d) = (600, 5);
        let mut rng = run.rng(1);
        let mut x = Array2::from_shape_simple_fn((n, d), || rng.random::<f32>());
        let y: Vec<f32> = x
            .rows()
            .into_iter()
            .map(|row| f32::from(u8::from(row[0] + row[1] * row[2] + 0.5 * rng.random::<f32>() > 0.9)))
            .collect();
        x.column_mut(3).mapv_inplace(|value| (value * 8.0).floor());
        x.column_mut(4).mapv_inplace(|value| if value < 0.2 { f32::NAN } else { value });
        let trees = BoostedTrees {
            n_trees: 6,
            learning_rate: 0.5,
            max_leaves: 12,
            min_leaf_weight: 1.0,
            categories: vec![3],
            category_smoothing: 0.1,
            ..Default::default()
        };
        let weight: Vec<f32> = (0..n).map(|row| (row % 3) as f32).collect();
        let model = trees.fit(&run, x.view(), &y, &weight, None).unwrap();
        assert!(!model.groups().is_empty());
        let few = x.slice(ndarray::s![..20, ..]);
        let found = contributions(&run, few, &model).unwrap();
        for (row, found) in few.rows().into_iter().zip(found.values.rows()) {
            let row = row.to_vec();
            let coded = model.coded(&row);
            for feature in 0..d {
                let value: f64 = (0..1_usize << d)
                    .filter(|known| known >> feature & 1 == 0)
                    .map(|known| {
                        let size = known.count_ones() as usize;
                        let share = factorial(size) * factorial(d - size - 1) / factorial(d);
                        let gain = |nodes: &[Node]| {
                            game(&model, nodes, 0, &coded, known | 1 << feature)
                                - game(&model, nodes, 0, &coded, known)
                        };
                        share * model.trees().map(gain).sum::<f64>()
                    })
                    .sum();
                assert!(
                    (value - found[feature]).abs() < 1e-10,
                    "{feature}: {value} against {}",
                    found[feature]
                );
            }
        }
        let decisions = model.decision(&run, few).unwrap();
        for (sum, decision) in found.decisions().into_iter().zip(decisions) {
            assert!((sum - f64::from(decision)).abs() < 1e-6, "{sum} against {decision}");
        }
    }
}
