//! `generated/plan.json`: what the runtime's demo, KPI oracle and tools know about the registry.
//!
//! The generated Rust code is enough to ingest; this file holds what it leaves out: examples, views as
//! their manifests state them, scenarios. The generated crate embeds it. Field names are a contract with
//! the runtime: a change that an older reader would misread raises [`FORMAT`].
use serde::Serialize;
use serde_json::Value;

use super::EmittedFile;
use crate::registry::manifest::{
    ColumnType, HashColumn, PayloadStorage, Scenario, ViewManifest, When,
};
use crate::registry::{ColumnMapping, Envelope, Registry, TemplatePart, Topic, TopicVersion};

/// Where the plan is written, below the project's root.
pub const PATH: &str = "generated/plan.json";

/// Raised when an older reader would misread the file.
pub const FORMAT: u32 = 1;

/// Builds the plan file.
#[must_use]
pub fn emit(registry: &Registry) -> EmittedFile {
    EmittedFile {
        path: PATH.to_owned(),
        contents: format!("{:#}\n", serde_json::json!(Plan::of(registry))),
    }
}

#[derive(Serialize)]
struct Plan<'r> {
    format: u32,
    project: &'r str,
    clickhouse: ClickHouse<'r>,
    envelope: EnvelopePlan<'r>,
    topics: Vec<TopicPlan<'r>>,
    views: &'r [ViewManifest],
    scenarios: &'r [Scenario],
}

#[derive(Serialize)]
struct ClickHouse<'r> {
    database: &'r str,
    table: &'r str,
    payload: PayloadStorage,
    retention_days: u32,
    order_by: &'r [String],
    late_days: u32,
    columns: Vec<ColumnPlan<'r>>,
    hash: &'r [HashColumn],
}

#[derive(Serialize)]
struct ColumnPlan<'r> {
    name: &'r str,
    #[serde(rename = "type")]
    kind: ColumnType,
}

#[derive(Serialize)]
struct EnvelopePlan<'r> {
    fields: Fields<'r>,
    /// Members that every event must have.
    required: Vec<String>,
    columns: Vec<MappingPlan<'r>>,
}

#[derive(Serialize)]
struct Fields<'r> {
    event_type: &'r str,
    schema_version: &'r str,
    event_id: &'r str,
    timestamp: &'r str,
    payload: &'r str,
    dedupe_key: &'r str,
}

#[derive(Serialize)]
struct MappingPlan<'r> {
    column: &'r str,
    from: &'r str,
    when: &'r [When],
    negate: bool,
}

#[derive(Serialize)]
struct TopicPlan<'r> {
    name: &'r str,
    reads_newer: bool,
    versions: Vec<VersionPlan<'r>>,
}

#[derive(Serialize)]
struct VersionPlan<'r> {
    version: u32,
    key: &'r str,
    dedupe_key: Vec<PartPlan<'r>>,
    columns: Vec<MappingPlan<'r>>,
    examples: Vec<ExamplePlan<'r>>,
    invalid: Vec<InvalidPlan<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum PartPlan<'r> {
    Text(&'r str),
    Pointer(&'r str),
}

#[derive(Serialize)]
struct ExamplePlan<'r> {
    name: &'r str,
    payload: &'r Value,
}

#[derive(Serialize)]
struct InvalidPlan<'r> {
    name: &'r str,
    pointer: &'r str,
    payload: &'r Value,
}

impl<'r> Plan<'r> {
    fn of(registry: &'r Registry) -> Self {
        let clickhouse = &registry.manifest.clickhouse;
        Self {
            format: FORMAT,
            project: &registry.manifest.project.name,
            clickhouse: ClickHouse {
                database: &clickhouse.database,
                table: &clickhouse.table,
                payload: clickhouse.payload,
                retention_days: clickhouse.retention_days,
                order_by: &clickhouse.order_by,
                late_days: clickhouse.late_days,
                columns: clickhouse
                    .columns
                    .iter()
                    .map(|column| ColumnPlan {
                        name: &column.name,
                        kind: column.kind,
                    })
                    .collect(),
                hash: &registry.manifest.privacy.hash,
            },
            envelope: EnvelopePlan::of(&registry.envelope),
            topics: registry
                .topics
                .iter()
                .map(|topic| TopicPlan::of(topic))
                .collect(),
            views: &registry.views,
            scenarios: &registry.scenarios,
        }
    }
}

impl<'r> EnvelopePlan<'r> {
    fn of(envelope: &'r Envelope) -> Self {
        let fields = &envelope.fields;
        Self {
            fields: Fields {
                event_type: &fields.event_type,
                schema_version: &fields.schema_version,
                event_id: &fields.event_id,
                timestamp: &fields.timestamp,
                payload: &fields.payload,
                dedupe_key: &fields.dedupe_key,
            },
            required: envelope.required(),
            columns: mappings(&envelope.columns),
        }
    }
}

impl<'r> TopicPlan<'r> {
    fn of(topic: &'r Topic) -> Self {
        Self {
            name: &topic.name,
            reads_newer: topic.manifest.compatibility.promises_forward(),
            versions: topic.versions.iter().map(VersionPlan::of).collect(),
        }
    }
}

impl<'r> VersionPlan<'r> {
    fn of(version: &'r TopicVersion) -> Self {
        Self {
            version: version.number,
            key: &version.key,
            dedupe_key: version
                .dedupe_key
                .iter()
                .map(|part| match part {
                    TemplatePart::Text(text) => PartPlan::Text(text),
                    TemplatePart::Pointer(pointer) => PartPlan::Pointer(pointer),
                })
                .collect(),
            columns: mappings(&version.columns),
            examples: version
                .examples
                .iter()
                .map(|example| ExamplePlan {
                    name: &example.name,
                    payload: &example.payload,
                })
                .collect(),
            invalid: version
                .invalid
                .iter()
                .map(|example| InvalidPlan {
                    name: &example.name,
                    pointer: &example.pointer,
                    payload: &example.payload,
                })
                .collect(),
        }
    }
}

fn mappings(mappings: &[ColumnMapping]) -> Vec<MappingPlan<'_>> {
    mappings
        .iter()
        .map(|mapping| MappingPlan {
            column: &mapping.column,
            from: &mapping.source.from,
            when: &mapping.source.when,
            negate: mapping.source.negate,
        })
        .collect()
}
