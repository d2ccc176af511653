//! How far a worker has come: counts that only grow.
use std::sync::atomic::{AtomicU64, Ordering};

use super::insert::Written;

/// Counters of a running worker.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    consumed: AtomicU64,
    settled: AtomicU64,
    rows: AtomicU64,
    duplicates: AtomicU64,
    dead: AtomicU64,
    batches: AtomicU64,
    replays: AtomicU64,
}

/// How far a worker has come, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records taken from Kafka; after a rebalance some are taken again.
    pub consumed: u64,
    /// Records whose batch is durable.
    pub settled: u64,
    /// Rows inserted.
    pub rows: u64,
    /// Events dropped because their key had been seen.
    pub duplicates: u64,
    /// Records sent to a dead letter topic.
    pub dead: u64,
    /// Batches made durable.
    pub batches: u64,
    /// Planned batches inserted again.
    pub replays: u64,
}

impl Progress {
    pub(super) fn consumed(&self, records: usize) {
        self.consumed
            .fetch_add(u64::try_from(records).unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn replayed(&self) {
        self.replays.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settle(&self, written: &Written, records: usize, duplicates: usize) {
        let add = |counter: &AtomicU64, number: usize| {
            counter.fetch_add(u64::try_from(number).unwrap_or(0), Ordering::Relaxed);
        };
        add(&self.rows, written.rows);
        add(&self.dead, written.dead);
        add(&self.duplicates, duplicates);
        add(&self.batches, 1);
        // Last: who sees a record settled sees what became of it.
        self.settled
            .fetch_add(u64::try_from(records).unwrap_or(0), Ordering::Release);
    }

    pub(super) fn counts(&self) -> Counts {
        let settled = self.settled.load(Ordering::Acquire);
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            consumed: get(&self.consumed),
            settled,
            rows: get(&self.rows),
            duplicates: get(&self.duplicates),
            dead: get(&self.dead),
            batches: get(&self.batches),
            replays: get(&self.replays),
        }
    }
}
