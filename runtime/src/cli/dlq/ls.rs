//! `pipeline dlq ls`: letters counted by topic, reason and pointer.
use std::collections::BTreeMap;

use super::super::Outcome;
use super::super::streams::write_result;
use super::super::table::table;
use super::super::time;
use super::super::topics::Format;
use super::Filters;
use crate::config::Config;
use crate::dlq::{Letter, Selection, scan};
use crate::error::Result;
use crate::registry::EventRegistry;

/// Flags of `ls`.
#[derive(clap::Args)]
pub(super) struct Ls {
    #[command(flatten)]
    filters: Filters,
    /// Count letters that were replayed too
    #[arg(long)]
    all: bool,
    /// Show at most so many lines, those with the most letters
    #[arg(long, value_name = "LINES")]
    limit: Option<usize>,
    /// Table for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Letters with one topic, reason and pointer.
#[derive(Default)]
struct Group {
    letters: u64,
    replayed: u64,
    first: Option<i64>,
    last: Option<i64>,
}

impl Group {
    fn add(&mut self, letter: &Letter, is_replayed: bool) {
        self.letters += 1;
        self.replayed += u64::from(is_replayed);
        let time = letter.time();
        self.first = match (self.first, time) {
            (Some(first), Some(time)) => Some(first.min(time)),
            (first, time) => first.or(time),
        };
        self.last = self.last.max(time);
    }
}

type Groups = Vec<((String, String, String), Group)>;

impl Ls {
    pub(super) fn run<R: EventRegistry>(self, config: &Config) -> Result<Outcome> {
        let selection = Selection {
            with_replayed: self.all,
            ..self.filters.selection()?
        };
        let mut groups: BTreeMap<(String, String, String), Group> = BTreeMap::new();
        scan::<R>(&config.kafka, &selection, |letter, is_replayed| {
            let key = (
                letter.topic().to_owned(),
                letter.reason.clone(),
                letter.pointer.clone(),
            );
            groups.entry(key).or_default().add(&letter, is_replayed);
            Ok(())
        })?;
        let open: u64 = groups
            .values()
            .map(|group| group.letters - group.replayed)
            .sum();
        let mut groups: Groups = groups.into_iter().collect();
        if let Some(limit) = self.limit {
            groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.letters));
            groups.truncate(limit);
        }
        let text = match self.format {
            Format::Human => human(&groups, open),
            Format::Json => json(&groups, open),
        };
        write_result(&text)?;
        Ok(match open {
            0 => Outcome::Clean,
            _ => Outcome::Findings,
        })
    }
}

fn human(groups: &Groups, open: u64) -> String {
    let mut text = String::new();
    if !groups.is_empty() {
        let columns = [
            "topic", "reason", "pointer", "letters", "replayed", "first", "last",
        ];
        let rows = groups.iter().map(|((topic, reason, pointer), group)| {
            vec![
                topic.as_str().into(),
                reason.as_str().into(),
                match pointer.as_str() {
                    "" => serde_json::Value::Null,
                    pointer => pointer.into(),
                },
                group.letters.into(),
                group.replayed.into(),
                time::shown(group.first).into(),
                time::shown(group.last).into(),
            ]
        });
        let rows: Vec<_> = rows.collect();
        table(&columns, &rows, &mut text);
    }
    text.push_str(&match open {
        0 => "no open letters\n".to_owned(),
        1 => "1 open letter\n".to_owned(),
        open => format!("{open} open letters\n"),
    });
    text
}

fn json(groups: &Groups, open: u64) -> String {
    let lines: Vec<serde_json::Value> = groups
        .iter()
        .map(|((topic, reason, pointer), group)| {
            serde_json::json!({
                "topic": topic,
                "reason": reason,
                "pointer": pointer,
                "letters": group.letters,
                "replayed": group.replayed,
                "first": time::shown(group.first),
                "last": time::shown(group.last),
            })
        })
        .collect();
    let answer = serde_json::json!({"format": 1, "open": open, "groups": lines});
    format!("{answer}\n")
}
