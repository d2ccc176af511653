//! The keys of events that are durable: a bounded cache with a time limit, in front of everything else that
//! makes duplicates harmless.
//!
//! A key enters only after its row is durable, so a duplicate is dropped only when the event cannot be lost.
//! Forgetting is harmless: tables and views count an event once however often it arrives.
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

use schnellru::{ByLength, LruMap};

use super::decode::{EventKey, event_key};
use crate::clickhouse::{Client, quoted};
use crate::config::DedupeLimits;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::registry::EventRegistry;

/// Keys read back from the table when partitions are assigned; more would delay the start.
const REBUILD_KEYS: u64 = 200_000;

/// Event keys are hashes already, so their lower half is hash enough.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        // Truncation keeps the lower half.
        #[allow(clippy::cast_possible_truncation)]
        let half = key as u64;
        self.0 = half;
    }
}

/// Builds [`KeyHasher`]s.
pub(crate) type KeyState = BuildHasherDefault<KeyHasher>;

/// Remembers keys, on the worker's own thread. The oldest keys are forgotten first, and none counts that is older
/// than the time limit.
pub(crate) struct SeenKeys {
    /// The second since the start at which each key came.
    keys: RefCell<LruMap<EventKey, u32, ByLength, KeyState>>,
    most: usize,
    limits: DedupeLimits,
    evictions: prometheus::IntCounter,
    started: Instant,
    /// The current second since the start, as of the last [`SeenKeys::tick`]; 136 years of them.
    now: Cell<u32>,
}

impl SeenKeys {
    pub(crate) fn new(limits: DedupeLimits, metrics: &Metrics) -> Self {
        let most = u32::try_from(limits.keys).unwrap_or(u32::MAX).max(1);
        // Takes memory as it fills.
        let keys = LruMap::with_hasher(ByLength::new(most), KeyState::default());
        Self {
            keys: RefCell::new(keys),
            most: usize::try_from(most).unwrap_or(usize::MAX),
            limits,
            evictions: metrics.dedupe_evictions.clone(),
            started: Instant::now(),
            now: Cell::new(0),
        }
    }

    /// Looks at the clock; often enough is once a turn of the worker, not once a key.
    pub(crate) fn tick(&self) {
        let seconds = self.started.elapsed().as_secs();
        self.now.set(u32::try_from(seconds).unwrap_or(u32::MAX));
    }

    fn is_fresh(&self, came: u32, now: u32) -> bool {
        u64::from(now.saturating_sub(came)) < self.limits.ttl.as_secs().max(1)
    }

    pub(crate) fn has(&self, key: EventKey) -> bool {
        let came = self.keys.borrow().peek(&key).copied();
        came.is_some_and(|came| self.is_fresh(came, self.now.get()))
    }

    pub(crate) fn add(&self, key: EventKey) {
        let now = self.now.get();
        let mut keys = self.keys.borrow_mut();
        // What is too old goes first; the order of the cache is the order in which keys came.
        while keys
            .peek_oldest()
            .is_some_and(|(_, came)| !self.is_fresh(*came, now))
        {
            keys.pop_oldest();
        }
        if keys.len() == self.most && keys.peek(&key).is_none() {
            self.evictions.inc();
        }
        keys.insert(key, now);
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
