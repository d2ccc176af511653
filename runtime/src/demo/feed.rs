//! Sends a script to Kafka, no faster than the worker keeps up where the broker keeps little.
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};

use super::scenario::Message;
use crate::config::KafkaConfig;
use crate::error::{Error, Result};

/// Messages that may be in Kafka and not ingested yet: the mock cluster keeps 100,000 a partition.
pub(super) const AHEAD: u64 = 80_000;

/// How long Kafka may take for what was handed over last.
const FLUSH: Duration = Duration::from_secs(60);

/// The deliveries' outcome.
struct Deliveries(std::sync::atomic::AtomicU64);

impl rdkafka::ClientContext for Deliveries {}

impl rdkafka::producer::ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &rdkafka::message::DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        if result.is_err() {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// Sends every message and returns when Kafka has them all. `settled` tells how many the worker is done with;
/// `sent` is told how far the sending is.
pub(super) fn send(
    kafka: &KafkaConfig,
    messages: &[Message],
    is_paced: bool,
    settled: impl Fn() -> u64,
    sent: impl Fn(u64),
) -> Result<()> {
    let producer: ThreadedProducer<Deliveries> = kafka
        .client()
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .create_with_context(Deliveries(0.into()))
        .map_err(|error| crate::kafka::error("cannot set up the producer", &error))?;
    for (count, message) in (1_u64..).zip(messages) {
        while is_paced && count.saturating_sub(settled()) > AHEAD {
            std::thread::sleep(Duration::from_millis(5));
        }
        push(&producer, message)?;
        if count % 256 == 0 {
            sent(count);
        }
    }
    producer
        .flush(FLUSH)
        .map_err(|error| crate::kafka::error("Kafka did not take every message", &error))?;
    sent(u64::try_from(messages.len()).unwrap_or(u64::MAX));
    match producer
        .context()
        .0
        .load(std::sync::atomic::Ordering::Relaxed)
    {
        0 => Ok(()),
        failed => Err(Error::service("Kafka refused messages").at("messages", failed)),
    }
}

fn push(producer: &ThreadedProducer<Deliveries>, message: &Message) -> Result<()> {
    let deadline = Instant::now() + FLUSH;
    let mut record = BaseRecord::to(&message.topic)
        .key(&message.key)
        .payload(&message.value);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again))
                if Instant::now() < deadline =>
            {
                record = again;
                std::thread::sleep(Duration::from_millis(2));
            }
            Err((error, _)) => return Err(crate::kafka::error("cannot produce", &error)),
        }
    }
}
