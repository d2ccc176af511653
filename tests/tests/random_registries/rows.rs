//! What stands in the fact table, held against what was sent: payloads, and columns by their mappings.
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use topicwright::gate::side::Side;
use topicwright::registry::manifest::{ColumnType, PayloadStorage};
use topicwright::registry::{ColumnMapping, Topic, TopicVersion};
use topicwright_tests::{schemas, sql};

use super::messages::{Message, read};

/// Rows by topic and offset.
pub type Rows = BTreeMap<(String, usize), Map<String, Value>>;

/// Every row; times in milliseconds since 1970.
pub fn rows(url: &str, side: &Side) -> Rows {
    let columns = side.registry.manifest.clickhouse.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| match column.kind {
            ColumnType::DateTime64 => format!("toUnixTimestamp64Milli({0}) AS {0}_ms", column.name),
            _ => column.name.clone(),
        })
        .collect();
    let found = sql::ask(
        url,
        &format!(
            "SELECT kafka_topic, kafka_offset, payload_json, {} FROM random.events FORMAT JSONEachRow \
             SETTINGS output_format_json_quote_64bit_integers = 0",
            columns.join(", ")
        ),
    );
    let rows = found.lines().map(|line| {
        let row: Map<String, Value> = serde_json::from_str(line).unwrap();
        let topic = row["kafka_topic"].as_str().unwrap().to_owned();
        let offset = usize::try_from(row["kafka_offset"].as_u64().unwrap()).unwrap();
        ((topic, offset), row)
    });
    rows.collect()
}

/// What a row says otherwise than its event, as a worker of this registry reads it.
pub fn difference(side: &Side, message: &Message, row: &Map<String, Value>) -> Option<String> {
    let event = message.event.as_ref()?;
    let topic = side.topic(&message.topic)?;
    let version = reading(topic, message.version)?;
    if side.registry.manifest.clickhouse.payload == PayloadStorage::String {
        let stored = row["payload_json"].as_str().unwrap_or_default();
        let stored = read(stored.as_bytes()).unwrap_or_default();
        if !schemas::equal(&stored, &event["data"]) {
            return Some(format!("its payload is {stored}"));
        }
    }
    let mappings = side
        .registry
        .envelope
        .columns
        .iter()
        .chain(&version.columns);
    let mappings: BTreeMap<&str, &ColumnMapping> = mappings
        .map(|mapping| (mapping.column.as_str(), mapping))
        .collect();
    side.registry
        .manifest
        .clickhouse
        .columns
        .iter()
        .find_map(|column| {
            let value = mappings
                .get(column.name.as_str())
                .and_then(|mapping| value(mapping, event));
            let negate = mappings
                .get(column.name.as_str())
                .is_some_and(|mapping| mapping.source.negate);
            let name = match column.kind {
                ColumnType::DateTime64 => format!("{}_ms", column.name),
                _ => column.name.clone(),
            };
            let stored = &row[&name];
            let is_right = says(column.kind, value, negate, stored);
            (!is_right).then(|| {
                let event = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
                format!("{name} is {stored} for {event}")
            })
        })
}

/// The version that a worker reads an event with: its own, or the newest one where it is newer.
fn reading(topic: &Topic, version: u64) -> Option<&TopicVersion> {
    let mut versions = topic.versions.iter();
    let own = versions.find(|known| u64::from(known.number) == version);
    own.or_else(|| topic.versions.last())
}

/// What a mapping takes from an event.
fn value<'e>(mapping: &ColumnMapping, event: &'e Value) -> Option<&'e Value> {
    let source = &mapping.source;
    let holds = source.when.iter().all(|when| {
        event
            .pointer(&when.field)
            .is_some_and(|value| schemas::equal(value, &when.equals))
    });
    event
        .pointer(&source.from)
        .filter(|value| holds && !value.is_null())
}

/// Whether a column says this value, or its zero where there is none.
fn says(kind: ColumnType, value: Option<&Value>, negate: bool, stored: &Value) -> bool {
    let number = value.and_then(Value::as_number);
    match kind {
        ColumnType::Bool => {
            stored.as_bool() == Some(value.and_then(Value::as_bool).unwrap_or(false))
        }
        ColumnType::String | ColumnType::LowCardinalityString => {
            stored.as_str() == Some(value.and_then(Value::as_str).unwrap_or_default())
        }
        ColumnType::Float64 => {
            let value = number.and_then(serde_json::Number::as_f64).unwrap_or(0.0);
            let value = if negate { -value } else { value };
            stored.as_f64() == Some(value)
        }
        ColumnType::DateTime64 => {
            let text = value.and_then(Value::as_str);
            let time = text.map(|text| text.parse::<jiff::Timestamp>());
            // Leap seconds and the like are another test's.
            match time {
                Some(Err(_)) => true,
                Some(Ok(time)) => {
                    let millis = time.as_nanosecond().div_euclid(1_000_000);
                    stored.as_i64().map(i128::from) == Some(millis)
                }
                None => stored.as_i64() == Some(0),
            }
        }
        ColumnType::UInt8
        | ColumnType::UInt16
        | ColumnType::UInt32
        | ColumnType::UInt64
        | ColumnType::Int8
        | ColumnType::Int16
        | ColumnType::Int32
        | ColumnType::Int64 => {
            let value = number.and_then(schemas::whole).unwrap_or(0);
            let value = if negate { -value } else { value };
            stored.as_number().and_then(schemas::whole) == Some(value)
        }
    }
}
