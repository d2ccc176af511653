//! Records read outside the group: ranges of a plan to replay, one record to bury. Positions are never committed.
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::batch::DeadLetter;
use super::plan::{Partition, Plan, Range};
use super::reason::Rejection;
use super::record::Record;
use crate::config::KafkaConfig;
use crate::error::{Error, Kind, Result};
use crate::kafka::consumer::client;
use crate::registry::Topic;

/// How long the brokers may stay silent.
const SILENCE: Duration = Duration::from_secs(20);

/// How long one question about offsets may take.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the records of ranges, of each partition in order; returns whether all that they span is still in
/// Kafka. Partitions that `may_be_gone` need not exist.
///
/// # Errors
/// The brokers cannot be reached or stay silent; `visit` may have seen a part.
pub(crate) fn read_ranges(
    kafka: &KafkaConfig,
    group: &str,
    ranges: &BTreeMap<Partition, Range>,
    may_be_gone: impl Fn(&Partition) -> bool,
    mut visit: impl FnMut(&BorrowedMessage<'_>),
) -> Result<bool> {
    // Its own name: it must never look like a member of the group.
    let consumer: BaseConsumer = client(kafka, &format!("{group}-replay"))
        .create()
        .map_err(|error| crate::kafka::error("cannot set up a Kafka reader", &error))?;
    let mut complete = true;
    let mut open: BTreeMap<Partition, i64> = BTreeMap::new();
    let mut list = TopicPartitionList::new();
    for (place, range) in ranges {
        let (low, high) = match watermarks(&consumer, place) {
            Err(error) if error.kind == Kind::Config && may_be_gone(place) => {
                complete = false;
                continue;
            }
            watermarks => watermarks?,
        };
        complete &= low <= range.first && range.last < high;
        let (first, last) = (range.first.max(low), range.last.min(high - 1));
        if first <= last {
            list.add_partition_offset(&place.0, place.1, Offset::Offset(first))
                .map_err(|error| crate::kafka::error("cannot read records again", &error))?;
            open.insert(place.clone(), last);
        }
    }
    consumer
        .assign(&list)
        .map_err(|error| crate::kafka::error("cannot read records again", &error))?;
    let mut heard = Instant::now();
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let place = (message.topic().to_owned(), message.partition());
                let Some(last) = open.get(&place).copied() else {
                    continue;
                };
                if message.offset() <= last {
                    visit(&message);
                }
                if message.offset() >= last {
                    open.remove(&place);
                    pause(&consumer, &place);
                }
            }
            Some(Err(error)) => {
                return Err(crate::kafka::error("cannot read records again", &error));
            }
            None => {
                // The last offsets of a range may be transaction markers, which are never delivered.
                open.retain(|(topic, partition), last| !past(&consumer, topic, *partition, *last));
                if heard.elapsed() > SILENCE && !open.is_empty() {
                    return Err(Error::service("Kafka does not deliver records again")
                        .at("partitions", open.len()));
                }
            }
        }
    }
    Ok(complete)
}

fn watermarks(consumer: &BaseConsumer, (topic, partition): &Partition) -> Result<(i64, i64)> {
    consumer
        .fetch_watermarks(topic, *partition, WATERMARK_TIMEOUT)
        .map_err(|error| crate::kafka::error("cannot ask for offsets", &error).at("topic", topic))
}

/// What lies behind a range is not wanted. Where this fails it is read in vain.
fn pause(consumer: &BaseConsumer, (topic, partition): &Partition) {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, *partition);
    let _ = consumer.pause(&list);
}

/// Partitions of a plan whose committed position it still stands beside.
///
/// # Errors
/// The group's coordinator does not answer.
pub(crate) fn standing(
    kafka: &KafkaConfig,
    group: &str,
    plan: &Plan,
) -> Result<BTreeSet<Partition>> {
    // Asks for the group without being a member of it.
    let consumer: BaseConsumer = client(kafka, group)
        .create()
        .map_err(|error| crate::kafka::error("cannot set up a Kafka reader", &error))?;
    let mut list = TopicPartitionList::new();
    for (topic, partition) in plan.ranges.keys() {
        list.add_partition(topic, *partition);
    }
    let committed = consumer
        .committed_offsets(list, WATERMARK_TIMEOUT)
        .map_err(|error| crate::kafka::error("cannot read committed offsets", &error))?;
    let elements = committed.elements();
    let standing = elements.iter().filter(|element| {
        Plan::decode(element.metadata()).is_some_and(|beside| beside.token == plan.token)
    });
    Ok(standing
        .map(|element| (element.topic().to_owned(), element.partition()))
        .collect())
}

fn past(consumer: &BaseConsumer, topic: &str, partition: i32, last: i64) -> bool {
    consumer
        .position()
        .ok()
        .and_then(|list| {
            list.find_partition(topic, partition)
                .map(|found| found.offset())
        })
        .is_some_and(|offset| matches!(offset, Offset::Offset(next) if next > last))
}

/// A record as a dead letter, its bytes, key and headers as they came.
pub(crate) fn letter<B>(
    record: Record<'_>,
    topic: &'static Topic<B>,
    rejection: Rejection,
) -> DeadLetter {
    DeadLetter {
        topic: topic.name,
        dlq: topic.dlq,
        partition: record.partition(),
        offset: record.offset(),
        time: record.time(),
        key: record.key().map(<[u8]>::to_vec),
        value: record.value().map(<[u8]>::to_vec),
        headers: record.headers(),
        rejection,
    }
}

/// Reads one record again as a dead letter; `None` where Kafka has it no more.
///
/// # Errors
/// As [`read_ranges`].
pub(crate) fn dead_letter<B>(
    kafka: &KafkaConfig,
    group: &str,
    topic: &'static Topic<B>,
    partition: i32,
    offset: i64,
    rejection: &Rejection,
) -> Result<Option<DeadLetter>> {
    let mut found = None;
    let range = Range {
        first: offset,
        last: offset,
    };
    let ranges = BTreeMap::from([((topic.name.to_owned(), partition), range)]);
    read_ranges(
        kafka,
        group,
        &ranges,
        |_| true,
        |message| {
            if message.offset() == offset {
                found = Some(letter(Record::Message(message), topic, rejection.clone()));
            }
        },
    )?;
    Ok(found)
}
