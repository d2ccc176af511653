//! The demo's backend with an outbox: its own PostgreSQL, a relay, and the script enqueued in transactions. The last
//! events go one at a time, to tell how long an event takes from its commit to the KPIs.
use std::time::{Duration, Instant};

use tokio_postgres::Client as Postgres;

use super::scenario::Message;
use crate::clickhouse::{Client, quoted};
use crate::config::{Config, Secret};
use crate::engine;
use crate::error::{Error, Result};
use crate::outbox::{self, Database, RelayHandle, RelayLimits};
use crate::produce::{OutgoingRecord, ProducerLimits};
use crate::registry::EventRegistry;

/// Events of a transaction.
const TOGETHER: usize = 200;

/// Events sent one at a time.
pub(super) const PROBES: usize = 40;

/// Between two looks for a probe in ClickHouse.
const LOOK: Duration = Duration::from_millis(5);

/// A probe that is not there by then is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A backend whose events go through an outbox.
pub(super) struct Backend {
    client: Postgres,
    relay: RelayHandle,
    _server: engine::postgres::Postgres,
}

/// What became of the script's messages.
#[derive(Clone, Debug, Default)]
pub struct Enqueued {
    /// Messages that the check before the insert refused.
    pub refused: usize,
    /// Milliseconds from commits to the answers of queries, in ascending order.
    pub latencies_ms: Vec<f64>,
}

impl Enqueued {
    /// A quantile of the latencies.
    #[must_use]
    pub fn latency(&self, share: f64) -> Option<f64> {
        let last = self.latencies_ms.len().checked_sub(1)?;
        let place = (last as f64 * share).round();
        self.latencies_ms.get(place as usize).copied()
    }
}

impl Backend {
    /// Starts PostgreSQL and a relay.
    pub(super) async fn start<R: EventRegistry>(config: &Config) -> Result<Self> {
        let starting = tokio::task::spawn_blocking(engine::postgres::Postgres::start);
        let server = starting
            .await
            .map_err(|error| Error::bug("starting PostgreSQL was cancelled").why(error))??;
        let mut config = config.clone();
        config.postgres = Some(Secret::new(server.url()));
        let database = Database::parse(config.postgres.as_ref())?;
        let mut client = database.connect().await?.client;
        outbox::migrate::<R>(&mut client).await?;
        let relay = outbox::start::<R>(&config, RelayLimits::default()).await?;
        Ok(Self {
            client,
            relay,
            _server: server,
        })
    }

    /// Enqueues messages in transactions and returns how many were refused. `settled` tells how many records the
    /// worker is done with, where it must not fall behind by more than `ahead`; `sent` is told how far it is.
    pub(super) async fn enqueue<R: EventRegistry>(
        &self,
        messages: &[Message],
        ahead: Option<u64>,
        settled: impl Fn() -> u64,
        sent: impl Fn(u64),
    ) -> Result<usize> {
        let (mut refused, mut done) = (0, 0_u64);
        for some in messages.chunks(TOGETHER) {
            while ahead.is_some_and(|ahead| done.saturating_sub(settled()) > ahead) {
                tokio::time::sleep(LOOK).await;
            }
            let records: Vec<OutgoingRecord> = some.iter().filter_map(record::<R>).collect();
            refused += some.len() - records.len();
            done += u64::try_from(records.len()).unwrap_or(0);
            outbox::enqueue_records::<R>(&self.client, records).await?;
            sent(done);
        }
        Ok(refused)
    }

    /// Enqueues messages one at a time, and waits for each until a query finds it.
    pub(super) async fn probe<R: EventRegistry>(
        &self,
        messages: &[Message],
        clickhouse: &Client,
    ) -> Result<Enqueued> {
        let mut enqueued = Enqueued::default();
        for message in messages {
            let Some(record) = record::<R>(message) else {
                enqueued.refused += 1;
                continue;
            };
            let key = record.dedupe_key.clone();
            let is_new = !is_stored::<R>(clickhouse, &key).await?;
            outbox::enqueue_records::<R>(&self.client, vec![record]).await?;
            let committed = Instant::now();
            while is_new && !is_stored::<R>(clickhouse, &key).await? {
                if committed.elapsed() > PATIENCE {
                    return Err(Error::service(
                        "an event does not get from the outbox to ClickHouse",
                    )
                    .fix("run again with RUST_LOG=info to see what it waits for"));
                }
                tokio::time::sleep(LOOK).await;
            }
            if is_new {
                let took = committed.elapsed().as_secs_f64() * 1e3;
                enqueued.latencies_ms.push(took);
            }
        }
        enqueued.latencies_ms.sort_by(f64::total_cmp);
        Ok(enqueued)
    }

    /// Ends the relay.
    pub(super) async fn stop(self) -> Result<()> {
        self.relay.stop().await
    }
}

/// A message as its backend enqueues it; none where the check refuses it, or it is sent to another's topic.
fn record<R: EventRegistry>(message: &Message) -> Option<OutgoingRecord> {
    let most = ProducerLimits::default().max_message_bytes;
    let record = OutgoingRecord::from_json::<R>(message.value.clone(), most).ok()?;
    (record.topic == message.topic).then_some(record)
}

async fn is_stored<R: EventRegistry>(clickhouse: &Client, key: &str) -> Result<bool> {
    let project = &R::PROJECT;
    let sql = format!(
        "SELECT count() > 0 FROM {}.{} WHERE dedupe_key = {{key:String}}",
        quoted(project.database),
        quoted(project.fact_table)
    );
    let answer = clickhouse.query_json(&sql, &[("key", key)]).await?;
    let found = answer.rows.first().and_then(|row| row.first()?.as_u64());
    Ok(found == Some(1))
}
