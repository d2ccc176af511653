//! Waiting rows read from the table and made ready: envelope, payload and deduplication key as one event, checked as
//! the ingest will check it. No document tree is built.
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Row as SqlRow, Statement};

use super::super::connect::problem;
use crate::error::{Error, Result};
use crate::ingest::Rejection;
use crate::produce::OutgoingRecord;
use crate::registry::EventRegistry;

/// Rows of my lanes after each lane's floor, in the order of ids, cut where they hold too many bytes; without their
/// content up to the lane's position. One statement, so one snapshot: who sees a row sees those that were committed
/// before it. Parameters: lanes, floors, positions, most rows of each lane, bytes.
const FETCH: &str = "\
    SELECT id, lane, event_type, key, dedupe_key, envelope, payload, headers, attempts, \
        CASE WHEN next_attempt_at > now() \
            THEN (extract(epoch FROM next_attempt_at - now()) * 1000)::bigint END AS wait_ms, \
        (extract(epoch FROM created_at) * 1000)::bigint AS created_ms, total \
    FROM ( \
        SELECT id, lane, attempts, next_attempt_at, created_at, \
            CASE WHEN is_new THEN event_type END AS event_type, CASE WHEN is_new THEN key END AS key, \
            CASE WHEN is_new THEN dedupe_key END AS dedupe_key, CASE WHEN is_new THEN envelope END AS envelope, \
            CASE WHEN is_new THEN payload END AS payload, CASE WHEN is_new THEN headers END AS headers, \
            row_number() OVER by_id AS place, count(*) OVER () AS total, \
            sum(CASE WHEN is_new THEN pg_column_size(payload) + pg_column_size(envelope) ELSE 0 END) \
                OVER by_id AS bytes \
        FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS mine (lane_number, floor, position, most) \
        CROSS JOIN LATERAL ( \
            SELECT *, o.id > mine.position AS is_new FROM event_outbox AS o \
            WHERE o.lane = mine.lane_number AND o.id > mine.floor \
                AND o.published_at IS NULL AND o.parked_at IS NULL \
            ORDER BY o.id LIMIT mine.most \
        ) AS found \
        WINDOW by_id AS (ORDER BY found.id ROWS UNBOUNDED PRECEDING) \
    ) AS batch \
    WHERE place = 1 OR bytes <= $5 \
    ORDER BY id";

/// Most bytes of one read, as stored; memory for what is read is a small multiple of it.
const MOST_BYTES: i64 = 16 << 20;

/// What to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) lanes: Vec<i16>,
    pub(super) floors: Vec<i64>,
    pub(super) positions: Vec<i64>,
    pub(super) most: Vec<i64>,
    /// The board's count of positions set back.
    pub(super) epoch: u64,
    /// Ids up to here are behind all open transactions.
    pub(super) clear: i64,
}

/// A row that waits.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) lane: i16,
    /// Topic and key, hashed, and the topic alone; a row without a key has a value of its own.
    pub(super) keys: [u64; 2],
    pub(super) attempts: i32,
    /// How long it waits for its next attempt.
    pub(super) wait: Option<Duration>,
    /// When it was inserted, in milliseconds since the epoch.
    pub(super) created_ms: i64,
    /// `None` up to the lane's position: the row was read before.
    pub(super) record: Option<Result<OutgoingRecord, Refused>>,
}

/// What a read found.
#[derive(Debug)]
pub(super) struct Fetched {
    /// In the order of ids.
    pub(super) rows: Vec<Row>,
    /// Whether bytes cut it short.
    pub(super) is_cut: bool,
}

/// Why a row cannot be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The row's own word for its type.
    pub(super) event_type: String,
    /// A code: the ingest's, or `key`, `headers`.
    pub(super) reason: &'static str,
    /// In words, without values.
    pub(super) detail: String,
}

/// The queries, prepared.
pub(super) struct Reader {
    fetch: Statement,
    hasher: RandomState,
    max_message_bytes: usize,
}

impl Reader {
    pub(super) async fn prepare(client: &Client, max_message_bytes: usize) -> Result<Self> {
        let failed = |error| problem("cannot read the outbox", &error);
        Ok(Self {
            fetch: client.prepare(FETCH).await.map_err(failed)?,
            hasher: RandomState::new(),
            max_message_bytes,
        })
    }

    pub(super) async fn fetch<R: EventRegistry>(
        &self,
        client: &Client,
        ask: &Ask,
    ) -> Result<Fetched> {
        let rows = client
            .query(
                &self.fetch,
                &[
                    &ask.lanes,
                    &ask.floors,
                    &ask.positions,
                    &ask.most,
                    &MOST_BYTES,
                ],
            )
            .await
            .map_err(|error| problem("cannot read the outbox", &error))?;
        let total = rows.first().map_or(Ok(0), |row| get::<i64>(row, 11))?;
        let read: Result<Vec<Row>> = rows.iter().map(|row| self.row::<R>(row)).collect();
        Ok(Fetched {
            is_cut: i64::try_from(rows.len()).is_ok_and(|rows| rows < total),
            rows: read?,
        })
    }

    /// A topic as one of a row's keys.
    pub(super) fn topic(&self, name: &str) -> u64 {
        self.hasher.hash_one(name)
    }

    fn row<R: EventRegistry>(&self, row: &SqlRow) -> Result<Row> {
        let id: i64 = get(row, 0)?;
        let event_type: Option<&str> = get(row, 2)?;
        let key: Option<&str> = get(row, 3)?;
        let wait: Option<i64> = get(row, 9)?;
        Ok(Row {
            id,
            lane: get(row, 1)?,
            keys: [
                match key {
                    Some(key) => self.hasher.hash_one((event_type.unwrap_or_default(), key)),
                    None => self.hasher.hash_one(id),
                },
                self.topic(event_type.unwrap_or_default()),
            ],
            attempts: get(row, 8)?,
            wait: wait.and_then(|ms| u64::try_from(ms).ok().map(Duration::from_millis)),
            created_ms: get(row, 10)?,
            record: event_type
                .map(|event_type| self.record::<R>(row, event_type, key))
                .transpose()?,
        })
    }

    fn record<R: EventRegistry>(
        &self,
        row: &SqlRow,
        event_type: &str,
        key: Option<&str>,
    ) -> Result<Result<OutgoingRecord, Refused>> {
        let (envelope, payload): (Json<'_>, Json<'_>) = (get(row, 5)?, get(row, 6)?);
        let headers: Option<Json<'_>> = get(row, 7)?;
        let event = event_text::<R>(event_type, get(row, 4)?, envelope.0, payload.0);
        let refused = |reason, detail: String| Refused {
            event_type: event_type.to_owned(),
            reason,
            detail,
        };
        let checked = OutgoingRecord::from_json::<R>(event, self.max_message_bytes);
        let mut record = match checked {
            Ok(record) => record,
            Err(rejection) => {
                return Ok(Err(refused(rejection.reason.code(), words(&rejection))));
            }
        };
        if record.key.as_deref() != key.map(str::as_bytes) {
            let detail = "the row's key is not what the event has where the registry says; \
                          insert rows with event_outbox_enqueue";
            return Ok(Err(refused("key", detail.to_owned())));
        }
        if let Some(headers) = headers {
            let parsed: Result<serde_json::Map<String, serde_json::Value>, _> =
                serde_json::from_slice(headers.0);
            for (name, value) in parsed.unwrap_or_default() {
                let serde_json::Value::String(value) = value else {
                    return Ok(Err(refused("headers", "a header is no text".to_owned())));
                };
                record = record.header(name, value);
            }
        }
        Ok(Ok(record))
    }
}

/// A rejection in words.
fn words(rejection: &Rejection) -> String {
    match rejection.pointer.as_str() {
        "" => rejection.detail.clone(),
        pointer => format!("{pointer}: {}", rejection.detail),
    }
}

/// The whole event as JSON. The envelope is an object's text as PostgreSQL writes it.
pub(in crate::outbox) fn event_text<R: EventRegistry>(
    event_type: &str,
    dedupe_key: &str,
    envelope: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let fields = &R::PROJECT.envelope;
    let mut text = Vec::with_capacity(envelope.len() + payload.len() + dedupe_key.len() + 128);
    text.push(b'{');
    push_member(&mut text, fields.event_type, event_type);
    let inner = envelope.strip_prefix(b"{").unwrap_or_default();
    let inner = inner.strip_suffix(b"}").unwrap_or_default();
    if !inner.is_empty() {
        text.push(b',');
        text.extend_from_slice(inner);
    }
    text.push(b',');
    // A closed envelope may have no member for it: readers make the key by the topic's template.
    if !fields.dedupe_key.is_empty() {
        push_member(&mut text, fields.dedupe_key, dedupe_key);
        text.push(b',');
    }
    push_text(&mut text, fields.payload);
    text.push(b':');
    text.extend_from_slice(payload);
    text.push(b'}');
    text
}

fn push_member(text: &mut Vec<u8>, name: &str, value: &str) {
    push_text(text, name);
    text.push(b':');
    push_text(text, value);
}

/// A JSON text. Nearly all need no escape.
fn push_text(text: &mut Vec<u8>, value: &str) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(text, value);
}

fn get<'r, T: FromSql<'r>>(row: &'r SqlRow, column: usize) -> Result<T> {
    row.try_get(column)
        .map_err(|error| Error::bug("a column of the outbox is not as expected").why(error))
}

/// The text of a `jsonb`, which PostgreSQL sends behind one byte of version.
pub(in crate::outbox) struct Json<'r>(pub(in crate::outbox) &'r [u8]);

impl<'r> FromSql<'r> for Json<'r> {
    fn from_sql(
        _: &Type,
        raw: &'r [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match raw {
            [1, text @ ..] => Ok(Self(text)),
            _ => Err("a jsonb of an unknown version".into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSONB
    }
}
