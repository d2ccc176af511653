//! A record as Kafka has it, whoever fetched it.
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use crate::kafka::fetch::Run;

/// A record.
#[derive(Clone, Copy)]
pub(crate) enum Record<'r> {
    /// Of librdkafka.
    Message(&'r BorrowedMessage<'r>),
    /// Of a run, by its position there.
    OfRun(&'r Run, usize),
}

impl<'r> Record<'r> {
    pub(crate) fn topic(self) -> &'r str {
        match self {
            Self::Message(message) => message.topic(),
            Self::OfRun(run, _) => &run.topic,
        }
    }

    pub(crate) fn partition(self) -> i32 {
        match self {
            Self::Message(message) => message.partition(),
            Self::OfRun(run, _) => run.partition,
        }
    }

    pub(crate) fn offset(self) -> i64 {
        match self {
            Self::Message(message) => message.offset(),
            Self::OfRun(run, index) => run.at(index).map_or(0, |(offset, _)| offset),
        }
    }

    /// Milliseconds since the epoch.
    pub(crate) fn time(self) -> Option<i64> {
        match self {
            Self::Message(message) => message.timestamp().to_millis(),
            Self::OfRun(run, index) => run.at(index).and_then(|(_, time)| time),
        }
    }

    pub(crate) fn key(self) -> Option<&'r [u8]> {
        match self {
            Self::Message(message) => message.key(),
            Self::OfRun(run, index) => run.key(index),
        }
    }

    pub(crate) fn value(self) -> Option<&'r [u8]> {
        match self {
            Self::Message(message) => message.payload(),
            Self::OfRun(run, index) => run.value(index),
        }
    }

    /// Names and values, in order.
    pub(crate) fn headers(self) -> Vec<(String, Option<Vec<u8>>)> {
        match self {
            Self::Message(message) => message.headers().map_or_else(Vec::new, |headers| {
                let owned = headers
                    .iter()
                    .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
                owned.collect()
            }),
            Self::OfRun(run, index) => run.headers(index),
        }
    }
}
