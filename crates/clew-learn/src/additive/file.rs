//! An additive model in a model file.

use super::FittedAdditive;
use crate::binning::{Bins, FittedBinning};
use crate::error::{Error, Result};
use crate::format::{File, Writer};

impl FittedAdditive {
    /// Adds the model to a file: the bins as [`FittedBinning::write`], `<name>.tables` and `<name>.shares` (f32,
    /// bin by bin, feature by feature), `<name>.base`, `<name>.loss`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        self.binning.write(writer, name)?;
        writer.section(&format!("{name}.tables"), &self.tables.concat())?;
        writer.section(&format!("{name}.shares"), &self.shares.concat())?;
        writer.section(&format!("{name}.base"), &[self.base])?;
        writer.json(&format!("{name}.loss"), &self.loss)
    }

    /// Reads back what [`FittedAdditive::write`] wrote. Errors where tables and bins do not fit together.
    pub fn read(file: &File, name: &str) -> Result<FittedAdditive> {
        let wrong = || Error::format(format!("the tables '{name}' do not fit together"), "train again");
        let binning = FittedBinning::read(file, name)?;
        let &[base] = file.view::<f64>(&format!("{name}.base"))? else { return Err(wrong()) };
        let sizes: Vec<usize> = binning.features().iter().map(Bins::n_bins).collect();
        let cut = |section: &str| -> Result<Vec<Vec<f32>>> {
            let mut rest = file.view::<f32>(&format!("{name}.{section}"))?;
            if rest.len() != sizes.iter().sum::<usize>() || rest.iter().any(|value| !value.is_finite()) {
                return Err(wrong());
            }
            let mut tables = Vec::with_capacity(sizes.len());
            for &size in &sizes {
                let (table, behind) = rest.split_at_checked(size).ok_or_else(wrong)?;
                tables.push(table.to_vec());
                rest = behind;
            }
            Ok(tables)
        };
        let (tables, shares) = (cut("tables")?, cut("shares")?);
        if tables.is_empty() || !base.is_finite() {
            return Err(wrong());
        }
        Ok(FittedAdditive { loss: file.json(&format!("{name}.loss"))?, base, binning, tables, shares })
    }
}
