//! The producer: events checked, keyed and described by headers, and durable when it says so.
//!
//! [`OutgoingRecord`] is one event made ready (see `record`), [`Draft`] builds one from a typed payload,
//! [`Producer`] sends them: acks=all, idempotent, LZ4. A record is `Ok` only when every in-sync replica has it, or,
//! where the producer was given a [fallback log](crate::fallback), when it is synced to the local disk. While that log
//! holds anything, new records go behind it, so order per key holds; it drains by itself (see `drain`).
pub mod blocking;
mod builder;
mod draft;
mod drain;
mod record;
mod sender;
mod unsent;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

pub use builder::ProducerBuilder;
pub use draft::Draft;
pub use drain::{Drained, drain};
pub use record::{OutgoingRecord, header};
pub use unsent::Unsent;

use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::fallback::{Batch, FallbackLog};
use crate::metrics::Metrics;
use crate::registry::EventRegistry;
use drain::Drainer;
use sender::{Failure, Sender};

/// Settings of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerLimits {
    /// How long Kafka may take for a record, retries included, before it counts as failed, or goes to the fallback log.
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

/// Where a record landed in Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// Where a record is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// Every in-sync replica has it.
    Kafka(Delivered),
    /// The fallback log has it, synced to the disk; it goes to Kafka by itself when that is back.
    Fallback,
}

impl Durable {
    /// Partition and offset, where Kafka has it already.
    #[must_use]
    pub fn in_kafka(self) -> Option<Delivered> {
        match self {
            Self::Kafka(delivered) => Some(delivered),
            Self::Fallback => None,
        }
    }
}

/// Sends events of the registry `R`. Clones share client, fallback log and settings.
pub struct Producer<R> {
    sender: Arc<Sender>,
    fallback: Option<Arc<Fallback>>,
    members: Arc<draft::Members>,
    registry: PhantomData<fn() -> R>,
}

/// The log, and the task that drains it, which ends with the last clone.
struct Fallback {
    log: Arc<FallbackLog>,
    drainer: Drainer,
}

impl<R> Clone for Producer<R> {
    fn clone(&self) -> Self {
        Self {
            sender: Arc::clone(&self.sender),
            fallback: self.fallback.clone(),
            members: Arc::clone(&self.members),
            registry: PhantomData,
        }
    }
}

impl<R: EventRegistry> Producer<R> {
    /// A producer without a fallback log; connects in the background.
    ///
    /// # Errors
    /// The Kafka settings are not usable.
    pub fn new(kafka: &KafkaConfig, limits: ProducerLimits, metrics: Metrics) -> Result<Self> {
        Self::builder(kafka).limits(limits).metrics(metrics).build()
    }

    /// A producer with settings: members of every envelope, a fallback log.
    #[must_use]
    pub fn builder(kafka: &KafkaConfig) -> ProducerBuilder<R> {
        ProducerBuilder::new(kafka)
    }

    /// Fills the envelope of an event, checks it and waits until it is durable.
    ///
    /// An event is a typed payload (`&purchase`), or a [`Draft`] where the envelope needs more than that.
    ///
    /// # Errors
    /// The schema rejects the event ([`crate::error::Kind::Record`]), or nobody took it in time; then [`Unsent`] has the
    /// finished record, to be sent again as it is.
    pub async fn emit(&self, event: impl Into<Draft>) -> Result<Durable, Unsent> {
        let record = self.ready(event).map_err(Unsent::rejected)?;
        let sent = self.send(&record).await;
        sent.map_err(|error| Unsent::of(record, error))
    }

    /// As [`Self::emit`], for many with one wait. Outcomes stand in the events' order; one that failed does not stop
    /// those after it.
    pub async fn emit_all(
        &self,
        events: impl IntoIterator<Item = impl Into<Draft>>,
    ) -> Vec<Result<Durable, Unsent>> {
        let mut records = Vec::new();
        let mut refused = Vec::new();
        for (index, event) in events.into_iter().enumerate() {
            match self.ready(event) {
                Ok(record) => records.push(record),
                Err(error) => refused.push((index, error)),
            }
        }
        let sent = self.send_all(&records).await;
        let mut outcomes: Vec<Result<Durable, Unsent>> = sent
            .into_iter()
            .zip(records)
            .map(|(sent, record)| sent.map_err(|error| Unsent::of(record, error)))
            .collect();
        for (index, error) in refused {
            outcomes.insert(index, Err(Unsent::rejected(error)));
        }
        outcomes
    }

    /// Fills the envelope of an event with this producer's members and checks it.
    ///
    /// # Errors
    /// The schema rejects the event, or it is too large.
    pub fn ready(&self, event: impl Into<Draft>) -> Result<OutgoingRecord> {
        let limits = self.sender.limits();
        event
            .into()
            .finish_with::<R>(&self.members, limits.max_message_bytes)
    }

    /// Sends one record and waits until it is durable.
    ///
    /// # Errors
    /// Nobody took it in time; [`Error::retryable`] tells whether to try again.
    pub async fn send(&self, record: &OutgoingRecord) -> Result<Durable> {
        let mut sent = self.send_all(std::slice::from_ref(record)).await;
        sent.pop()
            .unwrap_or_else(|| Err(Error::bug("a record has no outcome")))
    }

    /// Sends records in their order and waits until they are all durable: one wait for many.
    ///
    /// The outcomes stand in the records' order; one that failed does not stop those after it.
    pub async fn send_all(&self, records: &[OutgoingRecord]) -> Vec<Result<Durable>> {
        let mut outcomes = match &self.fallback {
            None => {
                let sent = self.sender.send_all(records, true).await;
                let direct = |sent: Result<Delivered, Failure>| {
                    sent.map(Durable::Kafka).map_err(Failure::into_error)
                };
                sent.into_iter().map(direct).collect()
            }
            Some(fallback) => self.send_or_keep(fallback, records).await,
        };
        let metrics = self.sender.metrics();
        for (outcome, record) in outcomes.iter_mut().zip(records) {
            match outcome {
                Ok(Durable::Kafka(_)) => metrics.produced.inc(),
                Ok(Durable::Fallback) => metrics.produce_failures.inc(),
                Err(error) => {
                    metrics.produce_failures.inc();
                    error.context.insert(0, ("topic", record.topic.to_owned()));
                }
            }
        }
        outcomes
    }

    /// To Kafka, and what that does not take in time to the fallback log.
    async fn send_or_keep(
        &self,
        fallback: &Fallback,
        records: &[OutgoingRecord],
    ) -> Vec<Result<Durable>> {
        loop {
            if self.sender.is_diverted() {
                // The log may be about to be empty.
                drop(self.sender.admission.read().await);
            }
            let sent = self.sender.send_all(records, true).await;
            let is_untried = sent.iter().all(|sent| matches!(sent, Err(Failure::Behind)));
            let mut late = Vec::new();
            let mut outcomes: Vec<Result<Durable>> = Vec::with_capacity(records.len());
            for (index, sent) in sent.into_iter().enumerate() {
                outcomes.push(match sent {
                    Ok(delivered) => Ok(Durable::Kafka(delivered)),
                    Err(Failure::Never(error)) => Err(error),
                    Err(Failure::Behind | Failure::Later(_)) => {
                        late.push(index);
                        Ok(Durable::Fallback)
                    }
                });
            }
            if late.is_empty() {
                return outcomes;
            }
            match self.keep(fallback, records, &late, is_untried).await {
                Ok(true) => return outcomes,
                Ok(false) => {}
                Err(error) => {
                    for index in late {
                        outcomes[index] = Err(error.clone());
                    }
                    return outcomes;
                }
            }
        }
    }

    /// Puts records into the fallback log, in their order, and waits until they are durable there. `false` where none
    /// was tried and Kafka takes them again.
    async fn keep(
        &self,
        fallback: &Fallback,
        records: &[OutgoingRecord],
        late: &[usize],
        is_untried: bool,
    ) -> Result<bool> {
        let mut batch = Batch::new();
        for index in late {
            batch.push(&records[*index])?;
        }
        let pending = {
            let _admitted = self.sender.admission.read().await;
            if is_untried && !self.sender.is_diverted() {
                return Ok(false);
            }
            self.sender.divert(|| fallback.log.append(batch))
        };
        let kept = match pending {
            Ok(pending) => pending.durable().await,
            Err(error) => Err(error),
        };
        if kept.is_ok() {
            let kept = late.len() as u64;
            self.sender.metrics().fallback_appended.inc_by(kept);
        }
        fallback.drainer.wake();
        kept.map(|()| true)
    }

    /// The fallback log, where there is one.
    #[must_use]
    pub fn fallback(&self) -> Option<&FallbackLog> {
        self.fallback.as_ref().map(|fallback| &*fallback.log)
    }

    /// Waits until Kafka has, or has refused, everything handed over so far. Blocks the thread.
    ///
    /// # Errors
    /// Some of it is still under way after `timeout`.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.sender.flush(timeout)
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> ProducerLimits {
        self.sender.limits()
    }
}

impl<R> Producer<R> {
    /// Stops draining and gives the fallback log's folder free, once other clones are gone; what is in it stays there
    /// for the next process.
    pub async fn close(self) {
        if let Some(fallback) = &self.fallback {
            fallback.drainer.stop().await;
        }
    }
}
