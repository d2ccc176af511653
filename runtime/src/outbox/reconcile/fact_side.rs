//! Events of the fact table, by topic and time: tallies of their keys (`event_key`), the keys, and what a person knows
//! them by.
use std::collections::{BTreeMap, HashSet};

use super::{Place, Tally, WINDOW_MS};
use crate::clickhouse::{Client, QueryResult, literal};
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

pub(super) struct FactSide<'c> {
    client: &'c Client,
    table: String,
}

impl<'c> FactSide<'c> {
    pub(super) fn new<R: EventRegistry>(client: &'c Client) -> Self {
        Self {
            client,
            table: format!("`{}`.`{}`", R::PROJECT.database, R::PROJECT.fact_table),
        }
    }

    /// Distinct events of each topic and window. A row that is there twice counts once.
    pub(super) async fn tallies(
        &self,
        topics: &[String],
        since: i64,
        until: i64,
    ) -> Result<BTreeMap<Place, Tally>> {
        let sql = format!(
            "SELECT event_type, w, count(), sum(event_key) FROM (\
                SELECT DISTINCT event_type, intDiv(toUnixTimestamp64Milli(ts), {WINDOW_MS}) AS w, event_key FROM {} \
                WHERE event_type IN ({}) AND {}) GROUP BY event_type, w",
            self.table,
            topics
                .iter()
                .map(|topic| literal(topic))
                .collect::<Vec<_>>()
                .join(", "),
            between(since, until),
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        let mut tallies = BTreeMap::new();
        for row in &answer.rows {
            let (Some(topic), Some(window), Some(events), Some(keys)) = (
                row.first().and_then(serde_json::Value::as_str),
                row.get(1).and_then(serde_json::Value::as_i64),
                row.get(2).and_then(serde_json::Value::as_u64),
                row.get(3).and_then(serde_json::Value::as_u64),
            ) else {
                return Err(unexpected());
            };
            tallies.insert((topic.to_owned(), window), Tally { events, keys });
        }
        Ok(tallies)
    }

    /// Keys of a topic's events of a time.
    pub(super) async fn keys(
        &self,
        topic: &str,
        (since, until): (i64, i64),
    ) -> Result<HashSet<u64>> {
        let sql = format!(
            "SELECT DISTINCT event_key FROM {} WHERE event_type = {} AND {}",
            self.table,
            literal(topic),
            between(since, until),
        );
        numbers(&self.client.query_json(&sql, &[]).await?)
    }

    /// Which of these keys some event of the topic has, of a time or of any.
    pub(super) async fn stored(
        &self,
        topic: &str,
        keys: &[u64],
        times: Option<(i64, i64)>,
    ) -> Result<HashSet<u64>> {
        let sql = format!(
            "SELECT DISTINCT event_key FROM {} WHERE event_type = {} AND {} AND event_key IN ({})",
            self.table,
            literal(topic),
            times.map_or_else(|| "true".to_owned(), |(since, until)| between(since, until)),
            listed(keys),
        );
        numbers(&self.client.query_json(&sql, &[]).await?)
    }

    /// Keys and deduplication keys of a topic's events of a time with these keys.
    pub(super) async fn dedupe_keys(
        &self,
        topic: &str,
        (since, until): (i64, i64),
        keys: &[u64],
    ) -> Result<Vec<(u64, String)>> {
        let sql = format!(
            "SELECT DISTINCT event_key, dedupe_key FROM {} WHERE event_type = {} AND {} AND event_key IN ({}) \
             ORDER BY dedupe_key, event_key",
            self.table,
            literal(topic),
            between(since, until),
            listed(keys),
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        let keys = answer.rows.iter().map(|row| {
            let key = row.first().and_then(serde_json::Value::as_u64);
            let dedupe_key = row.get(1).and_then(serde_json::Value::as_str);
            let found = key.zip(dedupe_key);
            found
                .map(|(key, dedupe_key)| (key, dedupe_key.to_owned()))
                .ok_or_else(unexpected)
        });
        keys.collect()
    }
}

fn between(since: i64, until: i64) -> String {
    format!(
        "ts >= fromUnixTimestamp64Milli(toInt64({since})) AND ts < fromUnixTimestamp64Milli(toInt64({until}))"
    )
}

fn listed(keys: &[u64]) -> String {
    let texts: Vec<String> = keys.iter().map(u64::to_string).collect();
    texts.join(", ")
}

fn numbers(answer: &QueryResult) -> Result<HashSet<u64>> {
    let numbers = answer.rows.iter().map(|row| {
        let number = row.first().and_then(serde_json::Value::as_u64);
        number.ok_or_else(unexpected)
    });
    numbers.collect()
}

fn unexpected() -> Error {
    Error::bug("ClickHouse's answer has not the columns that were asked for")
}
