//! Every topic's types, and the enum over them.
//!
//! Made by `topicwright generate`; do not edit.
pub mod auth_events;
pub mod event_claim;
pub mod event_progress;
pub mod game_session;
pub mod mission_claim;
pub mod mission_progress;
pub mod reward_granted;
pub mod shop_purchase;

use topicwright_runtime::json::Json;
use topicwright_runtime::registry::ReadError;

pub use auth_events::AuthEvents;
pub use event_claim::EventClaim;
pub use event_progress::EventProgress;
pub use game_session::GameSession;
pub use mission_claim::MissionClaim;
pub use mission_progress::MissionProgress;
pub use reward_granted::RewardGranted;
pub use shop_purchase::ShopPurchase;

/// Any event of the registry.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `auth.events`: A player signs up, logs in or logs out.
    AuthEvents(AuthEvents),
    /// `event.claim`: A player takes the reward of an in-game event.
    EventClaim(EventClaim),
    /// `event.progress`: A player comes further in a time-limited in-game event.
    EventProgress(EventProgress),
    /// `game.session`: A play session starts or ends.
    GameSession(GameSession),
    /// `mission.claim`: A player takes the reward of a mission.
    MissionClaim(MissionClaim),
    /// `mission.progress`: A player comes further in a mission.
    MissionProgress(MissionProgress),
    /// `reward.granted`: A player's gold changes outside the shop: a reward, or a correction by support.
    RewardGranted(RewardGranted),
    /// `shop.purchase`: A purchase for money and every change of its status.
    ShopPurchase(ShopPurchase),
}

impl Event {
    /// Checks a payload and builds its typed value.
    ///
    /// # Errors
    /// Topic or version is unknown, or the schema rejects the payload.
    pub fn read(
        topic: &str,
        version: u32,
        payload: Json<'_>,
    ) -> Result<Self, ReadError> {
        match topic {
            "auth.events" => AuthEvents::read(version, payload).map(Self::AuthEvents),
            "event.claim" => EventClaim::read(version, payload).map(Self::EventClaim),
            "event.progress" => {
                EventProgress::read(version, payload).map(Self::EventProgress)
            }
            "game.session" => GameSession::read(version, payload).map(Self::GameSession),
            "mission.claim" => {
                MissionClaim::read(version, payload).map(Self::MissionClaim)
            }
            "mission.progress" => {
                MissionProgress::read(version, payload).map(Self::MissionProgress)
            }
            "reward.granted" => {
                RewardGranted::read(version, payload).map(Self::RewardGranted)
            }
            "shop.purchase" => {
                ShopPurchase::read(version, payload).map(Self::ShopPurchase)
            }
            _ => Err(ReadError::UnknownTopic(topic.to_owned())),
        }
    }
}
