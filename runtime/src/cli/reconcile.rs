//! `pipeline reconcile`: is everything that the outbox published in the fact table, and nothing else?
use serde_json::json;

use super::Outcome;
use super::streams::write_result;
use super::table::table;
use super::time::{self, End};
use super::topics::Format;
use crate::clickhouse::Client;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::outbox::{self, Reconciled, Span};
use crate::registry::EventRegistry;

/// Flags of `reconcile`.
#[derive(clap::Args)]
pub(super) struct Reconcile {
    /// From this time of the events on: 2026-01-31, 2026-01-31T12:00:00Z, or 1h for an hour ago
    #[arg(long, value_name = "TIME", default_value = "1h")]
    since: String,
    /// Up to this time, written like --since
    #[arg(long, value_name = "TIME", default_value = "1m")]
    until: String,
    /// Events of this topic, repeatable [default: the topics with rows in the outbox]
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Do not seek events that never stood in the outbox, for topics that have other producers too
    #[arg(long)]
    missing_only: bool,
    /// Table for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Reconcile {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, false)?;
        for topic in &self.topic {
            if !R::TOPICS.iter().any(|known| known.name == topic) {
                return Err(Error::config("the registry has no such topic")
                    .at("topic", topic)
                    .fix("`pipeline topics` lists them"));
            }
        }
        let now = jiff::Timestamp::now();
        let span = Span {
            since: time::moment("--since", &self.since, now, End::First)?,
            until: time::moment("--until", &self.until, now, End::Last)?,
            topics: self.topic,
            with_extra: !self.missing_only,
        };
        if span.since >= span.until {
            return Err(Error::config("--since is not before --until"));
        }
        let postgres = super::outbox::connect(&config).await?;
        let clickhouse = Client::new(&config.clickhouse);
        let found = outbox::reconcile::<R>(&postgres, &clickhouse, &config.kafka, &span).await?;
        write_result(&match self.format {
            Format::Human => human(&found),
            Format::Json => json(&span, &found),
        })?;
        Ok(match found.is_clean() {
            true => Outcome::Clean,
            false => Outcome::Findings,
        })
    }
}

fn human(found: &Reconciled) -> String {
    let mut text = String::new();
    let rows = found.events.iter().map(|event| {
        let what = match (&event.id, &event.letter) {
            (None, _) => "extra",
            (Some(_), Some(_)) => "dead letter",
            (Some(_), None) => "missing",
        };
        vec![
            what.into(),
            event.topic.as_str().into(),
            event.dedupe_key.as_str().into(),
            event.id.into(),
            event.letter.clone().into(),
        ]
    });
    let columns = ["what", "topic", "deduplication key", "outbox id", "reason"];
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        table(&columns, &rows, &mut text);
        text.push('\n');
    }
    for (what, count) in counts(found) {
        text.push_str(&format!("{:<12} {count}\n", what.replace('_', " ")));
    }
    if let Some(since) = time::shown(found.extra_since) {
        text.push_str(&format!(
            "extra events were sought from {since} on: older rows have left the outbox\n"
        ));
    }
    text
}

fn counts(found: &Reconciled) -> [(&'static str, u64); 7] {
    [
        ("compared", found.compared),
        ("pending", found.pending),
        ("under_way", found.under_way),
        ("parked", found.parked),
        ("dead", found.dead),
        ("missing", found.missing),
        ("extra", found.extra),
    ]
}

fn json(span: &Span, found: &Reconciled) -> String {
    let events = found.events.iter().map(|event| {
        json!({
            "topic": event.topic, "dedupe_key": event.dedupe_key, "id": event.id, "letter": event.letter,
        })
    });
    let mut answer = json!({
        "format": 1,
        "since": time::shown(Some(span.since)),
        "until": time::shown(Some(span.until)),
        "extra_since": time::shown(found.extra_since),
        "events": events.collect::<Vec<_>>(),
    });
    for (what, count) in counts(found) {
        answer[what] = count.into();
    }
    format!("{answer}\n")
}
