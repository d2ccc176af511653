//! `shop.purchase` version 1.
//!
//! A player bought, or tried to buy, a product for money.
//!
//! Made from `schema_registry/topics/shop.purchase/v1.json` (b80d5e7daf69) by `topicwright generate`; do not edit.
use crate::fact::Block;
use serde::{Deserialize, Serialize};
use topicwright_runtime::check::{self, At, Check, Violation};
use topicwright_runtime::json::{Json, Kind, Number};
use topicwright_runtime::registry::{Payload, Row};
use topicwright_runtime::row;

/// State of a purchase. Gold and revenue count only on success.
///
/// Source: `common/status.json#/$defs/purchase`
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
pub enum Purchase {
    /// `pending`
    #[serde(rename = "pending")]
    Pending,
    /// `success`
    #[serde(rename = "success")]
    Success,
    /// `failed`
    #[serde(rename = "failed")]
    Failed,
    /// `refunded`
    #[serde(rename = "refunded")]
    Refunded,
}

impl std::fmt::Display for Purchase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Pending => f.write_str("pending"),
            Self::Success => f.write_str("success"),
            Self::Failed => f.write_str("failed"),
            Self::Refunded => f.write_str("refunded"),
        }
    }
}

/// A player bought, or tried to buy, a product for money.
///
/// Source: `topics/shop.purchase/v1.json#`
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq)]
pub struct ShopPurchase {
    /// Gold the product holds; credited on success.
    ///
    /// Source: `topics/shop.purchase/v1.json#/properties/amount_gold`
    pub amount_gold: u64,
    /// Price of the product in US cents; paid on success.
    ///
    /// Source: `topics/shop.purchase/v1.json#/properties/price_cents`
    pub price_cents: u64,
    /// What was bought.
    ///
    /// Source: `topics/shop.purchase/v1.json#/properties/product_id`
    pub product_id: u64,
    /// Where the purchase stands.
    ///
    /// Source: `topics/shop.purchase/v1.json#/properties/status`
    pub status: Purchase,
    /// The transaction; each change of its status is an event.
    ///
    /// Source: `topics/shop.purchase/v1.json#/properties/tx_id`
    pub tx_id: u64,
    /// Player; the same as in the envelope.
    ///
    /// Source: `topics/shop.purchase/v1.json#/properties/user_id`
    pub user_id: u64,
}

impl Payload for ShopPurchase {
    const TOPIC: &'static str = "shop.purchase";
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
    if !row::append_scalar(event.at(&["payload", "tx_id"]), out) {
        return Err("/payload/tx_id");
    }
    out.push_str(":");
    if !row::append_scalar(event.at(&["payload", "status"]), out) {
        return Err("/payload/status");
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
    let delta_gold = row
        .payload
        .get("amount_gold")
        .filter(|_| row::text(row.payload.get("status")) == "success");
    block.ts.push(row.timestamp);
    block.event_type.push("shop.purchase");
    block.schema_version.push(u16::try_from(row.schema_version).unwrap_or(u16::MAX));
    block.user_id.push(row::unsigned::<u64>(row.event.get("user_id")));
    block.entity_id.push(row::unsigned::<u64>(row.payload.get("tx_id")));
    block.session_id.push("");
    block.progress_version.push(0);
    block.delta_gold.push(row::signed::<i64>(delta_gold));
    block.balance_after.push(0);
    block.price_cents.push(row::unsigned::<u32>(row.payload.get("price_cents")));
    block.product_id.push(row::unsigned::<u64>(row.payload.get("product_id")));
    block.action.push("");
    block.status.push(row::text(row.payload.get("status")));
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

/// `topics/shop.purchase/v1.json#`
fn check(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "tx_id" => {
                seen |= 16;
                check_ids_tx_id(member, at.member(name))?;
            }
            "user_id" => {
                seen |= 32;
                check_ids_user_id(member, at.member(name))?;
            }
            "status" => {
                seen |= 8;
                check_status_purchase(member, at.member(name))?;
            }
            "product_id" => {
                seen |= 4;
                check_ids_product_id(member, at.member(name))?;
            }
            "amount_gold" => {
                seen |= 1;
                check_money_gold(member, at.member(name))?;
            }
            "price_cents" => {
                seen |= 2;
                check_money_price_cents(member, at.member(name))?;
            }
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `amount_gold`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `price_cents`");
    }
    if seen & 4 == 0 {
        return at.reject("required", "the member `product_id`");
    }
    if seen & 8 == 0 {
        return at.reject("required", "the member `status`");
    }
    if seen & 16 == 0 {
        return at.reject("required", "the member `tx_id`");
    }
    if seen & 32 == 0 {
        return at.reject("required", "the member `user_id`");
    }
    Ok(())
}

/// `common/money.json#/$defs/price_cents`
fn check_money_price_cents(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(0)).is_lt() {
        return at.reject("minimum", "at least 0");
    }
    if check::compare(number, Number::Signed(1000000)).is_gt() {
        return at.reject("maximum", "at most 1000000");
    }
    Ok(())
}

/// `common/money.json#/$defs/gold`
fn check_money_gold(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(0)).is_lt() {
        return at.reject("minimum", "at least 0");
    }
    if check::compare(number, Number::Signed(1000000000)).is_gt() {
        return at.reject("maximum", "at most 1000000000");
    }
    Ok(())
}

/// `common/ids.json#/$defs/product_id`
fn check_ids_product_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
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

/// `common/status.json#/$defs/purchase`
fn check_status_purchase(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::String(_)) {
        return at.reject("type", "a string");
    }
    if !matches!(value.as_str(), Some("pending" | "success" | "failed" | "refunded")) {
        return at
            .reject("enum", "one of \"pending\", \"success\", \"failed\", \"refunded\"");
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

/// `common/ids.json#/$defs/tx_id`
fn check_ids_tx_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
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
