//! Records read outside the group: ranges of a plan to replay, one record to bury. Positions are never committed.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::batch::DeadLetter;
use super::plan::{Partition, Plan, Range};
use super::reason::Rejection;
use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::kafka::consumer::client;
use crate::registry::Topic;

/// How long the brokers may stay silent.
const SILENCE: Duration = Duration::from_secs(20);

/// How long one question about offsets may take.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the records of a range in order; returns whether all that the range spans is still in Kafka.
///
/// # Errors
/// The brokers cannot be reached or stay silent; `visit` may have seen a part.
pub(crate) fn read_range(
    kafka: &KafkaConfig,
    group: &str,
    (topic, partition): &Partition,
    range: Range,
    mut visit: impl FnMut(&BorrowedMessage<'_>),
) -> Result<bool> {
    // Its own name: it must never look like a member of the group.
    let consumer: BaseConsumer = client(kafka, &format!("{group}-replay"))
        .create()
        .map_err(|error| crate::kafka::error("cannot set up a Kafka reader", &error))?;
    let (low, high) = consumer
        .fetch_watermarks(topic, *partition, WATERMARK_TIMEOUT)
        .map_err(|error| {
            crate::kafka::error("cannot ask for offsets", &error).at("topic", topic)
        })?;
    let complete = low <= range.first && range.last < high;
    let first = range.first.max(low);
    let last = range.last.min(high - 1);
    if first > last {
        return Ok(complete);
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, *partition, Offset::Offset(first))
        .and_then(|()| consumer.assign(&list))
        .map_err(|error| crate::kafka::error("cannot read records again", &error))?;
    let mut heard = Instant::now();
    loop {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                if message.offset() > last {
                    return Ok(complete);
                }
                visit(&message);
                if message.offset() == last {
                    return Ok(complete);
                }
            }
            Some(Err(error)) => {
                return Err(
                    crate::kafka::error("cannot read records again", &error).at("topic", topic)
                );
            }
            // The last offsets of a range may be transaction markers, which are never delivered.
            None if past(&consumer, topic, *partition, last) => return Ok(complete),
            None if heard.elapsed() > SILENCE => {
                return Err(Error::service("Kafka does not deliver records again")
                    .at("topic", topic)
                    .at("partition", partition));
            }
            None => {}
        }
    }
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
    message: &BorrowedMessage<'_>,
    topic: &'static Topic<B>,
    rejection: Rejection,
) -> DeadLetter {
    DeadLetter {
        topic: topic.name,
        dlq: topic.dlq,
        partition: message.partition(),
        offset: message.offset(),
        time: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: message.headers().map_or_else(Vec::new, |headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect()
        }),
        rejection,
    }
}

/// Reads one record again as a dead letter; `None` where Kafka has it no more.
///
/// # Errors
/// As [`read_range`].
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
    read_range(
        kafka,
        group,
        &(topic.name.to_owned(), partition),
        range,
        |message| {
            if message.offset() == offset {
                found = Some(letter(message, topic, rejection.clone()));
            }
        },
    )?;
    Ok(found)
}
