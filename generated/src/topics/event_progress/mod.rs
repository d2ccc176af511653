//! Topic `event.progress`: A player comes further in a time-limited in-game event.
//!
//! Made from `schema_registry/topics/event.progress/topic.toml` (5db9c7609933) by `topicwright generate`; do not edit.
pub mod v1;

use topicwright_runtime::json::Json;
use topicwright_runtime::registry::ReadError;

/// An event of `event.progress`, in the version it was written in.
#[derive(Clone, Debug, PartialEq)]
pub enum EventProgress {
    /// Version 1.
    V1(v1::EventProgress),
}

impl EventProgress {
    /// Topic.
    pub const TOPIC: &'static str = "event.progress";

    /// Checks a payload and builds its typed value.
    ///
    /// # Errors
    /// The version is unknown, or its schema rejects the payload.
    pub fn read(version: u32, payload: Json<'_>) -> Result<Self, ReadError> {
        match version {
            1 => topicwright_runtime::registry::read(payload).map(Self::V1),
            _ => {
                Err(ReadError::UnknownVersion {
                    topic: Self::TOPIC,
                    version,
                })
            }
        }
    }
}
