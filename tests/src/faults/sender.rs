//! The producer of a scene: sends a stream, each record once, through whatever happens to the broker.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::scene::Scene;
use super::stream::{Record, Stream};

/// Names a record in its headers, through Kafka and into dead letters.
pub const NUMBER: &str = "fault-number";

/// For what is under way when the broker is killed, and comes back on a machine that is busy with other things.
const FLUSH: Duration = Duration::from_secs(300);

impl Scene {
    /// Sends records and waits until Kafka has them all.
    ///
    /// # Panics
    /// Kafka does not take them.
    pub fn send(&self, stream: &mut Stream, count: usize) {
        let producer = producer(&self.servers.broker.brokers());
        for _ in 0..count {
            let number = stream.records.len();
            deliver(&producer, number, &stream.draw());
        }
        producer.flush(FLUSH).unwrap();
    }

    /// Sends on a thread of its own until told to stop; gives the stream back when Kafka has everything.
    ///
    /// # Panics
    /// Later, where Kafka refuses a record for good.
    #[must_use]
    pub fn keep_sending(
        &self,
        mut stream: Stream,
        a_second: u32,
        stop: Arc<AtomicBool>,
    ) -> JoinHandle<Stream> {
        let brokers = self.servers.broker.brokers();
        std::thread::spawn(move || {
            let producer = producer(&brokers);
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..a_second / 20 {
                    let number = stream.records.len();
                    deliver(&producer, number, &stream.draw());
                }
                producer.poll(Duration::from_millis(50));
            }
            producer.flush(FLUSH).unwrap();
            stream
        })
    }
}

/// Never gives up and never repeats a record.
fn producer(brokers: &str) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "0")
        .set("linger.ms", "5")
        .set("log_level", "2")
        .create()
        .unwrap()
}

fn deliver(producer: &BaseProducer, number: usize, record: &Record) {
    loop {
        let number = number.to_string();
        let header = Header {
            key: NUMBER,
            value: Some(&number),
        };
        let mut message = BaseRecord::to(record.topic)
            .key(&record.key)
            .headers(OwnedHeaders::new().insert(header));
        if let Some(value) = &record.value {
            message = message.payload(value);
        }
        match producer.send(message) {
            Ok(()) => return,
            Err(_) => {
                producer.poll(Duration::from_millis(50));
            }
        }
    }
}
