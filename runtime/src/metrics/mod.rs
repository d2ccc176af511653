//! Everything the pipeline counts, in one place, registered once.
//!
//! The names are an interface: alerts, dashboards and docs/operations.md use them. No label carries a
//! payload, a key or a person.
mod serve;

use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

pub use serve::{Health, serve};

/// The collectors of one process.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Where they are registered.
    pub registry: Registry,
    /// Records that Kafka did not acknowledge to their emitter; those that the fallback log took are among them.
    pub produce_failures: IntCounter,
    /// Records that Kafka acknowledged.
    pub produced: IntCounter,
    /// Records that went to the fallback log.
    pub fallback_appended: IntCounter,
    /// Records that went from the fallback log to Kafka.
    pub fallback_replayed: IntCounter,
    /// Records of the fallback log that Kafka refused for good.
    pub fallback_refused: IntCounter,
    /// Records that wait in the fallback log.
    pub fallback_records: IntGauge,
    /// Refused records that stand aside.
    pub fallback_refused_records: IntGauge,
    /// Bytes of the fallback log.
    pub fallback_bytes: IntGauge,
    /// Bytes that it may have at most.
    pub fallback_limit_bytes: IntGauge,
    /// Age of the oldest record that waits there, in seconds.
    pub fallback_oldest_age: Gauge,
    /// Outbox rows that wait to be published.
    pub outbox_pending: IntGauge,
    /// Age of the oldest of them, in seconds.
    pub outbox_oldest_age: Gauge,
    /// Outbox rows that cannot be published and stand aside.
    pub outbox_parked: IntGauge,
    /// Outbox rows that Kafka acknowledged.
    pub outbox_published: IntCounter,
    /// Outbox rows parked, by topic and reason.
    pub outbox_parkings: IntCounterVec,
    /// Outbox rows that Kafka did not take and that are tried again.
    pub outbox_retries: IntCounter,
    /// Published outbox rows deleted after their retention.
    pub outbox_cleaned: IntCounter,
    /// Milliseconds from an outbox row's insert to Kafka's acknowledgement.
    pub outbox_latency: Histogram,
    /// Rows of an insert.
    pub batch_rows: Histogram,
    /// Bytes of an insert's block, before compression.
    pub batch_bytes: Histogram,
    /// Milliseconds from sending a block to its acknowledgement, retries included.
    pub insert_latency: Histogram,
    /// Inserts tried again.
    pub insert_retries: IntCounter,
    /// Why a batch was closed.
    pub flushes: IntCounterVec,
    /// Keys that left the deduplication cache before their time.
    pub dedupe_evictions: IntCounter,
    /// Events dropped because their key had been seen.
    pub dedupe_hits: IntCounter,
    /// Records taken from Kafka.
    pub consumed: IntCounterVec,
    /// Records sent to a dead letter topic.
    pub dead_letters: IntCounterVec,
    /// Records between a partition's end and what is durably ingested.
    pub lag: IntGaugeVec,
    /// Planned batches inserted again after a crash or rebalance.
    pub replayed_plans: IntCounter,
    /// Partition assignments.
    pub rebalances: IntCounter,
    /// 1 while every partition is paused because inserts do not keep up.
    pub paused: IntGauge,
    /// Days that some view has still to close.
    pub day_close_lag: IntGauge,
    /// Days closed.
    pub days_closed: IntCounter,
    /// Closed days counted again because an event of them came late.
    pub days_counted_again: IntCounter,
    /// Rounds of closing that failed and are tried again.
    pub closing_failures: IntCounter,
    /// Events that came later than the registry takes them into KPIs.
    pub events_too_late: IntGauge,
    /// Events of open days that count on another day.
    pub event_copies: IntGauge,
}

impl Metrics {
    /// New collectors in a registry of their own.
    ///
    /// # Errors
    /// A name is taken or malformed: a defect.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            produce_failures: IntCounter::new(
                "kafka_produce_fail_total",
                "Records that Kafka did not acknowledge to their emitter, those that the fallback log took among them",
            )?,
            produced: IntCounter::new("kafka_produce_total", "Records handed to Kafka")?,
            fallback_appended: IntCounter::new(
                "fallback_appended_total",
                "Records that went to the fallback log",
            )?,
            fallback_replayed: IntCounter::new(
                "fallback_replayed_total",
                "Records that went from the fallback log to Kafka",
            )?,
            fallback_refused: IntCounter::new(
                "fallback_refused_total",
                "Records of the fallback log that Kafka refused for good",
            )?,
            fallback_records: IntGauge::new(
                "fallback_records",
                "Records that wait in the fallback log",
            )?,
            fallback_refused_records: IntGauge::new(
                "fallback_refused_records",
                "Refused records that stand aside in the fallback log",
            )?,
            fallback_bytes: IntGauge::new("fallback_bytes", "Bytes of the fallback log")?,
            fallback_limit_bytes: IntGauge::new(
                "fallback_limit_bytes",
                "Bytes that the fallback log may have at most",
            )?,
            fallback_oldest_age: Gauge::new(
                "fallback_oldest_age_seconds",
                "Age of the oldest record that waits in the fallback log",
            )?,
            outbox_pending: IntGauge::new(
                "outbox_pending",
                "Outbox rows that wait to be published",
            )?,
            outbox_oldest_age: Gauge::new(
                "outbox_oldest_age_seconds",
                "Age of the oldest outbox row that waits",
            )?,
            outbox_parked: IntGauge::new(
                "outbox_parked",
                "Outbox rows that cannot be published and stand aside",
            )?,
            outbox_published: IntCounter::new(
                "outbox_published_total",
                "Outbox rows that Kafka acknowledged",
            )?,
            outbox_parkings: IntCounterVec::new(
                Opts::new("outbox_parked_total", "Outbox rows parked"),
                &["topic", "reason"],
            )?,
            outbox_retries: IntCounter::new(
                "outbox_retried_total",
                "Outbox rows that Kafka did not take and that are tried again",
            )?,
            outbox_cleaned: IntCounter::new(
                "outbox_cleaned_total",
                "Published outbox rows deleted after their retention",
            )?,
            outbox_latency: histogram(
                "outbox_publish_latency_ms",
                "Milliseconds from an outbox row's insert to Kafka's acknowledgement",
                &[
                    5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4,
                ],
            )?,
            batch_rows: histogram(
                "ch_insert_batch_size",
                "Rows of an insert",
                &[
                    1.0, 10.0, 100.0, 1e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6,
                ],
            )?,
            batch_bytes: histogram(
                "ch_insert_batch_bytes",
                "Bytes of an insert's block, before compression",
                &[1e4, 1e5, 1e6, 4e6, 16e6, 64e6, 256e6],
            )?,
            insert_latency: histogram(
                "ch_insert_latency_ms",
                "Milliseconds from sending a block to its acknowledgement, retries included",
                &[
                    5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4,
                ],
            )?,
            insert_retries: IntCounter::new("ch_insert_retries_total", "Inserts tried again")?,
            flushes: IntCounterVec::new(
                Opts::new("ingest_flushes_total", "Closed batches by reason"),
                &["reason"],
            )?,
            dedupe_evictions: IntCounter::new(
                "dedupe_lru_evictions",
                "Keys that left the deduplication cache before their time",
            )?,
            dedupe_hits: IntCounter::new(
                "dedupe_hits_total",
                "Events dropped because their key had been seen",
            )?,
            consumed: IntCounterVec::new(
                Opts::new("ingest_consumed_total", "Records taken from Kafka"),
                &["topic"],
            )?,
            dead_letters: IntCounterVec::new(
                Opts::new("ingest_dlq_total", "Records sent to a dead letter topic"),
                &["topic", "reason"],
            )?,
            lag: IntGaugeVec::new(
                Opts::new(
                    "ingest_lag",
                    "Records between a partition's end and what is durably ingested",
                ),
                &["topic", "partition"],
            )?,
            replayed_plans: IntCounter::new(
                "ingest_replayed_plans_total",
                "Planned batches inserted again after a crash or rebalance",
            )?,
            rebalances: IntCounter::new("ingest_rebalances_total", "Partition assignments")?,
            paused: IntGauge::new("ingest_paused", "1 while inserts do not keep up")?,
            day_close_lag: IntGauge::new(
                "view_days_to_close",
                "Days that some view has still to close",
            )?,
            days_closed: IntCounter::new("view_days_closed_total", "Days closed")?,
            days_counted_again: IntCounter::new(
                "view_days_counted_again_total",
                "Closed days counted again because an event of them came late",
            )?,
            closing_failures: IntCounter::new(
                "view_closing_failures_total",
                "Rounds of closing that failed and are tried again",
            )?,
            events_too_late: IntGauge::new(
                "view_events_too_late",
                "Events that came later than KPIs take them, since days were last forgotten",
            )?,
            event_copies: IntGauge::new(
                "view_event_copies",
                "Events of open days that count on another day",
            )?,
            registry,
        };
        metrics.register()?;
        Ok(metrics)
    }

    /// All of them in Prometheus' text form, for programs that serve HTTP themselves.
    ///
    /// # Errors
    /// A collector cannot be written: a defect.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let registry = &self.registry;
        registry.register(Box::new(self.produce_failures.clone()))?;
        registry.register(Box::new(self.produced.clone()))?;
        registry.register(Box::new(self.fallback_appended.clone()))?;
        registry.register(Box::new(self.fallback_replayed.clone()))?;
        registry.register(Box::new(self.fallback_refused.clone()))?;
        registry.register(Box::new(self.fallback_records.clone()))?;
        registry.register(Box::new(self.fallback_refused_records.clone()))?;
        registry.register(Box::new(self.fallback_bytes.clone()))?;
        registry.register(Box::new(self.fallback_limit_bytes.clone()))?;
        registry.register(Box::new(self.fallback_oldest_age.clone()))?;
        registry.register(Box::new(self.outbox_pending.clone()))?;
        registry.register(Box::new(self.outbox_oldest_age.clone()))?;
        registry.register(Box::new(self.outbox_parked.clone()))?;
        registry.register(Box::new(self.outbox_published.clone()))?;
        registry.register(Box::new(self.outbox_parkings.clone()))?;
        registry.register(Box::new(self.outbox_retries.clone()))?;
        registry.register(Box::new(self.outbox_cleaned.clone()))?;
        registry.register(Box::new(self.outbox_latency.clone()))?;
        registry.register(Box::new(self.batch_rows.clone()))?;
        registry.register(Box::new(self.batch_bytes.clone()))?;
        registry.register(Box::new(self.insert_latency.clone()))?;
        registry.register(Box::new(self.insert_retries.clone()))?;
        registry.register(Box::new(self.flushes.clone()))?;
        registry.register(Box::new(self.dedupe_evictions.clone()))?;
        registry.register(Box::new(self.dedupe_hits.clone()))?;
        registry.register(Box::new(self.consumed.clone()))?;
        registry.register(Box::new(self.dead_letters.clone()))?;
        registry.register(Box::new(self.lag.clone()))?;
        registry.register(Box::new(self.replayed_plans.clone()))?;
        registry.register(Box::new(self.rebalances.clone()))?;
        registry.register(Box::new(self.paused.clone()))?;
        registry.register(Box::new(self.day_close_lag.clone()))?;
        registry.register(Box::new(self.days_closed.clone()))?;
        registry.register(Box::new(self.days_counted_again.clone()))?;
        registry.register(Box::new(self.closing_failures.clone()))?;
        registry.register(Box::new(self.events_too_late.clone()))?;
        registry.register(Box::new(self.event_copies.clone()))
    }
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))
}
