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
    /// What was left out because the dead letter topic does not take so much, with its size.
    pub const CUT: &str = "topicwright-cut";
    /// On a replayed record: the letter that it was, `topic/partition@offset`.
    pub const REPLAY_OF: &str = "topicwright-replay-of";
    /// On a replayed record: how many times it has been replayed, this time included.
    pub const REPLAY_ATTEMPT: &str = "topicwright-replay-attempt";
    /// On a mark in a dead letter topic, which has no value: the letter that was replayed.
    pub const REPLAYED: &str = "topicwright-replayed";
}

/// Largest record that a producer here hands to Kafka, before compression; brokers limit what comes after it.
/// It is what librdkafka's consumers take at most in one answer.
pub(crate) const MOST_BYTES: &str = "100000000";

/// Brokers measure batches: small ones keep small records from being refused together for their sum.
pub(crate) const SMALL_BATCH_BYTES: &str = "16384";

/// Kafka's own limit is about 1 MB; a letter that the topic refuses is first cut to this.
const FIRST_CUT_BYTES: usize = 900_000;

/// Below this nothing would be left of a record.
const SMALLEST_CUT_BYTES: usize = 1_000;

/// Pointers hold names that the sender chose, so they may be as long as the record.
const LONGEST_TEXT_CHARS: usize = 500;

/// How long librdkafka itself tries before it reports a record as failed; the caller tries again.
const DELIVERY_TIMEOUT_MS: &str = "30000";

/// Sends dead letters.
#[derive(Clone)]
pub struct DeadLetters {
    producer: FutureProducer<LogContext>,
}

impl DeadLetters {
    /// A producer.
    ///
    /// # Errors
    /// The client cannot be set up.
    pub fn new(kafka: &KafkaConfig) -> Result<Self> {
        let producer = kafka
            .client()
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("delivery.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("message.max.bytes", MOST_BYTES)
            .set("batch.size", SMALL_BATCH_BYTES)
            .create_with_context(LogContext)
            .map_err(|error| super::error("cannot set up the dead letter producer", &error))?;
        Ok(Self { producer })
    }

    /// Sends one record and waits until Kafka has it. What is larger than the topic takes is cut, and says so:
    /// a letter that never arrives would stop everybody.
    ///
    /// # Errors
    /// Kafka did not take it; [`crate::error::Error::retryable`] tells whether to try again.
    pub(crate) async fn send(&self, letter: &DeadLetter) -> Result<()> {
        let mut sent = self.produce(&Parts::whole(letter), letter).await;
        let mut most = FIRST_CUT_BYTES;
        while sent.as_ref().is_err_and(is_too_large) && most >= SMALLEST_CUT_BYTES {
            sent = self.produce(&Parts::cut(letter, most), letter).await;
            most /= 2;
        }
        sent.map_err(|error| {
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
        parts: &Parts<'_>,
        letter: &DeadLetter,
    ) -> std::result::Result<(), KafkaError> {
        let mut headers = OwnedHeaders::new();
        for (name, value) in parts.headers {
            headers = headers.insert(Header {
                key: name,
                value: value.as_ref(),
            });
        }
        let cut = parts.cut.as_ref();
        let cut = cut.map(|left_out| (header::CUT, left_out.clone()));
        for (name, value) in described(letter).into_iter().chain(cut) {
            headers = headers.insert(Header {
                key: name,
                value: Some(&value),
            });
        }
        let mut record = FutureRecord::<[u8], [u8]>::to(letter.dlq).headers(headers);
        if let Some(key) = parts.key {
            record = record.key(key);
        }
        if let Some(value) = parts.value {
            record = record.payload(value);
        }
        self.producer
            .send(record, Timeout::After(Duration::from_secs(60)))
            .await
            .map(drop)
            .map_err(|(error, _)| error)
    }
}

fn is_too_large(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge)
    )
}

/// What a letter carries of its record.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'l> {
    key: Option<&'l [u8]>,
    value: Option<&'l [u8]>,
    headers: &'l [(String, Option<Vec<u8>>)],
    /// What is left out.
    cut: Option<String>,
}

impl<'l> Parts<'l> {
    fn whole(letter: &'l DeadLetter) -> Self {
        Self {
            key: letter.key.as_deref(),
            value: letter.value.as_deref(),
            headers: &letter.headers,
            cut: None,
        }
    }

    /// At most so many bytes: the key while it takes no more than a quarter, the first headers up to another
    /// quarter, and the beginning of the value.
    fn cut(letter: &'l DeadLetter, most: usize) -> Self {
        let mut left = most;
        let mut left_out = Vec::new();
        let key = letter.key.as_deref().filter(|key| key.len() <= most / 4);
        if let (None, Some(key)) = (key, &letter.key) {
            left_out.push(format!("key of {} bytes", key.len()));
        }
        left -= key.map_or(0, <[u8]>::len);
        let mut header_bytes = 0;
        let fits = |(name, value): &&(String, Option<Vec<u8>>)| {
            header_bytes += name.len() + value.as_ref().map_or(0, Vec::len) + 16;
            header_bytes <= most / 4
        };
        let kept = letter.headers.iter().take_while(fits).count();
        if kept < letter.headers.len() {
            let all = letter.headers.len();
            left_out.push(format!("{} of {all} headers", all - kept));
        }
        left -= header_bytes.min(most / 4);
        let value = letter.value.as_deref();
        let kept_value = value.map(|value| &value[..value.len().min(left)]);
        if let Some(value) = value.filter(|value| value.len() > left) {
            left_out.push(format!("value of {} bytes after {left}", value.len()));
        }
        Self {
            key,
            value: kept_value,
            headers: &letter.headers[..kept],
            cut: (!left_out.is_empty()).then(|| left_out.join(", ")),
        }
    }
}

fn described(letter: &DeadLetter) -> Vec<(&'static str, String)> {
    let rejection = &letter.rejection;
    let mut headers = vec![
        (header::REASON, rejection.reason.code().to_owned()),
        (header::DETAIL, shortened(&rejection.detail)),
        (header::POINTER, shortened(&rejection.pointer)),
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

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::reason::{Reason, Rejection};

    fn letter(key: usize, value: usize, headers: usize) -> DeadLetter {
        DeadLetter {
            topic: "a",
            dlq: "a.dlq",
            partition: 0,
            offset: 1,
            time: None,
            key: Some(vec![b'k'; key]),
            value: Some(vec![b'v'; value]),
            headers: vec![("h".to_owned(), Some(vec![b'h'; 83])); headers],
            rejection: Rejection::new(Reason::NotJson, "é".repeat(600)),
        }
    }

    #[test]
    fn a_cut_keeps_the_key_and_says_what_is_gone() {
        let value = letter(10, 5000, 1);
        let parts = Parts::cut(&value, 1000);
        assert_eq!(parts.value.map(<[u8]>::len), Some(890));
        assert_eq!(
            (parts.key.map(<[u8]>::len), parts.headers.len()),
            (Some(10), 1)
        );
        assert_eq!(parts.cut.as_deref(), Some("value of 5000 bytes after 890"));

        let all = letter(300, 5000, 90);
        let parts = Parts::cut(&all, 1000);
        assert_eq!((parts.key, parts.headers.len()), (None, 2));
        assert_eq!(
            parts.cut.as_deref(),
            Some("key of 300 bytes, 88 of 90 headers, value of 5000 bytes after 750")
        );
        assert_eq!(Parts::cut(&letter(1, 2, 2), 1000).cut, None);
    }

    #[test]
    fn texts_in_headers_are_short() {
        let headers = described(&letter(1, 1, 0));
        let (_, detail) = &headers[1];
        assert_eq!(detail.chars().count(), LONGEST_TEXT_CHARS + 1);
    }
}
