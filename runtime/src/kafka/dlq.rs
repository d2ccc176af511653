//! The producer of dead letters: original key, value and headers, and where and why in headers of their own.
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;

use super::LogContext;
use crate::config::KafkaConfig;
use crate::error::Result;
use crate::ingest::batch::DeadLetter;

/// Names of the headers that a dead letter carries beside the record's own. Values are text.
pub mod header {
    /// Reason code.
    pub const REASON: &str = "topicwright-reason";
    /// The reason in words, without values.
    pub const DETAIL: &str = "topicwright-detail";
    /// JSON pointer into the event.
    pub const POINTER: &str = "topicwright-pointer";
    /// Schema version of the event.
    pub const SCHEMA_VERSION: &str = "topicwright-schema-version";
    /// ClickHouse's error code.
    pub const CLICKHOUSE_CODE: &str = "topicwright-clickhouse-code";
    /// Topic that the record came from.
    pub const SOURCE_TOPIC: &str = "topicwright-source-topic";
    /// Its partition.
    pub const SOURCE_PARTITION: &str = "topicwright-source-partition";
    /// Its offset.
    pub const SOURCE_OFFSET: &str = "topicwright-source-offset";
    /// Its Kafka timestamp, milliseconds since the epoch.
    pub const SOURCE_TIMESTAMP: &str = "topicwright-source-timestamp";
}

/// Headers may lift a record over the topic's limit; dead letter topics have room for them.
const HEADROOM_BYTES: usize = 64 * 1024;

/// How long librdkafka itself tries before it reports a record as failed; the caller tries again.
const DELIVERY_TIMEOUT_MS: &str = "30000";

/// Sends dead letters.
#[derive(Clone)]
pub struct DeadLetters {
    producer: FutureProducer<LogContext>,
}

impl DeadLetters {
    /// A producer for records of up to `max_message_bytes`.
    ///
    /// # Errors
    /// The client cannot be set up.
    pub fn new(kafka: &KafkaConfig, max_message_bytes: usize) -> Result<Self> {
        // What is over the limit comes here too, and brokers may take more than we do.
        let limit = (max_message_bytes * 2).max(1 << 20) + HEADROOM_BYTES;
        let producer = kafka
            .client()
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("delivery.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("message.max.bytes", limit.to_string())
            .create_with_context(LogContext)
            .map_err(|error| super::error("cannot set up the dead letter producer", &error))?;
        Ok(Self { producer })
    }

    /// Sends one record and waits until Kafka has it.
    ///
    /// # Errors
    /// Kafka did not take it; [`crate::error::Error::retryable`] tells whether to try again.
    pub(crate) async fn send(&self, letter: &DeadLetter) -> Result<()> {
        match self.produce(letter, letter.value.as_deref(), None).await {
            Err(KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge)) => {
                // Larger than the dead letter topic takes: keep its beginning and say so, lose the rest.
                let cut = letter
                    .value
                    .as_deref()
                    .map(|value| &value[..value.len().min(900_000)]);
                self.produce(letter, cut, letter.value.as_ref().map(Vec::len))
                    .await
            }
            sent => sent,
        }
        .map_err(|error| {
            super::error("cannot send a dead letter", &error)
                .at("topic", letter.dlq)
                .at(
                    "source",
                    format!("{}/{}@{}", letter.topic, letter.partition, letter.offset),
                )
        })
    }

    async fn produce(
        &self,
        letter: &DeadLetter,
        value: Option<&[u8]>,
        cut_from: Option<usize>,
    ) -> std::result::Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new();
        for (name, value) in &letter.headers {
            headers = headers.insert(Header {
                key: name,
                value: value.as_ref(),
            });
        }
        for (name, value) in described(letter, cut_from) {
            headers = headers.insert(Header {
                key: name,
                value: Some(&value),
            });
        }
        let mut record = FutureRecord::<[u8], [u8]>::to(letter.dlq).headers(headers);
        if let Some(key) = &letter.key {
            record = record.key(key);
        }
        if let Some(value) = value {
            record = record.payload(value);
        }
        self.producer
            .send(record, Timeout::After(Duration::from_secs(60)))
            .await
            .map(drop)
            .map_err(|(error, _)| error)
    }
}

fn described(letter: &DeadLetter, cut_from: Option<usize>) -> Vec<(&'static str, String)> {
    let rejection = &letter.rejection;
    let mut detail = rejection.detail.clone();
    if let Some(bytes) = cut_from {
        detail.push_str(&format!(" (cut: the record had {bytes} bytes)"));
    }
    let mut headers = vec![
        (header::REASON, rejection.reason.code().to_owned()),
        (header::DETAIL, detail),
        (header::POINTER, rejection.pointer.clone()),
        (header::SOURCE_TOPIC, letter.topic.to_owned()),
        (header::SOURCE_PARTITION, letter.partition.to_string()),
        (header::SOURCE_OFFSET, letter.offset.to_string()),
    ];
    headers.extend(
        letter
            .time
            .map(|time| (header::SOURCE_TIMESTAMP, time.to_string())),
    );
    headers.extend(
        rejection
            .version
            .map(|version| (header::SCHEMA_VERSION, version.to_string())),
    );
    let code = rejection.clickhouse_code;
    headers.extend(code.map(|code| (header::CLICKHOUSE_CODE, code.to_string())));
    headers
}
