//! Prints what the gate says: one file a format, all from the same [`Report`].
pub mod difference;
pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
mod verdict;

use std::collections::BTreeMap;

use crate::finding::{Finding, Severity};
use crate::gate::Outcome;

/// Raised when a reader of the JSON format would misread it.
pub const FORMAT: u32 = 1;

/// What every printer gets.
#[derive(Clone, Debug)]
pub struct Report<'r> {
    /// What the gate says.
    pub outcome: &'r Outcome,
    /// What the registry was compared with, in words: `origin/main at 1a2b3c4`.
    pub base: &'r str,
    /// What stands before a finding's file, `/` included: `schema_registry/`.
    pub folder: &'r str,
    /// Texts of the working registry by path below its folder, for excerpts.
    pub texts: &'r BTreeMap<String, String>,
}

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// As JSON.
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As XML.
    #[error("cannot write the report as XML: {0}")]
    Xml(#[from] quick_junit::SerializeError),
}

impl Report<'_> {
    /// A finding's file with its folder.
    #[must_use]
    pub fn file(&self, file: &str) -> String {
        format!("{}{file}", self.folder)
    }

    /// Notes that have no place of their own in a report: columns and the API are shown as such.
    fn other_notes(&self) -> impl Iterator<Item = &Finding> {
        let shown = ["column-added", "rust-api-changed"];
        let notes = self.outcome.notes.iter();
        notes.filter(move |note| !shown.contains(&note.rule))
    }

    fn count(&self, severity: Severity) -> usize {
        let findings = self.outcome.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

/// A pointer as people read it.
fn pointer(finding: &Finding) -> &str {
    if finding.pointer.is_empty() {
        "(root)"
    } else {
        &finding.pointer
    }
}

/// `1 error`, `2 errors`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
