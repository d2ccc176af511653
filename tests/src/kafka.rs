//! Records into and out of Kafka by plain clients.
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

/// Sends values to the given partitions; `None` lets the key decide. Returns when all are acknowledged.
///
/// # Panics
/// Kafka does not take them.
pub fn send(brokers: &str, topic: &str, partition: Option<i32>, records: &[(Vec<u8>, Vec<u8>)]) {
    send_each(brokers, records, |key, value| {
        let record = BaseRecord::to(topic).key(key).payload(value);
        match partition {
            Some(partition) => record.partition(partition),
            None => record,
        }
    });
}

/// As [`send`] to partition 0, with a header on every record.
///
/// # Panics
/// Kafka does not take them.
pub fn send_with_header(
    brokers: &str,
    topic: &str,
    key: &str,
    value: &[u8],
    records: &[(Vec<u8>, Vec<u8>)],
) {
    let value = Some(value);
    let headers = OwnedHeaders::new().insert(Header { key, value });
    send_each(brokers, records, |key, value| {
        let record = BaseRecord::to(topic).key(key).payload(value);
        record.partition(0).headers(headers.clone())
    });
}

fn send_each<'r>(
    brokers: &str,
    records: &'r [(Vec<u8>, Vec<u8>)],
    make: impl Fn(&'r Vec<u8>, &'r Vec<u8>) -> BaseRecord<'r, Vec<u8>, Vec<u8>>,
) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("acks", "all")
        .set("linger.ms", "5")
        .create()
        .unwrap();
    for (key, value) in records {
        loop {
            match producer.send(make(key, value)) {
                Ok(()) => break,
                Err((error, _))
                    if error.rdkafka_error_code()
                        == Some(rdkafka::error::RDKafkaErrorCode::QueueFull) =>
                {
                    producer.poll(Duration::from_millis(50));
                }
                Err((error, _)) => panic!("{error}"),
            }
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

/// Every record of a topic, read from the start until `count` came.
///
/// # Panics
/// They do not come within a minute.
#[must_use]
pub fn read(brokers: &str, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "test-reader")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let metadata = consumer
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        list.add_partition_offset(topic, partition.id(), rdkafka::Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let mut found = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while found.len() < count {
        assert!(
            Instant::now() < deadline,
            "{topic}: {} of {count}",
            found.len()
        );
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            found.push(message.unwrap().detach());
        }
    }
    found
}

/// A header's text.
#[must_use]
pub fn header(message: &OwnedMessage, name: &str) -> Option<String> {
    let headers = message.headers()?;
    let found = headers.iter().find(|header| header.key == name)?;
    Some(String::from_utf8(found.value?.to_vec()).unwrap())
}

/// Records of a topic, by its partitions' ends.
#[must_use]
pub fn count(brokers: &str, topic: &str) -> i64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    let metadata = consumer
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .unwrap();
    metadata.topics()[0]
        .partitions()
        .iter()
        .map(|partition| {
            let (low, high) = consumer
                .fetch_watermarks(topic, partition.id(), Duration::from_secs(10))
                .unwrap();
            high - low
        })
        .sum()
}

/// Deletes a topic.
///
/// # Panics
/// Kafka refuses.
pub fn delete(brokers: &str, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let deleted = runtime
        .block_on(admin.delete_topics(&[topic], &AdminOptions::new()))
        .unwrap();
    assert!(deleted[0].is_ok(), "{deleted:?}");
}

/// Sends values in transactions of one record each, which leave a marker behind every record.
///
/// # Panics
/// Kafka does not take them.
pub fn send_in_transactions(brokers: &str, topic: &str, records: &[(Vec<u8>, Vec<u8>)]) {
    let producer = transactional(brokers, &format!("{topic}-markers"));
    for (key, value) in records {
        producer.begin_transaction().unwrap();
        producer
            .send(BaseRecord::to(topic).key(key).payload(value))
            .unwrap();
        producer.commit_transaction(PATIENCE).unwrap();
    }
}

/// How long Kafka may take for a step of a transaction.
const PATIENCE: Duration = Duration::from_secs(60);

fn transactional(brokers: &str, id: &str) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", id)
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer
}

/// Sends records in transactions of a few, each beside one of another producer that is given up, their records mixed.
///
/// # Panics
/// Kafka does not take them.
pub fn send_beside_aborted(
    brokers: &str,
    topic: &str,
    kept: &[(Vec<u8>, Vec<u8>)],
    aborted: &[(Vec<u8>, Vec<u8>)],
) {
    let keeping = transactional(brokers, &format!("{topic}-keeping"));
    let aborting = transactional(brokers, &format!("{topic}-aborting"));
    for (kept, aborted) in kept.chunks(5).zip(aborted.chunks(5)) {
        for producer in [&keeping, &aborting] {
            producer.begin_transaction().unwrap();
        }
        for pair in kept.iter().zip(aborted) {
            for (producer, (key, value)) in [(&keeping, pair.0), (&aborting, pair.1)] {
                let record = BaseRecord::to(topic).key(key).payload(value);
                producer.send(record).unwrap();
                producer.flush(PATIENCE).unwrap();
            }
        }
        aborting.abort_transaction(PATIENCE).unwrap();
        keeping.commit_transaction(PATIENCE).unwrap();
    }
}
