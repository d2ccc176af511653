//! The one type for everything that is wrong with what the user wrote.
//!
//! Findings are collected, never thrown: a run reports all of them. Printing is `report`'s.
use serde::Serialize;

use crate::visible::{on_one_line, visible};

/// What is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kebab-case rule id, stable for ever: `unknown-column`.
    pub rule: &'static str,
    /// Which side of the system it concerns.
    pub plane: Plane,
    /// How bad it is.
    pub severity: Severity,
    /// File below the registry folder.
    pub file: String,
    /// Line and column in that file, both from 1, in characters.
    pub position: Position,
    /// JSON pointer in that file.
    pub pointer: String,
    /// The topic it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The place on the other side of a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<OldPlace>,
    /// What is wrong and why.
    pub message: String,
    /// A message, rows, bytes: what shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// Where the other side of a comparison stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OldPlace {
    /// File below the registry folder.
    pub file: String,
    /// Line and column in that file.
    pub position: Position,
    /// JSON pointer in that file.
    pub pointer: String,
}

/// A place in a text, from 1, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Which side of the system a finding concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// The registry's own files.
    Registry,
    /// JSON on the wire.
    Wire,
    /// The API of the generated types.
    Rust,
    /// Tables and views.
    ClickHouse,
    /// Topics.
    Kafka,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing stops.
    Note,
    /// Someone has to do something, and nothing is lost if they do.
    Warning,
    /// Nothing can be generated, or something would break.
    Error,
}

impl Plane {
    /// As printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Wire => "wire",
            Self::Rust => "rust",
            Self::ClickHouse => "clickhouse",
            Self::Kafka => "kafka",
        }
    }
}

impl Severity {
    /// As printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl std::fmt::Display for Finding {
    /// `file:line:column  rule  (plane)` and the indented reason, evidence and fix.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { line, column } = self.position;
        writeln!(
            formatter,
            "{}:{line}:{column}  {}  ({})",
            visible(&self.file),
            self.rule,
            self.plane.name()
        )?;
        let pointer = if self.pointer.is_empty() {
            "(root)"
        } else {
            &self.pointer
        };
        write!(
            formatter,
            "  {}: {}",
            on_one_line(pointer),
            visible(&self.message)
        )?;
        if let Some(evidence) = &self.evidence {
            write!(formatter, "\n  evidence: {}", visible(evidence))?;
        }
        if let Some(fix) = &self.fix {
            write!(formatter, "\n  fix: {}", visible(fix))?;
        }
        Ok(())
    }
}
