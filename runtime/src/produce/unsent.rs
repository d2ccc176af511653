//! What an emitter gets back where an event is not durable: why, and the finished record to try again with.
use std::fmt;
use std::ops::Deref;

use super::OutgoingRecord;
use crate::error::Error;

/// An event that is not known to be durable.
///
/// Where Kafka's answer was lost it may be there all the same. Sent again *as it is*, with
/// [`super::Producer::send`], it is a copy that counts once; made anew from its payload it would have another time and
/// id, and where its key holds the time it would be another event.
///
/// ```no_run
/// # use topicwright_runtime::produce::{Durable, Draft, Producer};
/// # use topicwright_runtime::registry::EventRegistry;
/// # async fn keep_trying<R: EventRegistry>(producer: &Producer<R>, draft: Draft) -> topicwright_runtime::error::Result<Durable> {
/// match producer.emit(draft).await {
///     Ok(durable) => Ok(durable),
///     Err(unsent) if unsent.retryable => match &unsent.record {
///         Some(record) => producer.send(record).await,
///         None => Err(unsent.error),
///     },
///     Err(unsent) => Err(unsent.error),
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Unsent {
    /// Why.
    pub error: Error,
    /// The record, with its time, id and key; none where a schema rejects the event.
    pub record: Option<Box<OutgoingRecord>>,
}

impl Unsent {
    /// An event that never became a record.
    pub(super) const fn rejected(error: Error) -> Self {
        Self {
            error,
            record: None,
        }
    }

    /// A record that was not acknowledged.
    pub(super) fn of(record: OutgoingRecord, error: Error) -> Self {
        Self {
            error,
            record: Some(Box::new(record)),
        }
    }
}

impl From<Unsent> for Error {
    fn from(unsent: Unsent) -> Self {
        unsent.error
    }
}

impl Deref for Unsent {
    type Target = Error;

    fn deref(&self) -> &Error {
        &self.error
    }
}

/// As the error; the record may hold what is personal.
impl fmt::Debug for Unsent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, formatter)
    }
}

impl fmt::Display for Unsent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, formatter)
    }
}

impl std::error::Error for Unsent {}
