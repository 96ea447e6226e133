//! Clusters in a file: `{name}.shape` (u64: clusters, columns, rows, wanted, iterations), `{name}.distance`
//! (JSON), `{name}.inertia` (f64), `{name}.centres` (f32), `{name}.labels` (u32).

use ndarray::Array2;

use super::FittedKMeans;
use crate::error::{Error, Result};
use crate::format::{File, Writer};

impl FittedKMeans {
    /// Adds the clusters to a file, under `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let numbers =
            [self.centres.nrows(), self.centres.ncols(), self.labels.len(), self.n_wanted, self.n_iterations];
        writer.section(&format!("{name}.shape"), &numbers.map(|number| number as u64))?;
        writer.json(&format!("{name}.distance"), &self.distance)?;
        writer.section(&format!("{name}.inertia"), &[self.inertia])?;
        writer.section(&format!("{name}.centres"), &self.centres.iter().copied().collect::<Vec<f32>>())?;
        writer.section(&format!("{name}.labels"), &self.labels)
    }

    /// Reads back what [`FittedKMeans::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedKMeans> {
        let wrong = || Error::format(format!("the clusters '{name}' do not fit together"), "cluster again");
        let &[k, d, n, n_wanted, n_iterations] = file.view::<u64>(&format!("{name}.shape"))? else {
            return Err(wrong());
        };
        let &[inertia] = file.view::<f64>(&format!("{name}.inertia"))? else {
            return Err(wrong());
        };
        let centres = file.view::<f32>(&format!("{name}.centres"))?;
        let labels = file.view::<u32>(&format!("{name}.labels"))?;
        let fits = k > 0
            && d > 0
            && n_wanted >= k
            && k.checked_mul(d) == Some(centres.len() as u64)
            && labels.len() as u64 == n
            && labels.iter().all(|&label| u64::from(label) < k)
            && centres.iter().all(|value| value.is_finite())
            && inertia.is_finite();
        if !fits {
            return Err(wrong());
        }
        Ok(FittedKMeans {
            centres: Array2::from_shape_vec((k as usize, d as usize), centres.to_vec())
                .map_err(|_| wrong())?,
            labels: labels.to_vec(),
            inertia,
            distance: file.json(&format!("{name}.distance"))?,
            n_iterations: n_iterations as usize,
            n_wanted: n_wanted as usize,
        })
    }
}
