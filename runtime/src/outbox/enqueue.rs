//! Events into the outbox, in the caller's transaction. The same checks as the producer's: what no consumer would
//! take is refused before the insert.
use tokio_postgres::GenericClient;

use super::connect::problem;
use crate::error::{Error, Result};
use crate::produce::{Draft, OutgoingRecord};
use crate::registry::EventRegistry;

/// One statement and one round trip for any number of events. Parameters: types, events, deduplication keys, keys,
/// headers (an array each), the payload's member, members that have columns of their own. Ids rise in the events' order.
pub(super) const INSERT: &str = "\
    INSERT INTO event_outbox (event_type, payload, envelope, dedupe_key, key, headers) \
    SELECT given.event_type, given.event -> $6::text, given.event - $7::text[], given.dedupe_key, given.key, given.headers \
    FROM unnest($1::text[], $2::text[]::jsonb[], $3::text[], $4::text[], $5::text[]::jsonb[]) \
        WITH ORDINALITY AS given (event_type, event, dedupe_key, key, headers, place) \
    ORDER BY given.place \
    RETURNING id";

/// The arrays that [`INSERT`] takes.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) types: Vec<&'static str>,
    pub(super) events: Vec<String>,
    pub(super) dedupe_keys: Vec<String>,
    pub(super) keys: Vec<Option<String>>,
    pub(super) headers: Vec<Option<String>>,
}

impl Columns {
    pub(super) fn of(records: Vec<OutgoingRecord>) -> Result<Self> {
        let mut columns = Self::default();
        for (place, record) in records.into_iter().enumerate() {
            columns
                .push(record)
                .map_err(|error| error.at("event", place))?;
        }
        Ok(columns)
    }

    fn push(&mut self, record: OutgoingRecord) -> Result<()> {
        let refused = |why: &str, fix: &str| {
            Error::record("the event cannot stand in the outbox")
                .at("topic", record.topic)
                .why(why)
                .fix(fix)
        };
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8", "write JSON in UTF-8"))
        };
        let event = text(record.value)?;
        let key = record.key.map(text).transpose()?;
        let mut names: Vec<&str> = record.headers.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(refused(
                "a header is there twice",
                "give each header a name of its own",
            ));
        }
        let headers = (!record.headers.is_empty()).then(|| {
            let headers = record.headers.iter();
            let headers: serde_json::Map<_, _> = headers
                .map(|(name, value)| (name.clone(), value.clone().into()))
                .collect();
            serde_json::Value::Object(headers).to_string()
        });
        if holds_nul(&event) || headers.as_deref().is_some_and(holds_nul) {
            return Err(refused(
                "PostgreSQL's jsonb holds no NUL character (U+0000)",
                "take it out of the text, or send binary content in base64",
            ));
        }
        self.types.push(record.topic);
        self.events.push(event);
        self.dedupe_keys.push(record.dedupe_key);
        self.keys.push(key);
        self.headers.push(headers);
        Ok(())
    }
}

/// Members that are columns of their own, so that each fact stands once.
pub(super) fn own_columns<R: EventRegistry>() -> [&'static str; 3] {
    let fields = &R::PROJECT.envelope;
    [fields.event_type, fields.payload, fields.dedupe_key]
}

/// Whether a JSON text spells a NUL character. Raw ones are not JSON.
fn holds_nul(json: &str) -> bool {
    let mut rest = json;
    while let Some(place) = rest.find('\\') {
        let escape = &rest[place + 1..];
        if escape.starts_with("u0000") {
            return true;
        }
        // What is escaped may be a backslash.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

/// Puts an event into the outbox, in the transaction that `client` is; returns the row's id.
///
/// Nothing is sent before the transaction commits, and nothing at all where it rolls back.
///
/// # Errors
/// A schema rejects the event ([`crate::error::Kind::Record`], nothing is inserted, the transaction goes on), or
/// PostgreSQL refuses (the transaction is then aborted, as after every failed statement).
pub async fn enqueue<R: EventRegistry>(client: &impl GenericClient, draft: Draft) -> Result<i64> {
    let ids = enqueue_all::<R>(client, [draft]).await?;
    ids.first()
        .copied()
        .ok_or_else(|| Error::bug("an enqueued event has no id"))
}

/// As [`enqueue`], for many events in one round trip; ids in the events' order.
///
/// # Errors
/// As [`enqueue`]; nothing is inserted then.
pub async fn enqueue_all<R: EventRegistry>(
    client: &impl GenericClient,
    drafts: impl IntoIterator<Item = Draft>,
) -> Result<Vec<i64>> {
    let records: Result<Vec<_>> = drafts.into_iter().map(Draft::finish::<R>).collect();
    enqueue_records::<R>(client, records?).await
}

/// As [`enqueue_all`], for events that are whole already ([`OutgoingRecord::from_json`]).
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_records<R: EventRegistry>(
    client: &impl GenericClient,
    records: Vec<OutgoingRecord>,
) -> Result<Vec<i64>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let columns = Columns::of(records)?;
    let rows = client
        .query(
            INSERT,
            &[
                &columns.types,
                &columns.events,
                &columns.dedupe_keys,
                &columns.keys,
                &columns.headers,
                &R::PROJECT.envelope.payload,
                &own_columns::<R>().as_slice(),
            ],
        )
        .await
        .map_err(|error| problem("cannot put events into the outbox", &error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_found_and_its_look_alikes_are_not() {
        for (json, expected) in [
            (r#"{"a":"\u0000"}"#, true),
            (r#"{"a":"\\u0000"}"#, false),
            (r#"{"a":"\\\u0000"}"#, true),
            (r#"{"a":"\u0001\n\""}"#, false),
            (r#"{"é":"\"é\\"}"#, false),
            (r#"{"\u0000":1}"#, true),
        ] {
            assert_eq!(holds_nul(json), expected, "{json}");
        }
    }
}
