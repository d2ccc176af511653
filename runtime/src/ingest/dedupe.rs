//! The keys of known events: one bounded table with a time limit, in front of everything else that makes
//! duplicates harmless.
//!
//! A key that stands for an open or planned batch drops later copies of its event within this worker; one whose
//! batch is durable does so until it is too old. A key of a row that was never stored is released, so a duplicate
//! is dropped only when the event cannot be lost. Forgetting is harmless: tables and views count an event once
//! however often it arrives.
//!
//! An entry names its batch and row and is not touched again when the batch becomes durable: what the batch has
//! become is noted once for all of its keys. A lookup a record is what this costs, and as the table is larger than
//! what a processor keeps near, many keys in a row cost less than one at a time.
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

use super::decode::{EventKey, identity};
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

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }
}

/// A key in two halves, of which the last is the hash: a `u128` would cost eight bytes of padding an entry.
type Halves = (u64, u64);

// Truncation takes the lower half.
#[allow(clippy::cast_possible_truncation)]
fn halves(key: EventKey) -> Halves {
    ((key >> 64) as u64, key as u64)
}

/// The number of a batch, unique within its table.
pub(crate) type BatchNumber = u32;

/// Where an event's row is.
#[derive(Clone, Copy)]
struct Place {
    batch: BatchNumber,
    row: u32,
}

/// A batch that is durable.
struct Durable {
    /// The second since the start at which it became so.
    since: u32,
    /// Its keys; a key may be another batch's by now, which only the table tells.
    keys: Vec<EventKey>,
}

/// What became of a row's claim to its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The row has the event from now on.
    New,
    /// The row has it from now on; this row of the same batch had it before.
    Instead(u32),
    /// Another row keeps it: one of the same batch, of a planned batch, or of one that became durable within the
    /// time limit.
    Duplicate,
}

/// Remembers keys, on one thread. The batches that became durable first are forgotten first.
pub(crate) struct KnownKeys {
    places: HashMap<Halves, Place, BuildHasherDefault<KeyHasher>>,
    durable: BTreeMap<BatchNumber, Durable>,
    /// Keys of `durable` together.
    listed: usize,
    in_flight: Option<BatchNumber>,
    last_number: BatchNumber,
    limits: DedupeLimits,
    evictions: Option<prometheus::IntCounter>,
    started: Instant,
    /// The current second since the start, as of the last [`KnownKeys::tick`]; 136 years of them.
    now: u32,
}

impl KnownKeys {
    pub(crate) fn new(limits: DedupeLimits, metrics: &Metrics) -> Self {
        Self {
            evictions: Some(metrics.dedupe_evictions.clone()),
            ..Self::of_one_batch(limits)
        }
    }

    /// For a batch that is built apart from all others.
    pub(crate) fn of_one_batch(limits: DedupeLimits) -> Self {
        Self {
            // Takes memory as it fills.
            places: HashMap::default(),
            durable: BTreeMap::new(),
            listed: 0,
            in_flight: None,
            last_number: 0,
            limits,
            evictions: None,
            started: Instant::now(),
            now: 0,
        }
    }

    /// A number for the next batch.
    pub(crate) fn number(&mut self) -> BatchNumber {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }

    /// Looks at the clock; often enough is once a turn of the worker, not once a key.
    pub(crate) fn tick(&mut self) {
        let seconds = self.started.elapsed().as_secs();
        self.now = u32::try_from(seconds).unwrap_or(u32::MAX);
    }

    /// Batches that became durable before this second are too old; keys are remembered for a second at least.
    fn horizon(&self) -> u64 {
        (u64::from(self.now) + 1).saturating_sub(self.limits.ttl.as_secs().max(1))
    }

    /// Whether a batch that is not the asking one keeps its events.
    fn stands(&self, batch: BatchNumber) -> bool {
        self.in_flight == Some(batch)
            || self
                .durable
                .get(&batch)
                .is_some_and(|batch| u64::from(batch.since) >= self.horizon())
    }

    /// Claims an event for a row of a batch; `is_earlier` tells whether another row of that batch comes before it.
    pub(crate) fn claim(
        &mut self,
        key: EventKey,
        batch: BatchNumber,
        row: u32,
        is_earlier: impl FnOnce(u32) -> bool,
    ) -> Claim {
        let place = Place { batch, row };
        let before = match self.places.entry(halves(key)) {
            Entry::Vacant(entry) => {
                entry.insert(place);
                return Claim::New;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let (keeps, claim) = if before.batch == batch {
            (is_earlier(before.row), Claim::Instead(before.row))
        } else {
            (self.stands(before.batch), Claim::New)
        };
        if keeps {
            return Claim::Duplicate;
        }
        self.places.insert(halves(key), place);
        claim
    }

    /// The batch is planned: nothing but its being durable is missing.
    pub(crate) fn plan(&mut self, batch: BatchNumber) {
        self.in_flight = Some(batch);
    }

    /// These keys of a batch are no longer known, because their rows were not stored.
    pub(crate) fn release(&mut self, batch: BatchNumber, keys: &[EventKey]) {
        for key in keys {
            if let Entry::Occupied(entry) = self.places.entry(halves(*key))
                && entry.get().batch == batch
            {
                entry.remove();
            }
        }
    }

    /// The batch is durable. Its keys count among those that [`Self::forget`] leaves.
    pub(crate) fn settle(&mut self, batch: BatchNumber, keys: Vec<EventKey>) {
        if self.in_flight == Some(batch) {
            self.in_flight = None;
        }
        self.listed += keys.len();
        let since = self.now;
        self.durable.insert(batch, Durable { since, keys });
    }

    /// Forgets what is too old, and the oldest where there is too much: tens of milliseconds after a large batch, which
    /// nothing should wait for.
    pub(crate) fn forget(&mut self) {
        let most = usize::try_from(self.limits.keys)
            .unwrap_or(usize::MAX)
            .max(1);
        let horizon = self.horizon();
        while let Some(oldest) = self.durable.first_entry() {
            let number = *oldest.key();
            let is_fresh = u64::from(oldest.get().since) >= horizon;
            if is_fresh && self.listed <= most {
                return;
            }
            let mut keys = oldest.remove();
            // As many as are too many, and all where they are too old.
            let excess = if is_fresh {
                (self.listed - most).min(keys.keys.len())
            } else {
                keys.keys.len()
            };
            if is_fresh && let Some(evictions) = &self.evictions {
                evictions.inc_by(u64::try_from(excess).unwrap_or(u64::MAX));
            }
            self.listed -= excess;
            let rest = keys.keys.split_off(excess);
            self.release(number, &keys.keys);
            if !rest.is_empty() {
                keys.keys = rest;
                self.durable.insert(number, keys);
            }
        }
    }

    /// Reads the newest keys back from the table, as after a restart.
    ///
    /// # Errors
    /// ClickHouse cannot be asked; the worker can go on without.
    pub(crate) async fn rebuild<R: EventRegistry>(&mut self, client: &Client) -> Result<usize> {
        let sql = format!(
            "SELECT event_key, dedupe_key FROM {}.{} WHERE received_at > now64(3) - {} ORDER BY received_at DESC LIMIT {}",
            quoted(R::PROJECT.database),
            quoted(R::PROJECT.fact_table),
            self.limits.ttl.as_secs(),
            REBUILD_KEYS.min(self.limits.keys),
        );
        let answer = client.query_json(&sql, &[]).await?;
        let keys = answer.rows.iter();
        let keys: Vec<EventKey> = keys
            .filter_map(|row| Some(identity(row.first()?.as_u64()?, row.get(1)?.as_str()?)))
            .collect();
        let (count, number) = (keys.len(), self.number());
        for (row, key) in (0..).zip(&keys) {
            // What is planned or in doubt keeps its place.
            self.claim(*key, number, row, |_| true);
        }
        self.settle(number, keys);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn table(keys: u64) -> (KnownKeys, Metrics) {
        let metrics = Metrics::new().expect("metrics");
        let limits = DedupeLimits {
            keys,
            ttl: Duration::from_secs(600),
        };
        (KnownKeys::new(limits, &metrics), metrics)
    }

    fn fill(known: &mut KnownKeys, keys: std::ops::Range<u128>) -> (BatchNumber, Vec<EventKey>) {
        let number = known.number();
        for (row, key) in (0..).zip(keys.clone()) {
            assert_eq!(known.claim(key, number, row, |_| false), Claim::New);
        }
        (number, keys.collect())
    }

    /// Whether another batch would take the key's event for a duplicate.
    fn is_known(known: &KnownKeys, key: EventKey) -> bool {
        let place = known.places.get(&halves(key));
        place.is_some_and(|place| known.stands(place.batch))
    }

    #[test]
    fn a_key_is_known_from_its_batch_on_and_until_it_is_too_old() {
        let (mut known, metrics) = table(100);
        let (first, keys) = fill(&mut known, 0..3);
        let next = known.number();
        assert_eq!(known.claim(1, first, 9, |row| row == 1), Claim::Duplicate);
        // Neither planned nor durable: nobody else may rely on it.
        assert!(!is_known(&known, 1));
        known.plan(first);
        assert!(is_known(&known, 1));
        assert_eq!(known.claim(1, next, 0, |_| false), Claim::Duplicate);
        known.settle(first, keys);
        assert_eq!(known.claim(1, next, 0, |_| false), Claim::Duplicate);
        known.now = 599;
        assert!(is_known(&known, 1));
        known.now = 600;
        assert!(!is_known(&known, 1));
        // A new copy takes the key over; forgetting the old batch does not take it away.
        assert_eq!(known.claim(1, next, 7, |_| false), Claim::New);
        known.settle(next, vec![1]);
        known.forget();
        assert!(is_known(&known, 1));
        assert!(!is_known(&known, 2));
        assert_eq!(known.places.len(), 1);
        assert_eq!(metrics.dedupe_evictions.get(), 0);
    }

    #[test]
    fn a_row_that_gives_way_is_told() {
        let (mut known, _) = table(100);
        let number = known.number();
        assert_eq!(known.claim(5, number, 0, |_| false), Claim::New);
        assert_eq!(known.claim(5, number, 3, |_| false), Claim::Instead(0));
        assert_eq!(known.claim(5, number, 4, |row| row == 3), Claim::Duplicate);
    }

    #[test]
    fn what_was_not_stored_is_not_known() {
        let (mut known, _) = table(100);
        let (number, keys) = fill(&mut known, 0..4);
        known.plan(number);
        known.release(number, &keys[1..2]);
        known.settle(number, keys);
        assert!(is_known(&known, 0));
        assert!(!is_known(&known, 1));
        // A batch that is given up leaves nothing.
        let (dropped, keys) = fill(&mut known, 10..20);
        known.release(dropped, &keys);
        assert_eq!(known.places.len(), 3);
    }

    #[test]
    fn the_oldest_keys_go_where_there_are_too_many_and_are_counted() {
        let (mut known, metrics) = table(10);
        for keys in [0..4, 4..8, 8..12] {
            let (number, keys) = fill(&mut known, keys);
            known.plan(number);
            known.settle(number, keys);
            known.forget();
        }
        let found: Vec<bool> = (0..12).map(|key| is_known(&known, key)).collect();
        assert_eq!(found.iter().filter(|found| **found).count(), 10);
        assert!(!found[0] && !found[1] && found[2] && found[11]);
        assert_eq!(metrics.dedupe_evictions.get(), 2);
        // One batch larger than all that may be kept.
        let (number, keys) = fill(&mut known, 100..130);
        known.settle(number, keys);
        known.forget();
        assert_eq!(known.places.len(), 10);
        assert_eq!(known.listed, 10);
        assert!(is_known(&known, 129));
        assert_eq!(metrics.dedupe_evictions.get(), 32);
    }
}
