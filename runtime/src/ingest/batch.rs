//! A batch: the rows of one insert, what cannot be used, and the ranges of records that both come from.
//!
//! Of several events with one key in a batch the one with the lowest coordinates stays, so that reading the
//! same records again, in any interleaving of partitions, gives the same rows.
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::decode::EventKey;
use super::dedupe::{BatchNumber, Claim, KnownKeys};
use super::plan::Ranges;
use super::reason::Rejection;
use crate::clickhouse::sort::sorted_rows;
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

/// Collects rows until it is time to insert them.
pub(crate) struct Batch<B> {
    pub(crate) block: B,
    /// Its name among the batches whose keys one table knows.
    pub(crate) number: BatchNumber,
    pub(crate) ranges: Ranges,
    pub(crate) dead: Vec<DeadLetter>,
    /// Records taken in, whatever became of them.
    pub(crate) records: usize,
    /// Earliest Kafka timestamp of its records, in milliseconds since the epoch.
    pub(crate) oldest: i64,
    dead_bytes: usize,
    coordinates: Vec<Coordinates>,
    /// Keys of the rows.
    keys: Vec<EventKey>,
    /// Rows that have claimed their events.
    claimed: usize,
    /// Rows whose event another row has.
    displaced: Vec<u32>,
    /// Events that the table had before.
    stored: HashSet<EventKey>,
    /// [`Self::rows`] in the order of the table, where there was time to sort them.
    sorted: Option<Vec<u32>>,
    opened: Option<Instant>,
}

impl<B: FactBlock> Default for Batch<B> {
    fn default() -> Self {
        Self {
            block: B::default(),
            number: 0,
            ranges: Ranges::default(),
            dead: Vec::new(),
            records: 0,
            oldest: i64::MAX,
            dead_bytes: 0,
            coordinates: Vec::new(),
            keys: Vec::new(),
            claimed: 0,
            displaced: Vec::new(),
            stored: HashSet::new(),
            sorted: None,
            opened: None,
        }
    }
}

impl<B: FactBlock> Batch<B> {
    /// An empty batch of this number.
    pub(crate) fn numbered(number: BatchNumber) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// Removes everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.block.clear();
        self.ranges = Ranges::default();
        self.dead.clear();
        self.records = 0;
        self.oldest = i64::MAX;
        self.dead_bytes = 0;
        self.coordinates.clear();
        self.keys.clear();
        self.claimed = 0;
        self.displaced.clear();
        self.stored.clear();
        self.sorted = None;
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

    /// The row just written to the block is of this event.
    pub(crate) fn keep(&mut self, key: EventKey, at: Coordinates) {
        self.coordinates.push(at);
        self.keys.push(key);
    }

    /// Rows since the last time claim their events; those of `is_stored` are of events that the table has.
    pub(crate) fn claim(
        &mut self,
        known: &mut KnownKeys,
        is_stored: impl Fn(Coordinates, EventKey) -> bool,
    ) {
        if self.claimed == self.coordinates.len() {
            return;
        }
        self.sorted = None;
        let next = u32::try_from(self.claimed).unwrap_or(u32::MAX);
        let new = self.coordinates.iter().zip(&self.keys).skip(self.claimed);
        for ((at, key), row) in new.zip(next..) {
            let displaced = if is_stored(*at, *key) {
                self.stored.insert(*key);
                Some(row)
            } else {
                displaced(known, *key, self.number, row, &self.coordinates)
            };
            self.displaced.extend(displaced);
        }
        self.claimed = self.coordinates.len();
    }

    /// Rows that gave way to rows of another batch, which turned out never to be stored, claim their events anew.
    pub(crate) fn readmit(&mut self, events: &[EventKey], known: &mut KnownKeys) {
        if events.is_empty() || self.displaced.is_empty() {
            return;
        }
        self.sorted = None;
        let events: HashSet<EventKey> = events.iter().copied().collect();
        let is_free = |row: &u32| self.key(*row).is_some_and(|key| events.contains(&key));
        let (again, still): (Vec<u32>, Vec<u32>) =
            self.displaced.iter().partition(|row| is_free(row));
        self.displaced = still;
        for row in again {
            let Some(key) = self.key(row) else { continue };
            let displaced = displaced(known, key, self.number, row, &self.coordinates);
            self.displaced.extend(displaced);
        }
    }

    /// Events whose key had been seen.
    pub(crate) fn duplicates(&self) -> usize {
        self.displaced.len()
    }

    /// Rows that gave way to others of the batch, by event, the next to have it last. Not those of events that the
    /// table had before.
    pub(crate) fn successors(&self) -> HashMap<EventKey, Vec<u32>> {
        let mut found: HashMap<EventKey, Vec<u32>> = HashMap::new();
        for row in &self.displaced {
            if let Some(key) = self.key(*row)
                && !self.stored.contains(&key)
            {
                found.entry(key).or_default().push(*row);
            }
        }
        for rows in found.values_mut() {
            rows.sort_by_key(|row| std::cmp::Reverse(self.coordinates(*row)));
        }
        found
    }

    pub(crate) fn bury(&mut self, letter: DeadLetter) {
        self.dead_bytes += letter.bytes();
        self.dead.push(letter);
    }

    /// Rows to insert, in the order they were written. All have claimed their events.
    pub(crate) fn rows(&self) -> Vec<u32> {
        let mut displaced = self.displaced.clone();
        displaced.sort_unstable();
        let mut displaced = displaced.into_iter().peekable();
        let all = 0..u32::try_from(self.claimed).unwrap_or(u32::MAX);
        // A row is displaced once at most.
        all.filter(|row| displaced.next_if_eq(row).is_none())
            .collect()
    }

    /// Sorts its rows by these columns, for whoever asks for them in this order.
    pub(crate) fn sort(&mut self, key_columns: &[usize]) {
        let sorted = sorted_rows(&self.block, key_columns, self.rows());
        self.sorted = Some(sorted);
    }

    /// Whether its rows are sorted.
    pub(crate) fn is_sorted(&self) -> bool {
        self.sorted.is_some()
    }

    /// Its rows, and some more, by these columns.
    pub(crate) fn ordered(&self, key_columns: &[usize], more: &[u32]) -> Vec<u32> {
        if let (Some(sorted), []) = (&self.sorted, more) {
            return sorted.clone();
        }
        let mut rows = self.rows();
        rows.extend_from_slice(more);
        sorted_rows(&self.block, key_columns, rows)
    }

    /// Where a row comes from.
    pub(crate) fn coordinates(&self, row: u32) -> Option<Coordinates> {
        self.coordinates.get(row as usize).copied()
    }

    /// Key of the event in a row.
    pub(crate) fn key(&self, row: u32) -> Option<EventKey> {
        self.keys.get(row as usize).copied()
    }

    /// Keys of all rows.
    pub(crate) fn keys(&self) -> &[EventKey] {
        &self.keys
    }

    /// The keys of the rows that have their events, for whoever outlives the batch.
    pub(crate) fn kept_keys(&self) -> Vec<EventKey> {
        if self.displaced.is_empty() {
            // As large as they are, for they stay long; the batch keeps its memory.
            return self.keys.clone();
        }
        let kept = self.rows();
        kept.iter().filter_map(|row| self.key(*row)).collect()
    }
}

/// Which row gives way where a row of a batch claims an event, if any does.
fn displaced(
    known: &mut KnownKeys,
    key: EventKey,
    batch: BatchNumber,
    row: u32,
    coordinates: &[Coordinates],
) -> Option<u32> {
    let at = coordinates.get(row as usize)?;
    let is_earlier = |other: u32| {
        let other = coordinates.get(other as usize);
        other.is_some_and(|other| other < at)
    };
    match known.claim(key, batch, row, is_earlier) {
        Claim::New => None,
        Claim::Instead(before) => Some(before),
        Claim::Duplicate => Some(row),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::DedupeLimits;
    use crate::registry::NoColumns;

    /// A batch with rows of these events, at these offsets.
    fn batch(known: &mut KnownKeys, rows: &[(EventKey, i64)]) -> Batch<NoColumns> {
        let mut batch = Batch::numbered(known.number());
        for (key, offset) in rows {
            batch.keep(*key, (0, 0, *offset));
        }
        batch.claim(known, |_, _| false);
        batch
    }

    fn known() -> KnownKeys {
        KnownKeys::of_one_batch(DedupeLimits {
            keys: 100,
            ttl: Duration::from_secs(600),
        })
    }

    #[test]
    fn the_next_copy_of_an_event_follows_the_row_that_cannot_be_stored() {
        let batch = batch(&mut known(), &[(7, 30), (7, 10), (8, 15), (7, 20)]);
        assert_eq!(batch.rows(), [1, 2]);
        // The next one is at the end.
        assert_eq!(batch.successors(), HashMap::from([(7, vec![0, 3])]));
    }

    #[test]
    fn what_is_sorted_is_sorted_anew_where_rows_come_or_go() {
        let mut known = known();
        let first = batch(&mut known, &[(7, 1)]);
        known.plan(first.number);
        let mut next = batch(&mut known, &[(7, 13), (8, 12)]);
        next.sort(&[]);
        assert!(next.is_sorted());
        assert_eq!(next.ordered(&[], &[]), [1]);
        assert_eq!(next.ordered(&[], &[0]), [1, 0]);
        next.claim(&mut known, |_, _| false);
        assert!(next.is_sorted());
        next.keep(9, (0, 0, 14));
        next.claim(&mut known, |_, _| false);
        assert!(!next.is_sorted());
        assert_eq!(next.ordered(&[], &[]), [1, 2]);
        next.sort(&[]);
        known.release(first.number, &[7]);
        next.readmit(&[7], &mut known);
        assert_eq!(next.ordered(&[], &[]), [0, 1, 2]);
        next.sort(&[]);
        next.clear();
        assert!(!next.is_sorted());
    }

    #[test]
    fn copies_of_an_event_that_the_table_has_follow_nobody() {
        let mut known = known();
        let mut batch: Batch<NoColumns> = Batch::numbered(known.number());
        for offset in 0..3 {
            batch.keep(7, (0, 0, offset));
        }
        batch.claim(&mut known, |(_, _, offset), _| offset == 1);
        assert_eq!(batch.rows(), [0]);
        assert_eq!(batch.successors(), HashMap::new());
    }

    #[test]
    fn copies_that_gave_way_to_a_row_of_another_batch_come_in_where_it_was_not_stored() {
        let mut known = known();
        let first = batch(&mut known, &[(7, 1), (8, 2), (9, 3)]);
        known.plan(first.number);
        let mut next = batch(&mut known, &[(7, 13), (8, 12), (7, 11), (5, 10)]);
        assert_eq!((next.rows(), next.duplicates()), (vec![3], 3));
        let lost = [7, 9];
        known.release(first.number, &lost);
        next.readmit(&lost, &mut known);
        known.settle(first.number, first.kept_keys());
        assert_eq!((next.rows(), next.duplicates()), (vec![2, 3], 2));
        // Its own claims stand as those of any other row.
        known.plan(next.number);
        let after = batch(&mut known, &[(7, 21), (8, 22), (9, 23)]);
        assert_eq!(after.rows(), [2]);
    }
}
