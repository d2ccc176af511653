//! The fact table's layout: one list of columns that the Rust writer and the DDL are both made from.
use crate::clickhouse::{Codec, Default, Expression, Integer, Type};
use crate::registry::Registry;
use crate::registry::manifest::{ColumnType, PayloadStorage, RegistryManifest};

/// A column of the fact table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// What fills it.
    pub origin: Origin,
    /// ClickHouse type; the JSON payload's typed paths are the emitter's.
    pub kind: Type,
    /// Value where the worker sends none.
    pub default: Default,
    /// Comment.
    pub description: String,
    /// Compression codec.
    pub codec: Option<Codec>,
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

/// The type of a column that registry.toml states.
#[must_use]
pub const fn stated_type(kind: ColumnType) -> Type {
    match kind {
        ColumnType::Bool => Type::Bool,
        ColumnType::UInt8 => Type::Integer(Integer::UInt8),
        ColumnType::UInt16 => Type::Integer(Integer::UInt16),
        ColumnType::UInt32 => Type::Integer(Integer::UInt32),
        ColumnType::UInt64 => Type::UINT64,
        ColumnType::Int8 => Type::Integer(Integer::Int8),
        ColumnType::Int16 => Type::Integer(Integer::Int16),
        ColumnType::Int32 => Type::Integer(Integer::Int32),
        ColumnType::Int64 => Type::INT64,
        ColumnType::Float64 => Type::Float64,
        ColumnType::String => Type::String,
        ColumnType::LowCardinalityString => Type::LowCardinality,
        ColumnType::DateTime64 => Type::DateTime64,
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
    "event_hour",
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
    "event_hour",
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
    let system = |name: &str, origin, kind, description: &str, codec: Option<Codec>| Column {
        name: name.to_owned(),
        origin,
        kind,
        default: Default::OfType,
        description: description.to_owned(),
        codec,
    };
    let computed = |name: &str, kind, default, description: &str, codec| Column {
        default,
        ..system(name, Origin::Server, kind, description, codec)
    };
    let mut columns = vec![
        computed(
            "event_date",
            Type::Date,
            Default::Stored(Expression::call("toDate", [Expression::own("ts")])),
            "Day of the event, UTC",
            None,
        ),
        system(
            "ts",
            Origin::Timestamp,
            Type::DateTime64,
            "Time of the event",
            Some(Codec::Delta(3)),
        ),
        system(
            "event_type",
            Origin::EventType,
            Type::LowCardinality,
            "Type of the event, its topic",
            None,
        ),
        system(
            "schema_version",
            Origin::SchemaVersion,
            Type::Integer(Integer::UInt16),
            "Version of the payload schema",
            None,
        ),
    ];
    columns.extend(clickhouse.columns.iter().map(|column| Column {
        name: column.name.clone(),
        origin: Origin::Mapped(column.kind),
        kind: stated_type(column.kind),
        default: Default::OfType,
        description: column.description.clone(),
        codec: column.codec.clone().map(Codec::Stated),
    }));
    for hash in &manifest.privacy.hash {
        if let Some(position) = columns.iter().position(|column| column.name == hash.column) {
            columns.push(system(
                &hash.into,
                Origin::Hash(position),
                Type::UINT64,
                &format!(
                    "Keyed hash of {}, computed by the ingest worker",
                    hash.column
                ),
                None,
            ));
        }
    }
    let payload = match clickhouse.payload {
        PayloadStorage::Json => Type::Json(Vec::new()),
        PayloadStorage::String => Type::String,
    };
    columns.extend([
        system(
            "payload_json",
            Origin::Payload(clickhouse.payload),
            payload,
            "The event's payload",
            Some(Codec::Zstd(3)),
        ),
        system(
            "dedupe_key",
            Origin::DedupeKey,
            Type::String,
            "Deduplication key, the event's own or made by its topic's template",
            Some(Codec::Zstd(1)),
        ),
        system(
            "event_key",
            Origin::EventKey,
            Type::UINT64,
            "Hash of topic, record key, sorting columns and dedupe_key: what copies of one event share",
            Some(Codec::None),
        ),
        computed(
            "version",
            Type::UINT64,
            Default::Stored(Expression::call(
                "bitNot",
                [Expression::call(
                    "toUInt64",
                    [Expression::own("kafka_offset")],
                )],
            )),
            "Of copies the highest counts: the first in Kafka",
            Some(Codec::T64(1)),
        ),
        system(
            "received_at",
            Origin::ReceivedAt,
            Type::DateTime64,
            "When the ingest worker took the event",
            Some(Codec::Delta(1)),
        ),
        system(
            "kafka_topic",
            Origin::KafkaTopic,
            Type::LowCardinality,
            "Topic of the record",
            None,
        ),
        system(
            "kafka_partition",
            Origin::KafkaPartition,
            Type::Integer(Integer::Int32),
            "Partition of the record",
            None,
        ),
        system(
            "kafka_offset",
            Origin::KafkaOffset,
            Type::INT64,
            "Offset of the record",
            Some(Codec::Delta(1)),
        ),
        computed(
            "partition_tag",
            Type::String,
            Default::Alias(Expression::call(
                "formatDateTime",
                [Expression::own("ts"), Expression::text("%Y%m%d")],
            )),
            "Day as text",
            None,
        ),
    ]);
    columns
}
