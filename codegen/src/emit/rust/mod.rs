//! Emits the Rust crate: types, checks, column writers, the registry and the `pipeline` binary.
mod block;
pub mod checks;
mod columns_check;
mod crate_files;
mod literals;
mod names;
mod nulls;
mod outline;
pub mod refusal;
mod shared;
mod source;
pub mod structure;
pub mod surface;
mod taken_names;
mod tidy;
mod topic;
pub mod types;
mod upcast;
mod writer;

use super::EmittedFile;
use crate::clickhouse::{Closing, Definition};
use crate::cores;
use crate::fact;
use crate::registry::Registry;
use refusal::Refusal;

/// A generated SQL file that the crate embeds.
#[derive(Clone, Debug)]
pub struct SqlFile {
    /// Table, view or KPI name.
    pub name: String,
    /// Path below `generated/`: `clickhouse/010_events_raw.sql`.
    pub path: String,
    /// Where the database's name begins and ends in the file, in bytes, each time.
    pub databases: Vec<(usize, usize)>,
    /// The object that the file creates; nothing for a query.
    pub definition: Option<Definition>,
}

/// The SQL that fills the ledger and closes days.
#[derive(Clone, Debug)]
pub struct DayFiles {
    /// Fills the ledger from the fact table.
    pub fill: SqlFile,
    /// Adds what it lacks of some days.
    pub complete: SqlFile,
    /// Marks copies in it.
    pub mark_copies: SqlFile,
    /// Views that keep closed days, each with its query, in the order in which a day is closed.
    pub views: Vec<(Closing, SqlFile)>,
}

/// Emits the crate. `tables` are in the order to run them.
///
/// # Errors
/// Everything that Rust cannot carry faithfully.
pub fn emit(
    registry: &Registry,
    tables: &[SqlFile],
    kpis: &[SqlFile],
    days: Option<&DayFiles>,
) -> Result<Vec<EmittedFile>, Vec<Refusal>> {
    let columns = fact::columns(registry);
    let mut files = Vec::new();
    let mut refusals = taken_names::refusals(&registry.topics);
    let mut topics = Vec::new();
    let emitted = cores::map(&registry.topics, |topic| {
        topic::emit(registry, &columns, topic)
    });
    for emitted in emitted {
        match emitted {
            Ok(emitted) => {
                files.extend(emitted.files);
                topics.push(emitted.summary);
            }
            Err(found) => refusals.extend(found),
        }
    }
    match checks::generate(&registry.envelope.model, "envelope") {
        Ok(checks) => files.push(crate_files::envelope(registry, &checks)),
        Err(found) => refusals.extend(found),
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    files.push(crate_files::fact(registry, &columns));
    files.push(crate_files::topics(&topics));
    files.push(crate_files::registry(registry, &topics, tables, kpis, days));
    files.extend(crate_files::fixed(registry));
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}
