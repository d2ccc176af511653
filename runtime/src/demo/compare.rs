//! The oracle's answers beside ClickHouse's.
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::oracle::Answer;
use super::value::Cell;
use crate::clickhouse::QueryResult;

/// One KPI from both sides.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) name: String,
    pub(crate) oracle: Answer,
    pub(crate) clickhouse: Answer,
}

impl Comparison {
    pub(crate) fn is_equal(&self) -> bool {
        self.oracle == self.clickhouse
    }

    /// As a table row: `{"name","oracle","clickhouse","equal"}`, the sides as lists of objects.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "oracle": objects(&self.oracle),
            "clickhouse": objects(&self.clickhouse),
            "equal": self.is_equal(),
        })
    }

    /// Where the sides part first, for a person.
    pub(crate) fn difference(&self) -> Option<String> {
        if self.is_equal() {
            return None;
        }
        if self.oracle.columns != self.clickhouse.columns {
            return Some(format!(
                "columns {} / {}",
                self.oracle.columns.join(", "),
                self.clickhouse.columns.join(", ")
            ));
        }
        let most = self.oracle.rows.len().max(self.clickhouse.rows.len());
        let row =
            (0..most).find(|row| self.oracle.rows.get(*row) != self.clickhouse.rows.get(*row))?;
        Some(format!(
            "row {}: {} / {}",
            row + 1,
            line(&self.oracle, row),
            line(&self.clickhouse, row)
        ))
    }
}

/// A result in one short line: its first row, and how many more there are.
pub(crate) fn summary(answer: &Answer) -> String {
    match answer.rows.len() {
        0 => "nothing".to_owned(),
        1 => line(answer, 0),
        more => format!("{} and {} more", line(answer, 0), more - 1),
    }
}

fn line(answer: &Answer, row: usize) -> String {
    answer.rows.get(row).map_or_else(
        || "no such row".to_owned(),
        |cells| {
            cells
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" · ")
        },
    )
}

fn objects(answer: &Answer) -> Vec<Value> {
    answer
        .rows
        .iter()
        .map(|cells| {
            let members = answer
                .columns
                .iter()
                .cloned()
                .zip(cells.iter().map(Cell::to_json));
            Value::Object(members.collect())
        })
        .collect()
}

/// ClickHouse's answer in the oracle's form.
pub(crate) fn of_clickhouse(result: &QueryResult) -> Answer {
    Answer {
        columns: result
            .columns
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        rows: result
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .zip(&result.columns)
                    .map(|(value, (_, kind))| typed(value, kind))
                    .collect()
            })
            .collect(),
    }
}

/// A float column's whole numbers come as integers in JSON.
fn typed(value: &Value, kind: &str) -> Cell {
    match Cell::of_json(value) {
        Cell::Int(number) if kind.contains("Float") => Cell::Float(number as f64),
        cell => cell,
    }
}

/// Pairs the sides by name; a KPI that one side lacks is compared with nothing.
pub(crate) fn pair(
    oracle: BTreeMap<String, Answer>,
    mut clickhouse: BTreeMap<String, Answer>,
) -> Vec<Comparison> {
    let nothing = || Answer {
        columns: Vec::new(),
        rows: Vec::new(),
    };
    oracle
        .into_iter()
        .map(|(name, oracle)| Comparison {
            clickhouse: clickhouse.remove(&name).unwrap_or_else(nothing),
            oracle,
            name,
        })
        .collect()
}
