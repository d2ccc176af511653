//! Names of the runtime's metrics; the runtime exports exactly these.

/// Events handed to Kafka's client. Counter.
pub const PRODUCE: &str = "kafka_produce_total";
/// Events that Kafka did not take. Counter.
pub const PRODUCE_FAIL: &str = "kafka_produce_fail_total";
/// Records that wait in a producer's fallback log. Gauge.
pub const FALLBACK_RECORDS: &str = "fallback_records";
/// Bytes of a fallback log. Gauge.
pub const FALLBACK_BYTES: &str = "fallback_bytes";
/// Bytes that a fallback log may have at most; 0 for none. Gauge.
pub const FALLBACK_LIMIT: &str = "fallback_limit_bytes";
/// Age of the oldest record that waits there. Gauge, seconds.
pub const FALLBACK_OLDEST: &str = "fallback_oldest_age_seconds";
/// Records of a fallback log that Kafka refused for good. Gauge.
pub const FALLBACK_REFUSED: &str = "fallback_refused_records";
/// Outbox rows that wait to be published. Gauge.
pub const OUTBOX_PENDING: &str = "outbox_pending";
/// Age of the oldest waiting outbox row. Gauge, seconds.
pub const OUTBOX_OLDEST: &str = "outbox_oldest_age_seconds";
/// Rows of an insert. Histogram.
pub const BATCH_SIZE: &str = "ch_insert_batch_size";
/// Time of an insert. Histogram, milliseconds.
pub const INSERT_LATENCY: &str = "ch_insert_latency_ms";
/// Attempts after the first to insert, or to deliver a dead letter. Counter.
pub const INSERT_RETRIES: &str = "ch_insert_retries_total";
/// Keys that the deduplication cache let go before their time. Counter.
pub const EVICTIONS: &str = "dedupe_lru_evictions";
/// Records sent to a dead letter topic, by source topic and reason. Counter.
pub const DLQ: &str = "ingest_dlq_total";
/// Records that a partition's consumer has yet to read, by topic and partition. Gauge.
pub const LAG: &str = "ingest_lag";
/// 1 while a worker has stopped reading because its inserts do not keep up. Gauge.
pub const PAUSED: &str = "ingest_paused";
/// Days that some view has still to close. Gauge.
pub const DAYS_TO_CLOSE: &str = "view_days_to_close";
/// Rounds of closing that failed. Counter.
pub const CLOSING_FAILURES: &str = "view_closing_failures_total";
/// Events that came later than KPIs take them. Gauge.
pub const TOO_LATE: &str = "view_events_too_late";
/// Records that workers took from Kafka, by topic. Counter.
pub const CONSUMED: &str = "ingest_consumed_total";
/// Events dropped because the deduplication cache had seen their key. Counter.
pub const DUPLICATES: &str = "dedupe_hits_total";
