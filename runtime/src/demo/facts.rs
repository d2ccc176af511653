//! The fact table as the oracle sees it: events by the manifests' mappings, apart from generated code and SQL.
use std::collections::HashMap;

use serde_json::Value;

use super::value::{Cell, millis, time_text};
use crate::plan::{Mapping, Plan, TemplatePart, Version};

/// A row, or a row of a view: column name to value.
pub(crate) type Row = HashMap<String, Cell>;

/// The row of a valid event.
pub(crate) fn row(plan: &Plan, version: &Version, event: &Value) -> Row {
    let fields = &plan.envelope.fields;
    let time = event
        .get(&fields.timestamp)
        .and_then(Value::as_str)
        .and_then(millis)
        .unwrap_or(0);
    let mut row = Row::new();
    for column in &plan.clickhouse.columns {
        row.insert(column.name.clone(), Cell::zero(&column.kind));
    }
    for mapping in plan.envelope.columns.iter().chain(&version.columns) {
        let kind = plan
            .clickhouse
            .columns
            .iter()
            .find(|column| column.name == mapping.column);
        if let (Some(column), Some(value)) = (kind, mapped(event, mapping)) {
            let cell = Cell::of_type(&column.kind, value);
            let cell = if mapping.negate { cell.negated() } else { cell };
            row.insert(mapping.column.clone(), cell);
        }
    }
    let time_text = time_text(time);
    row.insert(
        "event_date".to_owned(),
        Cell::Text(time_text[..10].to_owned()),
    );
    row.insert("ts".to_owned(), Cell::Text(time_text));
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    row.insert(
        "event_type".to_owned(),
        Cell::Text(text(&fields.event_type).to_owned()),
    );
    row.insert(
        "dedupe_key".to_owned(),
        Cell::Text(dedupe_key(plan, version, event)),
    );
    let written = event
        .get(&fields.schema_version)
        .and_then(Value::as_i64)
        .unwrap_or(1);
    row.insert("schema_version".to_owned(), Cell::Int(written.into()));
    let identity = identity(plan, version, event, &row);
    row.insert(EVENT_KEY.to_owned(), Cell::Text(identity));
    row
}

/// The member of a row that tells which event it is: rows with one value are copies.
pub(crate) const EVENT_KEY: &str = "event_key";

/// Topic, record key, sorting columns and deduplication key as one text, each part quoted.
fn identity(plan: &Plan, version: &Version, event: &Value, row: &Row) -> String {
    let cell = |name: &str| row.get(name).map(ToString::to_string).unwrap_or_default();
    let mut parts = vec![cell("event_type"), scalar(event.pointer(&version.key))];
    parts.extend(plan.clickhouse.order_by.iter().map(|name| cell(name)));
    parts.push(cell("dedupe_key"));
    format!("{parts:?}")
}

/// The value that lands in a column, where the conditions hold.
fn mapped<'e>(event: &'e Value, mapping: &Mapping) -> Option<&'e Value> {
    let holds = mapping.when.iter().all(|when| {
        event.pointer(&when.field).map(Cell::of_json) == Some(Cell::of_json(&when.equals))
    });
    event
        .pointer(&mapping.from)
        .filter(|value| holds && !value.is_null())
}

/// The event's identity: its own key, or the topic's template.
pub(crate) fn dedupe_key(plan: &Plan, version: &Version, event: &Value) -> String {
    let own = event
        .get(&plan.envelope.fields.dedupe_key)
        .and_then(Value::as_str);
    own.map_or_else(|| from_template(version, event), str::to_owned)
}

/// The topic's template filled from an event.
pub(crate) fn from_template(version: &Version, event: &Value) -> String {
    version
        .dedupe_key
        .iter()
        .map(|part| match part {
            TemplatePart::Text(text) => text.clone(),
            TemplatePart::Pointer(pointer) => scalar(event.pointer(pointer)),
        })
        .collect()
}

/// A text, integer or boolean as it stands in a key.
pub(crate) fn scalar(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}
