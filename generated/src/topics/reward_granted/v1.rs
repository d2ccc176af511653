//! `reward.granted` version 1.
//!
//! The wallet of a player changed outside the shop.
//!
//! Made from `schema_registry/topics/reward.granted/v1.json` (7395d64842ec) by `topicwright generate`; do not edit.
use crate::fact::Block;
use serde::{Deserialize, Serialize};
use topicwright_runtime::check::{self, At, Check, Pattern, Violation};
use topicwright_runtime::json::{Json, Kind, Number};
use topicwright_runtime::registry::{Payload, Row};
use topicwright_runtime::row;

/// The wallet of a player changed outside the shop.
///
/// Source: `topics/reward.granted/v1.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct RewardGranted {
    /// Gold in the wallet after the change.
    ///
    /// Source: `topics/reward.granted/v1.json#/properties/balance`
    pub balance: u64,
    /// Gold gained or taken.
    ///
    /// Source: `topics/reward.granted/v1.json#/properties/delta_gold`
    pub delta_gold: i64,
    /// Why, as a short code.
    ///
    /// Source: `topics/reward.granted/v1.json#/properties/reason`
    pub reason: String,
    /// The claim, session or support case behind the change; unique within its source type.
    ///
    /// Source: `topics/reward.granted/v1.json#/properties/source_id`
    pub source_id: u64,
    /// What caused the change.
    ///
    /// Source: `topics/reward.granted/v1.json#/properties/source_type`
    pub source_type: RewardGrantedSourceType,
}

/// What caused the change.
///
/// Source: `topics/reward.granted/v1.json#/properties/source_type`
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
pub enum RewardGrantedSourceType {
    /// `event`
    #[serde(rename = "event")]
    Event,
    /// `mission`
    #[serde(rename = "mission")]
    Mission,
    /// `session`
    #[serde(rename = "session")]
    Session,
    /// `support`
    #[serde(rename = "support")]
    Support,
}

impl std::fmt::Display for RewardGrantedSourceType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Event => f.write_str("event"),
            Self::Mission => f.write_str("mission"),
            Self::Session => f.write_str("session"),
            Self::Support => f.write_str("support"),
        }
    }
}

impl Payload for RewardGranted {
    const TOPIC: &'static str = "reward.granted";
    const VERSION: u32 = 1;
    const CHECK: Check = check;
}

/// Appends the record key.
pub(crate) fn key(event: Json<'_>, out: &mut Vec<u8>) -> bool {
    row::append_key(event.get("user_id"), out)
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
    if !row::append_scalar(event.at(&["payload", "source_type"]), out) {
        return Err("/payload/source_type");
    }
    out.push_str(":");
    if !row::append_scalar(event.at(&["payload", "source_id"]), out) {
        return Err("/payload/source_id");
    }
    Ok(())
}

/// Appends what makes the event one beside topic and deduplication key: record key and sorting columns.
pub(crate) fn identify(row: &Row<'_>, out: &mut Vec<u8>) {
    row::identify_key(row.event.get("user_id"), out);
    row::identify(&row::unsigned::<u64>(row.event.get("user_id")), out);
}

/// Writes a checked event into the fact table's columns.
pub(crate) fn write(row: &Row<'_>, block: &mut Block) -> Result<(), Violation> {
    block.ts.push(row.timestamp);
    block.event_type.push("reward.granted");
    block.schema_version.push(u16::try_from(row.schema_version).unwrap_or(u16::MAX));
    block.user_id.push(row::unsigned::<u64>(row.event.get("user_id")));
    block.entity_id.push(row::unsigned::<u64>(row.payload.get("source_id")));
    block.session_id.push("");
    block.progress_version.push(0);
    block.delta_gold.push(row::signed::<i64>(row.payload.get("delta_gold")));
    block.balance_after.push(row::signed::<i64>(row.payload.get("balance")));
    block.price_cents.push(0);
    block.product_id.push(0);
    block.action.push("");
    block.status.push("");
    block.source_type.push(row::text(row.payload.get("source_type")));
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

static REASON_PATTERN: Pattern = Pattern::new("^[a-z][a-z0-9_]{0,63}$");

/// `topics/reward.granted/v1.json#`
fn check(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "source_type" => {
                seen |= 16;
                check_source_type(member, at.member(name))?;
            }
            "source_id" => {
                seen |= 8;
                check_ids_source_id(member, at.member(name))?;
            }
            "delta_gold" => {
                seen |= 2;
                check_money_gold_change(member, at.member(name))?;
            }
            "balance" => {
                seen |= 1;
                check_money_balance(member, at.member(name))?;
            }
            "reason" => {
                seen |= 4;
                check_reason(member, at.member(name))?;
            }
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `balance`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `delta_gold`");
    }
    if seen & 4 == 0 {
        return at.reject("required", "the member `reason`");
    }
    if seen & 8 == 0 {
        return at.reject("required", "the member `source_id`");
    }
    if seen & 16 == 0 {
        return at.reject("required", "the member `source_type`");
    }
    Ok(())
}

/// `topics/reward.granted/v1.json#/properties/source_type`
fn check_source_type(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::String(_)) {
        return at.reject("type", "a string");
    }
    if !matches!(value.as_str(), Some("event" | "mission" | "session" | "support")) {
        return at
            .reject("enum", "one of \"event\", \"mission\", \"session\", \"support\"");
    }
    Ok(())
}

/// `topics/reward.granted/v1.json#/properties/reason`
fn check_reason(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if !REASON_PATTERN.matches(text) {
        return at.reject("pattern", "text matching ^[a-z][a-z0-9_]{0,63}$");
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

/// `common/money.json#/$defs/gold_change`
fn check_money_gold_change(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(-1000000000)).is_lt() {
        return at.reject("minimum", "at least -1000000000");
    }
    if check::compare(number, Number::Signed(1000000000)).is_gt() {
        return at.reject("maximum", "at most 1000000000");
    }
    Ok(())
}

/// `common/ids.json#/$defs/source_id`
fn check_ids_source_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
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
