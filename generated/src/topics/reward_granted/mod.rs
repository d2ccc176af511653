//! Topic `reward.granted`: A player's gold changes outside the shop: a reward, or a correction by support.
//!
//! Made from `schema_registry/topics/reward.granted/topic.toml` (31730ce37678) by `topicwright generate`; do not edit.
pub mod v1;

use topicwright_runtime::json::Json;
use topicwright_runtime::registry::ReadError;

/// An event of `reward.granted`, in the version it was written in.
#[derive(Clone, Debug, PartialEq)]
pub enum RewardGranted {
    /// Version 1.
    V1(v1::RewardGranted),
}

impl RewardGranted {
    /// Topic.
    pub const TOPIC: &'static str = "reward.granted";

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
