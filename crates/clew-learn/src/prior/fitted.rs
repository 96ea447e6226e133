//! A factorisation with attributes: vectors of rows and columns that come later, with and without events; a file.

use ndarray::Array2;

use super::Descriptors;
use crate::als::Factors;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::run::Run;
use crate::sparse::Csr;

/// What a factorisation with attributes found.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeFactors {
    /// The vectors; rows and columns without events have their prior means. Fold in by the functions here, which
    /// know the means and leave the columns without events out.
    pub factors: Factors,
    /// What the attribute values of rows say; `None` where rows had no attributes.
    pub row_descriptors: Option<Descriptors>,
    /// What those of columns say.
    pub column_descriptors: Option<Descriptors>,
    /// Which columns had events.
    pub(super) known_columns: Vec<bool>,
}

impl AttributeFactors {
    /// Vectors of rows of which only attributes are known (rows × values): their prior means. 0 where the rows
    /// of training had no attributes.
    pub fn cold_rows(&self, run: &Run<'_>, attributes: &Csr) -> Result<Array2<f32>> {
        self.means(run, self.row_descriptors.as_ref(), attributes)
    }

    /// As [`AttributeFactors::cold_rows`] for columns.
    pub fn cold_columns(&self, run: &Run<'_>, attributes: &Csr) -> Result<Array2<f32>> {
        self.means(run, self.column_descriptors.as_ref(), attributes)
    }

    /// Vectors of new rows (new rows × the known columns) with their attributes (new rows × values), the columns
    /// held as they are; a row without events gets its prior mean. The rows of training get the vectors that
    /// they have, but for rounding. Errors on other numbers of rows, columns or values.
    pub fn fold_in(&self, run: &Run<'_>, rows: &Csr, attributes: &Csr) -> Result<Array2<f32>> {
        if rows.n_rows() != attributes.n_rows() {
            return Err(Error::input(
                format!("{} rows with the attributes of {}", rows.n_rows(), attributes.n_rows()),
                "give each row a row of attributes, empty where none are known",
            ));
        }
        let means = self.cold_rows(run, attributes)?;
        let mut known = self.factors.columns.clone();
        for (mut column, _) in
            known.rows_mut().into_iter().zip(&self.known_columns).filter(|(_, known)| !**known)
        {
            column.fill(0.0);
        }
        let trained = Factors {
            rows: Array2::zeros((0, known.ncols())),
            columns: known,
            params: self.factors.params.clone(),
        };
        let solver = trained.row_solver(run)?;
        let mut vectors = match &self.row_descriptors {
            Some(_) => solver.solve_towards(run, rows, means.view())?,
            None => solver.solve(run, rows)?,
        };
        for row in 0..rows.n_rows() {
            if rows.row(row).1.iter().all(|&value| value == 0.0) {
                vectors.row_mut(row).assign(&means.row(row));
            }
        }
        Ok(vectors)
    }

    fn means(
        &self,
        run: &Run<'_>,
        descriptors: Option<&Descriptors>,
        attributes: &Csr,
    ) -> Result<Array2<f32>> {
        match descriptors {
            Some(descriptors) => descriptors.means(run, attributes),
            None => Ok(Array2::zeros((attributes.n_rows(), self.factors.params.n_factors))),
        }
    }

    /// Adds the factorisation to a model file, under names that start with `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        self.factors.write(writer, &format!("{name}.factors"))?;
        let known: Vec<u8> = self.known_columns.iter().map(|&known| u8::from(known)).collect();
        writer.section(&format!("{name}.known"), &known)?;
        for (part, descriptors) in [("rows", &self.row_descriptors), ("columns", &self.column_descriptors)] {
            if let Some(descriptors) = descriptors {
                descriptors.write(writer, &format!("{name}.{part}"))?;
            }
        }
        Ok(())
    }

    /// Reads back what [`AttributeFactors::write`] wrote. Errors where the parts do not fit together.
    pub fn read(file: &File, name: &str) -> Result<AttributeFactors> {
        let factors = Factors::read(file, &format!("{name}.factors"))?;
        let known = file.view::<u8>(&format!("{name}.known"))?;
        if known.len() != factors.columns.nrows() {
            return Err(Error::format(
                format!("the factorisation '{name}' does not fit together"),
                "train again",
            ));
        }
        let descriptors = |part: &str| {
            let name = format!("{name}.{part}");
            let there = file.has(&format!("{name}.vectors"));
            there.then(|| Descriptors::read(file, &name, factors.params.n_factors)).transpose()
        };
        let (row_descriptors, column_descriptors) = (descriptors("rows")?, descriptors("columns")?);
        let known_columns = known.iter().map(|&known| known != 0).collect();
        Ok(AttributeFactors { factors, row_descriptors, column_descriptors, known_columns })
    }
}
