//! Events of the fact table, by topic and time: tallies of hashed deduplication keys, the hashes, the keys.
use std::collections::{BTreeMap, HashSet};
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::{Place, Tally, WINDOW_MS};
use crate::clickhouse::{Client, QueryResult};
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// ClickHouse's `sipHash64`.
pub(super) fn hash(key: &str) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(key.as_bytes());
    hasher.finish()
}

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
            "SELECT event_type, w, count(), sum(h) FROM (\
                SELECT DISTINCT event_type, intDiv(toUnixTimestamp64Milli(ts), {WINDOW_MS}) AS w, \
                    sipHash64(dedupe_key) AS h FROM {} \
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
            let (Some(topic), Some(window), Some(events), Some(hashes)) = (
                row.first().and_then(serde_json::Value::as_str),
                row.get(1).and_then(serde_json::Value::as_i64),
                row.get(2).and_then(serde_json::Value::as_u64),
                row.get(3).and_then(serde_json::Value::as_u64),
            ) else {
                return Err(unexpected());
            };
            tallies.insert((topic.to_owned(), window), Tally { events, hashes });
        }
        Ok(tallies)
    }

    /// Hashed keys of a topic's events of a time.
    pub(super) async fn hashes(
        &self,
        topic: &str,
        (since, until): (i64, i64),
    ) -> Result<HashSet<u64>> {
        let sql = format!(
            "SELECT DISTINCT sipHash64(dedupe_key) FROM {} WHERE event_type = {} AND {}",
            self.table,
            literal(topic),
            between(since, until),
        );
        numbers(&self.client.query_json(&sql, &[]).await?)
    }

    /// Which of these hashes some event of the topic has, of a time or of any.
    pub(super) async fn stored(
        &self,
        topic: &str,
        hashes: &[u64],
        times: Option<(i64, i64)>,
    ) -> Result<HashSet<u64>> {
        let sql = format!(
            "SELECT DISTINCT sipHash64(dedupe_key) AS h FROM {} WHERE event_type = {} AND {} AND h IN ({})",
            self.table,
            literal(topic),
            times.map_or_else(|| "true".to_owned(), |(since, until)| between(since, until)),
            listed(hashes),
        );
        numbers(&self.client.query_json(&sql, &[]).await?)
    }

    /// Keys of a topic's events of a time with these hashes.
    pub(super) async fn keys(
        &self,
        topic: &str,
        (since, until): (i64, i64),
        hashes: &[u64],
    ) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT DISTINCT dedupe_key FROM {} WHERE event_type = {} AND {} AND sipHash64(dedupe_key) IN ({}) \
             ORDER BY dedupe_key",
            self.table,
            literal(topic),
            between(since, until),
            listed(hashes),
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        let keys = answer.rows.iter().map(|row| {
            let key = row.first().and_then(serde_json::Value::as_str);
            key.map(str::to_owned).ok_or_else(unexpected)
        });
        keys.collect()
    }
}

fn between(since: i64, until: i64) -> String {
    format!(
        "ts >= fromUnixTimestamp64Milli(toInt64({since})) AND ts < fromUnixTimestamp64Milli(toInt64({until}))"
    )
}

fn listed(hashes: &[u64]) -> String {
    let texts: Vec<String> = hashes.iter().map(u64::to_string).collect();
    texts.join(", ")
}

/// A topic as a literal; it may have come from a row of the outbox.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_clickhouse() {
        // SELECT sipHash64('shop.purchase:7:2:success'), sipHash64('')
        assert_eq!(hash(""), 2_202_906_307_356_721_367);
        assert_eq!(literal(r"a'\"), r"'a\'\\'");
    }
}
