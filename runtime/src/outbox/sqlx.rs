//! The outbox for services that use sqlx: the same statement and the same checks, in a transaction of sqlx.
use ::sqlx::postgres::PgExecutor;
use ::sqlx::{Error as SqlxError, Row as _};

use super::enqueue::{Columns, INSERT, own_columns};
use crate::error::{Error, Kind, Result};
use crate::produce::{Draft, OutgoingRecord};
use crate::registry::EventRegistry;

/// Puts an event into the outbox; give it `&mut *transaction`. Returns the row's id.
///
/// # Errors
/// As [`super::enqueue()`].
pub async fn enqueue<'e, R: EventRegistry>(
    executor: impl PgExecutor<'e>,
    draft: Draft,
) -> Result<i64> {
    let ids = enqueue_all::<R>(executor, [draft]).await?;
    ids.first()
        .copied()
        .ok_or_else(|| Error::bug("an enqueued event has no id"))
}

/// As [`enqueue`], for many events in one round trip; ids in the events' order.
///
/// # Errors
/// As [`super::enqueue()`]; nothing is inserted then.
pub async fn enqueue_all<'e, R: EventRegistry>(
    executor: impl PgExecutor<'e>,
    drafts: impl IntoIterator<Item = Draft>,
) -> Result<Vec<i64>> {
    let records: Result<Vec<_>> = drafts.into_iter().map(Draft::finish::<R>).collect();
    enqueue_records::<R>(executor, records?).await
}

/// As [`enqueue_all`], for events that are whole already ([`OutgoingRecord::from_json`]).
///
/// # Errors
/// As [`super::enqueue()`].
pub async fn enqueue_records<'e, R: EventRegistry>(
    executor: impl PgExecutor<'e>,
    records: Vec<OutgoingRecord>,
) -> Result<Vec<i64>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let columns = Columns::of(records)?;
    let rows = ::sqlx::query(INSERT)
        .bind(columns.types)
        .bind(columns.events)
        .bind(columns.dedupe_keys)
        .bind(columns.keys)
        .bind(columns.headers)
        .bind(R::PROJECT.envelope.payload)
        .bind(own_columns::<R>().to_vec())
        .fetch_all(executor)
        .await
        .map_err(problem)?;
    let ids: std::result::Result<Vec<i64>, SqlxError> =
        rows.iter().map(|row| row.try_get(0)).collect();
    ids.map_err(problem)
}

/// An error of sqlx as one of ours; the transaction's owner decides on retries.
fn problem(error: SqlxError) -> Error {
    let mut mapped = Error::service("cannot put events into the outbox");
    match error.as_database_error() {
        Some(said) => {
            let code = said.code().unwrap_or_default().into_owned();
            if code.starts_with("42P01") {
                mapped.kind = Kind::Config;
                mapped.retryable = false;
                mapped = mapped.fix("run `pipeline outbox migrate`");
            }
            let message = said.message().to_owned();
            mapped.at("code", code).why(message)
        }
        None => mapped.why(error),
    }
}
