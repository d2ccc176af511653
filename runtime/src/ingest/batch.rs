//! A batch: the rows of one insert, what cannot be used, and the ranges of records that both come from.
//!
//! Of several events with one key in a batch the one with the lowest coordinates stays, so that reading the
//! same records again, in any interleaving of partitions, gives the same rows.
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::decode::EventKey;
use super::dedupe::KeyState;
use super::plan::Ranges;
use super::reason::Rejection;
use crate::registry::FactBlock;

/// Where a row comes from: position of its topic in the registry, partition, offset.
pub(crate) type Coordinates = (u32, i32, i64);

/// A record on its way to the dead letter topic, as it came.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetter {
    pub(crate) topic: &'static str,
    pub(crate) dlq: &'static str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) time: Option<i64>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
    pub(crate) rejection: Rejection,
}

impl DeadLetter {
    fn bytes(&self) -> usize {
        let parts = [self.key.as_ref(), self.value.as_ref()];
        parts.into_iter().flatten().map(Vec::len).sum::<usize>() + 512
    }
}

/// Events by key, and the row of each.
pub(crate) type Keys = HashMap<EventKey, u32, KeyState>;

/// Collects rows until it is time to insert them.
pub(crate) struct Batch<B> {
    pub(crate) block: B,
    pub(crate) ranges: Ranges,
    pub(crate) dead: Vec<DeadLetter>,
    /// Records taken in, whatever became of them.
    pub(crate) records: usize,
    /// Events whose key had been seen.
    pub(crate) duplicates: usize,
    /// Earliest Kafka timestamp of its records, in milliseconds since the epoch.
    pub(crate) oldest: i64,
    dead_bytes: usize,
    coordinates: Vec<Coordinates>,
    kept: Arc<Keys>,
    /// Rows that gave way to the same event at lower coordinates.
    displaced: Vec<u32>,
    opened: Option<Instant>,
}

impl<B: FactBlock> Default for Batch<B> {
    fn default() -> Self {
        Self {
            block: B::default(),
            ranges: Ranges::default(),
            dead: Vec::new(),
            records: 0,
            duplicates: 0,
            oldest: i64::MAX,
            dead_bytes: 0,
            coordinates: Vec::new(),
            kept: Arc::default(),
            displaced: Vec::new(),
            opened: None,
        }
    }
}

impl<B: FactBlock> Batch<B> {
    /// Removes everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.block.clear();
        self.ranges = Ranges::default();
        self.dead.clear();
        self.records = 0;
        self.duplicates = 0;
        self.oldest = i64::MAX;
        self.dead_bytes = 0;
        self.coordinates.clear();
        Arc::make_mut(&mut self.kept).clear();
        self.displaced.clear();
        self.opened = None;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.block.bytes() + self.dead_bytes
    }

    /// When its first record came.
    pub(crate) fn opened(&self) -> Option<Instant> {
        self.opened
    }

    /// Counts a record in.
    pub(crate) fn enter(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
        time: i64,
        size: usize,
    ) {
        self.opened.get_or_insert_with(Instant::now);
        self.records += 1;
        self.oldest = self.oldest.min(time);
        self.ranges.add(topic, partition, offset, time, size);
    }

    /// Whether the batch has this event at lower coordinates already.
    pub(crate) fn has_earlier(&self, key: EventKey, at: Coordinates) -> bool {
        self.kept
            .get(&key)
            .and_then(|row| self.coordinates.get(*row as usize))
            .is_some_and(|kept| *kept < at)
    }

    /// The row just written to the block belongs to this event.
    pub(crate) fn keep(&mut self, key: EventKey, at: Coordinates) {
        let row = u32::try_from(self.coordinates.len()).unwrap_or(u32::MAX);
        self.coordinates.push(at);
        // Shared only while the batch is being inserted, when it takes no more.
        match Arc::make_mut(&mut self.kept).entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(row);
            }
            Entry::Occupied(mut entry) => {
                self.displaced.push(entry.insert(row));
                self.duplicates += 1;
            }
        }
    }

    pub(crate) fn bury(&mut self, letter: DeadLetter) {
        self.dead_bytes += letter.bytes();
        self.dead.push(letter);
    }

    /// Rows to insert, in the order they were written.
    pub(crate) fn rows(&self) -> Vec<u32> {
        let all = 0..u32::try_from(self.coordinates.len()).unwrap_or(u32::MAX);
        if self.displaced.is_empty() {
            return all.collect();
        }
        let displaced: HashSet<u32> = self.displaced.iter().copied().collect();
        all.filter(|row| !displaced.contains(row)).collect()
    }

    /// Where a row comes from.
    pub(crate) fn coordinates(&self, row: u32) -> Option<Coordinates> {
        self.coordinates.get(row as usize).copied()
    }

    /// Keys of the events in it, to look into while the batch is somewhere else.
    pub(crate) fn shared_keys(&self) -> Arc<Keys> {
        Arc::clone(&self.kept)
    }

    /// Keys of the events in it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (EventKey, u32)> + '_ {
        self.kept.iter().map(|(key, row)| (*key, *row))
    }
}
