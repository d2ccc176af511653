//! Everything the compiler writes besides Rust: SQL, Kafka topics, monitoring, docs and the runtime's plan.
//!
//! Emitters see a checked [`Registry`] and return values; writing files and comparing them with what is on
//! disk are the command line's. Output depends on the registry alone and is the same on every run.
pub mod clickhouse;

use crate::registry::Registry;

/// The command that every header names.
pub const COMMAND: &str = "topicwright generate";

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittedFile {
    /// Path below the workspace root: `generated/clickhouse/00_database.sql`, `schema_registry.md`.
    pub path: String,
    /// Text, ending in a newline.
    pub contents: String,
}

/// All files of these emitters, sorted by path.
#[must_use]
pub fn emit(registry: &Registry) -> Vec<EmittedFile> {
    let mut files = clickhouse::emit(registry);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}
