//! Prints what changed: for people, as Markdown, as JSON.
use serde_json::json;

use super::{FORMAT, ReportError};
use crate::gate::Answer;
use crate::gate::difference::{Difference, VersionDifference};
use crate::visible::{in_json, visible};

/// As Markdown; without `markup`, for a terminal.
#[must_use]
pub fn print(difference: &Difference, base: &str, markup: bool) -> String {
    let mut blocks = Vec::new();
    let list = |title: &str, lines: Vec<String>| {
        let lines: Vec<String> = lines.into_iter().map(|line| format!("- {line}")).collect();
        let heading = if markup {
            format!("### {title}")
        } else {
            title.to_owned()
        };
        format!("{heading}\n\n{}", lines.join("\n"))
    };
    let topics = difference
        .added
        .iter()
        .map(|name| format!("new topic {name}"));
    let gone = difference
        .removed
        .iter()
        .map(|name| format!("topic {name} is gone"));
    let versions = difference.removed_versions.iter();
    let versions = versions.map(|(topic, number)| format!("v{number} of {topic} is gone"));
    let topics: Vec<String> = topics.chain(gone).chain(versions).collect();
    if !topics.is_empty() {
        blocks.push(list("Topics", topics));
    }
    for version in &difference.versions {
        let VersionDifference {
            topic, old, new, ..
        } = version;
        blocks.push(list(&format!("{topic}: {old} → {new}"), sentences(version)));
    }
    if !difference.columns.is_empty() {
        let columns = difference.columns.iter();
        blocks.push(list(
            "Tables",
            columns.map(|column| format!("`{}`", column.sql)).collect(),
        ));
    }
    if blocks.is_empty() {
        blocks.push("Nothing changed in meaning.".to_owned());
    }
    if !base.is_empty() {
        blocks.push(format!("Compared with {base}."));
    }
    let text = visible(&(blocks.join("\n\n") + "\n")).into_owned();
    if markup { text } else { text.replace('`', "") }
}

fn sentences(version: &VersionDifference) -> Vec<String> {
    let VersionDifference {
        old,
        new,
        sentences,
        backward,
        forward,
        ..
    } = version;
    let mut lines = sentences.clone();
    if lines.is_empty() {
        lines.push("no field that readers see is another one".to_owned());
    }
    for (reader, writer, (answer, shown)) in [(new, old, backward), (old, new, forward)] {
        let shown = shown.as_deref().unwrap_or_default();
        lines.push(match answer {
            Answer::Compatible => format!("readers of {reader} accept every message of {writer}"),
            Answer::Incompatible => {
                format!("readers of {reader} reject this message of {writer}: `{shown}`")
            }
            Answer::Unknown => {
                format!("whether readers of {reader} accept every message of {writer} is not known: {shown}")
            }
        });
    }
    lines
}

/// As one JSON document.
///
/// # Errors
/// A value cannot be written.
pub fn json(difference: &Difference, base: &str) -> Result<String, ReportError> {
    let answer = |(answer, shown): &(Answer, Option<String>)| json!({"verdict": answer.name(), "shown": shown});
    let versions = difference.versions.iter().map(|version| {
        json!({
            "topic": version.topic,
            "old": version.old,
            "new": version.new,
            "changes": version.sentences,
            "backward": answer(&version.backward),
            "forward": answer(&version.forward),
        })
    });
    let removed = difference.removed_versions.iter();
    let document = json!({
        "format": FORMAT,
        "base": base,
        "topics_added": difference.added,
        "topics_removed": difference.removed,
        "versions_removed": removed
            .map(|(topic, version)| json!({"topic": topic, "version": version}))
            .collect::<Vec<_>>(),
        "versions": versions.collect::<Vec<_>>(),
        "columns": difference
            .columns
            .iter()
            .map(|column| json!({"table": column.table, "name": column.name, "type": column.sql_type, "sql": column.sql}))
            .collect::<Vec<_>>(),
    });
    Ok(in_json(serde_json::to_string_pretty(&document)? + "\n"))
}
