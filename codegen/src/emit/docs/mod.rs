//! `schema_registry.md`: the registry for people: topics, fields, KPIs, what is on its way out, how to change it.
//!
//! Written for readers who know the product and not JSON Schema. Everything stands in the registry already;
//! this file only tells it.
mod calendar;
mod changes;
mod fields;
mod markdown;
mod views;
mod words;

use askama::Template;
use serde_json::Value;

use super::{COMMAND, EmittedFile};
use crate::registry::manifest::{CompatibilityLevel, ViewManifest};
use crate::registry::{ColumnMapping, Registry, TemplatePart, Topic, TopicVersion};
use calendar::Entry;
use fields::{FieldFact, fields};
use markdown::{Anchors, code, text};
use views::{KpiPart, TablePart};

/// Where the document is written, below the project's root.
pub const PATH: &str = "schema_registry.md";
/// Longest example in a table's cell, in characters.
const MAX_EXAMPLE: usize = 90;

#[derive(Template)]
#[template(path = "docs/schema_registry.md", escape = "none")]
struct Document {
    command: &'static str,
    project: String,
    description: String,
    fact_table: String,
    retention_days: u32,
    topics: Vec<TopicPart>,
    envelope: Vec<FieldRow>,
    kpis: Vec<KpiPart>,
    tables: Vec<TablePart>,
    calendar: Vec<Entry>,
    personal: Vec<PersonalRow>,
    hashes: Vec<String>,
    new_version: String,
    new_version_file: String,
}

struct TopicPart {
    name: String,
    anchor: String,
    description: String,
    owner: String,
    consumers: String,
    version_list: String,
    newest: u32,
    key: String,
    dedupe_key: String,
    partitions: u32,
    retention_days: u32,
    compression: String,
    compatibility: String,
    dead_letters: String,
    versions: Vec<VersionPart>,
}

struct VersionPart {
    heading: String,
    status: String,
    description: String,
    changes: Option<(u32, Vec<String>)>,
    fields: Vec<FieldRow>,
    examples: Vec<(String, String)>,
}

struct FieldRow {
    name: String,
    kind: String,
    presence: &'static str,
    meaning: String,
    example: String,
    personal: String,
    column: String,
}

struct PersonalRow {
    place: String,
    field: String,
    mark: String,
    meaning: String,
}

/// Builds the document.
#[must_use]
pub fn emit(registry: &Registry) -> EmittedFile {
    let document = document(registry);
    EmittedFile {
        path: PATH.to_owned(),
        contents: format!("{}\n", document.to_string().trim_end()),
    }
}

fn document(registry: &Registry) -> Document {
    let clickhouse = &registry.manifest.clickhouse;
    let project = &registry.manifest.project;
    let mut anchors = Anchors::default();
    // Headings before the topics, in the template's order.
    for heading in [
        format!("Schema registry: {}", project.name).as_str(),
        "Topics at a glance",
        "What every event carries",
        "Topics",
    ] {
        anchors.next(heading);
    }
    let envelope = fields(&registry.envelope.model, &[]);
    let mut personal = personal_rows("every event", &envelope);
    let mut topics = Vec::new();
    let mut calendar = Vec::new();
    for topic in &registry.topics {
        let per_version: Vec<Vec<FieldFact>> = topic
            .versions
            .iter()
            .map(|version| {
                let samples: Vec<&Value> = version
                    .examples
                    .iter()
                    .map(|example| &example.payload)
                    .collect();
                fields(&version.model, &samples)
            })
            .collect();
        let part = topic_part(registry, topic, &per_version, &mut anchors);
        let link = format!("[{}](#{})", text(&topic.name), part.anchor);
        if let Some(newest) = per_version.last() {
            calendar.extend(calendar::entries(topic, &link, newest));
            personal.extend(personal_rows(&link, newest));
        }
        topics.push(part);
    }
    calendar.sort_by(|left, right| {
        (&left.since, &left.removal, &left.topic, &left.what).cmp(&(
            &right.since,
            &right.removal,
            &right.topic,
            &right.what,
        ))
    });
    let first = registry.topics.first();
    let newest = first
        .and_then(|topic| topic.versions.last())
        .map_or(1, |version| version.number);
    let first = first.map_or("shop.order", |topic| topic.name.as_str());
    Document {
        command: COMMAND,
        project: text(&project.name),
        description: text(&project.description),
        fact_table: code(&format!("{}.{}", clickhouse.database, clickhouse.table)),
        retention_days: clickhouse.retention_days,
        topics,
        envelope: envelope
            .iter()
            .map(|field| envelope_row(registry, field))
            .collect(),
        kpis: registry
            .views
            .iter()
            .filter_map(|view| match view {
                ViewManifest::Kpi(kpi) => Some(views::kpi(kpi, &clickhouse.database)),
                ViewManifest::Aggregate(_) | ViewManifest::Latest(_) | ViewManifest::Rollup(_) => {
                    None
                }
            })
            .collect(),
        tables: registry
            .views
            .iter()
            .filter_map(|view| views::table(view, &clickhouse.database))
            .collect(),
        calendar,
        personal,
        hashes: registry
            .manifest
            .privacy
            .hash
            .iter()
            .map(|hash| {
                format!(
                    "{} is a keyed hash of {}",
                    code(&hash.into),
                    code(&hash.column)
                )
            })
            .collect(),
        new_version: first.to_owned(),
        new_version_file: format!("schema_registry/topics/{first}/v{}.json", newest + 1),
    }
}

fn topic_part(
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
        retention_days: topic.retention_days,
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

fn row(field: &FieldFact, prefix: &str, columns: &[ColumnMapping]) -> FieldRow {
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
fn envelope_row(registry: &Registry, field: &FieldFact) -> FieldRow {
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
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
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

fn personal_rows(place: &str, facts: &[FieldFact]) -> Vec<PersonalRow> {
    facts
        .iter()
        .filter_map(|field| {
            Some(PersonalRow {
                place: place.to_owned(),
                field: code(&field.path),
                mark: text(field.personal.as_deref()?),
                meaning: text(&field.meaning),
            })
        })
        .collect()
}
