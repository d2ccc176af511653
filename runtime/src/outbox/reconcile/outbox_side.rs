//! Rows of the outbox, page by page in the order of ids, which is the order of their inserts.
use std::collections::HashSet;

use tokio_postgres::Client;

use super::super::connect::problem;
use super::UNDER_WAY;
use crate::error::Result;
use crate::registry::EventRegistry;

/// Rows of a page.
const PAGE: i64 = 20_000;

/// Parameters: after, until, member of the time, topics or none, rows, seconds that a published row may be under way.
const ROWS: &str = "\
    SELECT id, event_type, dedupe_key, envelope ->> $3::text, (extract(epoch FROM created_at) * 1000)::bigint, \
        CASE WHEN parked_at IS NOT NULL THEN 0 WHEN published_at IS NULL THEN 1 \
            WHEN published_at > now() - $6::double precision * interval '1 second' THEN 2 ELSE 3 END \
    FROM event_outbox \
    WHERE id > $1 AND id <= $2 AND (cardinality($4::text[]) = 0 OR event_type = ANY($4)) \
    ORDER BY id LIMIT $5";

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Parked,
    Pending,
    /// Published a moment ago.
    UnderWay,
    Published,
}

impl State {
    pub(super) fn is_published(self) -> bool {
        matches!(self, Self::UnderWay | Self::Published)
    }
}

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) topic: String,
    pub(super) key: String,
    /// The event's own time, in milliseconds; the insert's where it has none that can be read.
    pub(super) time: i64,
    pub(super) created: i64,
    pub(super) state: State,
}

pub(super) struct OutboxSide<'c> {
    client: &'c Client,
    topics: &'c [String],
    time: &'static str,
}

impl<'c> OutboxSide<'c> {
    pub(super) fn new<R: EventRegistry>(client: &'c Client, topics: &'c [String]) -> Self {
        Self {
            client,
            topics,
            time: R::PROJECT.envelope.timestamp,
        }
    }

    /// An id that no row inserted at or after this time is before. Halves the table's ids: times rise with them.
    pub(super) async fn before(&self, time: i64) -> Result<i64> {
        let failed = |error| problem("cannot read the outbox", &error);
        let ends = "SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM event_outbox";
        let ends = self.client.query_one(ends, &[]).await.map_err(failed)?;
        let (mut low, mut high): (i64, i64) = (ends.get(0), ends.get(1));
        let probe = "SELECT id, (extract(epoch FROM created_at) * 1000)::bigint FROM event_outbox \
            WHERE id >= $1 ORDER BY id LIMIT 1";
        while low <= high {
            let middle = low + (high - low) / 2;
            let row = self.client.query_opt(probe, &[&middle]).await;
            match row.map_err(failed)? {
                Some(row) if row.get::<_, i64>(1) < time => low = row.get::<_, i64>(0) + 1,
                _ => high = middle - 1,
            }
        }
        Ok(low - 1)
    }

    /// The next rows behind an id, up to another.
    pub(super) async fn page(&self, after: i64, until: i64) -> Result<Vec<Row>> {
        let seconds = UNDER_WAY.as_secs_f64();
        let rows = self
            .client
            .query(
                ROWS,
                &[&after, &until, &self.time, &self.topics, &PAGE, &seconds],
            )
            .await
            .map_err(|error| problem("cannot read the outbox", &error))?;
        let rows = rows.iter().map(|row| {
            let created: i64 = row.get(4);
            let time = row
                .get::<_, Option<&str>>(3)
                .and_then(crate::row::parse_timestamp);
            Row {
                id: row.get(0),
                topic: row.get(1),
                key: row.get(2),
                time: time.map_or(created, |time| time.0),
                created,
                state: match row.get::<_, i32>(5) {
                    0 => State::Parked,
                    1 => State::Pending,
                    2 => State::UnderWay,
                    _ => State::Published,
                },
            }
        });
        Ok(rows.collect())
    }

    /// When the oldest published row was inserted; older ones have been cleaned away.
    pub(super) async fn oldest(&self) -> Result<Option<i64>> {
        let oldest = "SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM event_outbox \
            WHERE published_at IS NOT NULL ORDER BY id LIMIT 1";
        let row = self.client.query_opt(oldest, &[]).await;
        let row = row.map_err(|error| problem("cannot read the outbox", &error))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Which of these keys some row has, whenever it was inserted.
    pub(super) async fn known(&self, keys: &[String]) -> Result<HashSet<String>> {
        let known = "SELECT DISTINCT dedupe_key FROM event_outbox WHERE dedupe_key = ANY($1)";
        let rows = self.client.query(known, &[&keys]).await;
        let rows = rows.map_err(|error| problem("cannot read the outbox", &error))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}
