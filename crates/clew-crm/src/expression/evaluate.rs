//! Evaluates a bound expression over blocks of rows: a bit a row, whole words at a time.

use std::borrow::Cow;

use crate::column::{ColumnView, NULL_BOOL, NULL_DATE};
use crate::expression::bound::{Bound, BoundColumn, BoundText};
use crate::expression::tree::{Arithmetic, Comparison, Number, Test};
use crate::ids::NONE;

/// Rows of a block.
pub(super) const BLOCK: usize = 1024;
const N_WORDS: usize = BLOCK / 64;
/// A bit for each row of a block.
pub(super) type Words = [u64; N_WORDS];

/// The numbers of a block of rows.
enum Numbers<'a> {
    Constant(f64),
    Column(&'a [f64]),
    Owned(Vec<f64>),
}

impl Numbers<'_> {
    #[inline]
    fn get(&self, i: usize) -> f64 {
        match self {
            Numbers::Constant(value) => *value,
            Numbers::Column(values) => values[i],
            Numbers::Owned(values) => values[i],
        }
    }
}

impl<'a> Bound<'a> {
    /// The bits of the `n` rows (at most [`BLOCK`]) from `start` on; what lies beyond them is not said.
    pub(super) fn block(&self, start: usize, n: usize) -> Words {
        self.test(&self.tree.root, start, n)
    }

    fn test(&self, test: &Test, start: usize, n: usize) -> Words {
        match test {
            Test::Constant(value) => [if *value { u64::MAX } else { 0 }; N_WORDS],
            Test::Not(test) => self.test(test, start, n).map(|word| !word),
            Test::And(a, b) => {
                let mut left = self.test(a, start, n);
                if left.iter().any(|&word| word != 0) {
                    let right = self.test(b, start, n);
                    left.iter_mut().zip(right).for_each(|(left, right)| *left &= right);
                }
                left
            }
            Test::Or(a, b) => {
                let mut left = self.test(a, start, n);
                let right = self.test(b, start, n);
                left.iter_mut().zip(right).for_each(|(left, right)| *left |= right);
                left
            }
            Test::If(condition, a, b) => {
                let condition = self.test(condition, start, n);
                let (yes, no) = (self.test(a, start, n), self.test(b, start, n));
                std::array::from_fn(|i| condition[i] & yes[i] | !condition[i] & no[i])
            }
            Test::Same(a, b) => {
                let (a, b) = (self.test(a, start, n), self.test(b, start, n));
                std::array::from_fn(|i| !(a[i] ^ b[i]))
            }
            Test::True(column) => match self.columns.get(*column) {
                Some(BoundColumn::Column(ColumnView::Bool(values))) => {
                    let values = &values[start..start + n];
                    fill(n, |i| values[i] == 1)
                }
                _ => [0; N_WORDS],
            },
            Test::Null(column) => self.null(*column, start, n),
            Test::NoNumber(number) => {
                let values = self.number(number, start, n);
                fill(n, |i| values.get(i).is_nan())
            }
            Test::Compare(comparison, a, b) => {
                let (a, b) = (self.number(a, start, n), self.number(b, start, n));
                compare(*comparison, &a, &b, n)
            }
            Test::OneOf(number, wanted) => {
                let values = self.number(number, start, n);
                fill(n, |i| {
                    let value = values.get(i);
                    let place = wanted.partition_point(|&w| w < value);
                    wanted.get(place) == Some(&value)
                })
            }
            Test::Text(i) => self.texts.get(*i).map_or([0; N_WORDS], |test| self.text_test(test, start, n)),
            Test::TextColumns(comparison, a, b) => {
                fill(n, |i| match (self.text(*a, start + i), self.text(*b, start + i)) {
                    (Some(a), Some(b)) => comparison.holds(a, b),
                    _ => false,
                })
            }
            Test::Tag(i) => match self.tags.get(*i) {
                Some((ColumnView::Tags { starts, codes, .. }, Some(tag))) => fill(n, |i| {
                    codes[starts[start + i] as usize..starts[start + i + 1] as usize].contains(tag)
                }),
                _ => [0; N_WORDS],
            },
        }
    }

    fn text_test(&self, test: &BoundText<'_>, start: usize, n: usize) -> Words {
        match test {
            BoundText::Never => [0; N_WORDS],
            BoundText::Code(codes, wanted) => {
                let codes = &codes[start..start + n];
                fill(n, |i| codes[i] == *wanted)
            }
            BoundText::NotCode(codes, refused) => {
                let codes = &codes[start..start + n];
                fill(n, |i| codes[i] != *refused && codes[i] != NONE)
            }
            BoundText::Codes(codes, passing) => {
                let codes = &codes[start..start + n];
                fill(n, |i| passing.get(codes[i]))
            }
            BoundText::Rows(rows) => {
                let mut words = [0; N_WORDS];
                let from = rows.partition_point(|&row| (row as usize) < start);
                for &row in rows[from..].iter().take_while(|&&row| (row as usize) < start + n) {
                    let i = row as usize - start;
                    words[i / 64] |= 1 << (i % 64);
                }
                words
            }
            BoundText::Ids(test) => fill(n, |i| test.passes(self.table.id((start + i) as u32))),
        }
    }

    fn null(&self, column: usize, start: usize, n: usize) -> Words {
        match self.columns.get(column) {
            Some(BoundColumn::Column(view)) => match view {
                ColumnView::Number(values) => fill(n, |i| values[start + i].is_nan()),
                ColumnView::Category { codes, .. } => fill(n, |i| codes[start + i] == NONE),
                ColumnView::Tags { starts, .. } => fill(n, |i| starts[start + i] == starts[start + i + 1]),
                ColumnView::Bool(values) => fill(n, |i| values[start + i] == NULL_BOOL),
                ColumnView::Date(values) => fill(n, |i| values[start + i] == NULL_DATE),
            },
            _ => [0; N_WORDS],
        }
    }

    fn number(&self, number: &Number, start: usize, n: usize) -> Numbers<'a> {
        match number {
            Number::Constant(value) => Numbers::Constant(*value),
            Number::Column(column) => match self.columns.get(*column) {
                Some(BoundColumn::Column(ColumnView::Number(values))) => {
                    Numbers::Column(&values[start..start + n])
                }
                Some(BoundColumn::Column(ColumnView::Date(days))) => Numbers::Owned(
                    days[start..start + n]
                        .iter()
                        .map(|&day| if day == NULL_DATE { f64::NAN } else { f64::from(day) })
                        .collect(),
                ),
                _ => Numbers::Constant(f64::NAN),
            },
            Number::Fact(fact) => match self.history {
                Some(history) => match history.facts(*fact, start, n) {
                    Cow::Borrowed(values) => Numbers::Column(values),
                    Cow::Owned(values) => Numbers::Owned(values),
                },
                None => Numbers::Constant(f64::NAN),
            },
            Number::Size(column) => {
                Numbers::Owned((start..start + n).map(|row| self.size(*column, row)).collect())
            }
            Number::Negative(number) => {
                let values = self.number(number, start, n);
                Numbers::Owned((0..n).map(|i| -values.get(i)).collect())
            }
            Number::Arithmetic(operation, a, b) => {
                let (a, b) = (self.number(a, start, n), self.number(b, start, n));
                Numbers::Owned((0..n).map(|i| calculate(*operation, a.get(i), b.get(i))).collect())
            }
            Number::If(condition, a, b) => {
                let condition = self.test(condition, start, n);
                let (yes, no) = (self.number(a, start, n), self.number(b, start, n));
                let pick = |i: usize| condition[i / 64] >> (i % 64) & 1 == 1;
                Numbers::Owned((0..n).map(|i| if pick(i) { yes.get(i) } else { no.get(i) }).collect())
            }
        }
    }

    fn size(&self, column: usize, row: usize) -> f64 {
        match self.columns.get(column) {
            Some(BoundColumn::Column(ColumnView::Tags { starts, .. })) => {
                f64::from(starts[row + 1] - starts[row])
            }
            _ => self.text(column, row).map_or(f64::NAN, |text| text.chars().count() as f64),
        }
    }
}

/// Null (NaN) on either side is false, for `!=` too.
fn compare(comparison: Comparison, a: &Numbers<'_>, b: &Numbers<'_>, n: usize) -> Words {
    // The most frequent shape, a column against a constant, without a branch a row.
    if let (Numbers::Column(values), Numbers::Constant(constant)) = (a, b) {
        let constant = *constant;
        return match comparison {
            Comparison::Equal => fill(n, |i| values[i] == constant),
            Comparison::NotEqual => fill(n, |i| !values[i].is_nan() && values[i] != constant),
            Comparison::Less => fill(n, |i| values[i] < constant),
            Comparison::LessEqual => fill(n, |i| values[i] <= constant),
            Comparison::Greater => fill(n, |i| values[i] > constant),
            Comparison::GreaterEqual => fill(n, |i| values[i] >= constant),
        };
    }
    fill(n, |i| {
        let (a, b) = (a.get(i), b.get(i));
        !a.is_nan() && !b.is_nan() && comparison.holds(&a, &b)
    })
}

fn calculate(operation: Arithmetic, a: f64, b: f64) -> f64 {
    let result = match operation {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    };
    if result.is_finite() { result } else { f64::NAN }
}

#[inline]
fn fill(n: usize, f: impl Fn(usize) -> bool) -> Words {
    let mut words = [0; N_WORDS];
    for (w, word) in words.iter_mut().enumerate().take(n.div_ceil(64)) {
        let from = w * 64;
        for i in from..n.min(from + 64) {
            *word |= u64::from(f(i)) << (i - from);
        }
    }
    words
}
