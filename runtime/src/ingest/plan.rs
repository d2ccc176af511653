//! The plan of a batch: which records it holds, and the token that makes its insert count once.
//!
//! A plan stands in the metadata of the group's committed offsets before its batch is inserted, on every
//! partition that the batch touches. Whoever gets one of those partitions after a crash reads the records
//! again and inserts the same batch under the same token.
//!
//! ```text
//! tw1 <token, 32 hex digits> <topic>/<partition>:<first offset>+<further offsets>,<partition>:… <topic>/…
//! ```
//! The token is a hash of the ranges and of every record's offset, Kafka timestamp and size: a topic that was
//! deleted and made again has other records at the same offsets, and so another token.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::Hasher as _;

use crate::clickhouse::literal;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// Kafka refuses offset metadata beyond 4,096 bytes (`offset.metadata.max.bytes`).
pub(crate) const MAX_BYTES: usize = 3_500;

/// Upper bound of what one range adds to a plan's text, beside the topic's name.
const RANGE_BYTES: usize = 40;

/// What starts a plan's text.
const MARK: &str = "tw1";

/// A partition by topic name.
pub(crate) type Partition = (String, i32);

/// The records of one partition in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// Ranges as they grow, with a running hash of the records' marks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    entries: Vec<Entry>,
    /// The entry of the last record: records come in runs of one partition.
    latest: usize,
    text_bytes: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    topic: String,
    partition: i32,
    range: Range,
    hash: u64,
}

impl Entry {
    fn is(&self, topic: &str, partition: i32) -> bool {
        self.partition == partition && self.topic == topic
    }

    fn add(&mut self, offset: i64, time: i64, size: usize) {
        self.range.last = offset;
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        for part in [offset.cast_unsigned(), time.cast_unsigned(), size] {
            // Multiply and rotate: order matters, and one step a record is cheap.
            self.hash = (self.hash.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

impl Ranges {
    /// Whether a record can be added: it must come after the partition's last one, and the plan must fit.
    pub(crate) fn takes(&mut self, topic: &str, partition: i32, offset: i64) -> bool {
        match self.find(topic, partition) {
            Some(entry) => offset > entry.range.last,
            None => self.text_bytes + topic.len() + RANGE_BYTES <= MAX_BYTES,
        }
    }

    fn find(&mut self, topic: &str, partition: i32) -> Option<&mut Entry> {
        let is_latest = self
            .entries
            .get(self.latest)
            .is_some_and(|entry| entry.is(topic, partition));
        if !is_latest {
            self.latest = self
                .entries
                .iter()
                .position(|entry| entry.is(topic, partition))?;
        }
        self.entries.get_mut(self.latest)
    }

    /// Adds a record: its offset, Kafka timestamp in milliseconds and size in bytes.
    pub(crate) fn add(&mut self, topic: &str, partition: i32, offset: i64, time: i64, size: usize) {
        if let Some(entry) = self.find(topic, partition) {
            return entry.add(offset, time, size);
        }
        self.text_bytes += topic.len() + RANGE_BYTES;
        let mut entry = Entry {
            topic: topic.to_owned(),
            partition,
            range: Range {
                first: offset,
                last: offset,
            },
            hash: 0,
        };
        entry.add(offset, time, size);
        self.entries.push(entry);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The plan of these records.
    pub(crate) fn plan(&self) -> Plan {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|left, right| {
            (&left.topic, left.partition).cmp(&(&right.topic, right.partition))
        });
        let mut hasher = SipHasher24::new();
        for entry in &entries {
            hasher.write(entry.topic.as_bytes());
            hasher.write_u8(0);
            hasher.write_i32(entry.partition);
            hasher.write_i64(entry.range.first);
            hasher.write_i64(entry.range.last);
            hasher.write_u64(entry.hash);
        }
        Plan {
            token: format!("{:032x}", hasher.finish128().as_u128()),
            ranges: entries
                .iter()
                .map(|entry| ((entry.topic.clone(), entry.partition), entry.range))
                .collect(),
        }
    }
}

/// A planned batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) token: String,
    pub(crate) ranges: BTreeMap<Partition, Range>,
}

impl Plan {
    /// The text for offset metadata.
    pub(crate) fn encode(&self) -> String {
        let mut text = format!("{MARK} {}", self.token);
        let mut last_topic = None;
        for ((topic, partition), range) in &self.ranges {
            let separator = if last_topic == Some(topic) { "," } else { " " };
            text.push_str(separator);
            if last_topic != Some(topic) {
                text.push_str(topic);
                text.push('/');
            }
            // Formatting into a String cannot fail.
            let _ = write!(
                text,
                "{partition}:{}+{}",
                range.first,
                range.last - range.first
            );
            last_topic = Some(topic);
        }
        text
    }

    /// The rows of its records, as a condition on the fact table.
    pub(crate) fn condition(&self) -> String {
        let mut text = String::from("(");
        for ((topic, partition), range) in &self.ranges {
            let or = if text.len() == 1 { "" } else { " OR " };
            // Formatting into a String cannot fail.
            let _ = write!(
                text,
                "{or}(kafka_topic = {} AND kafka_partition = {partition} AND kafka_offset BETWEEN {} AND {})",
                literal(topic),
                range.first,
                range.last
            );
        }
        text.push(')');
        text
    }

    /// Reads metadata back; `None` where it holds no plan.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != MARK {
            return None;
        }
        let token = words.next().filter(|token| token.len() == 32)?.to_owned();
        let mut ranges = BTreeMap::new();
        for word in words {
            let (topic, list) = word.split_once('/')?;
            for entry in list.split(',') {
                let (partition, offsets) = entry.split_once(':')?;
                let (first, further) = offsets.split_once('+')?;
                let first: i64 = first.parse().ok()?;
                let range = Range {
                    first,
                    last: first.checked_add(further.parse().ok()?)?,
                };
                ranges.insert((topic.to_owned(), partition.parse().ok()?), range);
            }
        }
        (!ranges.is_empty()).then_some(Self { token, ranges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(records: &[(&str, i32, i64)]) -> Ranges {
        let mut ranges = Ranges::default();
        for (topic, partition, offset) in records {
            ranges.add(topic, *partition, *offset, 1_000 + offset, 10);
        }
        ranges
    }

    #[test]
    fn reads_well() {
        let plan = ranges(&[("a.b", 0, 5), ("a.b", 0, 7), ("a.b", 3, 1), ("c", 1, 9)]).plan();
        let text = plan.encode();
        assert_eq!(&text[37..], "a.b/0:5+2,3:1+0 c/1:9+0");
        assert_eq!(Plan::decode(&text), Some(plan));
    }

    #[test]
    fn the_token_knows_the_records_and_not_their_interleaving() {
        let plan = ranges(&[("a", 0, 1), ("a", 1, 1), ("a", 0, 2)]).plan();
        assert_eq!(
            plan.token,
            ranges(&[("a", 1, 1), ("a", 0, 1), ("a", 0, 2)])
                .plan()
                .token
        );
        let mut other = Ranges::default();
        for (partition, offset) in [(0, 1), (1, 1), (0, 2)] {
            other.add("a", partition, offset, 2_000 + offset, 10);
        }
        assert_eq!(other.plan().ranges, plan.ranges);
        assert_ne!(
            other.plan().token,
            plan.token,
            "the same offsets of a topic made again"
        );
    }

    #[test]
    fn what_is_no_plan_is_none() {
        for text in [
            "",
            "x",
            "tw1",
            "tw1 abc",
            "tw2 0123",
            "tw1 00000000000000000000000000000000",
            "tw1 00000000000000000000000000000000 a/0:x+1",
        ] {
            assert_eq!(Plan::decode(text), None, "{text}");
        }
    }

    #[test]
    fn a_plan_always_fits_offset_metadata() {
        let mut ranges = Ranges::default();
        let topic = "a".repeat(200);
        let mut added = 0;
        for partition in 0..1000 {
            if ranges.takes(&topic, partition, i64::MAX / 2) {
                ranges.add(&topic, partition, i64::MAX / 2, 0, 0);
                ranges.add(&topic, partition, i64::MAX - 1, 0, 0);
                added += 1;
            }
        }
        assert!(added > 5 && added < 1000);
        assert!(ranges.plan().encode().len() <= MAX_BYTES);
    }

    proptest! {
        #[test]
        fn round_trip(records in prop::collection::vec((0..4_usize, 0..12_i32, 0..i64::MAX / 2), 1..60)) {
            let topics = ["shop.purchase", "a", "x_y-z", "very.long.topic.name"];
            let mut sorted = records;
            sorted.sort();
            sorted.dedup();
            let mut ranges = Ranges::default();
            for (topic, partition, offset) in sorted {
                if ranges.takes(topics[topic], partition, offset) {
                    ranges.add(topics[topic], partition, offset, 0, 1);
                }
            }
            let plan = ranges.plan();
            prop_assert_eq!(Plan::decode(&plan.encode()), Some(plan));
        }
    }
}
