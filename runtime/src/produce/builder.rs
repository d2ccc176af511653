//! What a producer is made from.
use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::Value;

use super::draft::{Members, set};
use super::drain::Drainer;
use super::sender::Sender;
use super::{Fallback, Producer, ProducerLimits};
use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::fallback::{FallbackLog, FallbackOptions};
use crate::metrics::Metrics;
use crate::registry::EventRegistry;

/// Settings of a producer in the making.
pub struct ProducerBuilder<R> {
    kafka: KafkaConfig,
    limits: ProducerLimits,
    metrics: Option<Metrics>,
    members: Members,
    fallback: Option<FallbackOptions>,
    registry: PhantomData<fn() -> R>,
}

impl<R: EventRegistry> ProducerBuilder<R> {
    pub(super) fn new(kafka: &KafkaConfig) -> Self {
        Self {
            kafka: kafka.clone(),
            limits: ProducerLimits::default(),
            metrics: None,
            members: Members::new(),
            fallback: None,
            registry: PhantomData,
        }
    }

    /// Timeouts and sizes.
    #[must_use]
    pub fn limits(mut self, limits: ProducerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Collectors that are served elsewhere; without this they are its own.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Sets an envelope member of every event that does not set it itself: who sends, from where.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        set(&mut self.members, member.into(), value.into());
        self
    }

    /// Keeps events on the local disk while Kafka does not take them.
    #[must_use]
    pub fn fallback(mut self, options: FallbackOptions) -> Self {
        self.fallback = Some(options);
        self
    }

    /// The producer; connects in the background. With a fallback log, inside a Tokio runtime: what an earlier process
    /// left in the log begins to drain.
    ///
    /// # Errors
    /// The Kafka settings are not usable, or another process has the fallback log's folder.
    pub fn build(self) -> Result<Producer<R>> {
        let metrics = match self.metrics {
            Some(metrics) => metrics,
            None => Metrics::new()
                .map_err(|error| Error::bug("cannot register the metrics").why(error))?,
        };
        let client_id = format!("{}-producer", R::PROJECT.name);
        let has_fallback = self.fallback.is_some();
        let sender = Sender::new(&self.kafka, &client_id, self.limits, metrics, has_fallback)?;
        let sender = Arc::new(sender);
        let fallback = match &self.fallback {
            None => None,
            Some(options) => {
                let (log, _) = FallbackLog::open(options)?;
                let log = Arc::new(log);
                if log.waiting() > 0 {
                    sender.divert(|| ());
                }
                let drainer = Drainer::start(Arc::clone(&sender), Arc::clone(&log))?;
                Some(Arc::new(Fallback { log, drainer }))
            }
        };
        Ok(Producer {
            sender,
            fallback,
            members: Arc::new(self.members),
            registry: PhantomData,
        })
    }
}
