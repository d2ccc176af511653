//! Records to Kafka's client and their outcomes, in order per key also when Kafka goes away in between.
//!
//! Without a fallback log the client's own timeout fails records one by one. With one, records never expire singly,
//! since those behind could still arrive and overtake them: at the deadline everything under way is purged at once,
//! and goes to the log in its order. Records that were on the wire then may arrive twice, under one deduplication
//! key.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use tokio::time::Instant;

use super::{Delivered, OutgoingRecord, ProducerLimits};
use crate::config::KafkaConfig;
use crate::error::{Error, Kind, Result};
use crate::fallback::Entry;
use crate::kafka::LogContext;
use crate::metrics::Metrics;

/// Headers and framing that a record may have beside its value.
const HEADROOM_BYTES: usize = 64 * 1024;

/// How long a full queue is given to make room when nothing of this caller is in it.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// How long brokers may take to hear of a new topic; librdkafka's default.
const LONGEST_TOPIC_WAIT: Duration = Duration::from_secs(30);

/// librdkafka's longest pause between attempts is ten seconds, in which records would miss their deadline although the
/// brokers are back.
const RECONNECT: &str = "reconnect.backoff.max.ms";

const CANNOT: &str = "cannot produce a record";

/// Why a record is not in Kafka.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was not tried: others wait that it must not overtake.
    Behind,
    /// Kafka is away or busy: the same record may be taken later.
    Later(Error),
    /// It never will be, as things stand.
    Never(Error),
}

impl Failure {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Later(error) | Self::Never(error) => error,
            Self::Behind => {
                Error::service("the record waits behind others that Kafka did not take")
            }
        }
    }
}

/// What Kafka's client needs of a record.
pub(super) trait Sendable {
    fn topic(&self) -> &str;
    fn key(&self) -> Option<&[u8]>;
    fn value(&self) -> &[u8];
    fn headers(&self) -> OwnedHeaders;
}

impl Sendable for OutgoingRecord {
    fn topic(&self) -> &str {
        self.topic
    }

    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn value(&self) -> &[u8] {
        &self.value
    }

    fn headers(&self) -> OwnedHeaders {
        let all = self.all_headers();
        let empty = OwnedHeaders::new_with_capacity(all.len());
        all.iter().fold(empty, |headers, (key, value)| {
            let value = Some(value.as_bytes());
            headers.insert(Header { key, value })
        })
    }
}

impl Sendable for Entry {
    fn topic(&self) -> &str {
        &self.topic
    }

    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn value(&self) -> &[u8] {
        &self.value
    }

    fn headers(&self) -> OwnedHeaders {
        let empty = OwnedHeaders::new_with_capacity(self.headers.len());
        self.headers.iter().fold(empty, |headers, (key, value)| {
            let value = Some(value);
            headers.insert(Header { key, value })
        })
    }
}

/// The client, and how often everything in it was purged.
struct Gate {
    client: FutureProducer<LogContext>,
    purges: u64,
}

/// A client of Kafka, shared by emitters and by what drains the fallback log.
pub(super) struct Sender {
    gate: RwLock<Gate>,
    config: ClientConfig,
    limits: ProducerLimits,
    metrics: Metrics,
    /// Whether records go to the fallback log instead of Kafka; changed only under the gate.
    is_diverted: AtomicBool,
    has_fallback: bool,
    /// Emitters pass it on their way into the fallback log; held against them while the last records leave it.
    pub(super) admission: tokio::sync::RwLock<()>,
}

impl Sender {
    pub(super) fn new(
        kafka: &KafkaConfig,
        client_id: &str,
        limits: ProducerLimits,
        metrics: Metrics,
        has_fallback: bool,
    ) -> Result<Self> {
        let timeout = match has_fallback {
            // Our own deadline comes first; this one is for records whose caller gave up waiting.
            true => limits.delivery_timeout * 4,
            false => limits.delivery_timeout,
        };
        // A topic that does not exist is told before the deadline, which would look like a broker that is away.
        let topic_wait = (limits.delivery_timeout / 3).min(LONGEST_TOPIC_WAIT);
        let message_bytes = limits.max_message_bytes + HEADROOM_BYTES;
        let mut config = kafka.client();
        config
            .set("client.id", client_id)
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", limits.linger.as_millis().to_string())
            .set("delivery.timeout.ms", timeout.as_millis().to_string())
            .set("message.max.bytes", message_bytes.to_string())
            .set(
                "topic.metadata.propagation.max.ms",
                topic_wait.as_millis().to_string(),
            );
        if config.get(RECONNECT).is_none() {
            config.set(RECONNECT, "1000");
        }
        let client = connect(&config)?;
        Ok(Self {
            gate: RwLock::new(Gate { client, purges: 0 }),
            config,
            limits,
            metrics,
            is_diverted: AtomicBool::new(false),
            has_fallback,
            admission: tokio::sync::RwLock::new(()),
        })
    }

    pub(super) fn limits(&self) -> ProducerLimits {
        self.limits
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn gate(&self) -> RwLockReadGuard<'_, Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether records go to the fallback log instead of Kafka.
    pub(super) fn is_diverted(&self) -> bool {
        self.is_diverted.load(Ordering::Acquire)
    }

    /// From now on records go to the fallback log; `append` puts the first ones into it.
    pub(super) fn divert<T>(&self, append: impl FnOnce() -> T) -> T {
        let gate = self.gate();
        self.is_diverted.store(true, Ordering::Release);
        let appended = append();
        drop(gate);
        appended
    }

    /// Records go to Kafka again, unless some wait. Nobody can append between the question and the answer.
    pub(super) fn end_diversion(&self, is_empty: impl FnOnce() -> bool) -> bool {
        let gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let is_over = is_empty();
        if is_over {
            self.is_diverted.store(false, Ordering::Release);
        }
        drop(gate);
        is_over
    }

    /// Sends records in their order and waits for all; outcomes stand in the records' order.
    ///
    /// `is_emitter` tells records that must not overtake the fallback log's from those that come out of it.
    pub(super) async fn send_all(
        &self,
        records: &[impl Sendable],
        is_emitter: bool,
    ) -> Vec<Result<Delivered, Failure>> {
        let deadline = Instant::now() + self.limits.delivery_timeout;
        let purges = self.gate().purges;
        let mut outcomes = Vec::with_capacity(records.len());
        let mut waiting = VecDeque::with_capacity(records.len());
        for record in records {
            let delivery = loop {
                match self.enqueue(record, purges, is_emitter) {
                    Enqueued::Under(delivery) => break Ok(delivery),
                    Enqueued::Failed(error) => break Err(Some(error)),
                    Enqueued::Behind => break Err(None),
                    // librdkafka's queue is full: what was handed over first makes room first.
                    Enqueued::Full => match waiting.pop_front() {
                        Some(first) => outcomes.push(self.outcome(first, deadline, purges).await),
                        None if self.has_fallback && Instant::now() >= deadline => {
                            self.purge(purges);
                        }
                        None => tokio::time::sleep(FULL_PAUSE).await,
                    },
                }
            };
            waiting.push_back(delivery);
        }
        for delivery in waiting {
            outcomes.push(self.outcome(delivery, deadline, purges).await);
        }
        outcomes
    }

    fn enqueue(&self, record: &impl Sendable, purges: u64, is_emitter: bool) -> Enqueued {
        let mut outgoing = FutureRecord::<[u8], [u8]>::to(record.topic())
            .payload(record.value())
            .headers(record.headers());
        if let Some(key) = record.key() {
            outgoing = outgoing.key(key);
        }
        let gate = self.gate();
        if self.has_fallback && (gate.purges != purges || (is_emitter && self.is_diverted())) {
            return Enqueued::Behind;
        }
        match gate.client.send_result(outgoing) {
            Ok(delivery) => Enqueued::Under(delivery),
            Err((KafkaError::MessageProduction(Code::QueueFull), _)) => Enqueued::Full,
            Err((error, _)) => Enqueued::Failed(error),
        }
    }

    async fn outcome(
        &self,
        delivery: Result<DeliveryFuture, Option<KafkaError>>,
        deadline: Instant,
        purges: u64,
    ) -> Result<Delivered, Failure> {
        let error = match delivery {
            Ok(mut delivery) => {
                let in_time = match self.has_fallback {
                    true => tokio::time::timeout_at(deadline, &mut delivery).await.ok(),
                    false => Some((&mut delivery).await),
                };
                let told = match in_time {
                    Some(told) => told,
                    None => {
                        self.purge(purges);
                        delivery.await
                    }
                };
                match told {
                    Ok(Ok(at)) => {
                        return Ok(Delivered {
                            partition: at.partition,
                            offset: at.offset,
                        });
                    }
                    Ok(Err((error, _))) => Some(error),
                    Err(_) => None,
                }
            }
            Err(error) => error,
        };
        let Some(error) = error else {
            return Err(Failure::Behind);
        };
        self.renew_after_fatal(&error);
        let failure = failure(&error);
        if self.has_fallback && matches!(failure, Failure::Later(_)) {
            self.purge(purges);
        }
        Err(failure)
    }

    /// Fails everything under way, unless somebody did so since this caller began.
    fn purge(&self, purges: u64) {
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        if gate.purges == purges {
            gate.purges += 1;
            // Not waited for: the outcomes tell.
            let all = PurgeConfig::default().queue().inflight().non_blocking();
            gate.client.purge(all);
        }
    }

    /// A client that met a fatal error takes nothing any more.
    fn renew_after_fatal(&self, error: &KafkaError) {
        if error.rdkafka_error_code() != Some(Code::Fatal)
            && self.gate().client.client().fatal_error().is_none()
        {
            return;
        }
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let Some((code, why)) = gate.client.client().fatal_error() else {
            return;
        };
        tracing::warn!(?code, why, "Kafka's client must be set up anew");
        match connect(&self.config) {
            Ok(client) => {
                gate.purges += 1;
                let old = std::mem::replace(&mut gate.client, client);
                // It waits a moment for what it has under way.
                std::thread::spawn(move || drop(old));
            }
            Err(error) => tracing::error!(%error, "Kafka's client cannot be set up anew"),
        }
    }

    /// Waits until Kafka has, or has refused, everything handed over so far. Blocks the thread.
    pub(super) fn flush(&self, timeout: Duration) -> Result<()> {
        let client = self.gate().client.clone();
        client
            .flush(timeout)
            .map_err(|error| crate::kafka::error("Kafka did not take every record", &error))
    }
}

enum Enqueued {
    /// Under way.
    Under(DeliveryFuture),
    /// Others wait that it must not overtake.
    Behind,
    /// The client's queue is full.
    Full,
    Failed(KafkaError),
}

fn connect(config: &ClientConfig) -> Result<FutureProducer<LogContext>> {
    config
        .create_with_context(LogContext)
        .map_err(|error| crate::kafka::error("cannot set up the producer", &error))
}

/// Kafka being away is no matter of the record; all else is, or needs the operator.
fn failure(error: &KafkaError) -> Failure {
    let mapped = crate::kafka::error(CANNOT, error);
    let is_gone = matches!(
        error.rdkafka_error_code(),
        Some(
            Code::PurgeQueue
                | Code::PurgeInflight
                | Code::Fatal
                | Code::Fenced
                | Code::InvalidProducerEpoch
                | Code::OutOfOrderSequenceNumber
                | Code::UnknownProducerId
        )
    );
    match (is_gone, mapped.kind, mapped.retryable) {
        (true, ..) => {
            let mut late = Error::service(CANNOT).why("Kafka did not take it in time");
            late.fix = Some(
                "check that the brokers run and that --kafka (KAFKA_BROKERS) names them".to_owned(),
            );
            Failure::Later(late)
        }
        (false, Kind::Service, true) => Failure::Later(mapped),
        _ => Failure::Never(mapped),
    }
}
