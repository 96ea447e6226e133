//! A checked expression: each node has its type, each name its column.

use crate::column::ColumnType;
use crate::fact::Fact;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// The comparison of `b` with `a` that says the same as this of `a` with `b`.
    pub(super) fn turned(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessEqual => Comparison::GreaterEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterEqual => Comparison::LessEqual,
            same => same,
        }
    }

    pub(super) fn holds<T: PartialOrd + ?Sized>(self, a: &T, b: &T) -> bool {
        match self {
            Comparison::Equal => a == b,
            Comparison::NotEqual => a != b,
            Comparison::Less => a < b,
            Comparison::LessEqual => a <= b,
            Comparison::Greater => a > b,
            Comparison::GreaterEqual => a >= b,
        }
    }
}

/// An operation on two numbers; what has no finite result has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// What is asked of a text, null never passing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TextTest {
    /// One of these; sorted, without doubles.
    OneOf(Vec<String>),
    /// Anything but this.
    Not(String),
    Compare(Comparison, String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
}

impl TextTest {
    pub(super) fn passes(&self, text: &str) -> bool {
        match self {
            TextTest::OneOf(values) => values.binary_search_by(|value| value.as_str().cmp(text)).is_ok(),
            TextTest::Not(value) => text != value,
            TextTest::Compare(comparison, value) => comparison.holds(text, value.as_str()),
            TextTest::StartsWith(value) => text.starts_with(value.as_str()),
            TextTest::EndsWith(value) => text.ends_with(value.as_str()),
            TextTest::Contains(value) => text.contains(value.as_str()),
        }
    }
}

/// A column by its place in [`Tree::columns`].
pub(super) type ColumnIndex = usize;

/// True or false of each row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Constant(bool),
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    If(Box<Test>, Box<Test>, Box<Test>),
    /// Both true or both false.
    Same(Box<Test>, Box<Test>),
    /// A column of bools is true.
    True(ColumnIndex),
    /// A column has no value.
    Null(ColumnIndex),
    /// A number has no value.
    NoNumber(Number),
    Compare(Comparison, Number, Number),
    /// A number is one of these; sorted.
    OneOf(Number, Vec<f64>),
    /// A text passes the test of that place in [`Tree::texts`].
    Text(usize),
    TextColumns(Comparison, ColumnIndex, ColumnIndex),
    /// A column of tags holds the tag of that place in [`Tree::tags`].
    Tag(usize),
}

/// A number of each row; a day counts from 1970-01-01; NaN is null.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    Constant(f64),
    /// A column of numbers or of days.
    Column(ColumnIndex),
    Fact(Fact),
    /// How many tags, or how many characters.
    Size(ColumnIndex),
    Negative(Box<Number>),
    Arithmetic(Arithmetic, Box<Number>, Box<Number>),
    If(Box<Test>, Box<Number>, Box<Number>),
}

/// A column that an expression reads.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UsedColumn {
    pub(super) name: String,
    pub(super) column_type: ColumnType,
    /// Whether it is not a column but the rows' own ids.
    pub(super) is_id: bool,
}

/// A checked expression with what it reads.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    pub(super) root: Test,
    pub(super) columns: Vec<UsedColumn>,
    pub(super) texts: Vec<(ColumnIndex, TextTest)>,
    pub(super) tags: Vec<(ColumnIndex, String)>,
    pub(super) needs_history: bool,
}
