//! Why a record cannot be used: the codes in the headers of dead letters.
use crate::check::Violation;
use crate::json::DecodeError;

/// A reason code. Codes are an interface: dashboards and replays filter by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The record has no value.
    Empty,
    /// Larger than the configured limit.
    TooLarge,
    /// Not JSON, or not UTF-8.
    NotJson,
    /// A member stands twice in one object.
    DuplicateMember,
    /// Nested too deep.
    TooDeep,
    /// The envelope's schema rejects it.
    Envelope,
    /// The event belongs to another topic.
    WrongTopic,
    /// No such version of the payload's schema.
    UnknownVersion,
    /// The payload's schema rejects it.
    Payload,
    /// A part of the deduplication key is missing.
    DedupeKey,
    /// The time lies outside what the table can hold.
    Time,
    /// ClickHouse refused the row.
    Refused,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Empty,
        Self::TooLarge,
        Self::NotJson,
        Self::DuplicateMember,
        Self::TooDeep,
        Self::Envelope,
        Self::WrongTopic,
        Self::UnknownVersion,
        Self::Payload,
        Self::DedupeKey,
        Self::Time,
        Self::Refused,
    ];

    /// The code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too-large",
            Self::NotJson => "not-json",
            Self::DuplicateMember => "duplicate-member",
            Self::TooDeep => "too-deep",
            Self::Envelope => "envelope",
            Self::WrongTopic => "wrong-topic",
            Self::UnknownVersion => "unknown-version",
            Self::Payload => "payload",
            Self::DedupeKey => "dedupe-key",
            Self::Time => "time",
            Self::Refused => "refused",
        }
    }
}

/// Why and where a record is not usable. Never holds a value, which may be personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The code.
    pub reason: Reason,
    /// JSON pointer in the event, where there is one.
    pub pointer: String,
    /// In words.
    pub detail: String,
    /// The event's schema version, where it could be read.
    pub version: Option<u32>,
    /// ClickHouse's error code, where it refused the row.
    pub clickhouse_code: Option<u16>,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            pointer: String::new(),
            detail: detail.into(),
            version: None,
            clickhouse_code: None,
        }
    }

    pub(crate) fn too_large(detail: String) -> Self {
        Self::new(Reason::TooLarge, detail)
    }

    pub(crate) fn violation(reason: Reason, violation: Violation, version: Option<u32>) -> Self {
        Self {
            reason,
            detail: format!("{}: {}", violation.keyword, violation.expected),
            pointer: violation.pointer,
            version,
            clickhouse_code: None,
        }
    }
}

impl From<DecodeError> for Rejection {
    fn from(error: DecodeError) -> Self {
        match error {
            // The parser's text may quote what it read.
            DecodeError::Malformed(_) => Self::new(Reason::NotJson, "not valid JSON in UTF-8"),
            DecodeError::DuplicateKey(_) => Self::new(
                Reason::DuplicateMember,
                "a member stands twice in one object",
            ),
            DecodeError::TooDeep => Self::new(Reason::TooDeep, error.to_string()),
        }
    }
}
