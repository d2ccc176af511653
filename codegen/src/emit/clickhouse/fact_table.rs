//! The fact table: one row an event, every topic in one table.
use crate::fact::{self, Origin};
use crate::registry::Registry;

use super::DEDUPLICATION_WINDOW;
use super::payload;
use super::spec::{ColumnSpec, Definition, Object, Stage, TableName, TableSpec, Ttl};
use super::sql::name;

/// Plans the fact table.
pub(super) fn build(registry: &Registry) -> Object {
    let clickhouse = &registry.manifest.clickhouse;
    let columns = fact::columns(registry)
        .into_iter()
        .map(|column| ColumnSpec {
            sql_type: match column.origin {
                Origin::Payload(storage) => payload::sql_type(registry, storage),
                Origin::Server
                | Origin::Mapped(_)
                | Origin::EventType
                | Origin::Timestamp
                | Origin::SchemaVersion
                | Origin::DedupeKey
                | Origin::Hash(_)
                | Origin::ReceivedAt
                | Origin::KafkaTopic
                | Origin::KafkaPartition
                | Origin::KafkaOffset => column.sql_type,
            },
            name: column.name,
            codec: column.codec,
            comment: column.description,
        })
        .collect();
    let engine = match clickhouse.version_column {
        Some(_) => format!("ReplacingMergeTree({})", name("version")),
        None => "ReplacingMergeTree".to_owned(),
    };
    let mut order_by = clickhouse.order_by.clone();
    order_by.push("dedupe_key".to_owned());
    Object {
        name: clickhouse.table.clone(),
        file: clickhouse.table.clone(),
        stage: Stage::FactTable,
        source: "registry.toml and the topics' payload schemas".to_owned(),
        definition: Definition::Table(TableSpec {
            name: TableName {
                database: clickhouse.database.clone(),
                table: clickhouse.table.clone(),
            },
            columns,
            engine,
            partition_by: Some("toYYYYMM(event_date)".to_owned()),
            order_by,
            ttl: Some(Ttl {
                date: "event_date".to_owned(),
                days: clickhouse.retention_days,
            }),
            settings: settings(),
            comment: "One row an event; events with one dedupe_key are one event".to_owned(),
        }),
    }
}

/// `ttl_only_drop_parts` stays off: with parts of a month, rows would outlive their promised retention by up
/// to a month. Deleting within parts once a day instead of every four hours keeps that affordable.
fn settings() -> Vec<(&'static str, &'static str)> {
    vec![
        ("index_granularity", "8192"),
        ("non_replicated_deduplication_window", DEDUPLICATION_WINDOW),
        ("merge_with_ttl_timeout", "86400"),
        // What an insert writes is one file; wide parts, a file a column and payload path, begin with merges.
        ("min_bytes_for_wide_part", "134217728"),
        // Column by column is how large parts merge in bounded memory; small ones merge for a third less in one go.
        ("vertical_merge_algorithm_min_rows_to_activate", "5000000"),
        // A row is rewritten about log(table / insert) times to this base, and rows of all actors in every insert make
        // that the dearest thing the server does: half of what it is with 5, for up to four times as many parts.
        ("merge_selector_base", "20"),
    ]
}
