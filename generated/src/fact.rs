//! The fact table `events_raw`.
//!
//! Made from `schema_registry/registry.toml` (f53cb4c3cbcc) by `topicwright generate`; do not edit.
use topicwright_runtime::column::{ColumnRef, Fixed, JsonColumn, Millis, Text};
use topicwright_runtime::registry::FactBlock;

/// Column buffers of `events_raw`.
#[derive(Debug, Default)]
pub struct Block {
    /// Time of the event
    pub ts: Fixed<Millis>,
    /// Type of the event, its topic
    pub event_type: Text,
    /// Version of the payload schema
    pub schema_version: Fixed<u16>,
    /// Player who acted; a pseudonym
    pub user_id: Fixed<u64>,
    /// What the event is about: in-game event, mission, transaction or cause of a grant, by event type
    pub entity_id: Fixed<u64>,
    /// Play session (UUID)
    pub session_id: Text,
    /// Version of the player's progress; the highest is the newest
    pub progress_version: Fixed<u32>,
    /// Gold gained or lost; for a purchase, the gold credited, 0 unless it succeeded
    pub delta_gold: Fixed<i64>,
    /// Gold in the wallet after the event
    pub balance_after: Fixed<i64>,
    /// Price of the purchase in US cents, whatever its status
    pub price_cents: Fixed<u32>,
    /// Product of the purchase
    pub product_id: Fixed<u64>,
    /// Account action: signup, login or logout
    pub action: Text,
    /// Status of the purchase
    pub status: Text,
    /// Cause of a grant: event, mission, session or support
    pub source_type: Text,
    /// Rules of the play session
    pub game_type: Text,
    /// Platform of the client
    pub platform: Text,
    /// Keyed hash of user_id, computed by the ingest worker
    pub user_hash: Fixed<u64>,
    /// The event's payload
    pub payload_json: JsonColumn,
    /// Deduplication key, the event's own or made by its topic's template
    pub dedupe_key: Text,
    /// Hash of topic, record key, sorting columns and dedupe_key: what copies of one event share
    pub event_key: Fixed<u64>,
    /// When the ingest worker took the event
    pub received_at: Fixed<Millis>,
    /// Topic of the record
    pub kafka_topic: Text,
    /// Partition of the record
    pub kafka_partition: Fixed<i32>,
    /// Offset of the record
    pub kafka_offset: Fixed<i64>,
}

impl FactBlock for Block {
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("ts", "DateTime64(3, 'UTC')"),
        ("event_type", "LowCardinality(String)"),
        ("schema_version", "UInt16"),
        ("user_id", "UInt64"),
        ("entity_id", "UInt64"),
        ("session_id", "String"),
        ("progress_version", "UInt32"),
        ("delta_gold", "Int64"),
        ("balance_after", "Int64"),
        ("price_cents", "UInt32"),
        ("product_id", "UInt64"),
        ("action", "LowCardinality(String)"),
        ("status", "LowCardinality(String)"),
        ("source_type", "LowCardinality(String)"),
        ("game_type", "LowCardinality(String)"),
        ("platform", "LowCardinality(String)"),
        ("user_hash", "UInt64"),
        (
            "payload_json",
            "JSON(max_dynamic_paths = 16, action Nullable(String), amount_gold Nullable(Int64), app_version Nullable(String), balance Nullable(Int64), client Nullable(String), delta_gold Nullable(Int64), ended_at Nullable(String), event_id Nullable(Int64), game_mode Nullable(String), game_type Nullable(String), method Nullable(String), mission_id Nullable(Int64), platform Nullable(String), price_cents Nullable(Int64), product_id Nullable(Int64), progress_version Nullable(Int64), reason Nullable(String), session_id Nullable(String), source_id Nullable(Int64), source_type Nullable(String), started_at Nullable(String), status Nullable(String), store Nullable(String), tx_id Nullable(Int64), user_id Nullable(Int64))",
        ),
        ("dedupe_key", "String"),
        ("event_key", "UInt64"),
        ("received_at", "DateTime64(3, 'UTC')"),
        ("kafka_topic", "LowCardinality(String)"),
        ("kafka_partition", "Int32"),
        ("kafka_offset", "Int64"),
    ];
    fn rows(&self) -> usize {
        self.ts.len()
    }
    fn bytes(&self) -> usize {
        [
            self.ts.byte_len(),
            self.event_type.byte_len(),
            self.schema_version.byte_len(),
            self.user_id.byte_len(),
            self.entity_id.byte_len(),
            self.session_id.byte_len(),
            self.progress_version.byte_len(),
            self.delta_gold.byte_len(),
            self.balance_after.byte_len(),
            self.price_cents.byte_len(),
            self.product_id.byte_len(),
            self.action.byte_len(),
            self.status.byte_len(),
            self.source_type.byte_len(),
            self.game_type.byte_len(),
            self.platform.byte_len(),
            self.user_hash.byte_len(),
            self.payload_json.byte_len(),
            self.dedupe_key.byte_len(),
            self.event_key.byte_len(),
            self.received_at.byte_len(),
            self.kafka_topic.byte_len(),
            self.kafka_partition.byte_len(),
            self.kafka_offset.byte_len(),
        ]
            .iter()
            .sum()
    }
    fn clear(&mut self) {
        self.ts.clear();
        self.event_type.clear();
        self.schema_version.clear();
        self.user_id.clear();
        self.entity_id.clear();
        self.session_id.clear();
        self.progress_version.clear();
        self.delta_gold.clear();
        self.balance_after.clear();
        self.price_cents.clear();
        self.product_id.clear();
        self.action.clear();
        self.status.clear();
        self.source_type.clear();
        self.game_type.clear();
        self.platform.clear();
        self.user_hash.clear();
        self.payload_json.clear();
        self.dedupe_key.clear();
        self.event_key.clear();
        self.received_at.clear();
        self.kafka_topic.clear();
        self.kafka_partition.clear();
        self.kafka_offset.clear();
    }
    fn columns(&self) -> Vec<ColumnRef<'_>> {
        vec![
            ColumnRef::DateTime64(& self.ts), ColumnRef::LowCardinality(& self
            .event_type), ColumnRef::UInt16(& self.schema_version), ColumnRef::UInt64(&
            self.user_id), ColumnRef::UInt64(& self.entity_id), ColumnRef::String(& self
            .session_id), ColumnRef::UInt32(& self.progress_version), ColumnRef::Int64(&
            self.delta_gold), ColumnRef::Int64(& self.balance_after), ColumnRef::UInt32(&
            self.price_cents), ColumnRef::UInt64(& self.product_id),
            ColumnRef::LowCardinality(& self.action), ColumnRef::LowCardinality(& self
            .status), ColumnRef::LowCardinality(& self.source_type),
            ColumnRef::LowCardinality(& self.game_type), ColumnRef::LowCardinality(& self
            .platform), ColumnRef::UInt64(& self.user_hash), ColumnRef::Json(& self
            .payload_json), ColumnRef::String(& self.dedupe_key), ColumnRef::UInt64(&
            self.event_key), ColumnRef::DateTime64(& self.received_at),
            ColumnRef::LowCardinality(& self.kafka_topic), ColumnRef::Int32(& self
            .kafka_partition), ColumnRef::Int64(& self.kafka_offset)
        ]
    }
}
