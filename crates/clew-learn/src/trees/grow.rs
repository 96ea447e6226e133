//! One tree, best leaf first.
//!
//! The parallel parts run over packs of features (a pack's histogram is summed by one thread in row order) and
//! over chunks of rows of fixed size, so the tree does not depend on the number of threads.

use rayon::prelude::*;

use super::bins::PACK;
use super::histogram::{Histogram, Rules, Split, Sums, better};
use crate::error::Result;
use crate::run::Run;

/// Rows that one task gathers or parts.
const CHUNK: usize = 16_384;

/// What a tree grows on.
pub(super) struct Ground<'a> {
    /// Bins of all rows, one vector a pack.
    pub(super) packs: &'a [Vec<u32>],
    /// Number of bins of each feature.
    pub(super) n_bins: &'a [usize],
    /// Whether the tree may use a feature.
    pub(super) usable: &'a [bool],
    pub(super) rules: Rules,
    pub(super) max_leaves: usize,
}

/// A grown tree: nodes in the order they were made, children behind their parent.
pub(super) struct Grown {
    pub(super) nodes: Vec<GrownNode>,
    /// The node that each leaf is, with the range of `rows` it holds.
    pub(super) leaves: Vec<(usize, std::ops::Range<usize>)>,
    /// All rows, leaf by leaf.
    pub(super) rows: Vec<u32>,
}

/// A node: a cut with its children, or a leaf.
pub(super) enum GrownNode {
    Cut { split: Split, left: u32, right: u32 },
    Leaf(Sums),
}

struct Leaf {
    node: usize,
    from: usize,
    to: usize,
    sums: Sums,
    histograms: Vec<Histogram>,
    best: Option<Split>,
}

/// Grows a tree on the (slope, curvature) of each row.
pub(super) fn grow(run: &Run<'_>, ground: &Ground<'_>, slopes: &[[f32; 2]], whole: Sums) -> Result<Grown> {
    let n = slopes.len();
    let mut rows: Vec<u32> = (0..n as u32).collect();
    let mut ordered = vec![[0.0_f32; 2]; n / 2 + 1];
    let mut nodes = vec![GrownNode::Leaf(whole)];
    let root = Leaf { node: 0, from: 0, to: n, sums: whole, histograms: Vec::new(), best: None };
    let mut leaves = vec![plant(run, ground, root, slopes)];
    while leaves.len() < ground.max_leaves {
        run.check()?;
        let mut chosen: Option<(usize, Split)> = None;
        for (place, leaf) in leaves.iter().enumerate() {
            if let Some(best) = leaf.best.filter(|best| chosen.is_none_or(|(_, top)| best.gain > top.gain)) {
                chosen = Some((place, best));
            }
        }
        let Some((place, split)) = chosen else { break };
        let parent = leaves.swap_remove(place);
        let words = &ground.packs[split.feature as usize / PACK];
        let middle = parent.from + part(run, &mut rows[parent.from..parent.to], words, &split);
        let (left, right) = (nodes.len(), nodes.len() + 1);
        let right_sums = parent.sums.minus(split.left);
        nodes[parent.node] = GrownNode::Cut { split, left: left as u32, right: right as u32 };
        nodes.push(GrownNode::Leaf(split.left));
        nodes.push(GrownNode::Leaf(right_sums));
        let child = |node, from, to, sums| Leaf { node, from, to, sums, histograms: Vec::new(), best: None };
        let mut left = child(left, parent.from, middle, split.left);
        let mut right = child(right, middle, parent.to, right_sums);
        let can_split = |leaf: &Leaf| leaf.sums.curvature >= 2.0 * ground.rules.min_leaf_weight;
        if leaves.len() + 2 < ground.max_leaves && (can_split(&left) || can_split(&right)) {
            let left_is_small = left.to - left.from <= right.to - right.from;
            let (small, large) =
                if left_is_small { (&mut left, &mut right) } else { (&mut right, &mut left) };
            let small_rows = &rows[small.from..small.to];
            let ordered = &mut ordered[..small_rows.len()];
            gather(run, ordered, small_rows, slopes);
            divide(run, ground, parent.histograms, (small_rows, ordered), small, large);
        }
        leaves.push(left);
        leaves.push(right);
    }
    let mut leaves: Vec<_> = leaves.into_iter().map(|leaf| (leaf.node, leaf.from..leaf.to)).collect();
    leaves.sort_unstable_by_key(|leaf| leaf.0);
    Ok(Grown { nodes, leaves, rows })
}

/// The root's histograms and best cut.
fn plant(run: &Run<'_>, ground: &Ground<'_>, mut root: Leaf, slopes: &[[f32; 2]]) -> Leaf {
    let found: Vec<(Histogram, Option<Split>)> = run.pool.install(|| {
        ground
            .packs
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(pack, words)| {
                let histogram = Histogram::of_all(words, slopes);
                let best = best_of_pack(ground, &histogram, pack, root.sums);
                (histogram, best)
            })
            .collect()
    });
    for (histogram, best) in found {
        root.histograms.push(histogram);
        root.best = better(root.best, best);
    }
    root
}

/// Histograms and best cuts of two children: the small one's are summed, the large one's are what is left.
fn divide(
    run: &Run<'_>,
    ground: &Ground<'_>,
    parent: Vec<Histogram>,
    (rows, slopes): (&[u32], &[[f32; 2]]),
    small: &mut Leaf,
    large: &mut Leaf,
) {
    let (small_sums, large_sums) = (small.sums, large.sums);
    let found: Vec<_> = run.pool.install(|| {
        parent
            .into_par_iter()
            .zip(ground.packs)
            .enumerate()
            .with_max_len(1)
            .map(|(pack, (parent, words))| {
                let less = Histogram::of_rows(words, rows, slopes);
                let rest = parent.minus(&less);
                let best = best_of_pack(ground, &less, pack, small_sums);
                let best_rest = best_of_pack(ground, &rest, pack, large_sums);
                (less, best, rest, best_rest)
            })
            .collect()
    });
    for (less, best, rest, best_rest) in found {
        small.histograms.push(less);
        small.best = better(small.best, best);
        large.histograms.push(rest);
        large.best = better(large.best, best_rest);
    }
}

fn best_of_pack(ground: &Ground<'_>, histogram: &Histogram, pack: usize, sums: Sums) -> Option<Split> {
    if sums.curvature < 2.0 * ground.rules.min_leaf_weight {
        return None;
    }
    (pack * PACK..((pack + 1) * PACK).min(ground.n_bins.len()))
        .filter(|&feature| ground.usable[feature])
        .map(|feature| {
            histogram.best(feature % PACK, feature as u32, ground.n_bins[feature], sums, ground.rules)
        })
        .fold(None, better)
}

fn gather(run: &Run<'_>, ordered: &mut [[f32; 2]], rows: &[u32], slopes: &[[f32; 2]]) {
    let fill = |ordered: &mut [[f32; 2]], rows: &[u32]| {
        ordered.iter_mut().zip(rows).for_each(|(slot, &row)| *slot = slopes[row as usize]);
    };
    if rows.len() <= CHUNK {
        return fill(ordered, rows);
    }
    run.pool.install(|| {
        ordered
            .par_chunks_mut(CHUNK)
            .zip(rows.par_chunks(CHUNK))
            .for_each(|(ordered, rows)| fill(ordered, rows));
    });
}

/// Brings the rows that go left to the front, keeping the order on both sides; says how many they are.
fn part(run: &Run<'_>, rows: &mut [u32], words: &[u32], split: &Split) -> usize {
    // Every row is written to both sides and kept on one: the cut is a coin toss to the branch predictor.
    let sides = |rows: &[u32]| {
        let (mut left, mut right) = (vec![0; rows.len()], vec![0; rows.len()]);
        let (mut n_left, mut n_right) = (0, 0);
        for &row in rows {
            let goes_left = usize::from(split.goes_left(words[row as usize]));
            left[n_left] = row;
            right[n_right] = row;
            n_left += goes_left;
            n_right += 1 - goes_left;
        }
        left.truncate(n_left);
        right.truncate(n_right);
        (left, right)
    };
    let parts: Vec<(Vec<u32>, Vec<u32>)> = if rows.len() <= CHUNK {
        vec![sides(rows)]
    } else {
        run.pool.install(|| rows.par_chunks(CHUNK).map(sides).collect())
    };
    let mut at = 0;
    for side in parts.iter().map(|part| &part.0).chain(parts.iter().map(|part| &part.1)) {
        rows[at..at + side.len()].copy_from_slice(side);
        at += side.len();
    }
    parts.iter().map(|part| part.0.len()).sum()
}
