//! Reads the plain part of YAML that our deployment files keep to: block maps and lists, inline lists of quoted
//! texts, scalars, comments, documents. Anything else is refused, so that the files stay plain.

use serde_json::{Map, Value};

/// One line that says something: its number, its indentation, its text.
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

/// Reads every document of a file.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    text.split("\n---\n").map(document).collect()
}

fn document(text: &str) -> Result<Value, String> {
    let mut lines = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let text = raw.trim_start_matches(' ');
        if text.starts_with('\t') {
            return Err(format!("line {}: a tab indents", index + 1));
        }
        if !text.is_empty() && !text.starts_with('#') {
            lines.push(Line { number: index + 1, indent: raw.len() - text.len(), text: text.trim_end() });
        }
    }
    let mut at = 0;
    let value = block(&lines, &mut at, 0)?;
    match lines.get(at) {
        Some(left) => Err(format!("line {}: \"{}\" hangs in the air", left.number, left.text)),
        None => Ok(value),
    }
}

/// Reads the block that starts at `at` with exactly `indent`.
fn block(lines: &[Line<'_>], at: &mut usize, indent: usize) -> Result<Value, String> {
    match lines.get(*at) {
        Some(line) if line.text.starts_with("- ") => list(lines, at, indent),
        Some(_) => map(lines, at, indent, None),
        None => Ok(Value::Null),
    }
}

fn list(lines: &[Line<'_>], at: &mut usize, indent: usize) -> Result<Value, String> {
    let mut values = Vec::new();
    while let Some(line) = lines.get(*at).filter(|line| line.indent == indent) {
        let Some(text) = line.text.strip_prefix("- ") else { break };
        if key(text).is_some() {
            // A map whose first key stands behind the dash.
            values.push(map(lines, at, indent + 2, Some(text))?);
        } else {
            values.push(scalar(text, line.number)?);
            *at += 1;
        }
    }
    Ok(Value::Array(values))
}

fn map(lines: &[Line<'_>], at: &mut usize, indent: usize, first: Option<&str>) -> Result<Value, String> {
    let mut map = Map::new();
    let mut pending = first;
    while let Some(line) = lines.get(*at) {
        let text = match pending.take() {
            Some(text) => text,
            None if line.indent == indent => line.text,
            None if line.indent < indent => break,
            None => {
                return Err(format!("line {}: indented by {}, expected {indent}", line.number, line.indent));
            }
        };
        let (name, rest) = key(text).ok_or_else(|| format!("line {}: \"{text}\" is no key", line.number))?;
        *at += 1;
        let value = if rest.is_empty() {
            match lines.get(*at) {
                Some(next) if next.indent > indent => block(lines, at, next.indent)?,
                _ => Value::Null,
            }
        } else {
            scalar(rest, line.number)?
        };
        if map.insert(name.to_owned(), value).is_some() {
            return Err(format!("line {}: {name} stands twice", line.number));
        }
    }
    Ok(Value::Object(map))
}

/// `name: rest`, when the text is one.
fn key(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    (plain && (rest.is_empty() || rest.starts_with(' '))).then(|| (name, rest.trim_start()))
}

fn scalar(text: &str, line: usize) -> Result<Value, String> {
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or_else(|| format!("line {line}: the list does not end"))?;
        let parts = inner.split("\", \"").map(|part| part.trim_matches('"'));
        return Ok(Value::Array(parts.map(Value::from).collect()));
    }
    if let Some(inner) = text.strip_prefix('"') {
        let inner = inner.strip_suffix('"').ok_or_else(|| format!("line {line}: the quote does not end"))?;
        return Ok(Value::from(inner));
    }
    // What YAML would read as something of its own (anchors, flow maps, block texts) is not plain.
    if text.starts_with(['{', '&', '*', '|', '>', '!', '\'', '%', '@'])
        || text.contains(" #")
        || text.contains(": ")
    {
        return Err(format!("line {line}: \"{text}\" is not plain; quote it"));
    }
    Ok(match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
    })
}
