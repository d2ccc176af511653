//! What a migration touches, as far as a review without a server can tell: bytes a row before compression, from
//! the column's type and from what the registry's examples hold; and the query that tells it exactly.
//!
//! Numbers have the width of their type, texts the average length of the examples' values. A text that no
//! example has stays unknown rather than guessed.
use serde_json::Value;

use super::side::Side;
use crate::clickhouse::print::text;
use crate::clickhouse::{Column, Default, JsonPath, Table, Type};

/// Bytes that ClickHouse puts before a text for its length, for texts of up to 127 bytes.
const LENGTH_BYTES: u64 = 1;

/// A column's bytes in one row, and whether they are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bytes {
    Exactly(u64),
    About(u64),
    Unknown,
}

fn of_column(side: &Side, column: &Column) -> Bytes {
    match &column.default {
        // Computed when it is read.
        Default::Alias(_) => return Bytes::Exactly(0),
        Default::OfType | Default::Stored(_) => {}
    }
    match column.kind.width() {
        Some(bytes) if column.kind == Type::LowCardinality => Bytes::About(bytes),
        Some(bytes) => Bytes::Exactly(bytes),
        None if matches!(column.kind, Type::String | Type::Json(_)) => {
            match average(&lengths(side, &column.name)) {
                Some(bytes) => Bytes::About(bytes + LENGTH_BYTES),
                None => Bytes::Unknown,
            }
        }
        None => Bytes::Unknown,
    }
}

/// Lengths of what the examples put into a column of the fact table.
fn lengths(side: &Side, column: &str) -> Vec<u64> {
    let prefix = format!(
        "/{}",
        crate::model::escape(&side.registry.envelope.fields.payload)
    );
    let length = |value: &Value| match value {
        Value::String(text) => text.len() as u64,
        Value::Null => 0,
        other => other.to_string().len() as u64,
    };
    let mut found = Vec::new();
    for version in side
        .registry
        .topics
        .iter()
        .flat_map(|topic| &topic.versions)
    {
        let payloads = version.examples.iter().map(|example| &example.payload);
        if column == "payload_json" {
            found.extend(payloads.map(length));
            continue;
        }
        let mut mappings = version.columns.iter();
        let source = mappings.find(|mapping| mapping.column == column);
        if let Some(inner) = source.and_then(|mapping| mapping.source.from.strip_prefix(&prefix)) {
            found.extend(
                payloads
                    .filter_map(|payload| payload.pointer(inner))
                    .map(length),
            );
        }
    }
    found
}

fn average(lengths: &[u64]) -> Option<u64> {
    let count = u64::try_from(lengths.len())
        .ok()
        .filter(|count| *count > 0)?;
    Some(lengths.iter().sum::<u64>().div_ceil(count))
}

/// `about 9 bytes a row before compression`, of one column.
#[must_use]
pub(crate) fn a_row_of(side: &Side, column: &Column) -> String {
    match of_column(side, column) {
        Bytes::Exactly(0) => "nothing is stored".to_owned(),
        Bytes::Exactly(bytes) => words("", bytes),
        Bytes::About(bytes) => words("about ", bytes),
        Bytes::Unknown => "bytes a row depend on the values".to_owned(),
    }
}

/// `8 bytes in an event that has it, before compression`, of a path of the payload.
#[must_use]
pub(super) fn in_an_event(side: &Side, path: &JsonPath) -> String {
    let (how, bytes) = match path.kind.width() {
        Some(bytes) => ("", Some(bytes)),
        None => {
            let versions = side
                .registry
                .topics
                .iter()
                .flat_map(|topic| &topic.versions);
            let examples = versions.flat_map(|version| &version.examples);
            let pointer: String = path
                .names
                .iter()
                .map(|name| format!("/{}", crate::model::escape(name)))
                .collect();
            let values: Vec<u64> = examples
                .filter_map(|example| {
                    Some(example.payload.pointer(&pointer)?.as_str()?.len() as u64)
                })
                .collect();
            ("about ", average(&values).map(|bytes| bytes + LENGTH_BYTES))
        }
    };
    bytes.map_or_else(
        || "as many bytes as the value in an event that has it".to_owned(),
        |bytes| {
            let unit = if bytes == 1 { "byte" } else { "bytes" };
            format!("{how}{bytes} {unit} in an event that has it, before compression")
        },
    )
}

/// `about 310 bytes a row before compression`, of a whole table.
#[must_use]
pub(crate) fn a_row(side: &Side, table: &Table) -> String {
    let (mut sum, mut how) = (0, "");
    for column in &table.columns {
        match of_column(side, column) {
            Bytes::Exactly(bytes) => sum += bytes,
            Bytes::About(bytes) => {
                sum += bytes;
                if how.is_empty() {
                    how = "about ";
                }
            }
            Bytes::Unknown => how = "at least ",
        }
    }
    words(how, sum)
}

fn words(how: &str, bytes: u64) -> String {
    let unit = if bytes == 1 { "byte" } else { "bytes" };
    format!("{how}{bytes} {unit} a row before compression")
}

/// The query that counts rows and bytes on the server's disk, of a table or of one of its columns.
#[must_use]
pub(crate) fn query(table: &Table, column: Option<&str>) -> String {
    let (parts, bytes) = match column {
        Some(_) => ("parts_columns", "column_bytes_on_disk"),
        None => ("parts", "bytes_on_disk"),
    };
    let column = column.map_or_else(String::new, |column| {
        format!(" AND column = {}", text(column))
    });
    format!(
        "SELECT sum(rows), formatReadableSize(sum({bytes})) FROM system.{parts} \
         WHERE active AND database = {} AND table = {}{column}",
        text(&table.name.database),
        text(&table.name.table),
    )
}
