//! Descriptors: what each attribute value says of taste, a vector a group, learned from the factors of the rows that have it.
//!
//! Regression-based latent factors (Agarwal & Chen 2009) fitted by backfitting: a row's vector is explained as the mean plus the
//! sum of its groups' vectors, each shrunk towards nothing by a ridge in units of rows. A row without history gets the explanation
//! as its vector.
use clew_learn::format::{File, Writer};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::feature_attribute::Attribute;

/// Rounds of backfitting.
const N_ROUNDS: usize = 4;
/// Vectors explained by one thread at a time, at least.
const CHUNK: usize = 1024;

/// A mean and a vector for each group of each attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Descriptors {
    /// Weighted mean of all rows.
    pub(crate) mean: Vec<f32>,
    /// For each attribute, n_groups × n_factors.
    pub(crate) groups: Vec<Array2<f32>>,
}

impl Descriptors {
    /// Explains `factors` (a row each) by the attributes that stand at `places`; rows count by `weight`, and `ridge` is the weight of
    /// the doubt.
    pub(crate) fn fit(
        factors: ArrayView2<'_, f32>,
        places: &[u32],
        weight: &[f32],
        attributes: &[Attribute],
        ridge: f32,
    ) -> Descriptors {
        let k = factors.ncols();
        let mut mean = vec![0.0_f64; k];
        let mut sum = 0.0_f64;
        for (row, &w) in factors.rows().into_iter().zip(weight) {
            sum += f64::from(w);
            for (m, &f) in mean.iter_mut().zip(row) {
                *m += f64::from(w * f);
            }
        }
        let mean: Vec<f32> = mean.into_iter().map(|m| (m / sum.max(1e-9)) as f32).collect();
        let mut groups: Vec<Array2<f32>> =
            attributes.iter().map(|a| Array2::zeros((a.n_groups(), k))).collect();
        // Only vectors that count are explained: what they have beyond the mean, one behind the other.
        let counted: Vec<(usize, u32, f32)> = (0..factors.nrows())
            .zip(places)
            .zip(weight)
            .filter(|&(_, &w)| w > 0.0)
            .map(|((row, &place), &w)| (row, place, w))
            .collect();
        let mut rest: Vec<f32> = Vec::with_capacity(counted.len() * k);
        for &(row, ..) in &counted {
            rest.extend(factors.row(row).iter().zip(&mean).map(|(f, m)| f - m));
        }
        let of = |code: u32| code as usize * k..(code as usize + 1) * k;
        for _ in 0..N_ROUNDS {
            for (attribute, vectors) in attributes.iter().zip(&mut groups) {
                let Some(vectors) = vectors.as_slice_mut() else { continue };
                let mut step = vec![0.0_f64; vectors.len()];
                let mut mass = vec![0.0_f64; attribute.n_groups()];
                for (&(_, place, w), rest) in counted.iter().zip(rest.chunks_exact(k.max(1))) {
                    let codes = attribute.of(place as usize);
                    let part = f64::from(w) / codes.len() as f64;
                    for &code in codes {
                        mass[code as usize] += part;
                        step[of(code)].iter_mut().zip(rest).for_each(|(s, &r)| *s += part * f64::from(r));
                    }
                }
                // The ridge pulls the whole vector to nothing, not only this round's step.
                let mut change = vec![0.0_f32; vectors.len()];
                let parts = change.chunks_exact_mut(k.max(1)).zip(step.chunks_exact(k.max(1)));
                for ((change, step), (mass, vector)) in
                    parts.zip(mass.iter().zip(vectors.chunks_exact_mut(k.max(1))))
                {
                    for ((c, &s), v) in change.iter_mut().zip(step).zip(vector) {
                        let target = (s + mass * f64::from(*v)) / (mass + f64::from(ridge));
                        *c = target as f32 - *v;
                        *v = target as f32;
                    }
                }
                for (&(_, place, _), rest) in counted.iter().zip(rest.chunks_exact_mut(k.max(1))) {
                    let codes = attribute.of(place as usize);
                    for &code in codes {
                        let share = 1.0 / codes.len() as f32;
                        rest.iter_mut().zip(&change[of(code)]).for_each(|(r, c)| *r -= share * c);
                    }
                }
            }
        }
        Descriptors { mean, groups }
    }

    /// What the attributes at a place predict as its vector.
    pub(crate) fn explain(&self, attributes: &[Attribute], place: usize) -> Vec<f32> {
        let mut vector = vec![0.0; self.mean.len()];
        self.explain_into(attributes, place, &mut vector);
        vector
    }

    /// As [`Descriptors::explain`], one row for each place.
    pub(crate) fn of_each(&self, attributes: &[Attribute], places: &[u32]) -> Array2<f32> {
        let k = self.mean.len();
        let mut all = vec![0.0; places.len() * k];
        let rows = all.par_chunks_mut(k.max(1)).with_min_len(CHUNK).zip(places);
        rows.for_each(|(row, &place)| self.explain_into(attributes, place as usize, row));
        Array2::from_shape_vec((places.len(), k), all).unwrap_or_else(|_| Array2::zeros((0, k)))
    }

    fn explain_into(&self, attributes: &[Attribute], place: usize, vector: &mut [f32]) {
        vector.copy_from_slice(&self.mean);
        let k = vector.len();
        for (attribute, vectors) in attributes.iter().zip(&self.groups) {
            let codes = attribute.of(place);
            let share = 1.0 / codes.len() as f32;
            for &code in codes {
                let described =
                    vectors.as_slice().and_then(|all| all.get(code as usize * k..)).unwrap_or_default();
                vector.iter_mut().zip(described).for_each(|(v, d)| *v += share * d);
            }
        }
    }

    /// Adds the descriptors to a file.
    pub(crate) fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let mut flat = self.mean.clone();
        self.groups.iter().for_each(|groups| flat.extend(groups.iter()));
        let rows: Vec<u64> = self.groups.iter().map(|groups| groups.nrows() as u64).collect();
        writer.json(&format!("{name}.rows"), &(self.mean.len() as u64, rows))?;
        Ok(writer.section(name, &flat)?)
    }

    /// Reads back what [`Descriptors::write`] wrote.
    pub(crate) fn read(file: &File, name: &str) -> Result<Descriptors> {
        let (k, rows): (u64, Vec<u64>) = file.json(&format!("{name}.rows"))?;
        let flat: &[f32] = file.view(name)?;
        let damaged =
            || Error::input(format!("section '{name}' has another length than it says"), "train again");
        let mut rest = flat.get(k as usize..).ok_or_else(damaged)?;
        let mut groups = Vec::with_capacity(rows.len());
        for n in rows {
            let (part, after) = rest.split_at_checked((n * k) as usize).ok_or_else(damaged)?;
            groups.push(
                Array2::from_shape_vec((n as usize, k as usize), part.to_vec()).map_err(|_| damaged())?,
            );
            rest = after;
        }
        Ok(Descriptors { mean: flat.get(..k as usize).ok_or_else(damaged)?.to_vec(), groups })
    }
}
