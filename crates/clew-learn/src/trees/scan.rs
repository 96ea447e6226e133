//! Trees laid out for blocks of rows: every cut of a tree is put to all rows at once (QuickScorer, Lucchese et al. 2015;
//! rows abreast as RapidScorer, Ye et al. 2018). The sums are those of [`FittedTrees::decision`], to the bit.

use super::fitted::{FittedTrees, Node};
use crate::columns::{BLOCK, Column};
use crate::error::{Error, Result};
use crate::simd::{
    self,
    leaves::{Cut, LEAVES, Tree},
};

/// Trees of at most 32 leaves over numbers, laid out for blocks of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeScan {
    base: f64,
    n_columns: usize,
    cuts: Vec<Cut>,
    /// Where each tree's cuts with missing values to the right, and all of its cuts, end.
    ends: Vec<(usize, usize)>,
    leaves: Vec<[f32; LEAVES]>,
}

impl FittedTrees {
    /// Lays the trees out; `columns[f]` is the column of a block that holds feature f. Errors on trees of more than 32
    /// leaves, on groups of categories, and on another number of features.
    pub fn scan(&self, columns: &[usize]) -> Result<TreeScan> {
        crate::check::same_columns(columns.len(), self.n_features())?;
        let mut scan = TreeScan {
            base: self.base(),
            n_columns: columns.iter().max().map_or(0, |&column| column + 1),
            cuts: Vec::new(),
            ends: Vec::new(),
            leaves: Vec::new(),
        };
        for nodes in self.trees() {
            scan.add(nodes, columns)?;
        }
        Ok(scan)
    }
}

impl TreeScan {
    fn add(&mut self, nodes: &[Node], columns: &[usize]) -> Result<()> {
        let n_leaves = nodes.iter().filter(|node| node.children().is_none()).count();
        if n_leaves > LEAVES || nodes.iter().any(|node| node.group_number().is_some()) {
            return Err(Error::input(
                format!("a tree of {n_leaves} leaves, or with groups of categories, is not for scanning"),
                format!("grow trees of at most {LEAVES} leaves over numbers"),
            ));
        }
        let mut leaves = [0.0; LEAVES];
        let (mut missing_right, mut missing_left) = (Vec::new(), Vec::new());
        // Leaves from the left; a cut is known when all that lies under it has been seen.
        let mut n_seen = 0_u32;
        let mut open = vec![(0_usize, false)];
        let mut from = vec![0_u32; nodes.len()];
        while let Some((place, left_is_done)) = open.pop() {
            let Some(node) = nodes.get(place) else { continue };
            match node.children() {
                None => {
                    leaves[n_seen as usize] = node.value;
                    n_seen += 1;
                }
                Some((left, _)) if !left_is_done => {
                    from[place] = n_seen;
                    open.extend([(place, true), (left, false)]);
                }
                Some((_, right)) => {
                    let under = |n: u32| if n >= 32 { u32::MAX } else { (1 << n) - 1 };
                    let keep = !(under(n_seen) & !under(from[place]));
                    let cut = Cut { column: columns[node.feature()] as u32, cut: node.cut, keep };
                    if node.missing_goes_left() {
                        missing_left.push(cut)
                    } else {
                        missing_right.push(cut)
                    }
                    open.push((right, false));
                }
            }
        }
        self.cuts.extend(missing_right);
        let middle = self.cuts.len();
        self.cuts.extend(missing_left);
        self.ends.push((middle, self.cuts.len()));
        self.leaves.push(leaves);
        Ok(())
    }

    /// The decisions of a block's rows before the link. Errors on a block of fewer columns than the trees look at.
    pub fn decision(&self, block: &[Column]) -> Result<[f64; BLOCK]> {
        if block.len() < self.n_columns {
            return Err(Error::input(
                format!("a block of {} columns for trees that look at {}", block.len(), self.n_columns),
                "fill the columns that the trees were laid out for",
            ));
        }
        let mut scores = [self.base; BLOCK];
        let mut from = 0;
        let trees = self.ends.iter().zip(&self.leaves).map(|(&(middle, end), leaves)| {
            let tree = Tree {
                missing_right: &self.cuts[from..middle],
                missing_left: &self.cuts[middle..end],
                leaves,
            };
            from = end;
            tree
        });
        simd::leaves::add_leaves(simd::level(), block, trees, &mut scores);
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::trees::BoostedTrees;
    use crate::{Run, Silent, Stop};

    #[test]
    fn a_scan_says_what_the_trees_say() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let run = Run { pool: &pool, seed: 7, progress: &Silent, stop: &Stop::new() };
        let n = BLOCK * 20;
        let x = Array2::from_shape_fn((n, 5), |(i, j)| {
            let value = ((i * (j + 3) * 7919) % 101) as f32 / 10.0;
            if (i + j) % 9 == 0 { f32::NAN } else { value }
        });
        let y: Vec<f32> = (0..n)
            .map(|i| {
                f32::from(u8::from(x[[i, 0]] > 5.0) ^ u8::from(x[[i, 3]].is_nan()) ^ u8::from(i % 7 == 0))
            })
            .collect();
        for max_leaves in [2, 16, 32] {
            let learner = BoostedTrees { n_trees: 20, max_leaves, ..Default::default() };
            let trees = learner.fit(&run, x.view(), &y, &vec![1.0; n], None).unwrap();
            let expected = trees.decision(&run, x.view()).unwrap();
            // The columns of the block in another order, with one that is not looked at.
            let columns = [4, 0, 5, 2, 1];
            let scan = trees.scan(&columns).unwrap();
            for (part, expected) in expected.chunks(BLOCK).enumerate() {
                let mut block = [[0.0; BLOCK]; 6];
                for (lane, row) in x.rows().into_iter().skip(part * BLOCK).take(BLOCK).enumerate() {
                    columns.iter().zip(row).for_each(|(&column, &value)| block[column][lane] = value);
                }
                let found = scan.decision(&block).unwrap();
                assert!(found.iter().zip(expected).all(|(&a, &b)| a as f32 == b));
            }
            assert!(scan.decision(&[[0.0; BLOCK]; 5]).is_err());
        }
        let learner = BoostedTrees { n_trees: 1, ..Default::default() };
        let mut trees = learner.fit(&run, x.view(), &y, &vec![1.0; n], None).unwrap();
        assert!(trees.scan(&[0, 1, 2, 3, 4]).is_ok() && trees.scan(&[0]).is_err());
        // A chain of cuts with a leaf more than there is room for.
        let chain: Vec<Node> = (0..LEAVES as u32)
            .flat_map(|i| [Node::cut(0, i as f32, false, (2 * i + 1, 2 * i + 2)), Node::leaf(0.1)])
            .chain([Node::leaf(0.2)])
            .collect();
        trees.push(&chain);
        assert!(trees.scan(&[0, 1, 2, 3, 4]).is_err());
    }
}
