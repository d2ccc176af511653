//! `mission.progress` version 1.
//!
//! A player came further in a mission.
//!
//! Made from `schema_registry/topics/mission.progress/v1.json` (2867262ac941) by `topicwright generate`; do not edit.
use crate::fact::Block;
use serde::{Deserialize, Serialize};
use topicwright_runtime::check::{self, At, Check, Pattern, Violation};
use topicwright_runtime::json::{Json, Kind, Number};
use topicwright_runtime::registry::{Payload, Row};
use topicwright_runtime::row;

/// A player came further in a mission.
///
/// Source: `topics/mission.progress/v1.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct MissionProgress {
    /// Every goal with its count, complete each time.
    ///
    /// Source: `topics/mission.progress/v1.json#/properties/current`
    pub current: Vec<ProgressCounter>,
    /// The mission.
    ///
    /// Source: `topics/mission.progress/v1.json#/properties/mission_id`
    pub mission_id: u64,
    /// Version of the player's progress in this mission.
    ///
    /// Source: `topics/mission.progress/v1.json#/properties/progress_version`
    pub progress_version: u64,
    /// Player; the same as in the envelope.
    ///
    /// Source: `topics/mission.progress/v1.json#/properties/user_id`
    pub user_id: u64,
}

/// How far one goal of an event or mission has come.
///
/// Source: `common/progress_counter.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct ProgressCounter {
    /// Count so far; it may run past the target.
    ///
    /// Source: `common/progress_counter.json#/properties/current`
    pub current: u64,
    /// Count at which the goal is met.
    ///
    /// Source: `common/progress_counter.json#/properties/target`
    pub target: u64,
    /// What is counted: plays, wins, gold_spent and so on.
    ///
    /// Source: `common/progress_counter.json#/properties/type`
    #[serde(rename = "type")]
    pub type_: String,
}

impl Payload for MissionProgress {
    const TOPIC: &'static str = "mission.progress";
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
    block.event_type.push("mission.progress");
    block.schema_version.push(u16::try_from(row.schema_version).unwrap_or(u16::MAX));
    block.user_id.push(row::unsigned::<u64>(row.event.get("user_id")));
    block.entity_id.push(row::unsigned::<u64>(row.payload.get("mission_id")));
    block.session_id.push("");
    block
        .progress_version
        .push(row::unsigned::<u32>(row.payload.get("progress_version")));
    block.delta_gold.push(0);
    block.balance_after.push(0);
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

static PROGRESS_COUNTER_TYPE_PATTERN: Pattern = Pattern::new("^[a-z][a-z0-9_]{0,31}$");

/// `topics/mission.progress/v1.json#`
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
                seen |= 8;
                check_ids_user_id(member, at.member(name))?;
            }
            "progress_version" => {
                seen |= 4;
                check_progress_version(member, at.member(name))?;
            }
            "current" => {
                seen |= 1;
                check_current(member, at.member(name))?;
            }
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `current`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `mission_id`");
    }
    if seen & 4 == 0 {
        return at.reject("required", "the member `progress_version`");
    }
    if seen & 8 == 0 {
        return at.reject("required", "the member `user_id`");
    }
    Ok(())
}

/// `topics/mission.progress/v1.json#/properties/current`
fn check_current(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Array) {
        return at.reject("type", "an array");
    }
    if value.len() < 1 {
        return at.reject("minItems", "at least 1 item");
    }
    if value.len() > 32 {
        return at.reject("maxItems", "at most 32 items");
    }
    for (index, item) in value.items().enumerate() {
        check_progress_counter(item, at.item(index))?;
    }
    Ok(())
}

/// `common/progress_counter.json#`
fn check_progress_counter(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "type" => {
                seen |= 4;
                check_progress_counter_type(member, at.member(name))?;
            }
            "current" => {
                seen |= 1;
                check_progress_counter_current(member, at.member(name))?;
            }
            "target" => {
                seen |= 2;
                check_progress_counter_target(member, at.member(name))?;
            }
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `current`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `target`");
    }
    if seen & 4 == 0 {
        return at.reject("required", "the member `type`");
    }
    Ok(())
}

/// `common/progress_counter.json#/properties/type`
fn check_progress_counter_type(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if !PROGRESS_COUNTER_TYPE_PATTERN.matches(text) {
        return at.reject("pattern", "text matching ^[a-z][a-z0-9_]{0,31}$");
    }
    Ok(())
}

/// `common/progress_counter.json#/properties/current`
fn check_progress_counter_current(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
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

/// `common/progress_counter.json#/properties/target`
fn check_progress_counter_target(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(1)).is_lt() {
        return at.reject("minimum", "at least 1");
    }
    if check::compare(number, Number::Signed(4294967295)).is_gt() {
        return at.reject("maximum", "at most 4294967295");
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
