//! `mission.claim` version 1.
//!
//! A player took the reward of a mission.
//!
//! Made from `schema_registry/topics/mission.claim/v1.json` (c7f8dbf36ccf) by `topicwright generate`; do not edit.
use crate::fact::Block;
use serde::{Deserialize, Serialize};
use topicwright_runtime::check::{self, At, Check, Violation};
use topicwright_runtime::json::{Json, Kind, Number};
use topicwright_runtime::registry::{Payload, Row};
use topicwright_runtime::row;

/// A player took the reward of a mission.
///
/// Source: `topics/mission.claim/v1.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct MissionClaim {
    /// Gold in the wallet after the claim.
    ///
    /// Source: `topics/mission.claim/v1.json#/properties/balance`
    pub balance: u64,
    /// The mission.
    ///
    /// Source: `topics/mission.claim/v1.json#/properties/mission_id`
    pub mission_id: u64,
    /// Version of the player's progress with the claim in it.
    ///
    /// Source: `topics/mission.claim/v1.json#/properties/progress_version`
    pub progress_version: u64,
    /// What the player was given.
    ///
    /// Source: `topics/mission.claim/v1.json#/properties/reward_items`
    pub reward_items: Vec<RewardItem>,
    /// Player; the same as in the envelope.
    ///
    /// Source: `topics/mission.claim/v1.json#/properties/user_id`
    pub user_id: u64,
}

/// One thing a player is given.
///
/// Source: `common/reward_item.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct RewardItem {
    /// How much or how many.
    ///
    /// Source: `common/reward_item.json#/properties/amount`
    pub amount: u64,
    /// Which item, where the kind is item.
    ///
    /// Source: `common/reward_item.json#/properties/item_id`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_id: Option<u64>,
    /// Kind of reward.
    ///
    /// Source: `common/reward_item.json#/properties/type`
    #[serde(rename = "type")]
    pub type_: RewardItemType,
}

/// Kind of reward.
///
/// Source: `common/reward_item.json#/properties/type`
#[derive(
    Deserialize,
    Serialize,
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd
)]
pub enum RewardItemType {
    /// `gold`
    #[serde(rename = "gold")]
    Gold,
    /// `item`
    #[serde(rename = "item")]
    Item,
    /// `energy`
    #[serde(rename = "energy")]
    Energy,
    /// `experience`
    #[serde(rename = "experience")]
    Experience,
}

impl std::fmt::Display for RewardItemType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Gold => f.write_str("gold"),
            Self::Item => f.write_str("item"),
            Self::Energy => f.write_str("energy"),
            Self::Experience => f.write_str("experience"),
        }
    }
}

impl Payload for MissionClaim {
    const TOPIC: &'static str = "mission.claim";
    const VERSION: u32 = 1;
    const CHECK: Check = check;
}

/// Appends the record key.
pub(crate) fn key(event: Json<'_>, out: &mut Vec<u8>) -> bool {
    row::append_key(event.at(&["payload", "mission_id"]), out)
}

/// Appends the deduplication key; the pointer of a missing part as error.
pub(crate) fn dedupe_key(event: Json<'_>, out: &mut String) -> Result<(), &'static str> {
    if !row::append_scalar(event.get("event_type"), out) {
        return Err("/event_type");
    }
    out.push_str(":");
    if !row::append_scalar(event.get("user_id"), out) {
        return Err("/user_id");
    }
    out.push_str(":");
    if !row::append_scalar(event.at(&["payload", "mission_id"]), out) {
        return Err("/payload/mission_id");
    }
    out.push_str(":");
    if !row::append_scalar(event.at(&["payload", "progress_version"]), out) {
        return Err("/payload/progress_version");
    }
    Ok(())
}

/// Appends what makes the event one beside topic and deduplication key: record key and sorting columns.
pub(crate) fn identify(row: &Row<'_>, out: &mut Vec<u8>) {
    row::identify_key(row.event.at(&["payload", "mission_id"]), out);
    row::identify(&row::unsigned::<u64>(row.event.get("user_id")), out);
}

/// Writes a checked event into the fact table's columns.
pub(crate) fn write(row: &Row<'_>, block: &mut Block) -> Result<(), Violation> {
    block.ts.push(row.timestamp);
    block.event_type.push("mission.claim");
    block.schema_version.push(u16::try_from(row.schema_version).unwrap_or(u16::MAX));
    block.user_id.push(row::unsigned::<u64>(row.event.get("user_id")));
    block.entity_id.push(row::unsigned::<u64>(row.payload.get("mission_id")));
    block.session_id.push("");
    block
        .progress_version
        .push(row::unsigned::<u32>(row.payload.get("progress_version")));
    block.delta_gold.push(0);
    block.balance_after.push(row::signed::<i64>(row.payload.get("balance")));
    block.price_cents.push(0);
    block.product_id.push(0);
    block.action.push("");
    block.status.push("");
    block.source_type.push("");
    block.game_type.push("");
    block.platform.push("");
    block
        .user_hash
        .push(row.keyed_hash(&row::unsigned::<u64>(row.event.get("user_id"))));
    block.payload_json.push(row.payload);
    block.dedupe_key.push(row.dedupe_key);
    block.event_key.push(row.event_key);
    block.received_at.push(row.received_at);
    block.kafka_topic.push(row.topic);
    block.kafka_partition.push(row.partition);
    block.kafka_offset.push(row.offset);
    Ok(())
}

/// `topics/mission.claim/v1.json#`
fn check(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "mission_id" => {
                seen |= 2;
                check_ids_mission_id(member, at.member(name))?;
            }
            "user_id" => {
                seen |= 16;
                check_ids_user_id(member, at.member(name))?;
            }
            "reward_items" => {
                seen |= 8;
                check_reward_items(member, at.member(name))?;
            }
            "progress_version" => {
                seen |= 4;
                check_progress_version(member, at.member(name))?;
            }
            "balance" => {
                seen |= 1;
                check_money_balance(member, at.member(name))?;
            }
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `balance`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `mission_id`");
    }
    if seen & 4 == 0 {
        return at.reject("required", "the member `progress_version`");
    }
    if seen & 8 == 0 {
        return at.reject("required", "the member `reward_items`");
    }
    if seen & 16 == 0 {
        return at.reject("required", "the member `user_id`");
    }
    Ok(())
}

/// `topics/mission.claim/v1.json#/properties/reward_items`
fn check_reward_items(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Array) {
        return at.reject("type", "an array");
    }
    if value.len() < 1 {
        return at.reject("minItems", "at least 1 item");
    }
    if value.len() > 64 {
        return at.reject("maxItems", "at most 64 items");
    }
    for (index, item) in value.items().enumerate() {
        check_reward_item(item, at.item(index))?;
    }
    Ok(())
}

/// `common/money.json#/$defs/balance`
fn check_money_balance(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(0)).is_lt() {
        return at.reject("minimum", "at least 0");
    }
    if check::compare(number, Number::Signed(1000000000000)).is_gt() {
        return at.reject("maximum", "at most 1000000000000");
    }
    Ok(())
}

/// `common/progress_version.json#`
fn check_progress_version(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(0)).is_lt() {
        return at.reject("minimum", "at least 0");
    }
    if check::compare(number, Number::Signed(4294967295)).is_gt() {
        return at.reject("maximum", "at most 4294967295");
    }
    Ok(())
}

/// `common/reward_item.json#`
fn check_reward_item(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "type" => {
                seen |= 2;
                check_reward_item_type(member, at.member(name))?;
            }
            "amount" => {
                seen |= 1;
                check_reward_item_amount(member, at.member(name))?;
            }
            "item_id" => check_reward_item_item_id(member, at.member(name))?,
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `amount`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `type`");
    }
    Ok(())
}

/// `common/reward_item.json#/properties/type`
fn check_reward_item_type(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::String(_)) {
        return at.reject("type", "a string");
    }
    if !matches!(value.as_str(), Some("gold" | "item" | "energy" | "experience")) {
        return at
            .reject("enum", "one of \"gold\", \"item\", \"energy\", \"experience\"");
    }
    Ok(())
}

/// `common/reward_item.json#/properties/amount`
fn check_reward_item_amount(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(1)).is_lt() {
        return at.reject("minimum", "at least 1");
    }
    if check::compare(number, Number::Signed(1000000000)).is_gt() {
        return at.reject("maximum", "at most 1000000000");
    }
    Ok(())
}

/// `common/reward_item.json#/properties/item_id`
fn check_reward_item_item_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(1)).is_lt() {
        return at.reject("minimum", "at least 1");
    }
    if check::compare(number, Number::Signed(9007199254740991)).is_gt() {
        return at.reject("maximum", "at most 9007199254740991");
    }
    Ok(())
}

/// `common/ids.json#/$defs/user_id`
fn check_ids_user_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(1)).is_lt() {
        return at.reject("minimum", "at least 1");
    }
    if check::compare(number, Number::Signed(9007199254740991)).is_gt() {
        return at.reject("maximum", "at most 9007199254740991");
    }
    Ok(())
}

/// `common/ids.json#/$defs/mission_id`
fn check_ids_mission_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(1)).is_lt() {
        return at.reject("minimum", "at least 1");
    }
    if check::compare(number, Number::Signed(9007199254740991)).is_gt() {
        return at.reject("maximum", "at most 9007199254740991");
    }
    Ok(())
}
