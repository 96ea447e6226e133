//! What vectors are pulled towards instead of 0.

use ndarray::{Array2, ArrayView2};

use crate::error::{Error, Result};
use crate::run::Run;

/// Gives the vectors their prior means: the penalty of a vector x with the mean m is then λ |x − m|². Asked
/// before each half sweep, so that the means can be learned from the vectors (regression-based latent factors,
/// Agarwal & Chen 2009); [`FixedMeans`] answers the same each time.
pub trait Means {
    /// The mean of every row (n_rows × n_factors), `None` for 0. `rows` are the vectors of the sweep before:
    /// `None` before the first.
    fn of_rows(&mut self, run: &Run<'_>, rows: Option<ArrayView2<'_, f32>>) -> Result<Option<Array2<f32>>>;

    /// The mean of every column (n_columns × n_factors), `None` for 0. `columns` are the vectors of the sweep
    /// before: `None` when the means are asked for to draw the first ones about them.
    fn of_columns(
        &mut self,
        run: &Run<'_>,
        columns: Option<ArrayView2<'_, f32>>,
    ) -> Result<Option<Array2<f32>>>;
}

/// Means that stay; the default is 0 everywhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FixedMeans {
    /// n_rows × n_factors, `None` for 0.
    pub rows: Option<Array2<f32>>,
    /// n_columns × n_factors, `None` for 0.
    pub columns: Option<Array2<f32>>,
}

impl Means for FixedMeans {
    fn of_rows(&mut self, _: &Run<'_>, _: Option<ArrayView2<'_, f32>>) -> Result<Option<Array2<f32>>> {
        Ok(self.rows.clone())
    }

    fn of_columns(&mut self, _: &Run<'_>, _: Option<ArrayView2<'_, f32>>) -> Result<Option<Array2<f32>>> {
        Ok(self.columns.clone())
    }
}

/// Refuses vectors of another shape, or that are not finite; `word` names them in the error.
pub(super) fn check_vectors(vectors: ArrayView2<'_, f32>, shape: (usize, usize), word: &str) -> Result<()> {
    if vectors.dim() != shape {
        return Err(Error::input(
            format!(
                "{} {word}s of {} factors where {} of {} are wanted",
                vectors.nrows(),
                vectors.ncols(),
                shape.0,
                shape.1
            ),
            "give one vector for each row and column, of as many factors as are learned",
        ));
    }
    match vectors.rows().into_iter().position(|row| row.iter().any(|value| !value.is_finite())) {
        Some(row) => {
            Err(Error::input(format!("{word} {row} is not finite"), "leave it out, or train it again"))
        }
        None => Ok(()),
    }
}
