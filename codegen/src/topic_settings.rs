//! Kafka settings of a topic, as Kafka names them: one list for manifests, JSON and the generated crate.
use crate::registry::manifest::Compression;
use crate::registry::{Registry, Topic};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What the headers of a dead letter (reason, pointer, source) may add to the record that it carries, in bytes.
/// Without it the largest records could not be moved to their dead letter topic.
const DLQ_HEADROOM: u32 = 64 * 1024;

/// Kafka's spelling of a compression.
#[must_use]
pub const fn compression(compression: Compression) -> &'static str {
    match compression {
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
        Compression::Snappy => "snappy",
        Compression::Gzip => "gzip",
        Compression::Producer => "producer",
        Compression::Uncompressed => "uncompressed",
    }
}

/// Settings of a topic, sorted by name.
#[must_use]
pub fn settings(registry: &Registry, topic: &Topic) -> Vec<(String, String)> {
    list(
        compression(topic.compression),
        topic.retention_days,
        registry.manifest.kafka.max_message_bytes,
    )
}

/// Settings of every dead letter topic, sorted by name.
#[must_use]
pub fn dlq_settings(registry: &Registry) -> Vec<(String, String)> {
    list(
        compression(registry.manifest.kafka.compression),
        registry.manifest.kafka.dlq_retention_days,
        registry
            .manifest
            .kafka
            .max_message_bytes
            .saturating_add(DLQ_HEADROOM),
    )
}

fn list(compression: &str, retention_days: u32, max_message_bytes: u32) -> Vec<(String, String)> {
    [
        ("cleanup.policy", "delete".to_owned()),
        ("compression.type", compression.to_owned()),
        ("max.message.bytes", max_message_bytes.to_string()),
        (
            "retention.ms",
            (u64::from(retention_days) * DAY_MS).to_string(),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
