//! The interpreted form of a registry: what demo, oracle and tools know beyond generated code.
//!
//! Read from [`crate::registry::Project::plan`], which the compiler writes (format 1). The pipeline itself never
//! looks at it.
mod views;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

pub use views::{Aggregate, Condition, Kpi, Latest, Measure, Rollup, View};

/// A registry as data.
#[derive(Clone, Debug, Deserialize)]
pub struct Plan {
    /// Format of this document.
    pub format: u32,
    /// The fact table.
    pub clickhouse: FactTable,
    /// The envelope.
    pub envelope: Envelope,
    /// Topics by name.
    pub topics: Vec<Topic>,
    /// Views and KPIs; what others read from comes first.
    pub views: Vec<View>,
    /// Simulated producers.
    pub scenarios: Vec<Scenario>,
}

/// The fact table.
#[derive(Clone, Debug, Deserialize)]
pub struct FactTable {
    /// Columns that two copies of an event agree in, beside topic, record key and deduplication key.
    pub order_by: Vec<String>,
    /// Shared columns that fields land in.
    pub columns: Vec<Column>,
}

/// A shared column.
#[derive(Clone, Debug, Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type as the manifest spells it: `UInt64`, `LowCardinality(String)`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The envelope.
#[derive(Clone, Debug, Deserialize)]
pub struct Envelope {
    /// Member names by role.
    pub fields: Fields,
    /// Columns that envelope fields land in.
    pub columns: Vec<Mapping>,
}

/// The envelope's members by role.
#[derive(Clone, Debug, Deserialize)]
pub struct Fields {
    /// The topic's name.
    pub event_type: String,
    /// Version of the payload's schema.
    pub schema_version: String,
    /// Id of the message.
    pub event_id: String,
    /// Time of the event.
    pub timestamp: String,
    /// What happened.
    pub payload: String,
    /// Identity of the event.
    pub dedupe_key: String,
}

/// A field of the event and the column it lands in.
#[derive(Clone, Debug, Deserialize)]
pub struct Mapping {
    /// Column.
    pub column: String,
    /// JSON pointer into the event.
    pub from: String,
    /// All must hold, else the column keeps its zero.
    #[serde(default)]
    pub when: Vec<When>,
    /// Whether the number is multiplied by -1.
    #[serde(default)]
    pub negate: bool,
}

/// A condition on a field of the event.
#[derive(Clone, Debug, Deserialize)]
pub struct When {
    /// JSON pointer into the event.
    pub field: String,
    /// What it must equal.
    pub equals: Value,
}

/// A topic.
#[derive(Clone, Debug, Deserialize)]
pub struct Topic {
    /// Name.
    pub name: String,
    /// Versions in ascending order.
    pub versions: Vec<Version>,
}

/// A version of a topic.
#[derive(Clone, Debug, Deserialize)]
pub struct Version {
    /// Number.
    pub version: u32,
    /// JSON pointer of the record key.
    pub key: String,
    /// Template of the deduplication key.
    pub dedupe_key: Vec<TemplatePart>,
    /// Columns that payload fields land in.
    pub columns: Vec<Mapping>,
    /// Payloads that the schema accepts.
    pub examples: Vec<Example>,
    /// Payloads that it rejects.
    pub invalid: Vec<Example>,
}

/// A piece of a key template.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TemplatePart {
    /// Text as it stands.
    Text(String),
    /// The value at a JSON pointer into the event.
    Pointer(String),
}

/// An example payload.
#[derive(Clone, Debug, Deserialize)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The payload.
    pub payload: Value,
}

/// Simulated producers.
#[derive(Clone, Debug, Deserialize)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// What it plays.
    pub description: String,
    /// Events are spread over so many days up to now.
    pub days: u32,
    /// Pools of ids by name.
    #[serde(default)]
    pub entities: BTreeMap<String, Pool>,
    /// What is mixed in to make life hard.
    #[serde(default)]
    pub noise: Noise,
    /// Envelope members beside those with a role: name to generator.
    #[serde(default)]
    pub envelope: BTreeMap<String, Value>,
    /// Sequences of events, drawn by weight.
    pub flows: Vec<Flow>,
}

/// A pool of ids.
#[derive(Clone, Debug, Deserialize)]
pub struct Pool {
    /// Lowest id.
    pub first: u64,
    /// How many.
    pub size: u64,
    /// 0 draws evenly, more favours the low ids (Zipf exponent).
    #[serde(default)]
    pub skew: f64,
}

/// Shares of produced events, 0 to 1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Noise {
    /// Sent a second time.
    pub duplicates: f64,
    /// Stamped in the past.
    pub late: f64,
    /// How far at most, in hours.
    pub late_hours: u32,
    /// Broken.
    pub malformed: f64,
}

/// A sequence of events by one actor.
#[derive(Clone, Debug, Deserialize)]
pub struct Flow {
    /// Relative frequency.
    pub weight: f64,
    /// Names drawn once and used through the flow.
    #[serde(default)]
    pub draw: BTreeMap<String, Value>,
    /// Events in order.
    pub steps: Vec<Step>,
}

/// One event of a flow.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// Topic.
    pub topic: String,
    /// Version; the newest where absent.
    #[serde(default)]
    pub version: Option<u32>,
    /// Chance that it happens.
    #[serde(default = "always")]
    pub chance: f64,
    /// How often: least and most.
    #[serde(default = "once")]
    pub repeat: [u32; 2],
    /// Seconds since the step before: least and most.
    #[serde(default)]
    pub after_seconds: [u32; 2],
    /// Payload with generators in place of values.
    pub payload: Value,
}

const fn always() -> f64 {
    1.0
}

const fn once() -> [u32; 2] {
    [1, 1]
}

impl Plan {
    /// Reads a generated registry's plan.
    ///
    /// # Errors
    /// It is not of format 1: compiler and runtime do not belong together.
    pub fn read(text: &str) -> Result<Self> {
        let fix = "generate again with the compiler of this version";
        let plan: Self = serde_json::from_str(text).map_err(|error| {
            Error::bug("the registry's plan cannot be read")
                .why(error)
                .fix(fix)
        })?;
        if plan.format != 1 {
            return Err(Error::bug("the registry's plan is of another format")
                .at("format", plan.format)
                .fix(fix));
        }
        Ok(plan)
    }

    /// A version of a topic; the newest where none is named.
    #[must_use]
    pub fn version(&self, topic: &str, number: Option<u32>) -> Option<&Version> {
        let topic = self.topics.iter().find(|found| found.name == topic)?;
        match number {
            Some(number) => topic
                .versions
                .iter()
                .find(|version| version.version == number),
            None => topic.versions.last(),
        }
    }
}
