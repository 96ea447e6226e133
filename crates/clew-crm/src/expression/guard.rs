//! What is refused before the parser sees it: too long, too deep, stray control characters.
//!
//! The parser calls itself for each level of nesting and each link of a chain `a.b.c` or `a + b + c`, and so does
//! whoever walks its tree; here the depth that can come of it is bounded from the characters alone.

use crate::expression::{ExpressionError, MAX_DEPTH, MAX_LENGTH};

/// Refuses what is too long or could nest too deep.
pub(super) fn guard(source: &str) -> Result<(), ExpressionError> {
    let n = source.chars().count();
    if n > MAX_LENGTH {
        let message = format!("the expression has {n} characters; at most {MAX_LENGTH} are read");
        return Err(ExpressionError::at(source, MAX_LENGTH, message));
    }
    if let Some(i) = source.chars().position(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(ExpressionError::at(source, i, "found a control character; write plain text"));
    }
    if source.trim().is_empty() {
        let message = "the expression is empty; write a comparison such as product.category == \"wine\"";
        return Err(ExpressionError::at(source, 0, message));
    }
    check_depth(source)
}

/// What is open: a bracket, or the whole.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the last `,`, `&&` or `||`, with what hangs below them.
    chain: usize,
    /// Conditionals since the last `,`; each holds all that follows it.
    conditionals: usize,
    /// The deepest so far.
    height: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.chain + self.conditionals
    }

    fn end_chain(&mut self) {
        self.height = self.height.max(self.depth());
        self.chain = 0;
    }
}

/// Adds up brackets and operators to an upper bound of how deep the tree is at each place. (Chains of `&&` and
/// `||` become balanced trees, whose depth is the logarithm of their length.)
fn check_depth(source: &str) -> Result<(), ExpressionError> {
    let chars: Vec<char> = source.chars().collect();
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut base = 0usize;
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        let next = chars.get(i + 1).copied();
        match c {
            '"' | '\'' => {
                i = string_end(&chars, i, is_raw(&chars, i));
                continue;
            }
            '/' if next == Some('/') => {
                while chars.get(i).is_some_and(|&c| c != '\n') {
                    i += 1;
                }
                continue;
            }
            '(' | '[' | '{' => {
                base += level.depth() + 1;
                outer.push(level);
                level = Level::default();
            }
            ')' | ']' | '}' => {
                if let Some(mut parent) = outer.pop() {
                    level.end_chain();
                    base -= parent.depth() + 1;
                    // What was inside may be the start of a longer chain, as in `(a.b).c`.
                    parent.chain += 1 + level.height;
                    level = parent;
                }
            }
            ',' => {
                level.end_chain();
                level.conditionals = 0;
            }
            '&' | '|' => level.end_chain(),
            '?' => level.conditionals += 1,
            '.' if next.is_some_and(|c| c.is_ascii_digit()) => {}
            '.' | '+' | '-' | '*' | '/' | '%' | '<' | '>' | '!' => level.chain += 1,
            '=' if next == Some('=') => level.chain += 1,
            'i' if word_in(&chars, i) => level.chain += 1,
            _ => {}
        }
        if base + level.depth() > MAX_DEPTH {
            let message = format!("the expression nests deeper than {MAX_DEPTH} levels; split it up");
            return Err(ExpressionError::at(source, i, message));
        }
        i += 1;
    }
    Ok(())
}

/// Whether the word `in` stands at `i`.
fn word_in(chars: &[char], i: usize) -> bool {
    let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    chars.get(i + 1) == Some(&'n')
        && !is_word(chars.get(i + 2))
        && !is_word(i.checked_sub(1).and_then(|i| chars.get(i)))
}

/// Whether the text that begins at `quote` is a raw one, in which a backslash is a backslash.
fn is_raw(chars: &[char], quote: usize) -> bool {
    let word = chars.get(..quote).unwrap_or(&[]);
    let start = word.iter().rposition(|c| !(c.is_alphanumeric() || *c == '_')).map_or(0, |i| i + 1);
    let prefix: String = word[start..].iter().flat_map(|c| c.to_lowercase()).collect();
    matches!(prefix.as_str(), "r" | "br")
}

/// The place after the text that begins at `start`; one that is not closed ends with its line.
fn string_end(chars: &[char], start: usize, raw: bool) -> usize {
    let Some(&quote) = chars.get(start) else { return start + 1 };
    let triple = chars.get(start + 1) == Some(&quote) && chars.get(start + 2) == Some(&quote);
    let mut i = start + if triple { 3 } else { 1 };
    while let Some(&c) = chars.get(i) {
        if c == '\\' && !raw {
            i += 2;
        } else if c == quote && !triple {
            return i + 1;
        } else if c == quote && chars.get(i + 1) == Some(&quote) && chars.get(i + 2) == Some(&quote) {
            return i + 3;
        } else if matches!(c, '\n' | '\r') && !triple {
            break;
        } else {
            i += 1;
        }
    }
    // Not closed: the parser reads on after the quote, so must this.
    start + 1
}
