//! Everything made from a loaded registry, one folder a target.
//!
//! Every emitter builds a plan from the checked [`Registry`] and prints it last. Writing files and comparing
//! them with what is on disk is [`crate::output`]'s. Output depends on the registry alone and is the same on
//! every run.
pub mod clickhouse;
pub mod docs;
pub mod kafka;
pub mod observability;
pub mod plan;
pub mod rust;
mod yaml;

use crate::registry::Registry;
use rust::refusal::Refusal;
use rust::{DayFiles, SqlFile};

/// The command that every header names.
pub const COMMAND: &str = "topicwright generate";

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittedFile {
    /// Path below the project's root, `/` between folders: `generated/src/lib.rs`.
    pub path: String,
    /// The text, ending in a newline.
    pub contents: String,
}

/// All files made from a registry, sorted by path.
///
/// # Errors
/// Everything that Rust cannot carry faithfully.
pub fn emit(registry: &Registry) -> Result<Vec<EmittedFile>, Vec<Refusal>> {
    let mut files = rust::emit(
        registry,
        &embedded(clickhouse::statements(registry)),
        &embedded(clickhouse::kpis(registry)),
        days(registry).as_ref(),
    )?;
    files.extend(clickhouse::emit(registry));
    files.extend(kafka::emit(registry));
    files.extend(observability::emit(registry));
    files.push(plan::emit(registry));
    files.push(docs::emit(registry));
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// How days are closed, as the generated crate holds it.
fn days(registry: &Registry) -> Option<DayFiles> {
    let ledger = clickhouse::ledger_sql(registry)?;
    Some(DayFiles {
        fill: embed(ledger.fill),
        complete: embed(ledger.complete),
        mark_copies: embed(ledger.mark_copies),
        views: clickhouse::closing_statements(registry)
            .into_iter()
            .map(|(closing, statement)| (closing, embed(statement)))
            .collect(),
    })
}

/// Statements as the files that the generated crate embeds.
fn embedded(statements: Vec<clickhouse::Statement>) -> Vec<SqlFile> {
    statements.into_iter().map(embed).collect()
}

fn embed(statement: clickhouse::Statement) -> SqlFile {
    // The file begins with a header.
    let before = statement.header().len();
    let databases = statement.printed.databases.iter();
    SqlFile {
        path: statement.path.trim_start_matches("generated/").to_owned(),
        databases: databases
            .map(|(start, end)| (start + before, end + before))
            .collect(),
        definition: statement.definition,
        name: statement.name,
    }
}
