//! The Gowalla check-ins, read from a folder, and the two figures they are judged by.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each user takes its part of these helpers"
)]

use std::io::Read;
use std::path::Path;

use clew_learn::metrics;
use clew_learn::sparse::Csr;

/// Training and test pairs as two matrices of one shape.
pub struct Gowalla {
    pub train: Csr,
    pub test: Csr,
}

impl Gowalla {
    /// Reads `train.txt.gz` and `test.txt.gz`; a line "row column column …" each.
    pub fn read(folder: &Path) -> Gowalla {
        let (train, test) = (pairs(&folder.join("train.txt.gz")), pairs(&folder.join("test.txt.gz")));
        let most =
            |of: fn(&(u32, u32, f32)) -> u32| train.iter().chain(&test).map(of).max().unwrap() as usize;
        let (n_rows, n_columns) = (most(|pair| pair.0) + 1, most(|pair| pair.1) + 1);
        Gowalla {
            train: Csr::from_triplets(n_rows, n_columns, &train).unwrap(),
            test: Csr::from_triplets(n_rows, n_columns, &test).unwrap(),
        }
    }

    /// Every `step`th row of both, for what takes long per row.
    pub fn every(&self, step: usize) -> Gowalla {
        let pick = |matrix: &Csr| {
            let rows = (0..matrix.n_rows()).step_by(step).enumerate();
            let triplets: Vec<_> = rows
                .flat_map(|(place, row)| {
                    matrix.row(row).0.iter().map(move |&column| (place as u32, column, 1.0))
                })
                .collect();
            Csr::from_triplets(matrix.n_rows().div_ceil(step), matrix.n_cols(), &triplets).unwrap()
        };
        Gowalla { train: pick(&self.train), test: pick(&self.test) }
    }

    /// Mean recall and NDCG over the rows that have test pairs.
    pub fn judge(&self, best: &[Vec<(u32, f32)>]) -> (f64, f64) {
        let (mut recall, mut ndcg, mut n) = (0.0, 0.0, 0.0);
        for (row, best) in best.iter().enumerate() {
            let best: Vec<u32> = best.iter().map(|best| best.0).collect();
            let relevant = self.test.row(row).0;
            if let (Some(r), Some(g)) = (metrics::recall(&best, relevant), metrics::ndcg(&best, relevant)) {
                recall += r;
                ndcg += g;
                n += 1.0;
            }
        }
        (recall / n, ndcg / n)
    }
}

fn pairs(path: &Path) -> Vec<(u32, u32, f32)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut pairs = Vec::new();
    for line in text.lines() {
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u32>().unwrap());
        if let Some(row) = numbers.next() {
            pairs.extend(numbers.map(|column| (row, column, 1.0)));
        }
    }
    pairs
}
