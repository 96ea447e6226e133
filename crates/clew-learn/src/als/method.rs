//! How a half sweep solves its rows.

use crate::error::{Error, Result};

/// How a half sweep finds the vectors. All lower the same loss; the others than [`Method::Exact`] go on from
/// the vectors of the sweep before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// To the bottom, as far as f32 reaches: by conjugate gradients until no more than 10⁻⁶ of the residual is
    /// left, else directly (in the space of a row's places where they are fewer than the factors, by
    /// Cholesky's factorisation elsewhere).
    #[default]
    Exact,
    /// By steps of the conjugate gradient (Takács, Pilászy & Tikk 2011), preconditioned by the diagonal that the
    /// Gramian has in its own basis. Costs steps + 1 passes over the places; 2 or 3 steps come close to exact.
    ConjugateGradient {
        /// Steps a row, 1 or more.
        n_steps: usize,
    },
    /// Factors in blocks, one exact solution a block in turn (iALS++: Rendle, Krichene, Zhang & Koren 2021,
    /// "iALS++: Speeding up Matrix Factorization with Subspace Optimization").
    Blocks {
        /// Factors a block, 1 or more.
        block: usize,
    },
}

impl Method {
    pub(super) fn check(self) -> Result<()> {
        match self {
            Method::ConjugateGradient { n_steps: 0 } => Err(Error::input("0 steps", "use 1 or more")),
            Method::Blocks { block: 0 } => Err(Error::input("blocks of 0 factors", "use 1 or more")),
            _ => Ok(()),
        }
    }

    pub(crate) fn to_numbers(self) -> [u64; 2] {
        match self {
            Method::Exact => [0, 0],
            Method::ConjugateGradient { n_steps } => [1, n_steps as u64],
            Method::Blocks { block } => [2, block as u64],
        }
    }

    pub(crate) fn from_numbers(kind: u64, number: u64) -> Option<Method> {
        let method = match kind {
            0 => Method::Exact,
            1 => Method::ConjugateGradient { n_steps: usize::try_from(number).ok()? },
            2 => Method::Blocks { block: usize::try_from(number).ok()? },
            _ => return None,
        };
        method.check().ok().map(|()| method)
    }
}
