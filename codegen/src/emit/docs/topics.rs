//! A topic's section: its facts, its versions newest first, their fields and examples; Markdown.
use serde_json::Value;

use super::changes;
use super::fields::FieldFact;
use super::markdown::{Anchors, code, text};
use super::words;
use crate::registry::manifest::{CleanupPolicy, CompatibilityLevel};
use crate::registry::{ColumnMapping, Registry, TemplatePart, Topic, TopicVersion};

/// Longest example in a table's cell, in characters.
const MAX_EXAMPLE: usize = 90;

/// A topic's section; every text is Markdown.
pub(super) struct TopicPart {
    pub(super) name: String,
    pub(super) anchor: String,
    pub(super) description: String,
    pub(super) owner: String,
    pub(super) consumers: String,
    pub(super) version_list: String,
    pub(super) newest: u32,
    pub(super) key: String,
    pub(super) dedupe_key: String,
    pub(super) partitions: u32,
    /// `kept for 7 days`.
    pub(super) kept: String,
    pub(super) compression: String,
    pub(super) compatibility: String,
    pub(super) dead_letters: String,
    pub(super) versions: Vec<VersionPart>,
}

/// A version's part of it. `changes` names the version before.
pub(super) struct VersionPart {
    pub(super) heading: String,
    pub(super) status: String,
    pub(super) description: String,
    pub(super) changes: Option<(u32, Vec<String>)>,
    pub(super) fields: Vec<FieldRow>,
    pub(super) examples: Vec<(String, String)>,
}

/// A row of a table of fields.
pub(super) struct FieldRow {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) presence: &'static str,
    pub(super) meaning: String,
    pub(super) example: String,
    pub(super) personal: String,
    pub(super) column: String,
}

/// `per_version` holds the fields of each of the topic's versions; anchors are asked for in reading order.
pub(super) fn topic_part(
    registry: &Registry,
    topic: &Topic,
    per_version: &[Vec<FieldFact>],
    anchors: &mut Anchors,
) -> TopicPart {
    let anchor = anchors.next(&topic.name);
    let manifest = &topic.manifest;
    let newest = topic.versions.last();
    let mut versions: Vec<VersionPart> = topic
        .versions
        .iter()
        .enumerate()
        .map(|(index, version)| {
            let changes = index.checked_sub(1).and_then(|before| {
                Some((
                    topic.versions.get(before)?.number,
                    changes::changes(
                        per_version.get(before)?,
                        per_version.get(index)?,
                        &version.renames,
                    ),
                ))
            });
            let facts = per_version.get(index).map_or(&[][..], Vec::as_slice);
            version_part(registry, topic, version, facts, changes)
        })
        .collect();
    // The newest first: that is the one to send.
    versions.reverse();
    for version in &versions {
        anchors.next(&version.heading);
    }
    TopicPart {
        name: text(&topic.name),
        anchor,
        description: text(&manifest.description),
        owner: text(&manifest.owner),
        consumers: if manifest.consumers.is_empty() {
            "nobody yet".to_owned()
        } else {
            text(&manifest.consumers.join(", "))
        },
        version_list: topic
            .versions
            .iter()
            .map(|version| version.number.to_string())
            .collect::<Vec<_>>()
            .join(", "),
        newest: newest.map_or(1, |version| version.number),
        key: newest.map_or_else(String::new, |version| code(&dotted(&version.key))),
        dedupe_key: newest.map_or_else(String::new, |version| code(&template(&version.dedupe_key))),
        partitions: topic.partitions,
        kept: match manifest.cleanup_policy.unwrap_or_default() {
            CleanupPolicy::Delete => format!("kept for {} days", topic.retention_days),
            CleanupPolicy::Compact => format!(
                "kept for {} days, the last record of each key for ever",
                topic.retention_days
            ),
        },
        compression: crate::topic_settings::compression(topic.compression).to_uppercase(),
        compatibility: compatibility(manifest.compatibility),
        dead_letters: format!(
            "{}, kept for {} days",
            code(&topic.dlq()),
            registry.manifest.kafka.dlq_retention_days
        ),
        versions,
    }
}

fn version_part(
    registry: &Registry,
    topic: &Topic,
    version: &TopicVersion,
    facts: &[FieldFact],
    changes: Option<(u32, Vec<String>)>,
) -> VersionPart {
    let prefix = format!(
        "/{}",
        crate::model::escape(&registry.envelope.fields.payload)
    );
    let newest = topic
        .versions
        .last()
        .is_some_and(|newest| newest.number == version.number);
    let deprecation = topic
        .manifest
        .deprecations
        .iter()
        .find(|deprecation| deprecation.version == version.number);
    let status = match (newest, deprecation) {
        (true, _) => "The newest version: send this one.".to_owned(),
        (false, None) => "Still read; new senders use the newest version.".to_owned(),
        (false, Some(deprecation)) => format!(
            "On its way out since {}; no longer read after {}. {}",
            text(&deprecation.since),
            text(&deprecation.removal),
            text(&deprecation.reason)
        ),
    };
    VersionPart {
        heading: format!("{} version {}", text(&topic.name), version.number),
        status,
        description: version
            .model
            .annotation(&[version.model.root], |annotations| {
                annotations.description.as_deref().map(text)
            })
            .unwrap_or_default(),
        changes,
        fields: facts
            .iter()
            .map(|field| row(field, &prefix, &version.columns))
            .collect(),
        examples: version
            .examples
            .iter()
            .map(|example| {
                (
                    text(&example.name.replace('_', " ")),
                    format!("{:#}", example.payload),
                )
            })
            .collect(),
    }
}

/// `prefix` is where the fields' root stands in the event.
pub(super) fn row(field: &FieldFact, prefix: &str, columns: &[ColumnMapping]) -> FieldRow {
    let landed: Vec<String> = columns
        .iter()
        .filter(|mapping| {
            field
                .pointer
                .as_ref()
                .is_some_and(|pointer| mapping.source.from == format!("{prefix}{pointer}"))
        })
        .map(|mapping| landing(mapping, prefix))
        .collect();
    let mut meaning = text(&field.meaning);
    if let Some(deprecated) = &field.deprecated {
        let since = if deprecated.since.is_empty() {
            String::new()
        } else {
            format!(" since {}", text(&deprecated.since))
        };
        meaning.push_str(&format!(
            " **On its way out{since}.** {}",
            text(&deprecated.reason)
        ));
    }
    FieldRow {
        name: code(&field.path),
        kind: match &field.unit {
            Some(unit) => format!("{}, in {unit}", field.kind),
            None => field.kind.clone(),
        },
        presence: field.presence.words(),
        meaning: meaning.trim().to_owned(),
        example: field.example.as_ref().map(example).unwrap_or_default(),
        personal: field.personal.as_deref().map(text).unwrap_or_default(),
        column: landed.join("; "),
    }
}

/// A field of the envelope; those with a role have a column of their own.
pub(super) fn envelope_row(registry: &Registry, field: &FieldFact) -> FieldRow {
    let names = &registry.envelope.fields;
    let own = [
        (&names.event_type, "event_type"),
        (&names.schema_version, "schema_version"),
        (&names.timestamp, "ts"),
        (&names.payload, "payload_json"),
        (&names.dedupe_key, "dedupe_key"),
    ];
    let mut row = row(field, "", &registry.envelope.columns);
    if let Some((_, column)) = own.iter().find(|(name, _)| **name == field.path) {
        row.column = code(column);
    }
    row
}

fn landing(mapping: &ColumnMapping, prefix: &str) -> String {
    let mut words = code(&mapping.column);
    if mapping.source.negate {
        words.push_str(", its sign turned");
    }
    for (index, when) in mapping.source.when.iter().enumerate() {
        let field = when.field.strip_prefix(prefix).unwrap_or(&when.field);
        words.push_str(&format!(
            "{} {} is {}",
            if index == 0 { ", where" } else { " and" },
            code(&dotted(field)),
            words::value(&when.equals)
        ));
    }
    words
}

fn example(value: &Value) -> String {
    let shown = match value {
        Value::String(string) => string.clone(),
        other => other.to_string(),
    };
    if shown.chars().count() <= MAX_EXAMPLE {
        return code(&shown);
    }
    let cut: String = shown.chars().take(MAX_EXAMPLE).collect();
    code(&format!("{cut}…"))
}

/// `/payload/event_id` → `payload.event_id`.
fn dotted(pointer: &str) -> String {
    pointer
        .split('/')
        .skip(1)
        .map(crate::model::unescape)
        .collect::<Vec<_>>()
        .join(".")
}

fn template(parts: &[TemplatePart]) -> String {
    parts
        .iter()
        .map(|part| match part {
            TemplatePart::Text(text) => text.clone(),
            TemplatePart::Pointer(pointer) => format!("{{{}}}", dotted(pointer)),
        })
        .collect()
}

fn compatibility(level: CompatibilityLevel) -> String {
    let (name, promise) = match level {
        CompatibilityLevel::None => ("NONE", "nothing is promised between versions"),
        CompatibilityLevel::Backward => (
            "BACKWARD",
            "a new version's readers read the events of the version before",
        ),
        CompatibilityLevel::BackwardTransitive => (
            "BACKWARD_TRANSITIVE",
            "a new version's readers read the events of every older version",
        ),
        CompatibilityLevel::Forward => (
            "FORWARD",
            "readers of the version before read a new version's events",
        ),
        CompatibilityLevel::ForwardTransitive => (
            "FORWARD_TRANSITIVE",
            "readers of every older version read a new version's events",
        ),
        CompatibilityLevel::Full => (
            "FULL",
            "a new version and the one before read each other's events",
        ),
        CompatibilityLevel::FullTransitive => {
            ("FULL_TRANSITIVE", "all versions read each other's events")
        }
    };
    format!("{}: {promise}", code(name))
}
