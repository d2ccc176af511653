//! Topic `game.session`: A play session starts or ends.
//!
//! Made from `schema_registry/topics/game.session/topic.toml` (6cf90fe77954) by `topicwright generate`; do not edit.
pub mod v1;
pub mod v2;

use topicwright_runtime::json::Json;
use topicwright_runtime::registry::ReadError;

/// An event of `game.session`, in the version it was written in.
#[derive(Clone, Debug, PartialEq)]
pub enum GameSession {
    /// Version 1.
    V1(v1::GameSession),
    /// Version 2.
    V2(v2::GameSession),
}

impl GameSession {
    /// Topic.
    pub const TOPIC: &'static str = "game.session";

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
    pub fn upcast(self) -> v2::GameSession {
        match self {
            Self::V1(event) => v2::GameSession::from(event),
            Self::V2(event) => event,
        }
    }
}
