//! From characters to the parser's tree, with messages for people.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::IdedExpr;
use cel::common::ast::SourceInfo;
use cel::parser::{ParseErrors, Parser};

use crate::expression::ExpressionError;
use crate::expression::guard::guard;

/// Bytes of stack that an expression is read on: enough for the longest one nested as deep as its characters go,
/// should the guard ever count too little.
const STACK_BYTES: usize = 64 << 20;

/// Parses `source` and gives its tree to `read`, on a stack that no expression can exhaust.
pub(super) fn with_tree<T: Send>(
    source: &str,
    read: impl FnOnce(&IdedExpr, &SourceInfo) -> Result<T, ExpressionError> + Send,
) -> Result<T, ExpressionError> {
    guard(source)?;
    let failed =
        |what: &str| ExpressionError::at(source, 0, format!("the expression cannot be read: {what}"));
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("expression".to_owned()).stack_size(STACK_BYTES);
        let handle = reader.spawn_scoped(scope, || {
            // The parser is not ours: should it ever panic, only this expression is refused.
            let parsed = catch_unwind(AssertUnwindSafe(|| parse(source)))
                .map_err(|_| failed("the parser gave up; write it more simply"))?;
            let (tree, info) = parsed?;
            read(&tree, &info)
        });
        match handle.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(failed("the reader gave up; write it more simply")),
            Err(_) => Err(failed("no thread is to be had; try again")),
        }
    })
}

fn parse(source: &str) -> Result<(IdedExpr, SourceInfo), ExpressionError> {
    let parser = Parser::new().enable_ident_escape_syntax(true);
    parser.parse_with_source_info(source).map_err(|errors| explain(source, &errors))
}

fn explain(source: &str, errors: &ParseErrors) -> ExpressionError {
    let Some(error) = errors.errors.first() else {
        return ExpressionError::at(source, 0, "the expression cannot be read");
    };
    let line = usize::try_from(error.pos.0).unwrap_or(1).max(1);
    let column = usize::try_from(error.pos.1).unwrap_or(1).max(1);
    let rest = rest_of(source, line, column);
    let message = match error.msg.strip_prefix("Syntax error: ") {
        _ if error.msg.contains("Recursion limit") => "the expression nests too deep; split it up".to_owned(),
        Some(syntax) => explain_syntax(syntax, &rest),
        None => explain_literal(&error.msg, &rest),
    };
    ExpressionError { line, column, message }
}

/// What the source holds from a place on, to the end of the line.
fn rest_of(source: &str, line: usize, column: usize) -> String {
    source.split('\n').nth(line - 1).unwrap_or("").chars().skip(column - 1).collect()
}

fn explain_syntax(syntax: &str, rest: &str) -> String {
    let found = found(rest);
    if syntax.starts_with("token recognition error") {
        let hint = match rest.chars().next() {
            Some('=') => "; compare with '=='",
            Some('&') => "; write '&&' for and",
            Some('|') => "; write '||' for or",
            Some('“' | '”' | '„' | '«' | '»' | '‘' | '’') => "; use straight quotes, \"…\"",
            Some('"' | '\'') => {
                return "found a text that is not closed, or that holds an unknown escape".to_owned();
            }
            _ => "; expected a name, a value or an operator",
        };
        return format!("found {found}{hint}");
    }
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
    match word.to_ascii_lowercase().as_str() {
        "and" => return format!("found {found}; write '&&' for and"),
        "or" => return format!("found {found}; write '||' for or"),
        "not" => return format!("found {found}; write '!' for not, as in !(a in b)"),
        _ => {}
    }
    let expected = match syntax.split_once("expecting ").map(|(_, expected)| expected) {
        Some(expected) if expected.contains("IDENTIFIER") && expected.contains("STRING") => {
            "a name or a value"
        }
        Some(expected) if expected.contains("'=='") => "an operator such as '==', 'in' or '&&'",
        Some("<EOF>") if rest.starts_with([')', ']', '}', ',']) => "the end of the expression",
        Some("<EOF>") => "an operator such as '==' or '&&', or the end",
        Some(expected) if expected.contains("']'") => "',' or ']'",
        Some(expected) if expected.contains("')'") => "')'",
        _ if syntax.starts_with("missing ')'") => "')'",
        _ if syntax.starts_with("missing ']'") => "']'",
        _ => "a name or a value",
    };
    format!("found {found}, expected {expected}")
}

fn explain_literal(message: &str, rest: &str) -> String {
    let found = found(rest);
    match message {
        "invalid int literal" => format!("found {found}, expected a number that fits 64 bits"),
        "invalid uint literal" => format!("found {found}, expected a number that fits 64 bits"),
        "invalid double literal" => format!("found {found}, expected a number that is not too large"),
        reserved if reserved.starts_with("reserved identifier") => {
            format!("found {found}, which is a reserved word, expected a name or a value")
        }
        _ => format!("found {found}, which cannot be read here"),
    }
}

/// The word, number or sign that `rest` begins with.
fn found(rest: &str) -> String {
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return "the end".to_owned() };
    let mut text = String::from(first);
    if first.is_alphanumeric() || first == '_' {
        text.extend(chars.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).take(39));
    }
    format!("'{text}'")
}
