//! Kafka settings of a topic, as Kafka names them: one list for manifests, JSON and the generated crate.
use crate::registry::manifest::{CleanupPolicy, Compression};
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
        topic.manifest.cleanup_policy.unwrap_or_default(),
        compression(topic.compression),
        topic.retention_days,
        registry.manifest.kafka.max_message_bytes,
    )
}

/// Settings of every dead letter topic, sorted by name.
#[must_use]
pub fn dlq_settings(registry: &Registry) -> Vec<(String, String)> {
    list(
        // A dead letter keeps the key of its record, and each of them is to be looked at.
        CleanupPolicy::Delete,
        compression(registry.manifest.kafka.compression),
        registry.manifest.kafka.dlq_retention_days,
        registry
            .manifest
            .kafka
            .max_message_bytes
            .saturating_add(DLQ_HEADROOM),
    )
}

fn list(
    cleanup: CleanupPolicy,
    compression: &str,
    retention_days: u32,
    max_message_bytes: u32,
) -> Vec<(String, String)> {
    // A compacted topic keeps every record for the retention too: without the lag the broker could throw away
    // what a consumer that is a little behind has not read yet.
    let (policy, kept) = match cleanup {
        CleanupPolicy::Delete => ("delete", "retention.ms"),
        CleanupPolicy::Compact => ("compact", "min.compaction.lag.ms"),
    };
    [
        ("cleanup.policy", policy.to_owned()),
        ("compression.type", compression.to_owned()),
        ("max.message.bytes", max_message_bytes.to_string()),
        (kept, (u64::from(retention_days) * DAY_MS).to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::list;
    use crate::registry::manifest::CleanupPolicy;

    #[test]
    fn a_compacted_topic_keeps_every_record_for_its_retention() {
        let of = |policy| {
            let listed = list(policy, "lz4", 7, 1_000).into_iter();
            listed
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        let same = ["compression.type=lz4", "max.message.bytes=1000"];
        assert_eq!(
            of(CleanupPolicy::Delete),
            [
                &["cleanup.policy=delete"],
                &same[..],
                &["retention.ms=604800000"]
            ]
            .concat()
        );
        assert_eq!(
            of(CleanupPolicy::Compact),
            [
                &["cleanup.policy=compact"],
                &same[..],
                &["min.compaction.lag.ms=604800000"]
            ]
            .concat()
        );
    }
}
