//! What became of rows, written into the table: published, parked, or to be tried again.
use std::time::Duration;

use tokio_postgres::Client;

use super::super::connect::problem;
use crate::error::Result;

/// Ids are sorted: two sessions that meet on the same rows wait for each other in one order.
const PUBLISHED: &str = "\
    UPDATE event_outbox SET published_at = now(), next_attempt_at = NULL, last_error = NULL \
    WHERE id = ANY($1) AND published_at IS NULL";

const PARKED: &str = "\
    UPDATE event_outbox AS o \
    SET parked_at = now(), parked_reason = r.reason, last_error = r.detail, next_attempt_at = NULL, \
        attempts = o.attempts + 1 \
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS r (id, reason, detail) \
    WHERE o.id = r.id AND o.published_at IS NULL AND o.parked_at IS NULL";

const DEFERRED: &str = "\
    UPDATE event_outbox AS o \
    SET attempts = o.attempts + 1, last_error = r.error, next_attempt_at = now() + r.wait_ms * interval '1 millisecond' \
    FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS r (id, error, wait_ms) \
    WHERE o.id = r.id AND o.published_at IS NULL AND o.parked_at IS NULL";

/// Outcomes that the table does not know yet.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    /// Kafka has them.
    pub(super) published: Vec<i64>,
    /// Id, reason, detail.
    pub(super) parked: Vec<(i64, &'static str, String)>,
    /// Id, error, wait.
    pub(super) deferred: Vec<(i64, String, Duration)>,
}

impl Settlement {
    pub(super) fn is_empty(&self) -> bool {
        self.published.is_empty() && self.parked.is_empty() && self.deferred.is_empty()
    }

    /// Writes it; ids of rows that are settled now.
    pub(super) async fn write(mut self, client: &Client) -> Result<Vec<i64>> {
        let failed = |error| problem("cannot note what was published", &error);
        let mut settled = std::mem::take(&mut self.published);
        if !settled.is_empty() {
            settled.sort_unstable();
            client
                .execute(PUBLISHED, &[&settled])
                .await
                .map_err(failed)?;
        }
        if !self.parked.is_empty() {
            self.parked.sort_unstable_by_key(|(id, ..)| *id);
            let ids: Vec<i64> = self.parked.iter().map(|(id, ..)| *id).collect();
            let reasons: Vec<&str> = self.parked.iter().map(|(_, reason, _)| *reason).collect();
            let details: Vec<&str> = self.parked.iter().map(|(.., detail)| &**detail).collect();
            client
                .execute(PARKED, &[&ids, &reasons, &details])
                .await
                .map_err(failed)?;
            settled.extend(ids);
        }
        if !self.deferred.is_empty() {
            self.deferred.sort_unstable_by_key(|(id, ..)| *id);
            let ids: Vec<i64> = self.deferred.iter().map(|(id, ..)| *id).collect();
            let errors: Vec<&str> = self.deferred.iter().map(|(_, error, _)| &**error).collect();
            let waits = self.deferred.iter().map(|(.., wait)| millis(*wait));
            let waits: Vec<i64> = waits.collect();
            client
                .execute(DEFERRED, &[&ids, &errors, &waits])
                .await
                .map_err(failed)?;
        }
        Ok(settled)
    }
}

fn millis(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
}
