//! The producer: events checked, keyed and described by headers, and durable in Kafka when it says so.
//!
//! [`OutgoingRecord`] is one event made ready (see `record`), [`Draft`] builds one from a typed payload,
//! [`Producer`] sends them: acks=all, idempotent, LZ4. A record is `Ok` only when every in-sync replica has it.
mod draft;
mod record;

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

pub use draft::Draft;
pub use record::{OutgoingRecord, header};

use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::kafka::LogContext;
use crate::metrics::Metrics;
use crate::registry::EventRegistry;

/// Settings of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerLimits {
    /// How long Kafka may take for a record, retries included, before it counts as failed.
    pub delivery_timeout: Duration,
    /// How long records wait for company in a batch.
    pub linger: Duration,
    /// Largest value, in bytes.
    pub max_message_bytes: usize,
}

impl Default for ProducerLimits {
    fn default() -> Self {
        Self {
            delivery_timeout: Duration::from_secs(30),
            linger: Duration::from_millis(5),
            max_message_bytes: 1 << 20,
        }
    }
}

/// Headers and framing that a record may have beside its value.
const HEADROOM_BYTES: usize = 64 * 1024;

/// Where a record landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// Sends events of the registry `R`.
pub struct Producer<R> {
    client: FutureProducer<LogContext>,
    metrics: Metrics,
    limits: ProducerLimits,
    registry: PhantomData<fn() -> R>,
}

impl<R> Clone for Producer<R> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            metrics: self.metrics.clone(),
            limits: self.limits,
            registry: PhantomData,
        }
    }
}

impl<R: EventRegistry> Producer<R> {
    /// A producer; connects in the background.
    ///
    /// # Errors
    /// The Kafka settings are not usable.
    pub fn new(kafka: &KafkaConfig, limits: ProducerLimits, metrics: Metrics) -> Result<Self> {
        let client = kafka
            .client()
            .set("client.id", format!("{}-producer", R::PROJECT.name))
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", limits.linger.as_millis().to_string())
            .set(
                "delivery.timeout.ms",
                limits.delivery_timeout.as_millis().to_string(),
            )
            .set(
                "message.max.bytes",
                (limits.max_message_bytes + HEADROOM_BYTES).to_string(),
            )
            .create_with_context(LogContext)
            .map_err(|error| crate::kafka::error("cannot set up the producer", &error))?;
        Ok(Self {
            client,
            metrics,
            limits,
            registry: PhantomData,
        })
    }

    /// Fills the envelope of a draft, checks it and waits until Kafka has it.
    ///
    /// # Errors
    /// The schema rejects the event ([`crate::error::Kind::Record`]), or Kafka did not take it in time.
    pub async fn emit(&self, draft: Draft) -> Result<Delivered> {
        self.send(&draft.finish::<R>()?).await
    }

    /// Sends one record and waits until Kafka has it.
    ///
    /// # Errors
    /// Kafka did not take it in time; [`Error::retryable`] tells whether to try again.
    pub async fn send(&self, record: &OutgoingRecord) -> Result<Delivered> {
        let mut sent = self.send_all(std::slice::from_ref(record)).await;
        sent.pop()
            .unwrap_or_else(|| Err(Error::bug("a record has no outcome")))
    }

    /// Sends records in their order and waits until Kafka has them all: one wait for many.
    ///
    /// The outcomes stand in the records' order; one that failed does not stop those after it.
    pub async fn send_all(&self, records: &[OutgoingRecord]) -> Vec<Result<Delivered>> {
        let mut outcomes = Vec::with_capacity(records.len());
        let mut waiting = VecDeque::new();
        for record in records {
            loop {
                match self.enqueue(record) {
                    Ok(delivery) => waiting.push_back(Ok(delivery)),
                    // librdkafka's queue is full: what was handed over first makes room first.
                    Err(error) if is_full(&error) => {
                        match waiting.pop_front() {
                            Some(first) => outcomes.push(self.outcome(first).await),
                            None => tokio::time::sleep(Duration::from_millis(5)).await,
                        }
                        continue;
                    }
                    Err(error) => waiting.push_back(Err(error)),
                }
                break;
            }
        }
        for delivery in waiting {
            outcomes.push(self.outcome(delivery).await);
        }
        for (outcome, record) in outcomes.iter_mut().zip(records) {
            if let Err(error) = outcome {
                error.context.insert(0, ("topic", record.topic.to_owned()));
            }
        }
        outcomes
    }

    /// Waits until Kafka has, or has refused, everything handed over so far. Blocks the thread.
    ///
    /// # Errors
    /// Some of it is still under way after `timeout`.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.client
            .flush(timeout)
            .map_err(|error| crate::kafka::error("Kafka did not take every record", &error))
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> ProducerLimits {
        self.limits
    }

    fn enqueue(&self, record: &OutgoingRecord) -> std::result::Result<DeliveryFuture, KafkaError> {
        let mut headers = OwnedHeaders::new_with_capacity(4 + record.headers.len());
        let version = record.schema_version.to_string();
        let own = [
            (header::CONTENT_TYPE, record::CONTENT_TYPE_JSON),
            (header::SCHEMA_ID, record.schema_id),
            (header::SCHEMA_VERSION, version.as_str()),
        ];
        let given = record
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (key, value) in own.into_iter().chain(given) {
            headers = headers.insert(Header {
                key,
                value: Some(value),
            });
        }
        let mut outgoing = FutureRecord::<[u8], [u8]>::to(record.topic)
            .payload(&record.value)
            .headers(headers);
        if let Some(key) = &record.key {
            outgoing = outgoing.key(key);
        }
        self.client
            .send_result(outgoing)
            .map_err(|(error, _)| error)
    }

    async fn outcome(
        &self,
        delivery: std::result::Result<DeliveryFuture, KafkaError>,
    ) -> Result<Delivered> {
        let result = match delivery {
            Ok(delivery) => match delivery.await {
                Ok(Ok(delivered)) => Ok(Delivered {
                    partition: delivered.partition,
                    offset: delivered.offset,
                }),
                Ok(Err((error, _))) => Err(crate::kafka::error("cannot produce a record", &error)),
                Err(_) => Err(Error::service("the producer ended before Kafka answered")),
            },
            Err(error) => Err(crate::kafka::error("cannot produce a record", &error)),
        };
        match &result {
            Ok(_) => self.metrics.produced.inc(),
            Err(_) => self.metrics.produce_failures.inc(),
        }
        result
    }
}

fn is_full(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
    )
}
