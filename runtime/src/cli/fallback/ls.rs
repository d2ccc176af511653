//! `pipeline fallback ls`: waiting and refused records counted. Keys and values may be personal and are not shown.
use serde_json::{Value, json};

use super::super::Outcome;
use super::super::streams::write_result;
use super::super::table::section;
use super::super::time;
use super::super::topics::Format;
use super::{Place, records};
use crate::error::Result;
use crate::fallback::{Inspection, Pile, inspect};

/// Flags of `ls`.
#[derive(clap::Args)]
pub(super) struct Ls {
    #[command(flatten)]
    place: Place,
    /// Tables for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Ls {
    pub(super) fn run(self) -> Result<Outcome> {
        let found = inspect(&self.place.dir)?;
        write_result(&match self.format {
            Format::Human => human(&found),
            Format::Json => document(&found),
        })?;
        Ok(match found.waiting_records() + found.refused_records() {
            0 => Outcome::Clean,
            _ => Outcome::Findings,
        })
    }
}

fn cells(pile: &Pile) -> [Value; 4] {
    [
        pile.records.into(),
        pile.bytes.into(),
        time::shown(pile.first).into(),
        time::shown(pile.last).into(),
    ]
}

fn human(found: &Inspection) -> String {
    let mut text = String::new();
    let waiting = found.waiting.iter().map(|(topic, pile)| {
        let mut row = vec![topic.as_str().into()];
        row.extend(cells(pile));
        row
    });
    let columns = ["topic", "records", "bytes", "first", "last"];
    section(&mut text, "waiting", &columns, waiting);
    let refused = found.refused.iter().map(|((topic, reason), pile)| {
        let mut row = vec![topic.as_str().into()];
        row.extend(cells(pile));
        row.push(reason.as_str().into());
        row
    });
    let columns = ["topic", "records", "bytes", "first", "last", "reason"];
    section(&mut text, "refused by Kafka", &columns, refused);
    let waiting = records(found.waiting_records());
    text.push_str(&format!("{waiting} waiting"));
    if found.refused_records() > 0 {
        text.push_str(&format!(", {} refused", found.refused_records()));
    }
    text.push_str(&format!("; {} bytes on disk", found.bytes));
    if found.is_used {
        text.push_str(&match found.used_by {
            Some(process) => format!("; in use by process {process}"),
            None => "; in use".to_owned(),
        });
    }
    text.push('\n');
    text
}

fn document(found: &Inspection) -> String {
    let pile = |pile: &Pile| {
        json!({
            "records": pile.records,
            "bytes": pile.bytes,
            "first": time::shown(pile.first),
            "last": time::shown(pile.last),
        })
    };
    let waiting = found.waiting.iter().map(|(topic, found)| {
        let mut line = pile(found);
        line["topic"] = topic.as_str().into();
        line
    });
    let refused = found.refused.iter().map(|((topic, reason), found)| {
        let mut line = pile(found);
        line["topic"] = topic.as_str().into();
        line["reason"] = reason.as_str().into();
        line
    });
    let answer = json!({
        "format": 1,
        "waiting": found.waiting_records(),
        "refused": found.refused_records(),
        "bytes": found.bytes,
        "in_use": found.is_used,
        "process": found.used_by,
        "waiting_by_topic": waiting.collect::<Vec<_>>(),
        "refused_by_topic": refused.collect::<Vec<_>>(),
    });
    format!("{answer}\n")
}
