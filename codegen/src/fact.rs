//! The fact table's layout: one list of columns that the Rust writer and the DDL are both made from.
use crate::registry::Registry;
use crate::registry::manifest::{ColumnType, PayloadStorage, RegistryManifest};

/// A column of the fact table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// What fills it.
    pub origin: Origin,
    /// ClickHouse type as in DDL; the JSON payload's typed paths are the emitter's.
    pub sql_type: String,
    /// Comment.
    pub description: String,
    /// Compression codec, as in DDL.
    pub codec: Option<String>,
}

/// What fills a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Computed by ClickHouse from other columns.
    Server,
    /// A mapped field of envelope or payload; zero where absent.
    Mapped(ColumnType),
    /// The event's type.
    EventType,
    /// The event's time.
    Timestamp,
    /// Schema version as written.
    SchemaVersion,
    /// The payload.
    Payload(PayloadStorage),
    /// The deduplication key.
    DedupeKey,
    /// The hash that records of one event share.
    EventKey,
    /// A keyed hash of the column with this position in [`columns`]' result.
    Hash(usize),
    /// When the worker took the record.
    ReceivedAt,
    /// Kafka coordinates.
    KafkaTopic,
    /// Kafka coordinates.
    KafkaPartition,
    /// Kafka coordinates.
    KafkaOffset,
}

/// ClickHouse's name of a column type.
#[must_use]
pub const fn sql_type(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool => "Bool",
        ColumnType::UInt8 => "UInt8",
        ColumnType::UInt16 => "UInt16",
        ColumnType::UInt32 => "UInt32",
        ColumnType::UInt64 => "UInt64",
        ColumnType::Int8 => "Int8",
        ColumnType::Int16 => "Int16",
        ColumnType::Int32 => "Int32",
        ColumnType::Int64 => "Int64",
        ColumnType::Float64 => "Float64",
        ColumnType::String => "String",
        ColumnType::LowCardinalityString => "LowCardinality(String)",
        ColumnType::DateTime64 => "DateTime64(3, 'UTC')",
    }
}

/// Names that the layout itself uses; a shared column may not take one.
pub const RESERVED: &[&str] = &[
    "event_date",
    "ts",
    "event_type",
    "schema_version",
    "payload_json",
    "dedupe_key",
    "event_key",
    "is_copy",
    "version",
    "received_at",
    "kafka_topic",
    "kafka_partition",
    "kafka_offset",
    "partition_tag",
];

/// Columns that say how an event arrived, or are made of others: two copies of an event differ in them, or need
/// not be told apart by them. The sorting key cannot have them.
pub const ARRIVAL: &[&str] = &[
    "payload_json",
    "dedupe_key",
    "event_key",
    "is_copy",
    "version",
    "received_at",
    "kafka_topic",
    "kafka_partition",
    "kafka_offset",
    "partition_tag",
];

/// The fact table's columns in DDL order.
#[must_use]
pub fn columns(registry: &Registry) -> Vec<Column> {
    layout(&registry.manifest)
}

/// The same from `registry.toml` alone, which decides it.
#[must_use]
pub fn layout(manifest: &RegistryManifest) -> Vec<Column> {
    let clickhouse = &manifest.clickhouse;
    let system =
        |name: &str, origin, sql_type: &str, description: &str, codec: Option<&str>| Column {
            name: name.to_owned(),
            origin,
            sql_type: sql_type.to_owned(),
            description: description.to_owned(),
            codec: codec.map(str::to_owned),
        };
    let mut columns = vec![
        system(
            "event_date",
            Origin::Server,
            "Date DEFAULT toDate(ts)",
            "Day of the event, UTC",
            None,
        ),
        system(
            "ts",
            Origin::Timestamp,
            "DateTime64(3, 'UTC')",
            "Time of the event",
            Some("Delta, ZSTD(3)"),
        ),
        system(
            "event_type",
            Origin::EventType,
            "LowCardinality(String)",
            "Type of the event, its topic",
            None,
        ),
        system(
            "schema_version",
            Origin::SchemaVersion,
            "UInt16",
            "Version of the payload schema",
            None,
        ),
    ];
    columns.extend(clickhouse.columns.iter().map(|column| Column {
        name: column.name.clone(),
        origin: Origin::Mapped(column.kind),
        sql_type: sql_type(column.kind).to_owned(),
        description: column.description.clone(),
        codec: column.codec.clone(),
    }));
    for hash in &manifest.privacy.hash {
        if let Some(position) = columns.iter().position(|column| column.name == hash.column) {
            columns.push(system(
                &hash.into,
                Origin::Hash(position),
                "UInt64",
                &format!(
                    "Keyed hash of {}, computed by the ingest worker",
                    hash.column
                ),
                None,
            ));
        }
    }
    let payload = match clickhouse.payload {
        PayloadStorage::Json => "JSON",
        PayloadStorage::String => "String",
    };
    columns.extend([
        system(
            "payload_json",
            Origin::Payload(clickhouse.payload),
            payload,
            "The event's payload",
            Some("ZSTD(3)"),
        ),
        system(
            "dedupe_key",
            Origin::DedupeKey,
            "String",
            "Deduplication key, the event's own or made by its topic's template",
            Some("ZSTD(1)"),
        ),
        system(
            "event_key",
            Origin::EventKey,
            "UInt64",
            "Hash of topic, record key, sorting columns and dedupe_key: what copies of one event share",
            Some("NONE"),
        ),
        system(
            "version",
            Origin::Server,
            "UInt64 DEFAULT bitNot(toUInt64(kafka_offset))",
            "Of copies the highest counts: the first in Kafka",
            Some("T64, ZSTD(1)"),
        ),
        system(
            "received_at",
            Origin::ReceivedAt,
            "DateTime64(3, 'UTC')",
            "When the ingest worker took the event",
            Some("Delta, ZSTD(1)"),
        ),
        system(
            "kafka_topic",
            Origin::KafkaTopic,
            "LowCardinality(String)",
            "Topic of the record",
            None,
        ),
        system(
            "kafka_partition",
            Origin::KafkaPartition,
            "Int32",
            "Partition of the record",
            None,
        ),
        system(
            "kafka_offset",
            Origin::KafkaOffset,
            "Int64",
            "Offset of the record",
            Some("Delta, ZSTD(1)"),
        ),
        system(
            "partition_tag",
            Origin::Server,
            "String ALIAS formatDateTime(ts, '%Y%m%d')",
            "Day as text",
            None,
        ),
    ]);
    columns
}
