//! `pipeline fallback verify`: every byte read, what is damaged named by file and place.
use serde_json::{Value, json};

use super::super::Outcome;
use super::super::streams::write_result;
use super::super::table::section;
use super::super::topics::Format;
use super::{Place, records};
use crate::error::Result;
use crate::fallback::{Inspection, inspect};

/// Flags of `verify`.
#[derive(clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    place: Place,
    /// Table for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Verify {
    pub(super) fn run(self) -> Result<Outcome> {
        let found = inspect(&self.place.dir)?;
        write_result(&match self.format {
            Format::Human => human(&found),
            Format::Json => document(&found),
        })?;
        Ok(match found.damage.is_empty() {
            true => Outcome::Clean,
            false => Outcome::Findings,
        })
    }
}

fn human(found: &Inspection) -> String {
    let mut text = String::new();
    let damage = found.damage.iter().map(|damage| {
        let file = damage.file.display().to_string();
        vec![file.into(), damage.at.into(), damage.bytes.into()]
    });
    let columns = ["file", "at", "bytes"];
    section(&mut text, "damaged", &columns, damage);
    if found.torn_bytes > 0 {
        text.push_str(&match found.is_used {
            true => format!("{} bytes are being written\n", found.torn_bytes),
            false => format!(
                "{} bytes at the end are no whole record: nobody was told that it is durable, the next start cuts them off\n",
                found.torn_bytes
            ),
        });
    }
    let whole = found.waiting_records() + found.refused_records();
    text.push_str(&format!(
        "{} whole, {} damaged places, {} segments, {} bytes\n",
        records(whole),
        found.damage.len(),
        found.segments,
        found.bytes
    ));
    text
}

fn document(found: &Inspection) -> String {
    let damage: Vec<Value> = found
        .damage
        .iter()
        .map(|damage| {
            let file = damage.file.display().to_string();
            json!({"file": file, "at": damage.at, "bytes": damage.bytes})
        })
        .collect();
    let answer = json!({
        "format": 1,
        "records": found.waiting_records() + found.refused_records(),
        "segments": found.segments,
        "bytes": found.bytes,
        "torn_bytes": found.torn_bytes,
        "in_use": found.is_used,
        "damage": damage,
    });
    format!("{answer}\n")
}
