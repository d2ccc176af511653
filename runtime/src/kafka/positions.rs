//! Committed positions of the group: read, written, and never written over a topic that was made again.
use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::{Offset, TopicPartitionList};

use crate::error::{Error, Result};
use crate::ingest::plan::Partition;
use crate::metrics::Health;

/// How long one look at the group's committed offsets may take.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(20);

/// Looks at committed offsets before an assignment is given up; the group then assigns anew.
const COMMITTED_ATTEMPTS: u32 = 3;

/// What the group has committed for these partitions. Every attempt shows that the loop is alive: together they may
/// take as long as a loop that hangs.
pub(super) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &TopicPartitionList,
    health: &Health,
) -> Result<TopicPartitionList> {
    let mut attempt = 1;
    loop {
        health.beat();
        match consumer.committed_offsets(partitions.clone(), COMMITTED_TIMEOUT) {
            Ok(committed) => return Ok(committed),
            Err(error) if attempt >= COMMITTED_ATTEMPTS => {
                return Err(super::error(
                    "cannot read the group's committed offsets",
                    &error,
                ));
            }
            Err(_) => attempt += 1,
        }
    }
}

/// A list of partitions with next offsets and what stands beside them.
pub(super) fn positions<'p>(
    entries: impl Iterator<Item = (&'p Partition, i64, &'p str)>,
) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset, metadata) in entries {
        let mut element = list.add_partition(topic, *partition);
        element
            .set_offset(Offset::Offset(offset))
            .map_err(|error| super::error("cannot name an offset", &error))?;
        if !metadata.is_empty() {
            element.set_metadata(metadata);
        }
    }
    Ok(list)
}

/// Commits positions, unless the group lost one of those that it is `known` to have.
///
/// Kafka forgets the positions of a topic that is deleted. One that is made again under the name starts at
/// offset 0, which clients do not notice: they read on at the old offset, and what lies before it would be lost.
///
/// # Errors
/// A topic was deleted; the group has moved on; or the coordinator cannot be reached.
pub(super) fn commit<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    known: &BTreeSet<Partition>,
    list: &TopicPartitionList,
) -> Result<()> {
    let mut asked = TopicPartitionList::new();
    for element in list.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        if known.contains(&(topic.to_owned(), partition)) {
            asked.add_partition(topic, partition);
        }
    }
    if asked.count() > 0 {
        let found = consumer
            .committed_offsets(asked, COMMITTED_TIMEOUT)
            .map_err(|error| super::error("cannot read committed offsets", &error))?;
        let lost = found
            .elements()
            .iter()
            .find(|element| !matches!(element.offset(), Offset::Offset(_)))
            .map(|element| (element.topic().to_owned(), element.partition()));
        if let Some((topic, partition)) = lost {
            return Err(Error::config(
                "a topic was deleted; if it is made again it is read from its beginning",
            )
            .at("topic", topic)
            .at("partition", partition));
        }
    }
    consumer
        .commit(list, CommitMode::Sync)
        .map_err(|error| super::error("cannot commit offsets", &error))
}
