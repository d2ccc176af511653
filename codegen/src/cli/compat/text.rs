//! Schemas and messages as texts: what cannot be read as it is meant is said, with its line.
use std::path::Path;

use serde_json::Value;

use crate::compat::literal::first_inexact;
use crate::finding::Position;
use crate::registry::document::{Document, position};

/// A JSON file's value.
///
/// # Errors
/// It cannot be read, is no JSON, has a member twice, or a number that would be rounded.
pub(super) fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let value = serde_json::from_str(&text).map_err(|error| {
        format!(
            "{}:{}:{}: no JSON: {error}",
            path.display(),
            error.line(),
            error.column()
        )
    })?;
    let fault = match first_inexact(&text) {
        Some((at, literal)) => Some((position(&text, at), inexact(literal))),
        None => twice(&text),
    };
    match fault {
        None => Ok(value),
        Some((Position { line, column }, problem)) => {
            Err(format!("{}:{line}:{column}: {problem}", path.display()))
        }
    }
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
