//! After an insert whose outcome was in doubt, table and views are compared with what they must hold, and what
//! the server lost is put in again.
//!
//! Why tokens are not enough: a MergeTree table that is not replicated writes the token and the part that it
//! speaks for one after the other. Killed in between, ClickHouse 26.7 comes back with the token and without the
//! rows, and drops them when they are sent again; in the fact table, and likewise in each view's target.
//! Replicated tables write both in one transaction of Keeper, and need none of this.
//!
//! Rows go in under a token of their own. Some may be duplicates that the first attempt knew and left out; they
//! do no harm, and telling them from lost ones would cost a look at every key of the table. The ledger is filled
//! again from the table: it counts an event once however often it arrives, so what it has already does no harm
//! either. Views of others are not touched.
use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use super::batch::Batch;
use super::insert::{Sink, Written};
use crate::error::{Error, Result};
use crate::registry::{Days, Definition, EventRegistry};

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
        if let Some(days) = R::PROJECT.days {
            self.fill_ledger(&days, &condition).await?;
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

    /// Puts a part of the fact table into the ledger, which the table's rows reach by a materialized view.
    async fn fill_ledger(&self, days: &Days, condition: &str) -> Result<()> {
        let sql = format!("{} AND {condition}", days.fill);
        let settings = [
            ("insert_deduplicate", "0"),
            ("max_partitions_per_insert_block", "0"),
        ];
        tracing::info!(table = days.ledger, "filled again");
        self.patiently("filling the ledger", || {
            self.client.execute_with(&sql, &[], &settings)
        })
        .await
    }
}

fn is_replicated<R: EventRegistry>() -> bool {
    let mut tables = R::PROJECT.tables.iter();
    tables.any(|table| {
        table.name == R::PROJECT.fact_table
            && matches!(
                table.definition,
                Definition::Table { engine, .. } if engine.starts_with("Replicated")
            )
    })
}
