//! The checker: gives each part of the parser's tree its type and each name its column, or says what is wrong.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators};

use crate::column::ColumnType;
use crate::expression::operand::{Operand, day};
use crate::expression::schema::{Schema, Source};
use crate::expression::tree::{
    Arithmetic, ColumnIndex, Comparison, Number, Test, TextTest, Tree, UsedColumn,
};
use crate::expression::{ExpressionError, Scope, nearest, one_of};

/// The checked tree of an expression.
pub(super) fn check(
    source: &str,
    expr: &IdedExpr,
    info: &SourceInfo,
    schema: &Schema,
) -> Result<Tree, ExpressionError> {
    let tree = Tree {
        root: Test::Constant(false),
        columns: Vec::new(),
        texts: Vec::new(),
        tags: Vec::new(),
        needs_history: false,
    };
    let mut checker = Checker { source, info, schema, tree, depth: 0 };
    let root = checker.operand(expr)?;
    checker.tree.root = checker.test(root, expr)?;
    Ok(checker.tree)
}

/// Deeper than this no checked tree is built: balanced `&&` included, the guard lets none pass.
const MAX_TREE_DEPTH: usize = 512;

pub(super) struct Checker<'s> {
    source: &'s str,
    info: &'s SourceInfo,
    schema: &'s Schema,
    pub(super) tree: Tree,
    depth: usize,
}

type Checked<T> = Result<T, ExpressionError>;

impl Checker<'_> {
    pub(super) fn error<T>(&self, expr: &IdedExpr, message: impl Into<String>) -> Checked<T> {
        Err(ExpressionError::at(self.source, self.offset(expr), message))
    }

    pub(super) fn error_at<T>(&self, offset: usize, message: impl Into<String>) -> Checked<T> {
        Err(ExpressionError::at(self.source, offset, message))
    }

    /// The character an expression stands at: a name's first letter, an operator's sign.
    pub(super) fn offset(&self, expr: &IdedExpr) -> usize {
        let start = self.info.offset_for(expr.id).map_or(0, |(start, _)| start as usize);
        // A selection is placed at its dot, a call at its bracket.
        start + usize::from(matches!(&expr.expr, Expr::Select(select) if !select.test))
    }

    pub(super) fn operand(&mut self, expr: &IdedExpr) -> Checked<Operand> {
        self.depth += 1;
        if self.depth > MAX_TREE_DEPTH {
            return self.error(expr, "the expression nests too deep; split it up");
        }
        let operand = match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => {
                let mut elements = Vec::with_capacity(list.elements.len());
                for element in &list.elements {
                    elements.push((self.operand(element)?, self.offset(element)));
                }
                Ok(Operand::List(elements))
            }
            Expr::Ident(name) => self.bare_name(expr, name),
            Expr::Comprehension(_) => self.error(
                expr,
                "exists(), all(), map() and filter() are not understood; for tags write \"x\" in customer.tags",
            ),
            Expr::Map(_) => self.error(expr, "found a map, expected a name, a value or a list [ … ]"),
            Expr::Struct(_) => self.error(expr, "found a message, expected a name, a value or a list [ … ]"),
            Expr::Unspecified => self.error(expr, "found nothing, expected a name or a value"),
        };
        self.depth -= 1;
        operand
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Checked<Operand> {
        Ok(match literal {
            LiteralValue::Boolean(value) => Operand::Test(Test::Constant(*value.inner())),
            LiteralValue::Int(value) => Operand::Number(Number::Constant(*value.inner() as f64)),
            LiteralValue::UInt(value) => Operand::Number(Number::Constant(*value.inner() as f64)),
            LiteralValue::Double(value) => Operand::Number(Number::Constant(*value.inner())),
            LiteralValue::String(value) => Operand::Text(value.inner().to_owned()),
            LiteralValue::Null => Operand::Null,
            LiteralValue::Bytes(_) => return self.error(expr, "found bytes; write a text \"…\""),
        })
    }

    fn bare_name<T>(&self, expr: &IdedExpr, name: &str) -> Checked<T> {
        let word = self.schema.scope().word();
        if name == word {
            return self
                .error(expr, format!("found '{word}' alone; write {word}.<name>, {}", self.some_names()));
        }
        if self.schema.find(name).is_some() {
            return self.error(expr, format!("unknown name '{name}'; did you mean {word}.{name}?"));
        }
        self.error(expr, format!("unknown name '{name}'; write {word}.<name>, {}", self.some_names()))
    }

    fn some_names(&self) -> String {
        let names: Vec<&str> = self.schema.entries().iter().map(|entry| entry.name.as_str()).collect();
        let shown: Vec<&str> = names.iter().take(12).copied().collect();
        let more = if names.len() > shown.len() { ", …" } else { "" };
        format!("with a name of: {}{more}", shown.join(", "))
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Checked<Operand> {
        let named = match &select.operand.expr {
            Expr::Ident(name) => name.trim_start_matches('.'),
            _ => {
                return self.error(expr, format!("found '.{}' of something that has no names", select.field));
            }
        };
        let column = self.column(expr, &select.operand, named, &select.field)?;
        Ok(if select.test { Operand::Test(not(self.null(column))) } else { column })
    }

    /// The column or fact `field` of the scope named `named`.
    fn column(&mut self, expr: &IdedExpr, at: &IdedExpr, named: &str, field: &str) -> Checked<Operand> {
        let scope = self.schema.scope();
        if named != scope.word() {
            let other = if scope == Scope::Customer { Scope::Product } else { Scope::Customer };
            let message = if named == other.word() {
                format!(
                    "found '{named}' in an expression over {}s; only {}.<name> can be used here",
                    scope.word(),
                    scope.word()
                )
            } else {
                format!("unknown name '{named}', expected '{}'", scope.word())
            };
            return self.error(at, message);
        }
        let Some((column_type, source)) = self.schema.find(field) else {
            let near = nearest(field, self.schema.entries().iter().map(|entry| entry.name.as_str()));
            let hint = match near.as_slice() {
                [] => self.some_names(),
                near => format!("did you mean {}?", one_of(near)),
            };
            return self.error(expr, format!("{} has no column '{field}'; {hint}", scope.word()));
        };
        if let Source::Fact(fact) = source {
            self.tree.needs_history = true;
            let number = Number::Fact(fact);
            return Ok(match column_type {
                ColumnType::Bool => {
                    Operand::Test(Test::Compare(Comparison::NotEqual, number, Number::Constant(0.0)))
                }
                ColumnType::Date => Operand::Day(number),
                _ => Operand::Number(number),
            });
        }
        let index = self.use_column(field, column_type, source == Source::Id);
        Ok(match column_type {
            ColumnType::Number => Operand::Number(Number::Column(index)),
            ColumnType::Text => Operand::TextColumn(index),
            ColumnType::Tags => Operand::Tags(index),
            ColumnType::Bool => Operand::BoolColumn(index),
            ColumnType::Date => Operand::Day(Number::Column(index)),
        })
    }

    fn use_column(&mut self, name: &str, column_type: ColumnType, is_id: bool) -> ColumnIndex {
        let columns = &mut self.tree.columns;
        columns.iter().position(|column| column.name == name && column.is_id == is_id).unwrap_or_else(|| {
            columns.push(UsedColumn { name: name.to_owned(), column_type, is_id });
            columns.len() - 1
        })
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked<Operand> {
        if call.target.is_none() && call.func_name == operators::INDEX {
            return self.index(expr, call);
        }
        let (first, second, third) = match (call.target.as_deref(), call.args.as_slice()) {
            (None, []) => (None, None, None),
            (None, [a]) => (Some(a), None, None),
            (None, [a, b]) => (Some(a), Some(b), None),
            (None, [a, b, c]) => (Some(a), Some(b), Some(c)),
            (Some(a), []) => (Some(a), None, None),
            (Some(a), [b]) => (Some(a), Some(b), None),
            _ => return self.function(expr, call, None, None),
        };
        let (Some(a), name) = (first, call.func_name.as_str()) else {
            return self.function(expr, call, None, None);
        };
        match (call.target.is_none(), name, second, third) {
            (true, operators::LOGICAL_NOT, None, None) => {
                let operand = self.operand(a)?;
                Ok(Operand::Test(not(self.test(operand, a)?)))
            }
            (true, operators::LOGICAL_AND, Some(b), None) => {
                let (left, right) = self.two_tests(a, b)?;
                Ok(Operand::Test(Test::And(Box::new(left), Box::new(right))))
            }
            (true, operators::LOGICAL_OR, Some(b), None) => {
                let (left, right) = self.two_tests(a, b)?;
                Ok(Operand::Test(Test::Or(Box::new(left), Box::new(right))))
            }
            (true, operators::CONDITIONAL, Some(b), Some(c)) => self.conditional(expr, [a, b, c]),
            (true, operators::NEGATE, None, None) => match self.operand(a)? {
                Operand::Number(number) => Ok(Operand::Number(Number::Negative(Box::new(number)))),
                other => self.error(expr, format!("'-' expects a number, found {}", other.kind())),
            },
            (true, operators::IN, Some(b), None) => {
                let (left, right) = (self.operand(a)?, self.operand(b)?);
                self.contained(expr, left, right)
            }
            (true, operator, Some(b), None)
                if comparison(operator).is_some() || arithmetic(operator).is_some() =>
            {
                let (left, right) = (self.operand(a)?, self.operand(b)?);
                match (comparison(operator), arithmetic(operator)) {
                    (Some(comparison), _) => Ok(Operand::Test(self.compare(expr, comparison, left, right)?)),
                    (None, Some(operation)) => self.calculate(expr, operation, left, right),
                    (None, None) => self.function(expr, call, None, None),
                }
            }
            (_, _, b, None) => self.function(expr, call, Some(a), b),
            _ => self.function(expr, call, None, None),
        }
    }

    /// `product["name"]`.
    fn index(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked<Operand> {
        match call.args.as_slice() {
            [IdedExpr { expr: Expr::Ident(named), .. }, name] => match &name.expr {
                Expr::Literal(LiteralValue::String(field)) => {
                    self.column(name, &call.args[0], named, field.inner())
                }
                _ => self.error(name, "between [ ] stands a column's name in quotes"),
            },
            _ => self.error(expr, "found '['; only product[\"name\"] and customer[\"name\"] are understood"),
        }
    }

    fn two_tests(&mut self, a: &IdedExpr, b: &IdedExpr) -> Checked<(Test, Test)> {
        let left = self.operand(a)?;
        let left = self.test(left, a)?;
        let right = self.operand(b)?;
        Ok((left, self.test(right, b)?))
    }

    /// An operand where true or false is expected.
    fn test(&mut self, operand: Operand, at: &IdedExpr) -> Checked<Test> {
        match operand {
            Operand::Test(test) => Ok(test),
            Operand::BoolColumn(column) => Ok(Test::True(column)),
            other => self.error(
                at,
                format!("found {}, expected true or false; compare it with something", other.kind()),
            ),
        }
    }

    fn conditional(&mut self, expr: &IdedExpr, [a, b, c]: [&IdedExpr; 3]) -> Checked<Operand> {
        let condition = self.operand(a)?;
        let condition = Box::new(self.test(condition, a)?);
        match (self.operand(b)?, self.operand(c)?) {
            (Operand::Number(yes), Operand::Number(no)) => {
                Ok(Operand::Number(Number::If(condition, Box::new(yes), Box::new(no))))
            }
            (
                yes @ (Operand::Test(_) | Operand::BoolColumn(_)),
                no @ (Operand::Test(_) | Operand::BoolColumn(_)),
            ) => {
                let (yes, no) = (self.test(yes, b)?, self.test(no, c)?);
                Ok(Operand::Test(Test::If(condition, Box::new(yes), Box::new(no))))
            }
            (yes, no) => self.error(
                expr,
                format!(
                    "the two sides of ':' must both be numbers or both true or false; found {} and {}",
                    yes.kind(),
                    no.kind()
                ),
            ),
        }
    }

    fn calculate(&self, expr: &IdedExpr, operation: Arithmetic, a: Operand, b: Operand) -> Checked<Operand> {
        match (a, b) {
            (Operand::Number(a), Operand::Number(b)) => {
                Ok(Operand::Number(Number::Arithmetic(operation, Box::new(a), Box::new(b))))
            }
            (a, b) => self
                .error(expr, format!("arithmetic expects two numbers, found {} and {}", a.kind(), b.kind())),
        }
    }

    pub(super) fn text(&mut self, column: ColumnIndex, test: TextTest) -> Test {
        self.tree.texts.push((column, test));
        Test::Text(self.tree.texts.len() - 1)
    }

    pub(super) fn tag(&mut self, column: ColumnIndex, tag: String) -> Test {
        self.tree.tags.push((column, tag));
        Test::Tag(self.tree.tags.len() - 1)
    }

    /// Whether a column or number has no value.
    pub(super) fn null(&self, operand: Operand) -> Test {
        match operand {
            Operand::Number(number) | Operand::Day(number) => match number {
                Number::Column(column) => Test::Null(column),
                other => Test::NoNumber(other),
            },
            Operand::TextColumn(column) | Operand::Tags(column) | Operand::BoolColumn(column) => {
                Test::Null(column)
            }
            Operand::Null => Test::Constant(true),
            Operand::Test(_) | Operand::Text(_) | Operand::List(_) => Test::Constant(false),
        }
    }

    /// The day that a text operand beside a day says.
    pub(super) fn day(&self, expr: &IdedExpr, text: &str) -> Checked<Number> {
        match day(text) {
            Some(day) => Ok(Number::Constant(f64::from(day))),
            None => self.error(expr, format!("found \"{text}\", expected a day such as \"2026-01-31\"")),
        }
    }
}

pub(super) fn not(test: Test) -> Test {
    Test::Not(Box::new(test))
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterEqual,
        _ => return None,
    })
}

fn arithmetic(operator: &str) -> Option<Arithmetic> {
    Some(match operator {
        operators::ADD => Arithmetic::Add,
        operators::SUBSTRACT => Arithmetic::Subtract,
        operators::MULTIPLY => Arithmetic::Multiply,
        operators::DIVIDE => Arithmetic::Divide,
        operators::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}
