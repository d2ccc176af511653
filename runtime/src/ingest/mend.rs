//! After an insert whose outcome was in doubt, table and views are compared with what they must hold, and what
//! the server lost is put in again.
//!
//! Why tokens are not enough: a MergeTree table that is not replicated writes the token and the part that it
//! speaks for one after the other. Killed in between, ClickHouse 26.7 comes back with the token and without the
//! rows, and drops them when they are sent again; in the fact table, and likewise in each view's target.
//! Replicated tables write both in one transaction of Keeper, and need none of this.
//!
//! Rows go in under a token of their own. Some may be duplicates that the first attempt knew and left out; they
//! do no harm, and telling them from lost ones would cost a look at every key of the table. The registry's views
//! are fed again from the table: they count an event once however often it arrives, so what they have already
//! does no harm either. Views of others are not touched.
use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use super::batch::Batch;
use super::insert::{Sink, Written};
use crate::clickhouse::{quoted, view_parts};
use crate::error::{Error, Result};
use crate::registry::{EventRegistry, Statement};

/// How far the clocks of producers and the server may be apart.
const CLOCKS_MS: i64 = 60_000;

impl<R: EventRegistry> Sink<R> {
    /// Puts in what of these rows, and of what the views make of them, is not there.
    ///
    /// # Errors
    /// Only what waiting cannot mend: a defect of ours.
    pub(super) async fn mend(
        &self,
        batch: &Batch<R::Block>,
        token: &str,
        written: &Written,
    ) -> Result<()> {
        let condition = batch.ranges.plan().condition();
        let mut attempt = 0;
        let refused: HashSet<u32> = written.refused.iter().copied().collect();
        loop {
            let stored = self.stored(&condition).await?;
            let is_missing = |row: &u32| {
                let place = batch.coordinates(*row).zip(batch.key(*row));
                !refused.contains(row) && place.is_some_and(|row| !stored.contains(&row))
            };
            let mut missing = self.ordered(batch, &written.successors);
            missing.retain(is_missing);
            if missing.is_empty() {
                break;
            }
            tracing::info!(
                token,
                rows = missing.len(),
                "rows in doubt that the table lacks are inserted"
            );
            attempt += 1;
            let lost = format!("{token}.lost{attempt}");
            self.insert_block(batch, &missing, &lost).await?;
        }
        for view in R::PROJECT.tables {
            if let Some((target, query)) = feeding::<R>(view, &condition) {
                self.feed(view.name, target, &query).await?;
            }
        }
        Ok(())
    }

    /// Whether the server may have lost something since a moment: it started later, or too close to it to tell.
    pub(super) async fn restarted_since(&self, moment: i64) -> Result<bool> {
        if is_replicated::<R>() {
            return Ok(false);
        }
        let answer = self
            .patiently("a look at the server", || {
                self.client.query_json("SELECT uptime()", &[])
            })
            .await?;
        let uptime = answer.rows.first().and_then(|row| row.first()?.as_i64());
        let uptime = uptime.ok_or_else(|| Error::bug("the server does not tell its uptime"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        Ok(now - uptime * 1000 > moment - CLOCKS_MS)
    }

    /// Inserts a query's rows into a view's target.
    async fn feed(&self, view: &str, target: &str, query: &str) -> Result<()> {
        let described = self
            .patiently("a look at a view", || {
                let sql = format!("DESCRIBE TABLE ({query})");
                let client = self.client.clone();
                async move { client.query_json(&sql, &[]).await }
            })
            .await?;
        let names = described.rows.iter();
        let names: Vec<String> = names
            .filter_map(|row| Some(quoted(row.first()?.as_str()?)))
            .collect();
        let columns = names.join(", ");
        let sql = format!(
            "INSERT INTO {target} ({columns}) \
             SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0 SELECT {columns} FROM ({query})"
        );
        tracing::info!(view, "fed again");
        self.patiently("feeding a view", || self.client.execute(&sql))
            .await
    }
}

fn is_replicated<R: EventRegistry>() -> bool {
    let mut tables = R::PROJECT.tables.iter();
    tables.any(|table| {
        table.name == R::PROJECT.fact_table && table.sql.contains("ENGINE = Replicated")
    })
}

/// Target and query of a view that inserts into the fact table feed, over a part of the table.
fn feeding<R: EventRegistry>(
    view: &'static Statement,
    condition: &str,
) -> Option<(&'static str, String)> {
    let (create, target, query) = view_parts(view.sql)?;
    if !create.contains("CREATE MATERIALIZED VIEW") || create.contains("\nREFRESH ") {
        return None;
    }
    let (database, table) = (R::PROJECT.database, R::PROJECT.fact_table);
    // Names are in backquotes only where they have to be.
    [database.to_owned(), quoted(database)]
        .iter()
        .flat_map(|database| {
            [table.to_owned(), quoted(table)].map(|table| format!("{database}.{table}"))
        })
        .find_map(|fact| {
            let (before, after) = query.split_once(&format!("FROM {fact} AS "))?;
            Some(format!(
                "{before}FROM (SELECT * FROM {fact} WHERE {condition}) AS {after}"
            ))
        })
        .map(|query| (target, query))
}
