//! Reads dead letter topics from beginning to end, twice: first for the marks of what was replayed, then for the
//! letters. Nothing is committed and no group is joined; memory is 16 bytes a letter.
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};

use super::letter::{Entry, Letter, entry};
use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::kafka::consumer::client;
use crate::registry::{EventRegistry, Topic};

/// How long the brokers may stay silent.
const SILENCE: Duration = Duration::from_secs(20);

/// Which letters.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Source topics; empty for all.
    pub topics: Vec<String>,
    /// Reason codes; empty for all.
    pub reasons: Vec<String>,
    /// From this time on, in milliseconds since the epoch.
    pub since: Option<i64>,
    /// Up to this time.
    pub until: Option<i64>,
    /// Those that were replayed too.
    pub with_replayed: bool,
    /// At most so many, in the order of their topics.
    pub limit: Option<u64>,
}

impl Selection {
    /// The registry's topics that are meant.
    ///
    /// # Errors
    /// One of the names is no topic of the registry.
    pub(super) fn topics<R: EventRegistry>(&self) -> Result<Vec<&'static Topic<R::Block>>> {
        let known = |name: &&String| R::TOPICS.iter().any(|topic| topic.name == **name);
        if let Some(unknown) = self.topics.iter().find(|name| !known(name)) {
            let names: Vec<&str> = R::TOPICS.iter().map(|topic| topic.name).collect();
            return Err(Error::config("the registry has no such topic")
                .at("topic", unknown)
                .fix(format!("one of: {}", names.join(", "))));
        }
        Ok(R::TOPICS
            .iter()
            .filter(|topic| {
                self.topics.is_empty() || self.topics.iter().any(|name| name == topic.name)
            })
            .collect())
    }

    fn takes(&self, letter: &Letter) -> bool {
        let is_since = |time: Option<i64>| self.since.is_none_or(|since| time >= Some(since));
        let is_until = |time: Option<i64>| self.until.is_none_or(|until| time <= Some(until));
        (self.reasons.is_empty() || self.reasons.contains(&letter.reason))
            && is_since(letter.time())
            && is_until(letter.time())
    }
}

/// Visits the letters that are selected, each once, with whether it was replayed. Blocks the thread.
///
/// # Errors
/// A topic is unknown or not in Kafka, the brokers cannot be reached, or `visit` fails.
pub fn scan<R: EventRegistry>(
    kafka: &KafkaConfig,
    selection: &Selection,
    mut visit: impl FnMut(Letter, bool) -> Result<()>,
) -> Result<()> {
    let mut left = selection.limit.unwrap_or(u64::MAX);
    for topic in selection.topics::<R>()? {
        scan_topic::<R>(kafka, selection, topic.dlq, &mut left, &mut visit)?;
        if left == 0 {
            break;
        }
    }
    Ok(())
}

/// As [`scan`], for one dead letter topic; `left` counts down.
pub(super) fn scan_topic<R: EventRegistry>(
    kafka: &KafkaConfig,
    selection: &Selection,
    dlq: &str,
    left: &mut u64,
    visit: &mut dyn FnMut(Letter, bool) -> Result<()>,
) -> Result<()> {
    let mut replayed = HashSet::new();
    let mut letters = 0_u64;
    read_through::<R>(kafka, dlq, |message| {
        match entry(message) {
            Entry::Replayed(source) => drop(replayed.insert(source.identity())),
            Entry::Letter(_) => letters += 1,
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if letters == 0 || *left == 0 {
        return Ok(());
    }
    let mut seen = HashSet::new();
    read_through::<R>(kafka, dlq, |message| {
        let Entry::Letter(letter) = entry(message) else {
            return Ok(ControlFlow::Continue(()));
        };
        let identity = letter.identity();
        let is_replayed = replayed.contains(&identity);
        if (!is_replayed || selection.with_replayed)
            && selection.takes(&letter)
            && seen.insert(identity)
        {
            *left -= 1;
            visit(*letter, is_replayed)?;
        }
        Ok(match *left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    })
}

/// Every record of a topic up to its end as it is now.
fn read_through<R: EventRegistry>(
    kafka: &KafkaConfig,
    topic: &str,
    mut visit: impl FnMut(&BorrowedMessage<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let consumer: BaseConsumer = client(kafka, &format!("{}-dlq-reader", R::PROJECT.name))
        .set("enable.partition.eof", "true")
        .create()
        .map_err(|error| crate::kafka::error("cannot set up a Kafka reader", &error))?;
    let partitions = partitions(&consumer, topic)?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .map_err(|error| crate::kafka::error("cannot read dead letters", &error))?;
    }
    consumer
        .assign(&list)
        .map_err(|error| crate::kafka::error("cannot read dead letters", &error))?;
    let mut open: HashSet<i32> = (0..partitions).collect();
    let mut heard = Instant::now();
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                if visit(&message)?.is_break() {
                    break;
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                heard = Instant::now();
                open.remove(&partition);
            }
            Some(Err(error)) => {
                let error = crate::kafka::error("cannot read dead letters", &error);
                if !error.retryable || heard.elapsed() > SILENCE {
                    return Err(error.at("topic", topic));
                }
            }
            None if heard.elapsed() > SILENCE => {
                return Err(
                    Error::service("Kafka does not deliver dead letters").at("topic", topic)
                );
            }
            None => {}
        }
    }
    Ok(())
}

/// How many partitions a topic has.
pub(super) fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<i32> {
    let metadata = consumer
        .fetch_metadata(Some(topic), SILENCE)
        .map_err(|error| {
            crate::kafka::error("cannot ask Kafka for a topic", &error).at("topic", topic)
        })?;
    let count = metadata
        .topics()
        .first()
        .filter(|found| found.error().is_none())
        .map_or(0, |found| found.partitions().len());
    if count == 0 {
        let missing = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
        return Err(crate::kafka::error("a topic is not in Kafka", &missing).at("topic", topic));
    }
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}
