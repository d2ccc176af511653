//! Rows of the outbox, page by page in the order of ids, which is the order of their inserts.
use std::collections::HashSet;

use tokio_postgres::Client;

use super::super::connect::problem;
use super::super::relay::rows::{Json, event_text};
use super::UNDER_WAY;
use crate::error::Result;
use crate::ingest::decode::EventReader;
use crate::registry::EventRegistry;

/// Rows of a page: each comes with its event, of some hundred bytes to some thousand.
const PAGE: i64 = 5_000;

/// Parameters: after, until, member of the time, topics or none, rows, seconds that a published row may be under way.
const ROWS: &str = "\
    SELECT id, event_type, dedupe_key, envelope ->> $3::text, (extract(epoch FROM created_at) * 1000)::bigint, \
        envelope, payload, \
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
    pub(super) dedupe_key: String,
    /// What the event is known by in the fact table; nothing for one that no worker can use.
    pub(super) event_key: Option<u64>,
    /// The event's own time, in milliseconds; the insert's where it has none that can be read.
    pub(super) time: i64,
    pub(super) created: i64,
    pub(super) state: State,
}

pub(super) struct OutboxSide<'c, R> {
    client: &'c Client,
    topics: &'c [String],
    registry: std::marker::PhantomData<R>,
}

impl<'c, R: EventRegistry> OutboxSide<'c, R> {
    pub(super) fn new(client: &'c Client, topics: &'c [String]) -> Self {
        Self {
            client,
            topics,
            registry: std::marker::PhantomData,
        }
    }

    /// What a row's event is known by.
    fn event_key(
        reader: &mut EventReader,
        topic: &str,
        dedupe_key: &str,
        (envelope, payload): (Json<'_>, Json<'_>),
    ) -> Option<u64> {
        let topic = R::TOPICS.iter().find(|known| known.name == topic)?;
        let event = event_text::<R>(topic.name, dedupe_key, envelope.0, payload.0);
        reader.event_key::<R>(&event, topic).ok()
    }

    fn reader() -> EventReader {
        // Only the event's key is asked for: nothing is hashed with a key of this process.
        EventReader::new([0; 16], usize::MAX)
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
                &[
                    &after,
                    &until,
                    &R::PROJECT.envelope.timestamp,
                    &self.topics,
                    &PAGE,
                    &seconds,
                ],
            )
            .await
            .map_err(|error| problem("cannot read the outbox", &error))?;
        let mut reader = Self::reader();
        let rows = rows.iter().map(|row| {
            let (topic, dedupe_key): (String, String) = (row.get(1), row.get(2));
            let event_key =
                Self::event_key(&mut reader, &topic, &dedupe_key, (row.get(5), row.get(6)));
            let created: i64 = row.get(4);
            let time = row
                .get::<_, Option<&str>>(3)
                .and_then(crate::row::parse_timestamp);
            Row {
                id: row.get(0),
                topic,
                dedupe_key,
                event_key,
                time: time.map_or(created, |time| time.0),
                created,
                state: match row.get::<_, i32>(7) {
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

    /// The events of a topic that some row with one of these deduplication keys is, whenever it was inserted.
    pub(super) async fn known(&self, topic: &str, dedupe_keys: &[String]) -> Result<HashSet<u64>> {
        let known = "SELECT dedupe_key, envelope, payload FROM event_outbox \
            WHERE dedupe_key = ANY($1) AND event_type = $2";
        let rows = self.client.query(known, &[&dedupe_keys, &topic]).await;
        let rows = rows.map_err(|error| problem("cannot read the outbox", &error))?;
        let mut reader = Self::reader();
        let keys = rows.iter().filter_map(|row| {
            let dedupe_key: &str = row.get(0);
            Self::event_key(&mut reader, topic, dedupe_key, (row.get(1), row.get(2)))
        });
        Ok(keys.collect())
    }
}
