//! What brokers are asked.
use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    BrokerId, FetchRequest, ListOffsetsRequest, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::leader::Place;

/// Versions of the requests: the last before topics are named by numbers, and those of the same time (Kafka 2.3).
pub(super) const FETCH: i16 = 11;
pub(super) const LIST_OFFSETS: i16 = 5;
pub(super) const METADATA: i16 = 7;

/// Bytes of one answer, and of one partition in it, as the broker stores them; milliseconds that it may wait for any.
const ANSWER_BYTES: i32 = 2 << 20;
const PARTITION_BYTES: i32 = 512 << 10;
const WAIT: i32 = 50;

/// What [`ListOffsetsRequest`] calls the first offset.
const EARLIEST: i64 = -2;

/// Who leads these topics' partitions. Topics come sorted.
pub(super) fn leaders<'p>(places: impl Iterator<Item = &'p Place>) -> MetadataRequest {
    let mut topics: Vec<&Arc<str>> = places.map(|place| &place.topic).collect();
    topics.dedup();
    let topics = topics.into_iter();
    let topics = topics.map(|topic| MetadataRequestTopic::default().with_name(Some(name(topic))));
    MetadataRequest::default()
        .with_topics(Some(topics.collect()))
        .with_allow_auto_topic_creation(false)
}

/// Where these partitions begin.
pub(super) fn starts<'p>(places: impl Iterator<Item = &'p Place>) -> ListOffsetsRequest {
    let mut topics: BTreeMap<&Arc<str>, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for place in places {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(place.partition)
            .with_timestamp(EARLIEST);
        topics.entry(&place.topic).or_default().push(partition);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        ListOffsetsTopic::default()
            .with_name(name(topic))
            .with_partitions(partitions)
    });
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(1)
        .with_topics(topics.collect())
}

/// Records of these partitions, from these offsets on; the first has the most right to the answer's room.
pub(super) fn records<'p>(wanted: impl Iterator<Item = (&'p Place, i64)>) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for (place, offset) in wanted {
        let partition = FetchPartition::default()
            .with_partition(place.partition)
            .with_current_leader_epoch(-1)
            .with_fetch_offset(offset)
            .with_log_start_offset(-1)
            .with_partition_max_bytes(PARTITION_BYTES);
        match topics.last_mut() {
            Some(topic) if topic.topic.as_str() == &*place.topic => {
                topic.partitions.push(partition);
            }
            _ => topics.push(
                FetchTopic::default()
                    .with_topic(name(&place.topic))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(WAIT)
        .with_min_bytes(1)
        .with_max_bytes(ANSWER_BYTES)
        .with_isolation_level(1)
        // No session: every request names its partitions.
        .with_session_id(0)
        .with_session_epoch(-1)
        .with_topics(topics)
}

fn name(topic: &Arc<str>) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_string()))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::Message;

    use super::*;

    fn is_known<Q: Message>(version: i16) -> bool {
        (Q::VERSIONS.min..=Q::VERSIONS.max).contains(&version)
    }

    #[test]
    fn requests_have_versions_that_are_known() {
        assert!(is_known::<FetchRequest>(FETCH));
        assert!(is_known::<ListOffsetsRequest>(LIST_OFFSETS));
        assert!(is_known::<MetadataRequest>(METADATA));
    }
}
