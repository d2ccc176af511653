//! What is to be done about the table beside publishing: counting what waits, and deleting what has been published
//! long enough ago. On a connection of its own, at a cost that does not grow with the table.
use std::time::Duration;

use tokio_postgres::Client;

use super::LANES;
use super::connect::{Database, problem};
use crate::error::Result;
use crate::metrics::Metrics;

/// Between two counts.
const COUNT_PAUSE: Duration = Duration::from_secs(2);

/// Between two passes of the cleaning.
const CLEAN_PAUSE: Duration = Duration::from_secs(30);

/// Between two steps of a pass, so that others get the disk.
const STEP_PAUSE: Duration = Duration::from_millis(20);

/// Rows looked at in a step.
const STEP: i64 = 5_000;

/// Counts end here: more is only shown as this much.
pub(crate) const MOST_COUNTED: i64 = 1_000_000;

/// Reads the index of waiting rows alone, whatever statistics say.
const SETTINGS: &str = "\
    SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off; \
    SET application_name = 'pipeline relay, housekeeping'";

/// Parameter: where the count ends.
const PENDING: &str = "\
    SELECT count(*) FROM ( \
        SELECT FROM event_outbox WHERE published_at IS NULL AND parked_at IS NULL LIMIT $1) AS pending";

const PARKED: &str = "\
    SELECT count(*) FROM (SELECT FROM event_outbox WHERE parked_at IS NOT NULL LIMIT $1) AS parked";

/// The first row of each lane is its oldest. Parameter: lanes.
const OLDEST: &str = "\
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(first.created_at)), 0)::double precision \
    FROM generate_series(0, $1::integer - 1) AS lane \
    CROSS JOIN LATERAL ( \
        SELECT created_at FROM event_outbox AS o \
        WHERE o.lane = lane::smallint AND o.published_at IS NULL AND o.parked_at IS NULL \
        ORDER BY o.id LIMIT 1) AS first";

/// One relay cleans at a time; the others find the lock taken and leave it. It is the lock of the table, with a
/// number that is no lane's.
const LEAD: &str = "\
    SELECT pg_try_advisory_xact_lock(('event_outbox'::regclass::oid::bigint & 2147483647)::integer, 1024)";

/// The step's end and whether a row of it may be old enough. Parameters: after, rows, seconds.
const REACH: &str = "\
    SELECT max(id), min(created_at) < now() - $3 * interval '1 second' FROM ( \
        SELECT id, created_at FROM event_outbox WHERE id > $1 ORDER BY id LIMIT $2) AS step";

/// Parameters: after, until, seconds.
const DELETE: &str = "\
    DELETE FROM event_outbox \
    WHERE id > $1 AND id <= $2 AND published_at < now() - $3 * interval '1 second'";

/// What waits, at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) pending: i64,
    pub(crate) parked: i64,
    pub(crate) oldest_seconds: f64,
}

/// Counts what waits, up to [`MOST_COUNTED`].
pub(crate) async fn count(client: &Client) -> Result<Waiting> {
    let failed = |error| problem("cannot count the outbox", &error);
    let pending = client
        .query_one(PENDING, &[&MOST_COUNTED])
        .await
        .map_err(failed)?;
    let parked = client
        .query_one(PARKED, &[&MOST_COUNTED])
        .await
        .map_err(failed)?;
    let lanes = i32::from(LANES);
    let oldest = client.query_one(OLDEST, &[&lanes]).await.map_err(failed)?;
    Ok(Waiting {
        pending: pending.get(0),
        parked: parked.get(0),
        oldest_seconds: oldest.get(0),
    })
}

/// Sets what counts need.
pub(crate) async fn prepare(client: &Client) -> Result<()> {
    let set = client.batch_execute(SETTINGS).await;
    set.map_err(|error| problem("cannot set up a session", &error))
}

/// Deletes rows published longer ago than `retention`, a few thousand at a time; how many they were.
///
/// Rows are in the order of their insert, so a pass ends at the first step whose rows are all too young. What it
/// passes over, because it waits or is parked, is met again in the next pass.
///
/// # Errors
/// PostgreSQL refuses or is away.
pub async fn clean(client: &mut Client, retention: Duration) -> Result<u64> {
    let failed = |error| problem("cannot clean the outbox", &error);
    let seconds = retention.as_secs_f64();
    let (mut after, mut deleted) = (0_i64, 0);
    loop {
        let transaction = client.transaction().await.map_err(failed)?;
        let lead = transaction.query_one(LEAD, &[]).await.map_err(failed)?;
        if !lead.get::<_, bool>(0) {
            return Ok(deleted);
        }
        let reach = transaction
            .query_one(REACH, &[&after, &STEP, &seconds])
            .await
            .map_err(failed)?;
        let (Some(until), Some(true)) = (reach.get(0), reach.get::<_, Option<bool>>(1)) else {
            return Ok(deleted);
        };
        deleted += transaction
            .execute(DELETE, &[&after, &until, &seconds])
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        after = until;
        tokio::time::sleep(STEP_PAUSE).await;
    }
}

/// Counts and cleans until its task is ended; a database that goes away is connected to again.
pub(crate) async fn keep(database: Database, retention: Option<Duration>, metrics: Metrics) {
    loop {
        if let Err(error) = keep_connected(&database, retention, &metrics).await {
            tracing::info!(%error, "the outbox is not counted");
        }
        tokio::time::sleep(COUNT_PAUSE).await;
    }
}

async fn keep_connected(
    database: &Database,
    retention: Option<Duration>,
    metrics: &Metrics,
) -> Result<()> {
    let mut session = database.connect().await?;
    prepare(&session.client).await?;
    let mut cleaned = tokio::time::Instant::now();
    let mut is_first = true;
    loop {
        let waiting = count(&session.client).await?;
        metrics.outbox_pending.set(waiting.pending);
        metrics.outbox_parked.set(waiting.parked);
        metrics.outbox_oldest_age.set(waiting.oldest_seconds);
        if let Some(retention) = retention
            && (is_first || cleaned.elapsed() >= CLEAN_PAUSE.min(retention))
        {
            is_first = false;
            let deleted = clean(&mut session.client, retention).await?;
            metrics.outbox_cleaned.inc_by(deleted);
            cleaned = tokio::time::Instant::now();
        }
        tokio::time::sleep(COUNT_PAUSE).await;
    }
}
