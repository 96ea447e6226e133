//! Features cut into at most 255 bins each: numbers at weighted quantiles, categories by value, and one bin for
//! what is missing. Trees and additive models see features only so.

use ndarray::{Array2, ArrayView2};
use rand::seq::index;
use rayon::prelude::*;

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;

pub(crate) use packed::{PACK, Packed};

mod packed;

/// Rows that the cuts are found on.
const SAMPLE: usize = 200_000;
const CHUNK: usize = 8_192;

/// How to cut features into bins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binning {
    /// Most bins a feature, 2..=255; what is missing has one of its own besides.
    pub max_bins: usize,
    /// Columns whose values are names, not amounts: any finite numbers, a bin each. Where there are more than
    /// `max_bins` the rarest share the bin of missing values.
    pub categories: Vec<usize>,
}

impl Default for Binning {
    fn default() -> Binning {
        Binning { max_bins: 255, categories: Vec::new() }
    }
}

/// The bins of one feature. Bin 0 is for what is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Bins {
    /// Rising cuts: bin b ≥ 1 holds the values in (cut b − 2, cut b − 1].
    Numbers(Vec<f32>),
    /// Rising values: bin b ≥ 1 holds the value at b − 1. Values that are not there are in bin 0.
    Categories(Vec<f32>),
}

impl Bins {
    /// Number of bins, the one for what is missing included.
    pub fn n_bins(&self) -> usize {
        match self {
            Bins::Numbers(cuts) => cuts.len() + 2,
            Bins::Categories(values) => values.len() + 1,
        }
    }

    /// The bin of a value; NaN is missing.
    pub fn bin(&self, value: f32) -> u8 {
        if value.is_nan() {
            return 0;
        }
        match self {
            Bins::Numbers(cuts) => cuts.partition_point(|&cut| cut < value) as u8 + 1,
            Bins::Categories(values) => {
                values.binary_search_by(|known| known.total_cmp(&(value + 0.0))).map_or(0, |at| at as u8 + 1)
            }
        }
    }

    /// Whether what is kept here may be bins at all: few enough, finite, rising.
    fn is_sound(&self) -> bool {
        let (values, most) = match self {
            Bins::Numbers(cuts) => (cuts, 254),
            Bins::Categories(values) => (values, 255),
        };
        values.len() <= most
            && values.iter().all(|value| value.is_finite())
            && values.windows(2).all(|pair| pair[0] < pair[1])
    }
}

/// The bins of every feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedBinning {
    features: Vec<Bins>,
}

impl Binning {
    /// Finds the bins of `x` (rows × features; NaN = missing), with about equal weight in each; where a feature
    /// has few values, one bin each. Beyond 200,000 rows the cuts are found on a sample of them. Errors on
    /// infinities, weights that do not fit, and categories that are not columns.
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, weight: &[f32]) -> Result<FittedBinning> {
        self.check(x.ncols())?;
        check::matrix(x, Missing::Allowed, "row")?;
        check::weights(x.nrows(), weight)?;
        self.fit_checked(run, x, weight)
    }

    pub(crate) fn check(&self, n_features: usize) -> Result<()> {
        if !(2..=255).contains(&self.max_bins) {
            return Err(Error::input(format!("{} bins", self.max_bins), "use 2 to 255"));
        }
        match self.categories.iter().find(|&&column| column >= n_features) {
            Some(column) => Err(Error::input(
                format!("column {column} is to hold categories, there are {n_features} columns"),
                "name columns that are there, counted from 0",
            )),
            None => Ok(()),
        }
    }

    /// As [`Binning::fit`], for input that was checked.
    pub(crate) fn fit_checked(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        weight: &[f32],
    ) -> Result<FittedBinning> {
        let n = x.nrows();
        let rows: Vec<usize> = if n <= SAMPLE {
            (0..n).collect()
        } else {
            let mut rows = index::sample(&mut run.rng(0x6269_6e73), n, SAMPLE).into_vec();
            rows.sort_unstable();
            rows
        };
        let features = run.pool.install(|| {
            (0..x.ncols())
                .into_par_iter()
                .map(|feature| {
                    run.check()?;
                    let column = x.column(feature);
                    let values = rows.iter().map(|&row| (column[row], weight[row]));
                    let values =
                        distinct(values.filter(|(value, weight)| !value.is_nan() && *weight > 0.0).collect());
                    Ok(if self.categories.contains(&feature) {
                        Bins::Categories(frequent(values, self.max_bins))
                    } else {
                        Bins::Numbers(cut(&values, self.max_bins))
                    })
                })
                .collect::<Result<_>>()
        })?;
        Ok(FittedBinning { features })
    }
}

impl FittedBinning {
    pub(crate) fn of(features: Vec<Bins>) -> FittedBinning {
        FittedBinning { features }
    }

    /// The bins of each feature.
    pub fn features(&self) -> &[Bins] {
        &self.features
    }

    /// The bin of every value of `x` (rows × features; NaN = missing).
    pub fn transform(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<Array2<u8>> {
        check::same_columns(x.ncols(), self.features.len())?;
        let mut binned = Array2::zeros(x.dim());
        let row_bytes = x.ncols().max(1);
        let bytes = binned.as_slice_mut().unwrap_or(&mut []);
        run.pool.install(|| {
            bytes.par_chunks_mut(CHUNK * row_bytes).enumerate().try_for_each(|(chunk, bytes)| {
                run.check()?;
                for (place, bytes) in bytes.chunks_exact_mut(row_bytes).enumerate() {
                    for ((byte, &value), bins) in
                        bytes.iter_mut().zip(x.row(chunk * CHUNK + place)).zip(&self.features)
                    {
                        *byte = bins.bin(value);
                    }
                }
                Ok(())
            })
        })?;
        Ok(binned)
    }

    /// Adds the bins to a model file: `<name>.bins` (all cuts and values, f32), `<name>.bins_from` (where each
    /// feature's begin, and the end), `<name>.bins_kind` (0 numbers, 1 categories).
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let (mut values, mut from, mut kinds) = (Vec::new(), vec![0_u64], Vec::new());
        for bins in &self.features {
            let (own, kind) = match bins {
                Bins::Numbers(cuts) => (cuts, 0_u8),
                Bins::Categories(values) => (values, 1),
            };
            values.extend_from_slice(own);
            from.push(values.len() as u64);
            kinds.push(kind);
        }
        writer.section(&format!("{name}.bins"), &values)?;
        writer.section(&format!("{name}.bins_from"), &from)?;
        writer.section(&format!("{name}.bins_kind"), &kinds)
    }

    /// Reads back what [`FittedBinning::write`] wrote. Errors on bins that do not rise or are too many.
    pub fn read(file: &File, name: &str) -> Result<FittedBinning> {
        let wrong = || Error::format(format!("the bins '{name}' do not fit together"), "train again");
        let values = file.view::<f32>(&format!("{name}.bins"))?;
        let from = file.view::<u64>(&format!("{name}.bins_from"))?;
        let kinds = file.view::<u8>(&format!("{name}.bins_kind"))?;
        if from.len() != kinds.len() + 1 || from.first() != Some(&0) {
            return Err(wrong());
        }
        if from.last() != Some(&(values.len() as u64)) {
            return Err(wrong());
        }
        let features = from.windows(2).zip(kinds).map(|(range, &kind)| {
            let own = values.get(range[0] as usize..range[1] as usize).ok_or_else(wrong)?.to_vec();
            let bins = match kind {
                0 => Bins::Numbers(own),
                1 => Bins::Categories(own),
                _ => return Err(wrong()),
            };
            if bins.is_sound() { Ok(bins) } else { Err(wrong()) }
        });
        Ok(FittedBinning { features: features.collect::<Result<_>>()? })
    }
}

/// The different values, rising, each with its weight.
fn distinct(mut values: Vec<(f32, f32)>) -> Vec<(f32, f64)> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut distinct: Vec<(f32, f64)> = Vec::new();
    for (value, weight) in values {
        match distinct.last_mut() {
            Some(last) if last.0 == value => last.1 += f64::from(weight),
            // Of the two zeros the positive one.
            _ => distinct.push((value + 0.0, f64::from(weight))),
        }
    }
    distinct
}

/// The heaviest values, rising.
fn frequent(mut values: Vec<(f32, f64)>, max_bins: usize) -> Vec<f32> {
    values.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.total_cmp(&b.0)));
    values.truncate(max_bins);
    let mut values: Vec<f32> = values.into_iter().map(|value| value.0).collect();
    values.sort_unstable_by(f32::total_cmp);
    values
}

/// Cuts between the values of one feature.
fn cut(distinct: &[(f32, f64)], max_bins: usize) -> Vec<f32> {
    let mut cuts = Vec::new();
    if distinct.len() <= max_bins {
        cuts.extend(distinct.windows(2).map(|pair| between(pair[0].0, pair[1].0)));
        return cuts;
    }
    // Each bin takes its part of what is left, so that one heavy value does not starve the others.
    let mut left: f64 = distinct.iter().map(|value| value.1).sum();
    let mut inside = 0.0;
    for (place, pair) in distinct.windows(2).enumerate() {
        inside += pair[0].1;
        let bins_left = max_bins - cuts.len();
        let forced = distinct.len() - 1 - place < bins_left;
        let nearer = inside + 0.5 * pair[1].1 >= left / bins_left as f64;
        if bins_left > 1 && (nearer || forced) {
            cuts.push(between(pair[0].0, pair[1].0));
            left -= inside;
            inside = 0.0;
        }
    }
    cuts
}

/// A number from `low` up to below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle.is_finite() && middle >= low && middle < high { middle } else { low }
}
