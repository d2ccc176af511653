//! The fact table: one row an event, every topic in one table.
use crate::clickhouse::{
    Column, Definition, Engine, Expression, Object, Setting, Stage, Table, TableName, Ttl,
};
use crate::fact::{self, Origin};
use crate::registry::Registry;

use super::REMEMBERED_TOKENS;
use super::payload;

/// Plans the fact table.
pub(super) fn build(registry: &Registry) -> Object {
    let clickhouse = &registry.manifest.clickhouse;
    let columns = fact::columns(registry)
        .into_iter()
        .map(|column| Column {
            kind: match column.origin {
                Origin::Payload(storage) => payload::column_type(registry, storage),
                Origin::Server
                | Origin::Mapped(_)
                | Origin::EventType
                | Origin::Timestamp
                | Origin::SchemaVersion
                | Origin::DedupeKey
                | Origin::EventKey
                | Origin::Hash(_)
                | Origin::ReceivedAt
                | Origin::KafkaTopic
                | Origin::KafkaPartition
                | Origin::KafkaOffset => column.kind,
            },
            name: column.name,
            default: column.default,
            codec: column.codec,
            comment: column.description,
        })
        .collect();
    let mut order_by = clickhouse.order_by.clone();
    order_by.push("event_key".to_owned());
    Object {
        name: clickhouse.table.clone(),
        file: clickhouse.table.clone(),
        stage: Stage::FactTable,
        view: None,
        source: "registry.toml and the topics' payload schemas".to_owned(),
        definition: Definition::Table(Table {
            name: TableName {
                database: clickhouse.database.clone(),
                table: clickhouse.table.clone(),
            },
            columns,
            engine: Engine::Replacing("version".to_owned()),
            partition_by: Some(Expression::call(
                "toYYYYMM",
                [Expression::own("event_date")],
            )),
            order_by,
            ttl: Some(Ttl {
                date: Expression::own("event_date"),
                days: clickhouse.retention_days,
            }),
            settings: settings(),
            comment: format!(
                "One row an event: records are one event where topic, record key, {}dedupe_key are equal, and of such \
                 copies the first in Kafka counts. Kept for {} days (retention_days of registry.toml)",
                identity_columns(registry),
                clickhouse.retention_days
            ),
        }),
    }
}

/// `user_id, …, and `: the sorting columns that are no part of a topic's name.
fn identity_columns(registry: &Registry) -> String {
    let names = registry.manifest.clickhouse.order_by.iter();
    let names: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| *name != "event_type")
        .collect();
    if names.is_empty() {
        "and ".to_owned()
    } else {
        format!("{} and ", names.join(", "))
    }
}

/// `ttl_only_drop_parts` stays off: with parts of a month, rows would outlive their promised retention by up
/// to a month.
fn settings() -> Vec<Setting> {
    vec![
        Setting {
            name: "index_granularity",
            value: "8192",
            why: "rows for each mark of the index",
        },
        REMEMBERED_TOKENS,
        Setting {
            name: "merge_with_ttl_timeout",
            value: "86400",
            why: "rows past their retention are deleted within parts once a day, which keeps that affordable",
        },
        Setting {
            name: "min_bytes_for_wide_part",
            value: "134217728",
            why: "an insert writes one file; a file a column and payload path begins with merges",
        },
        Setting {
            name: "vertical_merge_algorithm_min_rows_to_activate",
            value: "5000000",
            why: "large parts merge column by column, in bounded memory; small ones in one go, which costs a third less",
        },
        Setting {
            name: "merge_selector_base",
            value: "20",
            why: "rows are rewritten half as often as with 5, for up to four times as many parts",
        },
    ]
}
