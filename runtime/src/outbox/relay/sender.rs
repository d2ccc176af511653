//! The relay's producer: idempotent and without gaps. Where a record fails for good, nothing that was handed over
//! after it for the same partition is acknowledged; what may have been sent is sent again by the next producer.
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer,
};
use rdkafka::{ClientConfig, ClientContext};
use tokio::sync::mpsc::UnboundedSender;

use crate::config::KafkaConfig;
use crate::error::Result;
use crate::kafka;
use crate::produce::OutgoingRecord;
use crate::registry::EventRegistry;

/// What became of a row's record.
#[derive(Debug)]
pub(super) struct Report {
    /// Which producer it was given to.
    pub(super) generation: u64,
    pub(super) id: i64,
    pub(super) outcome: std::result::Result<(), Code>,
}

struct Reports {
    generation: u64,
    reports: UnboundedSender<Report>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        kafka::log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        kafka::log_error(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, id: usize) {
        let outcome = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
        };
        // Nobody listens any more where the session is over.
        let _ = self.reports.send(Report {
            generation: self.generation,
            id: i64::try_from(id).unwrap_or(i64::MAX),
            outcome,
        });
    }
}

/// Hands records to Kafka.
pub(super) struct Sender {
    producer: ThreadedProducer<Reports>,
    pub(super) generation: u64,
    /// The client refused a record before it had a place in the order of its partition: what is handed over after
    /// it would overtake it.
    is_over: bool,
}

/// Headers and framing that a record may have beside its value.
const HEADROOM_BYTES: usize = 64 * 1024;

/// How long a purged producer may take to report what it purged.
const PURGE_TIMEOUT: Duration = Duration::from_secs(5);

impl Sender {
    pub(super) fn new<R: EventRegistry>(
        config: &KafkaConfig,
        max_message_bytes: usize,
        generation: u64,
        reports: UnboundedSender<Report>,
    ) -> Result<Self> {
        let mut client = config.client();
        client
            .set("client.id", format!("{}-relay", R::PROJECT.name))
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            // A record waits for its broker however long it takes: giving one up would break the order.
            .set("delivery.timeout.ms", "0")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            // Records of a topic that is missing wait; it is looked for this often.
            .set("topic.metadata.refresh.interval.ms", "15000")
            .set("queue.buffering.max.messages", "1000000")
            // The session bounds what is under way; a full queue would end the producer.
            .set("queue.buffering.max.kbytes", "2147483647")
            .set("batch.size", batch_bytes::<R>().to_string())
            .set(
                "message.max.bytes",
                (max_message_bytes + HEADROOM_BYTES).to_string(),
            );
        Self::of(&client, generation, reports)
    }

    fn of(
        client: &ClientConfig,
        generation: u64,
        reports: UnboundedSender<Report>,
    ) -> Result<Self> {
        let producer = client
            .create_with_context(Reports {
                generation,
                reports,
            })
            .map_err(|error| kafka::error("cannot set up the relay's producer", &error))?;
        Ok(Self {
            producer,
            generation,
            is_over: false,
        })
    }

    /// Hands a record over; its report comes later. After a refusal nothing more is taken.
    ///
    /// # Errors
    /// The client's reason; [`Code::PurgeQueue`] after the first refusal.
    pub(super) fn send(
        &mut self,
        id: i64,
        record: &OutgoingRecord,
    ) -> std::result::Result<(), Code> {
        if self.is_over {
            return Err(Code::PurgeQueue);
        }
        let all = record.all_headers();
        let mut headers = OwnedHeaders::new_with_capacity(all.len());
        for (key, value) in &all {
            headers = headers.insert(Header {
                key,
                value: Some(value.as_bytes()),
            });
        }
        let id = usize::try_from(id).unwrap_or(usize::MAX);
        let mut outgoing = BaseRecord::<[u8], [u8], usize>::with_opaque_to(record.topic, id)
            .payload(&record.value)
            .headers(headers);
        if let Some(key) = &record.key {
            outgoing = outgoing.key(key);
        }
        let sent = self.producer.send(outgoing);
        self.is_over = sent.is_err();
        sent.map_err(|(error, _)| error.rdkafka_error_code().unwrap_or(Code::Unknown))
    }

    /// Stops at once: what is queued or under way is given up and reported. Blocks until it is.
    pub(super) fn retire(&self) {
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
        // What is not reported now has no reader later.
        let _ = self.producer.flush(PURGE_TIMEOUT);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
    }
}

/// Brokers measure batches: none may be larger than the smallest topic takes, or good records fall with it.
fn batch_bytes<R: EventRegistry>() -> usize {
    let limits = R::TOPICS.iter().filter_map(|topic| {
        let limit = topic
            .config
            .iter()
            .find(|(name, _)| *name == "max.message.bytes")?;
        limit.1.parse::<usize>().ok()
    });
    limits.min().unwrap_or(1 << 20).min(1_000_000) / 2
}

/// What a failed record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Not its fault: another record's failure, or an end of the producer. It is sent again.
    Collateral,
    /// Kafka will never take it, or its batch.
    Refused,
    /// Its topic is missing or closed to us: all of the topic waits.
    Topic,
    /// May pass later.
    Later,
}

pub(super) fn failure(code: Code) -> Failure {
    match code {
        Code::PurgeQueue
        | Code::PurgeInflight
        | Code::Fatal
        | Code::GaplessGuarantee
        | Code::OutOfOrderSequenceNumber
        | Code::UnknownProducerId
        | Code::InvalidProducerEpoch
        | Code::QueueFull => Failure::Collateral,
        Code::MessageSizeTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidMessage
        | Code::InvalidRecord
        | Code::InvalidTimestamp => Failure::Refused,
        Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::InvalidTopic
        | Code::TopicAuthorizationFailed
        | Code::PolicyViolation => Failure::Topic,
        _ => Failure::Later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_after_a_refusal() {
        let (reports, _) = tokio::sync::mpsc::unbounded_channel();
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", "127.0.0.1:1")
            .set("log_level", "0");
        client.set("message.max.bytes", "1000");
        let mut sender = Sender::of(&client, 0, reports).expect("a client");
        let record = |bytes: usize| OutgoingRecord {
            topic: "t",
            key: Some(b"k".to_vec()),
            value: vec![b'x'; bytes],
            schema_id: "",
            schema_version: 1,
            dedupe_key: String::new(),
            headers: Vec::new(),
        };
        assert_eq!(sender.send(1, &record(10)), Ok(()));
        assert_eq!(
            sender.send(2, &record(2000)),
            Err(Code::MessageSizeTooLarge)
        );
        // The same key: it would overtake the one before.
        assert_eq!(sender.send(3, &record(10)), Err(Code::PurgeQueue));
    }
}
