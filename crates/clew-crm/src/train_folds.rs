//! Folds: rows kept apart by offer, so that an offer is judged by a fit that has seen neither its window nor the offer itself.
//!
//! A head for never-sold offers knows an offer by little but its level; practised on a few dozen, it would remember theirs.
use std::borrow::Cow;

use crate::train_rows::Rows;

/// Rows of the windows so far, by fold.
pub(crate) struct Folds {
    parts: Vec<Rows>,
}

impl Folds {
    /// No rows yet, in so many folds (at least one) of rows of `n_features` numbers.
    pub(crate) fn new(n_folds: usize, n_features: usize) -> Folds {
        Folds { parts: vec![Rows::new(n_features); n_folds.max(1)] }
    }

    /// How many folds there are.
    pub(crate) fn n(&self) -> usize {
        self.parts.len()
    }

    /// The fold of the offer at a place of the plan.
    pub(crate) fn of(&self, place: usize) -> usize {
        place % self.n()
    }

    /// Adds a window's rows, by fold.
    pub(crate) fn append(&mut self, window: Vec<Rows>) {
        for (part, rows) in self.parts.iter_mut().zip(window) {
            part.append(rows);
        }
    }

    /// The rows that a fold's offers may be judged by: of all other folds, or all there are where there is only one.
    pub(crate) fn without(&self, fold: usize) -> Cow<'_, Rows> {
        match self.parts.as_slice() {
            [only] => Cow::Borrowed(only),
            parts => {
                let mut rows = Rows::new(parts.first().map_or(0, |part| part.n_features));
                let others = parts.iter().enumerate().filter(|&(other, _)| other != fold);
                others.for_each(|(_, part)| rows.append(part.clone()));
                Cow::Owned(rows)
            }
        }
    }

    /// All rows.
    pub(crate) fn all(self) -> Rows {
        let mut rows = Rows::new(self.parts.first().map_or(0, |part| part.n_features));
        self.parts.into_iter().for_each(|part| rows.append(part));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(label: f32) -> Rows {
        Rows { n_features: 1, x: vec![0.0], y: vec![label], weight: vec![1.0], group: vec![0] }
    }

    #[test]
    fn an_offer_is_judged_by_the_rows_of_other_folds() {
        let mut folds = Folds::new(3, 1);
        folds.append(vec![rows(0.0), rows(1.0), rows(2.0)]);
        folds.append(vec![rows(3.0), rows(4.0), rows(5.0)]);
        assert_eq!([folds.of(0), folds.of(4)], [0, 1]);
        assert_eq!(folds.without(1).y, [0.0, 3.0, 2.0, 5.0]);
        assert_eq!(folds.all().n(), 6);
        let mut one = Folds::new(1, 1);
        one.append(vec![rows(7.0)]);
        assert_eq!(one.without(0).y, [7.0]);
    }
}
