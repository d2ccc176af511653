//! Topic `mission.claim`: A player takes the reward of a mission. The gold itself arrives as reward.granted.
//!
//! Made from `schema_registry/topics/mission.claim/topic.toml` (49386d1ff169) by `topicwright generate`; do not edit.
pub mod v1;

use topicwright_runtime::json::Json;
use topicwright_runtime::registry::ReadError;

/// An event of `mission.claim`, in the version it was written in.
#[derive(Clone, Debug, PartialEq)]
pub enum MissionClaim {
    /// Version 1.
    V1(v1::MissionClaim),
}

impl MissionClaim {
    /// Topic.
    pub const TOPIC: &'static str = "mission.claim";

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
