//! Kafka: topics, the consumer of the group, the producer of dead letters.
//!
//! Everything goes through librdkafka. Its log lines become `tracing` events of target `kafka`;
//! its errors become [`Error`] by their numeric code.
pub(crate) mod consumer;
pub mod dlq;
pub(crate) mod fetch;
mod positions;
pub mod topics;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

pub use topics::{CreateOptions, TopicOutcome, TopicSpec, create_topics, topic_specs};

use crate::error::{Error, Kind};

/// Turns librdkafka's log lines and background errors into `tracing` events.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogContext;

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

pub(crate) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::info!(target: "kafka", facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "kafka", facility, "{message}");
        }
    }
}

/// A broker that is away is reported by every attempt to reach it, many times a second.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(10);

pub(crate) fn log_error(error: &KafkaError, reason: &str) {
    static LAST: Mutex<BTreeMap<i32, Instant>> = Mutex::new(BTreeMap::new());
    if is_due(&LAST, error.rdkafka_error_code(), Instant::now()) {
        tracing::warn!(target: "kafka", "{error}: {reason}");
    } else {
        tracing::debug!(target: "kafka", "{error}: {reason}");
    }
}

/// Whether an error was not said a short while ago; it then counts as said.
fn is_due(last: &Mutex<BTreeMap<i32, Instant>>, code: Option<Code>, now: Instant) -> bool {
    let Some(code) = code else { return true };
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let said = last.get(&(code as i32));
    let is_due = said.is_none_or(|said| now.duration_since(*said) >= SAID_AGAIN_AFTER);
    if is_due {
        last.insert(code as i32, now);
    }
    is_due
}

/// What a librdkafka error means here: who must act, and whether to try again.
#[must_use]
pub fn error(what: impl Into<String>, error: &KafkaError) -> Error {
    let code = error.rdkafka_error_code();
    let (kind, retryable, fix) = match code {
        Some(
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::QueueFull
            | Code::WaitingForCoordinator
            | Code::RequestTimedOut
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::NetworkException
            | Code::RebalanceInProgress
            | Code::KafkaStorageError
            | Code::NoOffset,
        ) => (
            Kind::Service,
            true,
            Some("check that the brokers run and that --kafka (KAFKA_BROKERS) names them"),
        ),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => (
            Kind::Config,
            true,
            Some("create the topics with `pipeline apply`"),
        ),
        Some(
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::SSL,
        ) => (
            Kind::Config,
            false,
            Some("check TLS and SASL settings in --kafka-config (KAFKA_CONFIG)"),
        ),
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed,
        ) => (
            Kind::Config,
            false,
            Some("grant the user access to the topics and the group"),
        ),
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => (
            Kind::Record,
            false,
            Some("make the message smaller, or raise max.message.bytes of the topic"),
        ),
        Some(_) | None => match error {
            KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) => (
                Kind::Config,
                false,
                Some("check --kafka and --kafka-config"),
            ),
            _ => (Kind::Service, false, None),
        },
    };
    let mut mapped = Error::service(what).why(error);
    mapped.kind = kind;
    mapped.retryable = retryable;
    mapped.fix = fix.map(str::to_owned);
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_said_once_in_a_while() {
        let last = Mutex::default();
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        assert!(is_due(&last, Some(Code::AllBrokersDown), start));
        assert!(!is_due(&last, Some(Code::AllBrokersDown), later(9)));
        assert!(is_due(&last, Some(Code::Resolve), later(9)));
        assert!(is_due(&last, Some(Code::AllBrokersDown), later(10)));
        assert!(!is_due(&last, Some(Code::AllBrokersDown), later(11)));
        assert!(is_due(&last, None, later(11)));
    }
}
