//! A record of a dead letter topic, read back: a letter, the mark that one was replayed, or what others put there.
use std::fmt;
use std::hash::Hasher as _;

use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::kafka::dlq::header;

/// Reason of records that no worker wrote.
pub const FOREIGN: &str = "foreign";

/// Where a record stood in its source topic. Two letters with one source are one letter, written twice because a
/// worker died between the letter and its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Kafka timestamp in milliseconds: a topic that was made again has other records at the same offsets.
    pub time: Option<i64>,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}/{}@{}",
            self.topic, self.partition, self.offset
        )
    }
}

impl Source {
    /// A hash that stands for it where many are remembered.
    #[must_use]
    pub(super) fn identity(&self) -> u128 {
        let mut hasher = SipHasher13::new();
        hasher.write(self.topic.as_bytes());
        hasher.write_u8(0);
        hasher.write_i32(self.partition);
        hasher.write_i64(self.offset);
        hasher.write_i64(self.time.unwrap_or(-1));
        hasher.finish128().as_u128()
    }
}

/// Headers as they stand in a record.
pub type RecordHeaders = Vec<(String, Option<Vec<u8>>)>;

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Dead letter topic.
    pub dlq: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// When it was written, in milliseconds since the epoch.
    pub written_at: Option<i64>,
    /// Where the record came from; none where no worker wrote the letter.
    pub source: Option<Source>,
    /// Reason code.
    pub reason: String,
    /// JSON pointer into the event.
    pub pointer: String,
    /// The reason in words.
    pub detail: String,
    /// Schema version of the event.
    pub schema_version: Option<u32>,
    /// ClickHouse's error code.
    pub clickhouse_code: Option<u16>,
    /// What was left out because the dead letter topic does not take so much.
    pub cut: Option<String>,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value.
    pub value: Option<Vec<u8>>,
    /// The record's own headers.
    pub headers: RecordHeaders,
}

impl Letter {
    /// The time that filters look at: the source record's, else the letter's own.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        let source = self.source.as_ref();
        source.and_then(|source| source.time).or(self.written_at)
    }

    /// The topic that it is counted under.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.source
            .as_ref()
            .map_or(&self.dlq, |source| &source.topic)
    }

    /// How often the record had been replayed before it became this letter.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        text_of(&self.headers, header::REPLAY_ATTEMPT)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    pub(super) fn identity(&self) -> u128 {
        match &self.source {
            Some(source) => source.identity(),
            None => Source {
                topic: self.dlq.clone(),
                partition: self.partition,
                offset: self.offset,
                time: self.written_at,
            }
            .identity(),
        }
    }
}

/// What a record of a dead letter topic is.
pub(super) enum Entry {
    Letter(Box<Letter>),
    /// The letter of this source was replayed.
    Replayed(Source),
}

/// Reads a record of a dead letter topic.
pub(super) fn entry(message: &BorrowedMessage<'_>) -> Entry {
    let mut headers: RecordHeaders = message.headers().map_or_else(RecordHeaders::new, |found| {
        found
            .iter()
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect()
    });
    // The worker's headers stand after the record's own, whose names may be the same.
    let own = headers.iter().rposition(|(name, _)| name == header::REASON);
    let described = match own {
        Some(place) => headers.split_off(place),
        None => match source(&headers) {
            Some(source) if text_of(&headers, header::REPLAYED).is_some() => {
                return Entry::Replayed(source);
            }
            _ => Vec::new(),
        },
    };
    let text = |name| text_of(&described, name).unwrap_or_default().to_owned();
    let source = source(&described);
    Entry::Letter(Box::new(Letter {
        dlq: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        written_at: message.timestamp().to_millis(),
        reason: match source {
            Some(_) => text(header::REASON),
            None => FOREIGN.to_owned(),
        },
        source,
        pointer: text(header::POINTER),
        detail: text(header::DETAIL),
        schema_version: number(&described, header::SCHEMA_VERSION),
        clickhouse_code: number(&described, header::CLICKHOUSE_CODE),
        cut: text_of(&described, header::CUT).map(str::to_owned),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }))
}

fn source(headers: &RecordHeaders) -> Option<Source> {
    Some(Source {
        topic: text_of(headers, header::SOURCE_TOPIC)?.to_owned(),
        partition: number(headers, header::SOURCE_PARTITION)?,
        offset: number(headers, header::SOURCE_OFFSET)?,
        time: number(headers, header::SOURCE_TIMESTAMP),
    })
}

fn text_of<'h>(headers: &'h RecordHeaders, name: &str) -> Option<&'h str> {
    let (_, value) = headers.iter().rfind(|(found, _)| found == name)?;
    std::str::from_utf8(value.as_deref()?).ok()
}

fn number<N: std::str::FromStr>(headers: &RecordHeaders, name: &str) -> Option<N> {
    text_of(headers, name)?.parse().ok()
}
