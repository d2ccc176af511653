//! Sends letters back to their source topics and marks them as replayed, both or neither: one transaction.
//!
//! The transactional id is the dead letter topic's. A second replay of the topic therefore fences the first and
//! waits until what the first had begun is settled; after a kill the next replay does the same. So what is marked
//! was sent, what was sent is marked, and nothing is sent twice.
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, RDKafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders, ToBytes};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};

use super::letter::Letter;
use super::scan::partitions;
use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::kafka::dlq::{MOST_BYTES, SMALL_BATCH_BYTES, header};

/// How long one step of a transaction may take.
const STEP: Duration = Duration::from_secs(30);

/// After this the broker gives up a transaction whose sender died. Until then workers wait at its records.
const TRANSACTION_TIMEOUT_MS: &str = "20000";

/// Notes why a record was not taken: a transaction only tells that one was not.
#[derive(Default)]
struct Outcomes {
    failure: Mutex<Option<KafkaError>>,
}

impl ClientContext for Outcomes {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::kafka::log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        crate::kafka::log_error(&error, reason);
    }
}

impl ProducerContext for Outcomes {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.failure().get_or_insert_with(|| error.clone());
        }
    }
}

impl Outcomes {
    fn failure(&self) -> std::sync::MutexGuard<'_, Option<KafkaError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends letters of one dead letter topic.
pub(super) struct Sender {
    producer: ThreadedProducer<Outcomes>,
    topic: &'static str,
    partitions: i32,
}

impl Sender {
    /// A sender; whoever sent letters of this topic before is stopped, and what they had begun is undone.
    ///
    /// # Errors
    /// Kafka cannot be reached, or does not grant transactions.
    pub(super) fn start(kafka: &KafkaConfig, topic: &'static str, dlq: &str) -> Result<Self> {
        let cannot = |error: &KafkaError| {
            crate::kafka::error("cannot begin to replay dead letters", error).at("topic", topic)
        };
        let producer: ThreadedProducer<Outcomes> = kafka
            .client()
            .set("transactional.id", format!("{dlq}-replay"))
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("message.max.bytes", MOST_BYTES)
            .set("batch.size", SMALL_BATCH_BYTES)
            .create_with_context(Outcomes::default())
            .map_err(|error| cannot(&error))?;
        let asker: BaseConsumer = kafka.client().create().map_err(|error| cannot(&error))?;
        let partitions = partitions(&asker, topic)?;
        let deadline = Instant::now() + STEP;
        retried(deadline, || producer.init_transactions(STEP)).map_err(|error| cannot(&error))?;
        Ok(Self {
            producer,
            topic,
            partitions,
        })
    }

    /// Sends letters and marks them; `Err` inside `Ok` where Kafka refuses one of them and has taken none.
    ///
    /// # Errors
    /// Kafka is away, or another replay took over. Whether this transaction counts is settled by the next replay.
    pub(super) fn send(&self, letters: &[Letter]) -> Result<std::result::Result<(), KafkaError>> {
        self.producer.context().failure().take();
        self.producer
            .begin_transaction()
            .map_err(|error| self.cannot(&error))?;
        for letter in letters {
            if let Err(error) = self.enqueue(letter) {
                return self.undo(error);
            }
        }
        let deadline = Instant::now() + STEP;
        match retried(deadline, || self.producer.commit_transaction(STEP)) {
            Ok(()) => Ok(Ok(())),
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                let refused = self.producer.context().failure().take();
                self.undo(refused.unwrap_or(KafkaError::Transaction(error)))
            }
            Err(error) => Err(self.cannot(&error)),
        }
    }

    fn undo(&self, why: KafkaError) -> Result<std::result::Result<(), KafkaError>> {
        let deadline = Instant::now() + STEP;
        retried(deadline, || self.producer.abort_transaction(STEP))
            .map_err(|error| self.cannot(&error))?;
        match &why {
            // Only this one is a matter of a record; the rest would meet every other record as well.
            KafkaError::MessageProduction(
                RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessage
                | RDKafkaErrorCode::InvalidRecord,
            ) => Ok(Err(why)),
            _ => Err(self.cannot(&why)),
        }
    }

    fn cannot(&self, error: &KafkaError) -> Error {
        let fenced = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::Fenced
                    | RDKafkaErrorCode::ProducerFenced
                    | RDKafkaErrorCode::InvalidProducerEpoch
            )
        );
        let told = crate::kafka::error("cannot replay dead letters", error).at("topic", self.topic);
        match fenced {
            true => told.fix(
                "another replay of this topic took over; wait for it, then run this one again",
            ),
            false => told,
        }
    }

    fn enqueue(&self, letter: &Letter) -> std::result::Result<(), KafkaError> {
        let Some(source) = &letter.source else {
            return Ok(());
        };
        let place = format!("{}/{}@{}", letter.dlq, letter.partition, letter.offset);
        let mut headers = OwnedHeaders::new_with_capacity(letter.headers.len() + 2);
        let own = |name: &str| name == header::REPLAY_OF || name == header::REPLAY_ATTEMPT;
        for (name, value) in letter.headers.iter().filter(|(name, _)| !own(name)) {
            headers = with(headers, name, value.as_deref());
        }
        let attempt = (letter.attempt() + 1).to_string();
        headers = with(headers, header::REPLAY_OF, Some(&place));
        headers = with(headers, header::REPLAY_ATTEMPT, Some(&attempt));
        let mut record = BaseRecord::<[u8], [u8]>::to(&source.topic).headers(headers);
        if let Some(key) = &letter.key {
            record = record.key(key);
        }
        if let Some(value) = &letter.value {
            record = record.payload(value);
        }
        // Where its producer put it, so that it meets the other records of its key.
        if source.partition < self.partitions {
            record = record.partition(source.partition);
        }
        self.hand_over(record)?;
        let (partition, offset) = (source.partition.to_string(), source.offset.to_string());
        let mut headers = OwnedHeaders::new();
        headers = with(headers, header::REPLAYED, Some(&place));
        headers = with(headers, header::SOURCE_TOPIC, Some(&source.topic));
        headers = with(headers, header::SOURCE_PARTITION, Some(&partition));
        headers = with(headers, header::SOURCE_OFFSET, Some(&offset));
        if let Some(time) = source.time {
            headers = with(headers, header::SOURCE_TIMESTAMP, Some(&time.to_string()));
        }
        let mark = BaseRecord::<[u8], [u8]>::to(&letter.dlq).headers(headers);
        // Beside the letter, so that retention never takes the mark before it.
        self.hand_over(mark.partition(letter.partition))
    }

    fn hand_over(&self, record: BaseRecord<'_, [u8], [u8]>) -> std::result::Result<(), KafkaError> {
        let mut record = record;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err((error, _)) => return Err(error),
            }
        }
    }
}

fn with(headers: OwnedHeaders, key: &str, value: Option<&(impl ToBytes + ?Sized)>) -> OwnedHeaders {
    headers.insert(Header { key, value })
}

/// A step of a transaction, again while librdkafka says that it may be repeated.
fn retried(
    deadline: Instant,
    mut step: impl FnMut() -> std::result::Result<(), KafkaError>,
) -> std::result::Result<(), KafkaError> {
    loop {
        match step() {
            Err(KafkaError::Transaction(error)) if again(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(100));
            }
            done => return done,
        }
    }
}

fn again(error: &RDKafkaError) -> bool {
    error.is_retriable() && !error.txn_requires_abort() && !error.is_fatal()
}
