//! The manifests of a registry as typed values: `registry.toml`, `topic.toml`, `views/*.toml`, `scenarios/*.toml`.
//!
//! Their published JSON Schemas come from these types (`topicwright schema`), so an editor completes
//! what the loader accepts. Cross-checks (does the column exist?) are the loader's.
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `registry.toml`: what holds for the whole registry.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryManifest {
    /// Names and defaults.
    pub project: Project,
    /// Defaults for every topic.
    #[serde(default)]
    pub kafka: KafkaDefaults,
    /// The fact table and where it lives.
    pub clickhouse: ClickHouse,
    /// What must not be stored or shown in plain.
    #[serde(default)]
    pub privacy: Privacy,
    /// Alert thresholds.
    #[serde(default)]
    pub alerts: Vec<Alert>,
}

/// Project names.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Short name, used in consumer group and client ids: `game`.
    pub name: String,
    /// Name of the generated crate: `game-events`.
    #[serde(rename = "crate")]
    pub crate_name: String,
    /// One paragraph for the generated docs.
    #[serde(default)]
    pub description: String,
}

/// Defaults for topics; a topic's manifest overrides each.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaDefaults {
    /// Partitions of a topic.
    pub partitions: u32,
    /// Replication factor of topics in production.
    pub replication_factor: u16,
    /// Retention in days.
    pub retention_days: u32,
    /// Retention of the `.dlq` topics in days; they have one partition.
    pub dlq_retention_days: u32,
    /// Compression of stored batches.
    pub compression: Compression,
    /// Largest record in bytes.
    pub max_message_bytes: u32,
    /// Name of the Strimzi Kafka cluster resource.
    pub strimzi_cluster: String,
}

impl Default for KafkaDefaults {
    fn default() -> Self {
        Self {
            partitions: 12,
            replication_factor: 3,
            retention_days: 7,
            dlq_retention_days: 14,
            compression: Compression::Lz4,
            max_message_bytes: 1_048_576,
            strimzi_cluster: "kafka".to_owned(),
        }
    }
}

/// Kafka's `compression.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// LZ4, the default.
    Lz4,
    /// Zstandard.
    Zstd,
    /// Snappy.
    Snappy,
    /// Gzip.
    Gzip,
    /// As the producer sent it.
    Producer,
    /// None.
    Uncompressed,
}

/// Kafka's `cleanup.policy`: which records the broker throws away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CleanupPolicy {
    /// Every record once its retention is over; the default.
    #[default]
    Delete,
    /// Once its retention is over, every record that a later one of the same key follows. The last record of each
    /// key stays for ever.
    Compact,
}

/// The fact table.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClickHouse {
    /// Database of all tables.
    pub database: String,
    /// Name of the fact table.
    pub table: String,
    /// How the payload is stored beside the columns.
    #[serde(default)]
    pub payload: PayloadStorage,
    /// Days until a raw row is deleted.
    pub retention_days: u32,
    /// Columns before `event_key` in the sorting key, by name. Records are one event where topic, record key,
    /// deduplication key and these columns are equal, so a column that a copy may have otherwise (`ts`, say)
    /// makes a second event of it.
    pub order_by: Vec<String>,
    /// How late an event may be, in days: KPIs of closed days take up events until then, and know copies of their
    /// events. What comes later is stored and counted apart.
    #[serde(default = "late_days")]
    pub late_days: u32,
    /// Shared columns that envelope and payload fields land in.
    #[serde(default)]
    pub columns: Vec<FactColumn>,
}

/// A month, so that what is reported once a month is in.
const fn late_days() -> u32 {
    31
}

/// Storage of the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PayloadStorage {
    /// ClickHouse's JSON type with the declared paths typed.
    #[default]
    Json,
    /// The text, in a String column.
    String,
}

/// A shared column of the fact table.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactColumn {
    /// Column name.
    pub name: String,
    /// ClickHouse type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// What it means; becomes the column's comment.
    pub description: String,
    /// Compression codec, as in DDL: `Delta, ZSTD(3)`.
    #[serde(default)]
    pub codec: Option<String>,
    /// Whether its values are numbers given out one after the other, as a sequence does. Sets of them are kept as
    /// bitmaps, so that counting different ones over weeks takes milliseconds. Right with other numbers too, and slow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dense: bool,
}

/// Column types that a field may land in. Absent values become the type's zero, as ClickHouse's DEFAULT does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum ColumnType {
    /// 0 or 1.
    Bool,
    /// Unsigned 8 bit.
    UInt8,
    /// Unsigned 16 bit.
    UInt16,
    /// Unsigned 32 bit.
    UInt32,
    /// Unsigned 64 bit.
    UInt64,
    /// Signed 8 bit.
    Int8,
    /// Signed 16 bit.
    Int16,
    /// Signed 32 bit.
    Int32,
    /// Signed 64 bit.
    Int64,
    /// Double.
    Float64,
    /// UTF-8 text.
    String,
    /// Text with few distinct values.
    #[serde(rename = "LowCardinality(String)")]
    LowCardinalityString,
    /// Milliseconds since the epoch, UTC, from an RFC 3339 text.
    #[serde(rename = "DateTime64(3)")]
    DateTime64,
}

/// Privacy settings.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// Columns that also (or only) exist as a keyed hash, computed by the ingest worker; the key never
    /// stands in DDL or configuration files.
    #[serde(default)]
    pub hash: Vec<HashColumn>,
}

/// A keyed hash of a column.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HashColumn {
    /// The column to hash.
    pub column: String,
    /// The UInt64 column that takes the SipHash-2-4 of its text.
    pub into: String,
}

/// An alert on a metric.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// CamelCase name.
    pub name: String,
    /// PromQL that is true when the alert should fire.
    pub expr: String,
    /// How long it must hold, as Prometheus writes durations: `5m`.
    #[serde(default, rename = "for")]
    pub hold: Option<String>,
    /// Severity label.
    pub severity: Severity,
    /// One sentence: what it means.
    pub summary: String,
    /// What to do.
    #[serde(default)]
    pub action: String,
}

/// Alert severities of the spec, section 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

/// `topics/<topic>/topic.toml`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicManifest {
    /// What an event of this topic says, in a sentence or two.
    pub description: String,
    /// Team that answers for it.
    pub owner: String,
    /// Who reads it.
    #[serde(default)]
    pub consumers: Vec<String>,
    /// JSON pointer into the event of the record key: `/user_id`, `/payload/event_id`.
    pub key: String,
    /// Template of the deduplication key over pointers into the event: `{/event_type}:{/user_id}:{/payload/event_id}`.
    pub dedupe_key: String,
    /// Compatibility level.
    #[serde(default)]
    pub compatibility: CompatibilityLevel,
    /// Partitions; the registry's default where absent.
    #[serde(default)]
    pub partitions: Option<u32>,
    /// Retention in days; the registry's default where absent.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// Compression; the registry's default where absent.
    #[serde(default)]
    pub compression: Option<Compression>,
    /// Which records the broker throws away after the retention; `delete` where absent.
    // Left out where absent, so that manifests from before it was there keep their hash in generated files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup_policy: Option<CleanupPolicy>,
    /// Fact columns that need more than an `x-column` on one field: a condition, a sign, a fixed value.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnSource>,
    /// Versions on their way out.
    #[serde(default)]
    pub deprecations: Vec<Deprecation>,
}

/// Compatibility levels, as in the Confluent registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CompatibilityLevel {
    /// Nothing is promised.
    None,
    /// New readers read the last version's events.
    Backward,
    /// New readers read every version's events.
    BackwardTransitive,
    /// The last version's readers read new events.
    Forward,
    /// Every version's readers read new events.
    ForwardTransitive,
    /// Both, against the last version.
    Full,
    /// Both, against every version.
    #[default]
    FullTransitive,
}

impl CompatibilityLevel {
    /// As manifests write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// Whether readers of an older version are promised to read newer events.
    #[must_use]
    pub const fn promises_forward(self) -> bool {
        matches!(
            self,
            Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive
        )
    }
}

/// Where a fact column's value comes from.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnSource {
    /// JSON pointer into the event: `/payload/amount_gold`. A field renamed in a later version
    /// (`x-renamed-from`) is followed.
    pub from: String,
    /// All must hold, else the column keeps its zero.
    #[serde(default)]
    pub when: Vec<When>,
    /// Multiplies a number by -1.
    #[serde(default)]
    pub negate: bool,
}

/// A condition on a field of the event.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// JSON pointer into the event.
    pub field: String,
    /// A string, number or boolean it must equal.
    pub equals: Value,
}

/// A version on its way out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deprecation {
    /// The version.
    pub version: u32,
    /// Date since which producers should have moved, `YYYY-MM-DD`.
    pub since: String,
    /// Date after which its events are no longer read; at least 14 days later.
    pub removal: String,
    /// Why, and what to use.
    pub reason: String,
}

/// `views/*.toml`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ViewManifest {
    /// Measures over the fact table, kept up to date on every insert and unchanged by duplicates.
    Aggregate(AggregateView),
    /// The newest row for each key, right in any arrival order.
    Latest(LatestView),
    /// Totals of another view by day, which outlive the raw rows.
    Rollup(RollupView),
    /// A named question over a view, answered by `pipeline kpi` and a view `kpi_<name>`.
    Kpi(KpiQuery),
}

impl ViewManifest {
    /// The view's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Aggregate(view) => &view.name,
            Self::Latest(view) => &view.name,
            Self::Rollup(view) => &view.name,
            Self::Kpi(kpi) => &kpi.name,
        }
    }

    /// The database object that shows it.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Self::Aggregate(_) | Self::Latest(_) | Self::Rollup(_) => self.name().to_owned(),
            Self::Kpi(kpi) => format!("kpi_{}", kpi.name),
        }
    }
}

/// Measures over the fact table.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregateView {
    /// Table name.
    pub name: String,
    /// What a row is.
    pub description: String,
    /// Fact columns that identify a row, `event_date` first; also its sorting key.
    pub group_by: Vec<String>,
    /// Only fact rows for which all hold.
    #[serde(default, rename = "where")]
    pub filter: Vec<Condition>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Days until a row is deleted.
    pub retention_days: u32,
}

/// Newest row by key.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatestView {
    /// Table name.
    pub name: String,
    /// What a row is.
    pub description: String,
    /// Fact columns that identify a row.
    pub key: Vec<String>,
    /// Fact columns whose highest tuple wins, `progress_version` first, say.
    pub newest_by: Vec<String>,
    /// Fact columns kept from the winning row.
    pub columns: Vec<String>,
    /// Only fact rows for which all hold.
    #[serde(default, rename = "where")]
    pub filter: Vec<Condition>,
    /// Days after its last change until a row is deleted.
    pub retention_days: u32,
}

/// Totals of a view by day.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollupView {
    /// Table name.
    pub name: String,
    /// What a row is.
    pub description: String,
    /// The aggregate view it summarises.
    pub from: String,
    /// Columns of that view that identify a row; `event_date` first.
    pub group_by: Vec<String>,
    /// What is measured over that view's rows.
    pub measures: Vec<Measure>,
    /// Days until a row is deleted; kept for ever where absent.
    #[serde(default)]
    pub retention_days: Option<u32>,
}

/// A named question.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KpiQuery {
    /// Name: `arpdau`.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// What it answers, and how it is counted.
    pub description: String,
    /// The aggregate view it asks.
    pub from: String,
    /// Only the last so many days, today included: `event_date > as_of - N`.
    #[serde(default)]
    pub window_days: Option<u32>,
    /// Only that view's rows for which all hold.
    #[serde(default, rename = "where")]
    pub filter: Vec<Condition>,
    /// Columns of that view; empty for one total row.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Only result rows for which all hold, over measures.
    #[serde(default)]
    pub having: Vec<Condition>,
    /// Result order: names, `-name` for descending. The group columns always follow, so the order is total.
    #[serde(default)]
    pub order_by: Vec<String>,
    /// At most so many result rows.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A measure: exactly one of `count_distinct`, `sum`, `max`, `min`, `ratio`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Column name of the result.
    pub name: String,
    /// What it means.
    #[serde(default)]
    pub description: String,
    /// Distinct values of a column. Over the fact table `dedupe_key` counts events, duplicates once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_distinct: Option<String>,
    /// Sum of an integer column, each event counted once however often it arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<String>,
    /// Highest value of a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// Lowest value of a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// Quotient of two measures of the same query, null over zero; only in a KPI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<[String; 2]>,
    /// Only rows for which all hold.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<Condition>,
}

/// A condition on a column: exactly one of the tests.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Column of the source (fact table, view, or measure in `having`).
    pub column: String,
    /// Equal to this string, number or boolean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// Not equal to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Value>,
    /// One of these.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// At least this integer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i64>,
    /// At most this integer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<i64>,
}

/// `scenarios/*.toml`: simulated producers for demo, tests and load.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name, as in `--scenario`.
    pub name: String,
    /// What it plays.
    pub description: String,
    /// Events are spread over so many days up to now.
    pub days: u32,
    /// Pools of ids, by name: `user`, `event`.
    pub entities: BTreeMap<String, EntityPool>,
    /// What is mixed in to make life hard.
    #[serde(default)]
    pub noise: Noise,
    /// Envelope fields beside event_type, schema_version, ts, event_id, payload, dedupe_key: name → generator
    /// (see [`Step::payload`]).
    #[serde(default)]
    pub envelope: BTreeMap<String, Value>,
    /// Sequences of events, drawn by weight.
    pub flows: Vec<Flow>,
}

/// A pool of ids: integers from `first`, `size` of them.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntityPool {
    /// Lowest id.
    pub first: u64,
    /// How many.
    pub size: u64,
    /// 0 draws evenly; 1 and above favours the low ids more and more (Zipf exponent).
    #[serde(default)]
    pub skew: f64,
}

/// Shares of produced events, 0 to 1.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Noise {
    /// Sent a second time, unchanged.
    pub duplicates: f64,
    /// Stamped up to `late_hours` in the past.
    pub late: f64,
    /// How late, in hours.
    pub late_hours: u32,
    /// Broken: cut JSON, wrong types, missing fields, unknown versions.
    pub malformed: f64,
}

/// A sequence of events by one actor.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Name for progress output.
    pub name: String,
    /// Relative frequency.
    pub weight: f64,
    /// Names drawn once and reused through the flow: `user = { "$entity" = "user" }`.
    #[serde(default)]
    pub draw: BTreeMap<String, Value>,
    /// Events in order.
    pub steps: Vec<Step>,
}

/// One event of a flow.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Topic.
    pub topic: String,
    /// Schema version; the newest where absent.
    #[serde(default)]
    pub version: Option<u32>,
    /// Chance that the step happens, 0 to 1.
    #[serde(default = "always")]
    pub chance: f64,
    /// How often it happens: `[least, most]`.
    #[serde(default = "once")]
    pub repeat: [u32; 2],
    /// Seconds since the step before: `[least, most]`.
    #[serde(default)]
    pub after_seconds: [u32; 2],
    /// Payload with generators in place of values:
    /// `{ "$var": "user" }` a name of `draw`; `{ "$entity": "event" }` an id of a pool; `{ "$int": [1, 10] }`;
    /// `{ "$choice": [..] }`; `{ "$chance": [0.2, value] }` (the field is left out otherwise);
    /// `{ "$counter": ["user", "event"] }` one more each time for these drawn names;
    /// `{ "$time": "now" | "start" }` RFC 3339 of this step or of the flow's first; `{ "$uuid": true }`;
    /// anything else is taken as it stands.
    pub payload: Value,
}

const fn always() -> f64 {
    1.0
}

const fn once() -> [u32; 2] {
    [1, 1]
}
