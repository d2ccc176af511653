//! Topic `event.claim`: A player takes the reward of an in-game event. The gold itself arrives as reward.granted.
//!
//! Made from `schema_registry/topics/event.claim/topic.toml` (33bdd83203ce) by `topicwright generate`; do not edit.
pub mod v1;

use topicwright_runtime::json::Json;
use topicwright_runtime::registry::ReadError;

/// An event of `event.claim`, in the version it was written in.
#[derive(Clone, Debug, PartialEq)]
pub enum EventClaim {
    /// Version 1.
    V1(v1::EventClaim),
}

impl EventClaim {
    /// Topic.
    pub const TOPIC: &'static str = "event.claim";

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
