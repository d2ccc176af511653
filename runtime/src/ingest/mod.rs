//! From Kafka into the fact table, exactly once.
//!
//! ```text
//! gather ─▶ admit ─▶ decode (check, columns, dedupe) ─▶ seal ─▶ commit the plan ─▶ insert under its token ─▶ settle
//!                  └─ what cannot be used ─▶ <topic>.dlq                             │
//!                                       after a crash: the plan is read and inserted again
//! ```
//! One consumer of one group reads all topics. A batch spans topics and partitions and becomes one block and
//! one insert. Its plan stands in the group's committed offsets before the insert starts, so whoever takes over
//! inserts the same records under the same token, which ClickHouse counts once, in the table and in every view.
//! Positions move past a record only when its row, or its dead letter, is acknowledged.
pub(crate) mod batch;
mod burial;
pub(crate) mod decode;
mod dedupe;
pub(crate) mod failpoint;
mod gathered;
mod insert;
mod intake;
mod mend;
pub(crate) mod plan;
mod progress;
pub(crate) mod reason;
mod record;
pub(crate) mod records;
mod replay;
mod seal;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use progress::Counts;
pub use reason::{Reason, Rejection};

use crate::clickhouse::native::Encoder;
use crate::clickhouse::sort::key_columns;
use crate::clickhouse::{Client, verify};
use crate::closing::{self, Closer};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::kafka::consumer::GroupConsumer;
use crate::kafka::dlq::DeadLetters;
use crate::metrics::{Health, Metrics};
use crate::registry::{EventRegistry, FactBlock};
use insert::Sink;
use progress::Progress;
use worker::Worker;

impl<B: FactBlock> batch::Batch<B> {
    /// Rows written to the block, displaced ones included.
    pub(crate) fn block_rows(&self) -> usize {
        self.block.rows()
    }
}

/// A running worker. Dropping it leaves the worker running; [`Self::stop`] ends it.
pub struct IngestHandle {
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
    ended: tokio::sync::oneshot::Receiver<Result<()>>,
    metrics: Metrics,
    health: Arc<Health>,
}

impl IngestHandle {
    /// How far it has come.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.progress.counts()
    }

    /// As [`Self::counts`], for other threads.
    pub fn counter(&self) -> impl Fn() -> Counts + Send + 'static {
        let progress = Arc::clone(&self.progress);
        move || progress.counts()
    }

    /// Its collectors.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether it is alive and events get through.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Inserts what it holds, commits, leaves the group, and tells how far it came.
    ///
    /// # Errors
    /// The worker had failed, or an insert was not acknowledged in time; its plan stands, so nothing is lost.
    pub async fn stop(self) -> Result<Counts> {
        self.stop.store(true, Ordering::Relaxed);
        let Self {
            ended, progress, ..
        } = self;
        ended
            .await
            .map_err(|_| Error::bug("the worker's thread ended without a word"))??;
        Ok(progress.counts())
    }

    /// Waits until the worker ends by itself, which it does only on an error.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn ended(&mut self) -> Result<()> {
        (&mut self.ended)
            .await
            .unwrap_or_else(|_| Err(Error::bug("the worker's thread ended without a word")))
    }
}

/// Closes days beside the worker, as long as it runs.
fn close_days<R: EventRegistry>(worker: &Worker<R>) {
    let sink = &worker.sink;
    let times = sink.config.closing;
    let options = closing::Options {
        grace: times.after,
        again: false,
    };
    let closer = Closer::new::<R>(&sink.client, options).filter(|_| !times.every.is_zero());
    if let Some(closer) = closer {
        let stop = Arc::clone(&worker.stop);
        let rounds =
            closing::run_rounds(closer.with_metrics(&sink.metrics), times.every, move || {
                stop.load(Ordering::Relaxed)
            });
        worker.runtime.spawn(rounds);
    }
}

/// Checks the servers and starts a worker on a thread of its own.
///
/// # Errors
/// ClickHouse is not set up so that every event counts once (all reasons at once), or a client cannot be made.
pub async fn start<R: EventRegistry>(config: Config) -> Result<IngestHandle> {
    let metrics =
        Metrics::new().map_err(|error| Error::bug("cannot register the metrics").why(error))?;
    let client = Client::new(&config.clickhouse);
    let verified = verify::<R>(&client).await?;
    for warning in &verified.warnings {
        tracing::warn!("{warning}");
    }
    let health = Arc::new(Health::default());
    health.beat();
    health.set_served(true);
    let topics: Vec<&str> = R::TOPICS.iter().map(|topic| topic.name).collect();
    let consumer = GroupConsumer::join(
        &config.kafka,
        &config.group,
        &topics,
        metrics.clone(),
        Arc::clone(&health),
    )?;
    let sink = Sink::<R> {
        client,
        letters: DeadLetters::new(&config.kafka)?,
        metrics: metrics.clone(),
        health: Arc::clone(&health),
        sorting_key: key_columns::<R::Block>(R::PROJECT.sorting_key),
        encoder: std::sync::Mutex::new(Encoder::for_columns(&verified.columns)?),
        config,
    };
    let progress = Arc::new(Progress::default());
    let stop = Arc::new(AtomicBool::new(false));
    let worker = Worker {
        consumer,
        sink: Arc::new(sink),
        progress: Arc::clone(&progress),
        stop: Arc::clone(&stop),
        runtime: tokio::runtime::Handle::current(),
        consumed: topics
            .iter()
            .map(|topic| metrics.consumed.with_label_values(&[*topic]))
            .collect(),
    };
    close_days::<R>(&worker);
    let (report, ended) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("ingest".to_owned())
        .spawn(move || {
            let result = worker.run();
            // Nobody may be waiting any more.
            let _ = report.send(result);
        })
        .map_err(|error| Error::service("cannot start the worker's thread").why(error))?;
    Ok(IngestHandle {
        progress,
        stop,
        ended,
        metrics,
        health,
    })
}
