//! `pipeline dlq replay`: what would pass today, and, where told so, back to its source topic with it.
use serde_json::Value;

use super::super::Outcome;
use super::super::streams::write_result;
use super::super::table::section;
use super::super::topics::Format;
use super::Filters;
use crate::config::Config;
use crate::dlq::{Report, Selection, replay};
use crate::error::Result;
use crate::registry::EventRegistry;

/// Flags of `replay`.
#[derive(clap::Args)]
pub(super) struct Replay {
    #[command(flatten)]
    filters: Filters,
    /// Send the letters that pass; without it nothing is sent
    #[arg(long)]
    yes: bool,
    /// Look at no more than so many letters
    #[arg(long, value_name = "LETTERS")]
    limit: Option<u64>,
    /// Tables for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Replay {
    pub(super) fn run<R: EventRegistry>(self, config: &Config) -> Result<Outcome> {
        let selection = Selection {
            limit: self.limit,
            ..self.filters.selection()?
        };
        let report = replay::<R>(config, &selection, self.yes)?;
        write_result(&match self.format {
            Format::Human => human(&report, self.yes),
            Format::Json => json(&report),
        })?;
        Ok(match report.letters == report.sent {
            true => Outcome::Clean,
            false => Outcome::Findings,
        })
    }
}

fn human(report: &Report, yes: bool) -> String {
    let mut text = String::new();
    let passing = report.passing.iter().map(|((topic, was), letters)| {
        vec![
            topic.as_str().into(),
            was.as_str().into(),
            (*letters).into(),
        ]
    });
    let columns = ["topic", "reason", "letters"];
    section(&mut text, "pass today", &columns, passing);
    let failing = report.failing.iter().map(|(failure, letters)| {
        let pointer = match failure.pointer.as_str() {
            "" => Value::Null,
            pointer => pointer.into(),
        };
        vec![
            failure.topic.as_str().into(),
            failure.was.as_str().into(),
            failure.now.as_str().into(),
            pointer,
            (*letters).into(),
            failure.detail.as_str().into(),
        ]
    });
    let columns = ["topic", "reason", "today", "pointer", "letters", "detail"];
    section(&mut text, "fail again", &columns, failing);
    let (letters, sent, passing) = (report.letters, report.sent, report.passing());
    text.push_str(&match (yes, letters) {
        (_, 0) => "no open letters\n".to_owned(),
        (true, _) => format!("sent {sent} of {letters} letters\n"),
        (false, _) => {
            format!("would send {passing} of {letters} letters; nothing was sent: add --yes\n")
        }
    });
    text
}

fn json(report: &Report) -> String {
    let passing: Vec<Value> = report
        .passing
        .iter()
        .map(|((topic, was), letters)| {
            serde_json::json!({"topic": topic, "reason": was, "letters": letters})
        })
        .collect();
    let failing: Vec<Value> = report
        .failing
        .iter()
        .map(|(failure, letters)| {
            serde_json::json!({
                "topic": failure.topic,
                "reason": failure.was,
                "today": failure.now,
                "pointer": failure.pointer,
                "detail": failure.detail,
                "letters": letters,
            })
        })
        .collect();
    let answer = serde_json::json!({
        "format": 1,
        "letters": report.letters,
        "passing": passing,
        "failing": failing,
        "sent": report.sent,
    });
    format!("{answer}\n")
}
