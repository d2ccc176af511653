//! Topic `auth.events`: A player signs up, logs in or logs out. Who is active is counted from these events.
//!
//! Made from `schema_registry/topics/auth.events/topic.toml` (0a825f74f918) by `topicwright generate`; do not edit.
pub mod v1;
pub mod v2;

use topicwright_runtime::json::Json;
use topicwright_runtime::registry::ReadError;

/// An event of `auth.events`, in the version it was written in.
#[derive(Clone, Debug, PartialEq)]
pub enum AuthEvents {
    /// Version 1.
    V1(v1::AuthEvents),
    /// Version 2.
    V2(v2::AuthEvents),
}

impl AuthEvents {
    /// Topic.
    pub const TOPIC: &'static str = "auth.events";

    /// Checks a payload and builds its typed value.
    ///
    /// # Errors
    /// The version is unknown, or its schema rejects the payload.
    pub fn read(version: u32, payload: Json<'_>) -> Result<Self, ReadError> {
        match version {
            1 => topicwright_runtime::registry::read(payload).map(Self::V1),
            2 => topicwright_runtime::registry::read(payload).map(Self::V2),
            _ => {
                Err(ReadError::UnknownVersion {
                    topic: Self::TOPIC,
                    version,
                })
            }
        }
    }

    /// The event as the newest version writes it.
    #[must_use]
    pub fn upcast(self) -> v2::AuthEvents {
        match self {
            Self::V1(event) => v2::AuthEvents::from(event),
            Self::V2(event) => event,
        }
    }
}
