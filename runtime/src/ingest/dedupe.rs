//! The keys of events that are durable: a bounded cache with a time limit, in front of everything else that
//! makes duplicates harmless.
//!
//! A key enters only after its row is durable, so a duplicate is dropped only when the event cannot be lost.
//! Forgetting is harmless: tables and views count an event once however often it arrives.
use std::sync::Arc;

use moka::notification::RemovalCause;
use moka::sync::Cache;

use super::decode::{EventKey, event_key};
use crate::clickhouse::{Client, quoted};
use crate::config::DedupeLimits;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::registry::EventRegistry;

/// Keys read back from the table when partitions are assigned; more would delay the start.
const REBUILD_KEYS: u64 = 200_000;

/// Remembers keys.
#[derive(Clone)]
pub(crate) struct SeenKeys {
    cache: Arc<Cache<EventKey, ()>>,
    limits: DedupeLimits,
}

impl SeenKeys {
    pub(crate) fn new(limits: DedupeLimits, metrics: &Metrics) -> Self {
        let evictions = metrics.dedupe_evictions.clone();
        let cache = Cache::builder()
            .max_capacity(limits.keys)
            .time_to_live(limits.ttl)
            .eviction_listener(move |_, (), cause| {
                if cause == RemovalCause::Size {
                    evictions.inc();
                }
            })
            .build();
        Self {
            cache: Arc::new(cache),
            limits,
        }
    }

    pub(crate) fn has(&self, key: EventKey) -> bool {
        self.cache.contains_key(&key)
    }

    pub(crate) fn add(&self, key: EventKey) {
        self.cache.insert(key, ());
    }

    /// Reads the newest keys back from the table, as after a restart.
    ///
    /// # Errors
    /// ClickHouse cannot be asked; the worker can go on without.
    pub(crate) async fn rebuild<R: EventRegistry>(&self, client: &Client) -> Result<usize> {
        let sql = format!(
            "SELECT dedupe_key FROM {}.{} WHERE received_at > now64(3) - {} ORDER BY received_at DESC LIMIT {}",
            quoted(R::PROJECT.database),
            quoted(R::PROJECT.fact_table),
            self.limits.ttl.as_secs(),
            REBUILD_KEYS.min(self.limits.keys),
        );
        let answer = client.query_json(&sql, &[]).await?;
        let keys = answer.rows.iter().filter_map(|row| row.first()?.as_str());
        Ok(keys.map(|key| self.add(event_key(key))).count())
    }
}
