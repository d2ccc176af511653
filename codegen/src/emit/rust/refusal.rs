//! What the Rust emitter cannot carry, said with place and alternative.
use crate::finding::{Finding, Plane, Position, Severity};
use crate::model::{Model, SchemaId};
use crate::registry::document::Document;
use crate::registry::files::Files;

/// A part of a schema that has no faithful form in Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Document URI.
    pub document: String,
    /// JSON pointer of the schema.
    pub pointer: String,
    /// What and why.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

impl Refusal {
    /// A refusal of a keyword of a node.
    #[must_use]
    pub fn new(model: &Model, id: SchemaId, keyword: &str, message: String, fix: &str) -> Self {
        let location = &model.node(id).location;
        let pointer = if keyword.is_empty() {
            location.pointer.clone()
        } else {
            format!("{}/{keyword}", location.pointer)
        };
        Self {
            document: location.document.clone(),
            pointer,
            message,
            fix: fix.to_owned(),
        }
    }

    /// As a finding in the registry file that the document's URI names.
    #[must_use]
    pub fn into_finding(self, files: &Files) -> Finding {
        let path = self
            .document
            .trim_start_matches("registry:///")
            .replace("%20", " ")
            .replace("%25", "%");
        let text = files.0.get(&path).map_or("", String::as_str);
        let position = Document::parse(&path, text)
            .map_or(Position { line: 1, column: 1 }, |document| {
                document.position(&self.pointer)
            });
        Finding {
            rule: "not-carried",
            plane: Plane::Rust,
            severity: Severity::Error,
            file: path,
            position,
            pointer: self.pointer,
            topic: None,
            old: None,
            message: self.message,
            evidence: None,
            fix: Some(self.fix),
        }
    }
}
