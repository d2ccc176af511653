//! Rows that stand aside because they cannot be published: listed, and released to be tried again.
use tokio_postgres::Client;

use super::connect::problem;
use super::{AGAIN, CHANNEL};
use crate::error::Result;

/// A row that stands aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its id.
    pub id: i64,
    /// Topic as the row names it.
    pub event_type: String,
    /// A code: a dead letter's reason, or `key`, `headers`, `kafka`.
    pub reason: String,
    /// In words, without values.
    pub detail: String,
    /// Times that it was tried.
    pub attempts: i32,
    /// When it was inserted, in milliseconds since the epoch.
    pub created_ms: i64,
    /// When it was parked.
    pub parked_ms: i64,
}

/// Which parked rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Only these ids; all where there is none.
    pub ids: Vec<i64>,
    /// Only this topic.
    pub topic: Option<String>,
    /// Only this reason.
    pub reason: Option<String>,
}

/// Parameters: ids or none, topic or NULL, reason or NULL.
const WHICH: &str = "parked_at IS NOT NULL AND (cardinality($1::bigint[]) = 0 OR id = ANY($1)) \
    AND ($2::text IS NULL OR event_type = $2) AND ($3::text IS NULL OR parked_reason = $3)";

/// The first parked rows by id.
///
/// # Errors
/// PostgreSQL refuses or is away.
pub async fn list(client: &Client, selected: &Selected, limit: i64) -> Result<Vec<Parked>> {
    let query = format!(
        "SELECT id, event_type, coalesce(parked_reason, ''), coalesce(last_error, ''), attempts, \
         (extract(epoch FROM created_at) * 1000)::bigint, (extract(epoch FROM parked_at) * 1000)::bigint \
         FROM event_outbox WHERE {WHICH} ORDER BY id LIMIT $4"
    );
    let rows = client
        .query(
            &query,
            &[&selected.ids, &selected.topic, &selected.reason, &limit],
        )
        .await
        .map_err(|error| problem("cannot list parked rows", &error))?;
    let parked = rows.iter().map(|row| Parked {
        id: row.get(0),
        event_type: row.get(1),
        reason: row.get(2),
        detail: row.get(3),
        attempts: row.get(4),
        created_ms: row.get(5),
        parked_ms: row.get(6),
    });
    Ok(parked.collect())
}

/// Lets parked rows be tried again and wakes the relays; how many they are. They come after rows of their keys that
/// were published meanwhile.
///
/// # Errors
/// PostgreSQL refuses or is away; nothing is released then.
pub async fn release(client: &mut Client, selected: &Selected) -> Result<u64> {
    let failed = |error| problem("cannot release parked rows", &error);
    let transaction = client.transaction().await.map_err(failed)?;
    let update = format!(
        "UPDATE event_outbox SET parked_at = NULL, parked_reason = NULL, next_attempt_at = NULL WHERE {WHICH}"
    );
    let released = transaction
        .execute(&update, &[&selected.ids, &selected.topic, &selected.reason])
        .await
        .map_err(failed)?;
    let wake = format!("NOTIFY {CHANNEL}, '{AGAIN}'");
    transaction.batch_execute(&wake).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(released)
}
