//! The messages: the spec's envelope around purchases and progress, about 400 bytes, each with a key of its own.
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};

/// The topic that is measured.
pub const TOPIC: &str = "shop.purchase";

/// Milliseconds of the times of messages: a message a millisecond, those of the hour before the run.
const HOUR: usize = 3_600_000;

/// The time of the first message, in milliseconds since 1970.
fn first_time() -> i64 {
    static FIRST: std::sync::OnceLock<i64> = std::sync::OnceLock::new();
    *FIRST.get_or_init(|| jiff::Timestamp::now().as_millisecond() - HOUR as i64)
}

/// A message; `number` makes it distinct.
pub fn message(number: usize) -> String {
    let user = number % 50_000 + 1;
    let time = jiff::Timestamp::from_millisecond(first_time() + (number % HOUR) as i64).unwrap();
    format!(
        r#"{{"schema_version":1,"event_type":"shop.purchase","event_id":"evt_2026-08-21T12:34:56.789Z_{number:010x}","user_id":{user},"source":{{"service":"backend","host":"api-{}"}},"ts":"{time:.3}","ingested_at":"2026-08-21T23:59:56.900Z","sequence":{},"payload":{{"tx_id":{},"user_id":{user},"status":"success","product_id":{},"amount_gold":{},"price_cents":199}},"dedupe_key":"shop.purchase:{user}:{number}:success"}}"#,
        number % 8,
        4_567_890_123_u64 + number as u64,
        number + 1,
        2001 + number % 20,
        amount(number),
    )
}

/// Gold of a message's purchase.
pub fn amount(number: usize) -> usize {
    number % 1000 + 1
}

/// A producer as the pipeline's.
pub fn producer(brokers: &str) -> ThreadedProducer<rdkafka::producer::DefaultProducerContext> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .unwrap()
}

/// Sends one message, to the partition of its number.
pub fn send(
    producer: &ThreadedProducer<rdkafka::producer::DefaultProducerContext>,
    number: usize,
    partitions: usize,
) {
    let value = message(number);
    let key = number.to_string();
    let mut record = BaseRecord::to(TOPIC)
        .key(&key)
        .payload(&value)
        .partition(i32::try_from(number % partitions).unwrap());
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                record = again;
                std::thread::sleep(Duration::from_millis(2));
            }
            Err((error, _)) => panic!("{error}"),
        }
    }
}

/// Fills the topic.
pub fn fill(brokers: &str, rows: usize, partitions: usize) {
    let producer = producer(brokers);
    for number in 0..rows {
        send(&producer, number, partitions);
    }
    producer.flush(Duration::from_secs(120)).unwrap();
}
