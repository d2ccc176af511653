//! Schemas and messages as texts: what cannot be read as it is meant is said, with its line.
use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;

use crate::compat::literal::first_inexact;
use crate::finding::Position;
use crate::registry::document::{Document, MAX_NESTING, position, too_deep};

/// A JSON file's value.
///
/// # Errors
/// It cannot be read, is no JSON, has a member twice, or a number that would be rounded.
pub(super) fn read(path: &Path) -> Result<Value, String> {
    let bytes =
        std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = decoded(&bytes).map_err(|(at, problem)| {
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{}:{line}: {problem}", path.display())
    })?;
    let value = json(text).map_err(|(Position { line, column }, problem)| {
        format!("{}:{line}:{column}: {problem}", path.display())
    })?;
    let fault = match first_inexact(text) {
        Some((at, literal)) => Some((position(text, at), inexact(literal))),
        None => twice(text),
    };
    match fault {
        None => Ok(value),
        Some((Position { line, column }, problem)) => {
            Err(format!("{}:{line}:{column}: {problem}", path.display()))
        }
    }
}

/// The value of a JSON text.
///
/// # Errors
/// Where it is no JSON, or nested too deeply to be read, and why.
pub(super) fn json(text: &str) -> Result<Value, (Position, String)> {
    if let Some(at) = too_deep(text) {
        let problem = format!("nested deeper than {MAX_NESTING} levels");
        return Err((position(text, at), problem));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    // The usual limit is half of that.
    reader.disable_recursion_limit();
    let value = Value::deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!(" at line {line} column {column}");
        let words = error.to_string();
        let words = words.strip_suffix(&place).unwrap_or(&words);
        (Position { line, column }, format!("no JSON: {words}"))
    })
}

/// Where a member stands twice in a JSON text.
pub(super) fn twice(text: &str) -> Option<(Position, String)> {
    // By the reader of registries, which tells one by the name's ending.
    let findings = Document::parse("schema.json", text).err()?;
    let finding = findings.into_iter().next()?;
    Some((finding.position, finding.message))
}

/// What is said of a number that would be rounded.
pub(super) fn inexact(literal: &str) -> String {
    format!(
        "the number {literal} has more digits than 64-bit integers and doubles keep; nothing is said about rounded numbers"
    )
}

/// A line of a batch.
///
/// # Errors
/// What it is instead of JSON's text.
pub(super) fn line_of(bytes: &[u8], number: usize) -> Result<&str, String> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    decoded(bytes).map_err(|(at, problem)| format!("line {number}, byte {}: {problem}", at + 1))
}

/// JSON is UTF-8 without a byte order mark; else what is wrong, and at which byte.
fn decoded(bytes: &[u8]) -> Result<&str, (usize, &'static str)> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| (error.valid_up_to(), "not UTF-8, as JSON has to be"))?;
    if text.starts_with('\u{feff}') {
        return Err((0, "it begins with a byte order mark; save it without one"));
    }
    Ok(text)
}
