//! `schema_registry.md`: the registry for people: topics, fields, KPIs, what is on its way out, how to change it.
//!
//! Written for readers who know the product and not JSON Schema. Everything stands in the registry already;
//! this file only tells it.
mod calendar;
mod changes;
mod fields;
mod markdown;
mod topics;
mod views;
mod words;

use askama::Template;
use indexmap::IndexMap;
use serde_json::Value;

use super::{COMMAND, EmittedFile};
use crate::model::Model;
use crate::registry::Registry;
use crate::registry::manifest::ViewManifest;
use calendar::Entry;
use fields::{FieldFact, fields};
use markdown::{Anchors, code, text};
use topics::{FieldRow, TopicPart, envelope_row, topic_part};
use views::{KpiPart, TablePart};

/// Where the document is written, below the project's root.
pub const PATH: &str = "schema_registry.md";

#[derive(Template)]
#[template(path = "docs/schema_registry.md.j2", escape = "none")]
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

struct PersonalRow {
    place: String,
    field: String,
    mark: String,
    meaning: String,
}

/// What changed from one schema to another for those who read events, in sentences; Markdown.
#[must_use]
pub fn changed_fields(old: &Model, new: &Model, renames: &IndexMap<String, String>) -> Vec<String> {
    changes::changes(&fields(old, &[]), &fields(new, &[]), renames)
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
        tables: registry.views.iter().filter_map(views::table).collect(),
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
