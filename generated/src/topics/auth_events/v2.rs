//! `auth.events` version 2.
//!
//! A player signed up, logged in or logged out.
//!
//! Made from `schema_registry/topics/auth.events/v2.json` (31832034c4b6) by `topicwright generate`; do not edit.
use crate::fact::Block;
use serde::{Deserialize, Serialize};
use topicwright_runtime::check::{self, At, Check, Pattern, Violation};
use topicwright_runtime::json::{Json, Kind};
use topicwright_runtime::registry::{Payload, Row};
use topicwright_runtime::row;

pub use super::v1::{AuthEventsAction, AuthEventsMethod};

/// A player signed up, logged in or logged out.
///
/// Source: `topics/auth.events/v2.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct AuthEvents {
    /// What the player did with the account.
    ///
    /// Source: `topics/auth.events/v2.json#/properties/action`
    pub action: AuthEventsAction,
    /// Version of the client.
    ///
    /// Source: `topics/auth.events/v2.json#/properties/app_version`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Client as free text, platform and version in one.
    ///
    /// Deprecated: Free text cannot be grouped; send platform and app_version.
    ///
    /// Source: `topics/auth.events/v2.json#/properties/client`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// How the player proved who they are.
    ///
    /// Source: `topics/auth.events/v2.json#/properties/method`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<AuthEventsMethod>,
    /// Platform of the client.
    ///
    /// Source: `topics/auth.events/v2.json#/properties/platform`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<AuthEventsPlatform>,
}

/// Platform of the client.
///
/// Source: `topics/auth.events/v2.json#/properties/platform`
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
pub enum AuthEventsPlatform {
    /// `ios`
    #[serde(rename = "ios")]
    Ios,
    /// `android`
    #[serde(rename = "android")]
    Android,
    /// `web`
    #[serde(rename = "web")]
    Web,
}

impl std::fmt::Display for AuthEventsPlatform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Ios => f.write_str("ios"),
            Self::Android => f.write_str("android"),
            Self::Web => f.write_str("web"),
        }
    }
}

impl Payload for AuthEvents {
    const TOPIC: &'static str = "auth.events";
    const VERSION: u32 = 2;
    const CHECK: Check = check;
}

impl From<super::v1::AuthEvents> for AuthEvents {
    /// Carries a version 1 payload over, as the registry declares the change.
    fn from(old: super::v1::AuthEvents) -> Self {
        Self {
            action: old.action,
            app_version: None,
            client: old.client,
            method: old.method,
            platform: None,
        }
    }
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
    if !row::append_scalar(event.at(&["payload", "action"]), out) {
        return Err("/payload/action");
    }
    out.push_str(":");
    if !row::append_scalar(event.get("ts"), out) {
        return Err("/ts");
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
    block.event_type.push("auth.events");
    block.schema_version.push(u16::try_from(row.schema_version).unwrap_or(u16::MAX));
    block.user_id.push(row::unsigned::<u64>(row.event.get("user_id")));
    block.entity_id.push(0);
    block.session_id.push("");
    block.progress_version.push(0);
    block.delta_gold.push(0);
    block.balance_after.push(0);
    block.price_cents.push(0);
    block.product_id.push(0);
    block.action.push(row::text(row.payload.get("action")));
    block.status.push("");
    block.source_type.push("");
    block.game_type.push("");
    block.platform.push(row::text(row.payload.get("platform")));
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

static APP_VERSION_PATTERN: Pattern = Pattern::new(
    "^[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}$",
);

/// `topics/auth.events/v2.json#`
fn check(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "action" => {
                seen |= 1;
                check_action(member, at.member(name))?;
            }
            "method" => check_method(member, at.member(name))?,
            "client" => check_client(member, at.member(name))?,
            "platform" => check_platform(member, at.member(name))?,
            "app_version" => check_app_version(member, at.member(name))?,
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `action`");
    }
    Ok(())
}

/// `topics/auth.events/v2.json#/properties/action`
fn check_action(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::String(_)) {
        return at.reject("type", "a string");
    }
    if !matches!(value.as_str(), Some("signup" | "login" | "logout")) {
        return at.reject("enum", "one of \"signup\", \"login\", \"logout\"");
    }
    Ok(())
}

/// `topics/auth.events/v2.json#/properties/method`
fn check_method(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::String(_)) {
        return at.reject("type", "a string");
    }
    if !matches!(value.as_str(), Some("password" | "google" | "apple" | "guest")) {
        return at
            .reject("enum", "one of \"password\", \"google\", \"apple\", \"guest\"");
    }
    Ok(())
}

/// `topics/auth.events/v2.json#/properties/client`
fn check_client(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if check::is_shorter(text, 1) {
        return at.reject("minLength", "at least 1 character");
    }
    if check::is_longer(text, 64) {
        return at.reject("maxLength", "at most 64 characters");
    }
    Ok(())
}

/// `topics/auth.events/v2.json#/properties/platform`
fn check_platform(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::String(_)) {
        return at.reject("type", "a string");
    }
    if !matches!(value.as_str(), Some("ios" | "android" | "web")) {
        return at.reject("enum", "one of \"ios\", \"android\", \"web\"");
    }
    Ok(())
}

/// `topics/auth.events/v2.json#/properties/app_version`
fn check_app_version(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if !APP_VERSION_PATTERN.matches(text) {
        return at
            .reject("pattern", "text matching ^[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}$");
    }
    Ok(())
}
