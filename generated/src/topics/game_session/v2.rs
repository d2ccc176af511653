//! `game.session` version 2.
//!
//! A play session started or ended. The ending event carries ended_at and the gold won or lost.
//!
//! Made from `schema_registry/topics/game.session/v2.json` (a3764941b556) by `topicwright generate`; do not edit.
use crate::fact::Block;
use serde::{Deserialize, Serialize};
use topicwright_runtime::check::{self, At, Check, Pattern, Violation};
use topicwright_runtime::json::{Json, Kind, Number};
use topicwright_runtime::registry::{Payload, Row};
use topicwright_runtime::row;

pub use super::v1::GameSessionGameType;

/// A play session started or ended. The ending event carries ended_at and the gold won or lost.
///
/// Source: `topics/game.session/v2.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct GameSession {
    /// Gold won or lost in the session; 0 at its start.
    ///
    /// Source: `topics/game.session/v2.json#/properties/delta_gold`
    pub delta_gold: i64,
    /// When the session ended; absent while it runs.
    ///
    /// Source: `topics/game.session/v2.json#/properties/ended_at`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Rules that were played. Called game_type in version 1; optional, because a reader of this version also meets version 1 events, which have the old name.
    ///
    /// Source: `topics/game.session/v2.json#/properties/game_mode`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub game_mode: Option<GameSessionGameType>,
    /// The session; its start and its end share it.
    ///
    /// Source: `topics/game.session/v2.json#/properties/session_id`
    pub session_id: String,
    /// When the session started.
    ///
    /// Source: `topics/game.session/v2.json#/properties/started_at`
    pub started_at: String,
    /// Player; the same as in the envelope.
    ///
    /// Source: `topics/game.session/v2.json#/properties/user_id`
    pub user_id: u64,
}

impl Payload for GameSession {
    const TOPIC: &'static str = "game.session";
    const VERSION: u32 = 2;
    const CHECK: Check = check;
}

impl From<super::v1::GameSession> for GameSession {
    /// Carries a version 1 payload over, as the registry declares the change.
    fn from(old: super::v1::GameSession) -> Self {
        Self {
            delta_gold: old.delta_gold,
            ended_at: old.ended_at,
            game_mode: Some(old.game_type),
            session_id: old.session_id,
            started_at: old.started_at,
            user_id: old.user_id,
        }
    }
}

/// Appends the record key.
pub(crate) fn key(event: Json<'_>, out: &mut Vec<u8>) -> bool {
    row::append_key(event.at(&["payload", "session_id"]), out)
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
    if !row::append_scalar(event.at(&["payload", "session_id"]), out) {
        return Err("/payload/session_id");
    }
    out.push_str(":");
    if !row::append_scalar(event.get("ts"), out) {
        return Err("/ts");
    }
    Ok(())
}

/// Appends what makes the event one beside topic and deduplication key: record key and sorting columns.
pub(crate) fn identify(row: &Row<'_>, out: &mut Vec<u8>) {
    row::identify_key(row.event.at(&["payload", "session_id"]), out);
    row::identify(&row::unsigned::<u64>(row.event.get("user_id")), out);
}

/// Writes a checked event into the fact table's columns.
pub(crate) fn write(row: &Row<'_>, block: &mut Block) -> Result<(), Violation> {
    block.ts.push(row.timestamp);
    block.event_type.push("game.session");
    block.schema_version.push(u16::try_from(row.schema_version).unwrap_or(u16::MAX));
    block.user_id.push(row::unsigned::<u64>(row.event.get("user_id")));
    block.entity_id.push(0);
    block.session_id.push(row::text(row.payload.get("session_id")));
    block.progress_version.push(0);
    block.delta_gold.push(row::signed::<i64>(row.payload.get("delta_gold")));
    block.balance_after.push(0);
    block.price_cents.push(0);
    block.product_id.push(0);
    block.action.push("");
    block.status.push("");
    block.source_type.push("");
    block.game_type.push(row::text(row.payload.get("game_mode")));
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

static TIME_UTC_PATTERN: Pattern = Pattern::new(
    "^20([0-9]{2}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|[0-9]{2}-(0[469]|11)-(0[1-9]|[12][0-9]|30)|[0-9]{2}-02-(0[1-9]|1[0-9]|2[0-8])|([02468][048]|[13579][26])-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$",
);
static IDS_SESSION_ID_PATTERN: Pattern = Pattern::new(
    "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
);

/// `topics/game.session/v2.json#`
fn check(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "session_id" => {
                seen |= 2;
                check_ids_session_id(member, at.member(name))?;
            }
            "user_id" => {
                seen |= 8;
                check_ids_user_id(member, at.member(name))?;
            }
            "game_mode" => check_game_mode(member, at.member(name))?,
            "started_at" => {
                seen |= 4;
                check_time_utc(member, at.member(name))?;
            }
            "ended_at" => check_time_utc(member, at.member(name))?,
            "delta_gold" => {
                seen |= 1;
                check_money_gold_change(member, at.member(name))?;
            }
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `delta_gold`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `session_id`");
    }
    if seen & 4 == 0 {
        return at.reject("required", "the member `started_at`");
    }
    if seen & 8 == 0 {
        return at.reject("required", "the member `user_id`");
    }
    Ok(())
}

/// `topics/game.session/v2.json#/properties/game_mode`
fn check_game_mode(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::String(_)) {
        return at.reject("type", "a string");
    }
    if !matches!(value.as_str(), Some("classic" | "ranked" | "coop")) {
        return at.reject("enum", "one of \"classic\", \"ranked\", \"coop\"");
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

/// `common/time.json#/$defs/utc`
fn check_time_utc(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if !TIME_UTC_PATTERN.matches(text) {
        return at
            .reject(
                "pattern",
                "text matching ^20([0-9]{2}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|[0-9]{2}-(0[469]|11)-(0[1-9]|[12][0-9]|30)|[0-9]{2}-02-(0[1-9]|1[0-9]|2[0-8])|([02468][048]|[13579][26])-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$",
            );
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

/// `common/ids.json#/$defs/session_id`
fn check_ids_session_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if !IDS_SESSION_ID_PATTERN.matches(text) {
        return at
            .reject(
                "pattern",
                "text matching ^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
            );
    }
    Ok(())
}
