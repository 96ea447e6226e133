//! One tree, best leaf first.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::histogram::{FEW, Histogram, Used};
use super::slopes::Slopes;
use super::split::{Bounds, Place, Rules, Split, Sums, better};
use crate::binning::{PACK, Packed};
use crate::error::Result;
use crate::run::Run;

/// Rows that one task parts.
const CHUNK: usize = 32_768;

/// What every tree grows on.
pub(super) struct Ground {
    pub(super) bins: Packed,
    /// The same bins, a vector for each feature.
    pub(super) columns: Vec<Vec<u8>>,
    /// Number of bins of each feature.
    pub(super) n_bins: Vec<usize>,
    pub(super) is_category: Vec<bool>,
    /// −1, 0 or 1 for each feature.
    pub(super) directions: Vec<i8>,
    pub(super) rules: Rules,
    pub(super) max_leaves: usize,
}

/// A node: a cut with its children, or a leaf with its value. Children are behind their parent.
pub(super) enum GrownNode {
    Cut { split: Split, left: u32, right: u32 },
    Leaf(f64),
}

/// A grown tree.
pub(super) struct Grown {
    pub(super) nodes: Vec<GrownNode>,
    /// The node that each leaf is: [`Slopes::leaf`] counts in this order.
    pub(super) leaves: Vec<usize>,
}

struct Leaf {
    node: usize,
    from: usize,
    to: usize,
    sums: [i64; 2],
    bounds: Bounds,
    histograms: Vec<Histogram>,
    best: Option<Split>,
}

/// Room that trees use one after the other.
#[derive(Default)]
pub(super) struct Room {
    rows: Vec<u32>,
    aside: Vec<u32>,
}

/// Grows a tree with the `usable` features and notes each row's leaf in `slopes`.
pub(super) fn grow(
    run: &Run<'_>,
    ground: &Ground,
    usable: &[bool],
    slopes: &Slopes,
    room: &mut Room,
) -> Result<Grown> {
    let n = slopes.rows.len();
    let rows = &mut room.rows;
    rows.clear();
    rows.extend(0..n as u32);
    room.aside.resize(n, 0);
    let field = Field { ground, usable, used: Used::new(usable), slopes };
    let sums = slopes.whole;
    let mut nodes = vec![GrownNode::Leaf(field.value(sums))];
    let mut root =
        Leaf { node: 0, from: 0, to: n, sums, bounds: Bounds::NONE, histograms: Vec::new(), best: None };
    field.plant(&mut root, rows);
    let mut leaves = vec![root];
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
        let feature = split.feature as usize;
        let range = parent.from..parent.to;
        let middle = parent.from
            + part(&mut rows[range.clone()], &mut room.aside[range], &ground.columns[feature], &split);
        let right_sums = [parent.sums[0] - split.left[0], parent.sums[1] - split.left[1]];
        let values = [split.left, right_sums].map(|sums| parent.bounds.clamp(field.value(sums)));
        let bounds = parent.bounds.parted(ground.directions[feature], values[0], values[1]);
        let at = nodes.len();
        nodes[parent.node] = GrownNode::Cut { split, left: at as u32, right: at as u32 + 1 };
        nodes.extend(values.map(GrownNode::Leaf));
        let child = |node, from, to, sums, bounds| Leaf {
            node,
            from,
            to,
            sums,
            bounds,
            histograms: Vec::new(),
            best: None,
        };
        let mut left = child(at, parent.from, middle, split.left, bounds.0);
        let mut right = child(at + 1, middle, parent.to, right_sums, bounds.1);
        if leaves.len() + 2 < ground.max_leaves && (field.can_split(&left) || field.can_split(&right)) {
            let left_is_small = left.to - left.from <= right.to - right.from;
            let (small, large) =
                if left_is_small { (&mut left, &mut right) } else { (&mut right, &mut left) };
            field.divide(parent.histograms, rows, small, large);
        }
        leaves.push(left);
        leaves.push(right);
    }
    leaves.sort_unstable_by_key(|leaf| leaf.node);
    leaves.par_iter().enumerate().for_each(|(place, leaf)| {
        for &row in &rows[leaf.from..leaf.to] {
            slopes.leaf[row as usize].store(place as u16, Ordering::Relaxed);
        }
    });
    Ok(Grown { nodes, leaves: leaves.into_iter().map(|leaf| leaf.node).collect() })
}

/// What one tree grows on.
struct Field<'a> {
    ground: &'a Ground,
    usable: &'a [bool],
    used: Used,
    slopes: &'a Slopes,
}

impl Field<'_> {
    fn value(&self, sums: [i64; 2]) -> f64 {
        Sums::of(sums, self.slopes.unit).value(self.ground.rules.l2)
    }

    fn can_split(&self, leaf: &Leaf) -> bool {
        let curvature = Sums::of(leaf.sums, self.slopes.unit).curvature;
        leaf.to - leaf.from > 1 && curvature >= 2.0 * self.ground.rules.min_leaf_weight
    }

    /// The root's histograms and best cut.
    fn plant(&self, root: &mut Leaf, rows: &[u32]) {
        root.histograms = Histogram::of_rows(&self.ground.bins, rows, self.slopes, &self.used);
        let best: Vec<Option<Split>> = root
            .histograms
            .par_iter()
            .enumerate()
            .map(|(pack, histogram)| self.best_of_pack(root, histogram, pack))
            .collect();
        root.best = best.into_iter().fold(None, better);
    }

    /// Histograms and best cuts of two children: the small one's are summed, the large one's are what is left.
    fn divide(&self, parent: Vec<Histogram>, rows: &[u32], small: &mut Leaf, large: &mut Leaf) {
        let less =
            Histogram::of_rows(&self.ground.bins, &rows[small.from..small.to], self.slopes, &self.used);
        let found: Vec<(Histogram, [Option<Split>; 2])> = parent
            .into_par_iter()
            .zip(&less)
            .enumerate()
            .with_max_len(1)
            .map(|(pack, (mut rest, less))| {
                rest.subtract(less);
                let best = [self.best_of_pack(small, less, pack), self.best_of_pack(large, &rest, pack)];
                (rest, best)
            })
            .collect();
        for (rest, best) in found {
            small.best = better(small.best, best[0]);
            large.best = better(large.best, best[1]);
            large.histograms.push(rest);
        }
        small.histograms = less;
    }

    fn best_of_pack(&self, leaf: &Leaf, histogram: &Histogram, pack: usize) -> Option<Split> {
        if !self.can_split(leaf) {
            return None;
        }
        let ground = self.ground;
        (pack * PACK..((pack + 1) * PACK).min(ground.n_bins.len()))
            .filter(|&feature| self.usable[feature])
            .map(|feature| {
                Place {
                    feature: feature as u32,
                    is_category: ground.is_category[feature],
                    direction: ground.directions[feature],
                    bins: &histogram.feature(feature % PACK)[..ground.n_bins[feature]],
                    leaf: leaf.sums,
                    unit: self.slopes.unit,
                    bounds: leaf.bounds,
                }
                .best(ground.rules)
            })
            .fold(None, better)
    }
}

/// Brings the rows that go left to the front, keeping the order on both sides; says how many they are.
fn part(rows: &mut [u32], aside: &mut [u32], column: &[u8], split: &Split) -> usize {
    let mut goes_left = [0_u8; 256];
    for (bin, goes) in (0..=u8::MAX).zip(&mut goes_left) {
        *goes = u8::from(split.goes_left(bin));
    }
    // Every row is written to both sides and kept on one: the cut is a coin toss to the branch predictor.
    let sides = |rows: &mut [u32], aside: &mut [u32]| {
        let (mut n_left, mut n_right) = (0, 0);
        for at in 0..rows.len().min(aside.len()) {
            let row = rows[at];
            let goes = usize::from(goes_left[usize::from(column[row as usize])]);
            rows[n_left] = row;
            aside[n_right] = row;
            n_left += goes;
            n_right += 1 - goes;
        }
        n_left
    };
    if rows.len() < FEW.max(CHUNK) {
        let n_left = sides(rows, aside);
        let n_right = rows.len() - n_left;
        rows[n_left..].copy_from_slice(&aside[..n_right]);
        return n_left;
    }
    let counts: Vec<usize> = rows
        .par_chunks_mut(CHUNK)
        .zip(aside.par_chunks_mut(CHUNK))
        .map(|(rows, aside)| sides(rows, aside))
        .collect();
    let mut end = 0;
    for (chunk, &n_left) in counts.iter().enumerate() {
        rows.copy_within(chunk * CHUNK..chunk * CHUNK + n_left, end);
        end += n_left;
    }
    let middle = end;
    for (aside, &n_left) in aside.chunks(CHUNK).zip(&counts) {
        let n_right = aside.len() - n_left;
        rows[end..end + n_right].copy_from_slice(&aside[..n_right]);
        end += n_right;
    }
    middle
}
