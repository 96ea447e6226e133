//! The checker's second half: comparisons, `in`, and functions, by the types of their operands.

use cel::IdedExpr;
use cel::common::ast::CallExpr;

use crate::expression::check::{Checker, not};
use crate::expression::operand::{Operand, day};
use crate::expression::tree::{Comparison, Number, Test, TextTest};
use crate::expression::{ExpressionError, nearest, one_of};

type Checked<T> = Result<T, ExpressionError>;

/// The functions that are understood.
const FUNCTIONS: [&str; 5] = ["startsWith", "endsWith", "contains", "size", "has"];

impl Checker<'_> {
    pub(super) fn compare(
        &mut self,
        expr: &IdedExpr,
        comparison: Comparison,
        a: Operand,
        b: Operand,
    ) -> Checked<Test> {
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        Ok(match (a, b) {
            (Operand::Null, other) | (other, Operand::Null) => {
                if ordered {
                    return self.error(expr, "null has no order; ask == null or != null");
                }
                let null = self.null(other);
                if comparison == Comparison::Equal { null } else { not(null) }
            }
            (Operand::Number(a), Operand::Number(b)) | (Operand::Day(a), Operand::Day(b)) => {
                Test::Compare(comparison, a, b)
            }
            (Operand::Day(a), Operand::Text(b)) => Test::Compare(comparison, a, self.day(expr, &b)?),
            (Operand::Text(a), Operand::Day(b)) => Test::Compare(comparison, self.day(expr, &a)?, b),
            (Operand::TextColumn(column), Operand::Text(text)) => self.compare_text(column, comparison, text),
            (Operand::Text(text), Operand::TextColumn(column)) => {
                self.compare_text(column, comparison.turned(), text)
            }
            (Operand::TextColumn(a), Operand::TextColumn(b)) => Test::TextColumns(comparison, a, b),
            (Operand::Text(a), Operand::Text(b)) => Test::Constant(comparison.holds(&a, &b)),
            (
                a @ (Operand::Test(_) | Operand::BoolColumn(_)),
                b @ (Operand::Test(_) | Operand::BoolColumn(_)),
            ) => {
                if ordered {
                    return self.error(expr, "true and false have no order; compare them with == or !=");
                }
                self.compare_tests(comparison, a, b)
            }
            (Operand::Tags(_), _) | (_, Operand::Tags(_)) => {
                return self
                    .error(expr, "tags cannot be compared; ask \"x\" in customer.tags, or their size()");
            }
            (a, b) => {
                let hint = match (&a, &b) {
                    (Operand::TextColumn(_), Operand::Number(_))
                    | (Operand::Number(_), Operand::TextColumn(_)) => "; put the number in quotes",
                    (Operand::Text(_), Operand::Number(_)) | (Operand::Number(_), Operand::Text(_)) => {
                        "; write the number without quotes"
                    }
                    (Operand::List(_), _) | (_, Operand::List(_)) => "; write x in [ … ]",
                    _ => "",
                };
                return self.error(expr, format!("cannot compare {} with {}{hint}", a.kind(), b.kind()));
            }
        })
    }

    fn compare_text(&mut self, column: usize, comparison: Comparison, text: String) -> Test {
        let test = match comparison {
            Comparison::Equal => TextTest::OneOf(vec![text]),
            Comparison::NotEqual => TextTest::Not(text),
            ordered => TextTest::Compare(ordered, text),
        };
        self.text(column, test)
    }

    /// A null on either side makes the comparison false.
    fn compare_tests(&mut self, comparison: Comparison, a: Operand, b: Operand) -> Test {
        let mut known = Vec::new();
        let mut plain = |operand: Operand| match operand {
            Operand::BoolColumn(column) => {
                known.push(not(Test::Null(column)));
                Test::True(column)
            }
            Operand::Test(test) => test,
            _ => Test::Constant(false),
        };
        let same = Test::Same(Box::new(plain(a)), Box::new(plain(b)));
        let compared = if comparison == Comparison::Equal { same } else { not(same) };
        known.into_iter().fold(compared, |test, known| Test::And(Box::new(known), Box::new(test)))
    }

    pub(super) fn contained(&mut self, expr: &IdedExpr, a: Operand, b: Operand) -> Checked<Operand> {
        let elements = match (a, b) {
            (Operand::Text(tag), Operand::Tags(column)) => return Ok(Operand::Test(self.tag(column, tag))),
            (a, Operand::List(elements)) => (a, elements),
            (_, Operand::Tags(_)) => {
                return self.error(
                    expr,
                    "only a text in quotes can be looked for in tags, as in \"x\" in customer.tags",
                );
            }
            (_, Operand::TextColumn(_)) => {
                return self.error(
                    expr,
                    "'in' expects a list or tags, found text; ask x.contains(\"…\") for a part of a text",
                );
            }
            (_, b) => {
                return self.error(expr, format!("'in' expects a list [ … ] or tags, found {}", b.kind()));
            }
        };
        let (a, elements) = elements;
        Ok(Operand::Test(match a {
            Operand::TextColumn(column) => {
                let mut texts = self.elements(elements, "a text in quotes", |operand| match operand {
                    Operand::Text(text) => Some(text),
                    _ => None,
                })?;
                texts.sort_unstable();
                texts.dedup();
                self.text(column, TextTest::OneOf(texts))
            }
            Operand::Text(text) => {
                let texts = self.elements(elements, "a text in quotes", |operand| match operand {
                    Operand::Text(text) => Some(text),
                    _ => None,
                })?;
                Test::Constant(texts.contains(&text))
            }
            Operand::Number(number) => {
                let numbers = self.elements(elements, "a number", |operand| match operand {
                    Operand::Number(Number::Constant(number)) => Some(number),
                    Operand::Number(Number::Negative(number)) => match *number {
                        Number::Constant(number) => Some(-number),
                        _ => None,
                    },
                    _ => None,
                })?;
                one_of_numbers(number, numbers)
            }
            Operand::Day(number) => {
                let days =
                    self.elements(elements, "a day such as \"2026-01-31\"", |operand| match operand {
                        Operand::Text(text) => day(&text).map(f64::from),
                        _ => None,
                    })?;
                one_of_numbers(number, days)
            }
            other => {
                return self.error(
                    expr,
                    format!(
                        "only text, numbers and days can be looked for in a list, found {}",
                        other.kind()
                    ),
                );
            }
        }))
    }

    fn elements<T>(
        &self,
        elements: Vec<(Operand, usize)>,
        expected: &str,
        mut value: impl FnMut(Operand) -> Option<T>,
    ) -> Checked<Vec<T>> {
        let mut values = Vec::with_capacity(elements.len());
        for (element, offset) in elements {
            let kind = element.kind();
            match value(element) {
                Some(value) => values.push(value),
                None => {
                    return self.error_at(offset, format!("found {kind} in the list, expected {expected}"));
                }
            }
        }
        Ok(values)
    }

    /// A function of `a`, and of `b` when it has a second argument; both None when there are too many or too few.
    pub(super) fn function(
        &mut self,
        expr: &IdedExpr,
        call: &CallExpr,
        a: Option<&IdedExpr>,
        b: Option<&IdedExpr>,
    ) -> Checked<Operand> {
        let name = call.func_name.as_str();
        match (name, call.target.is_some(), a, b) {
            ("size", _, Some(a), None) => match self.operand(a)? {
                Operand::Tags(column) | Operand::TextColumn(column) => {
                    Ok(Operand::Number(Number::Size(column)))
                }
                Operand::Text(text) => Ok(Operand::Number(Number::Constant(text.chars().count() as f64))),
                other => self.error(expr, format!("size() expects tags or text, found {}", other.kind())),
            },
            ("startsWith" | "endsWith" | "contains", true, Some(a), Some(b)) => {
                let (text, part) = (self.operand(a)?, self.operand(b)?);
                let part = match part {
                    Operand::Text(part) => part,
                    other => {
                        let message = format!("{name}() expects a text in quotes, found {}", other.kind());
                        return self.error(b, message);
                    }
                };
                let test = match name {
                    "startsWith" => TextTest::StartsWith(part),
                    "endsWith" => TextTest::EndsWith(part),
                    _ => TextTest::Contains(part),
                };
                match text {
                    Operand::TextColumn(column) => Ok(Operand::Test(self.text(column, test))),
                    Operand::Text(text) => Ok(Operand::Test(Test::Constant(test.passes(&text)))),
                    Operand::Tags(_) => self.error(
                        expr,
                        format!("{name}() expects text, found tags; write \"x\" in customer.tags"),
                    ),
                    other => self
                        .error(expr, format!("{name}() expects text before its dot, found {}", other.kind())),
                }
            }
            ("size", _, _, _) => self.error(expr, "size() takes one column, as in size(customer.tags)"),
            ("startsWith" | "endsWith" | "contains", _, _, _) => self.error(
                expr,
                format!("{name}() is written after a text column, as in product.title.{name}(\"red\")"),
            ),
            ("has", _, _, _) => self.error(expr, "has() takes one column, as in has(customer.age)"),
            ("matches", _, _, _) => self
                .error(expr, "regular expressions are not understood; use startsWith, endsWith or contains"),
            _ => {
                let near = nearest(name, FUNCTIONS.into_iter());
                let hint = match near.as_slice() {
                    [] => format!("understood are {}", FUNCTIONS.join(", ")),
                    near => format!("did you mean {}?", one_of(near)),
                };
                self.error(expr, format!("unknown function '{name}'; {hint}"))
            }
        }
    }
}

fn one_of_numbers(number: Number, mut values: Vec<f64>) -> Test {
    values.sort_unstable_by(f64::total_cmp);
    Test::OneOf(number, values)
}
