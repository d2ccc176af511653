//! From the fallback log to Kafka, in order: a window is sent, its outcomes awaited, what Kafka refuses for good is
//! set aside, then the position advances. A crash in between sends a window again, under the same deduplication keys.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::ProducerLimits;
use super::sender::{Failure, Sender};
use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::fallback::{Entry, FallbackLog, WINDOW_RECORDS, Window};
use crate::metrics::Metrics;

/// First and longest pause after Kafka took nothing, or the disk failed.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// How long emitters may be made to wait for the last records of the log.
const HAND_OVER: Duration = Duration::from_millis(250);

/// Most records that emitters wait for, however fast Kafka takes them.
const MOST_NEAR: u64 = 50_000;

/// How often the age of the oldest record is told while some wait.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What became of records that were read from the log.
#[derive(Clone, Debug, Default)]
pub struct Drained {
    /// Kafka has them.
    pub sent: u64,
    /// Kafka will never take them; they stand aside.
    pub refused: u64,
    /// Why the rest still waits.
    pub stopped: Option<Error>,
}

/// Empties an open log into Kafka, or stops at what Kafka does not take now. With `refused` the refused records too.
///
/// # Errors
/// The Kafka settings are not usable, or the disk fails.
pub async fn drain(
    log: Arc<FallbackLog>,
    kafka: &KafkaConfig,
    client_id: &str,
    limits: ProducerLimits,
    metrics: Metrics,
    with_refused: bool,
) -> Result<Drained> {
    let sender = Sender::new(kafka, client_id, limits, metrics, true)?;
    let mut all = Drained::default();
    if with_refused {
        again(&sender, &log, &mut all).await?;
    }
    while all.stopped.is_none() {
        let Some(step) = step(&sender, &log).await? else {
            break;
        };
        all.sent += step.sent;
        all.refused += step.refused;
        all.stopped = step.stopped;
    }
    Ok(all)
}

/// Sends the refused records again; what is refused once more goes behind them.
async fn again(sender: &Sender, log: &Arc<FallbackLog>, all: &mut Drained) -> Result<()> {
    let mut left = log.refused();
    let mut from = 0;
    while left > 0 && all.stopped.is_none() {
        let window = on_disk(log, move |log| log.refused_window(from)).await?;
        let mut entries = window.entries;
        entries.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(last) = entries.last().map(|entry| entry.sequence) else {
            return Ok(());
        };
        let tried = try_all(sender, &entries).await;
        let count = tried.handled as u64;
        left -= count;
        all.sent += count - tried.refused.len() as u64;
        all.refused += tried.refused.len() as u64;
        from = match entries.get(tried.handled) {
            Some(next) => next.sequence,
            None => last + 1,
        };
        let next = from;
        on_disk(log, move |log| {
            set_aside(log, &entries, &tried.refused)?;
            log.settle_refused(next, count)
        })
        .await?;
        all.stopped = tried.stopped;
    }
    Ok(())
}

/// How far Kafka took records.
struct Tried {
    /// So many from the front have their outcome.
    handled: usize,
    /// Those that Kafka refused for good, with the reason.
    refused: Vec<(usize, String)>,
    stopped: Option<Error>,
}

/// Puts what Kafka refused for good behind the refused records of the log.
fn set_aside(log: &FallbackLog, entries: &[Entry], refused: &[(usize, String)]) -> Result<()> {
    let refused: Vec<(&Entry, String)> = refused
        .iter()
        .map(|(index, why)| (&entries[*index], why.clone()))
        .collect();
    log.refuse(&refused)
}

async fn try_all(sender: &Sender, entries: &[Entry]) -> Tried {
    let mut tried = Tried {
        handled: 0,
        refused: Vec::new(),
        stopped: None,
    };
    for outcome in sender.send_all(entries, false).await {
        match outcome {
            Ok(_) => {}
            Err(Failure::Never(error)) => {
                let why = error.why.unwrap_or(error.what);
                tried.refused.push((tried.handled, why));
            }
            Err(failure @ (Failure::Later(_) | Failure::Behind)) => {
                tried.stopped = Some(failure.into_error());
                break;
            }
        }
        tried.handled += 1;
    }
    tried
}

/// One window; nothing where the log has no more durable records.
async fn step(sender: &Sender, log: &Arc<FallbackLog>) -> Result<Option<Drained>> {
    let window = on_disk(log, FallbackLog::window).await?;
    let Window { entries, next, .. } = window;
    if entries.is_empty() {
        if log.waiting() == 0 {
            // Damaged bytes may stand at the end.
            on_disk(log, move |log| log.settle(next, 0, None)).await?;
        }
        return Ok(None);
    }
    let tried = try_all(sender, &entries).await;
    let refused = tried.refused.len() as u64;
    let drained = Drained {
        sent: tried.handled as u64 - refused,
        refused,
        stopped: tried.stopped,
    };
    for (index, why) in &tried.refused {
        let topic = &entries[*index].topic;
        tracing::error!(
            topic,
            why,
            "Kafka refuses a record of the fallback log; it is set aside"
        );
    }
    let handled = tried.handled;
    on_disk(log, move |log| {
        set_aside(log, &entries, &tried.refused)?;
        let rest = entries.get(handled);
        let next = rest.map_or(next, |rest| rest.sequence);
        log.settle(next, handled as u64, rest.map(|rest| rest.time))?;
        if rest.is_some() {
            log.rewind();
        }
        Ok(())
    })
    .await?;
    let metrics = sender.metrics();
    metrics.fallback_replayed.inc_by(drained.sent);
    metrics.fallback_refused.inc_by(drained.refused);
    Ok(Some(drained))
}

async fn on_disk<T: Send + 'static>(
    log: &Arc<FallbackLog>,
    work: impl FnOnce(&FallbackLog) -> Result<T> + Send + 'static,
) -> Result<T> {
    let log = Arc::clone(log);
    tokio::task::spawn_blocking(move || work(&log))
        .await
        .unwrap_or_else(|error| Err(Error::bug("reading the fallback log was given up").why(error)))
}

/// The task that drains a producer's log.
pub(super) struct Drainer {
    wake: Arc<Notify>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drainer {
    pub(super) fn start(sender: Arc<Sender>, log: Arc<FallbackLog>) -> Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            Error::config("a producer with a fallback log needs a Tokio runtime")
                .fix("build it inside one, or use produce::blocking::Producer")
        })?;
        let wake = Arc::new(Notify::new());
        let task = runtime.spawn(run(sender, log, Arc::clone(&wake)));
        Ok(Self {
            wake,
            task: Mutex::new(Some(task)),
        })
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) async fn stop(&self) {
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Drainer {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// What the draining task does next.
enum Next {
    /// Another window.
    Go,
    /// Nothing to send yet: a group is on its way to the disk, and its emitters wake this task.
    Listen,
    /// Kafka or the disk is to be left alone for a while.
    Pause,
}

async fn run(sender: Arc<Sender>, log: Arc<FallbackLog>, wake: Arc<Notify>) {
    let mut pause = PAUSES.0;
    let mut pace = Pace::default();
    loop {
        tell(sender.metrics(), &log);
        if !sender.is_diverted() {
            wake.notified().await;
            continue;
        }
        let before = log.waiting();
        let begin = Instant::now();
        let next = if pace.is_near(before) {
            hand_over(&sender, &log, &wake).await
        } else if pace.is_growing {
            let _held = sender.admission.write().await;
            advance(&sender, &log).await
        } else {
            advance(&sender, &log).await
        };
        match next {
            Next::Go => {
                pause = PAUSES.0;
                pace.note(before, log.waiting(), begin.elapsed());
            }
            Next::Listen => {
                let _ = tokio::time::timeout(PAUSES.0, wake.notified()).await;
            }
            Next::Pause => {
                pace = Pace::default();
                let end = Instant::now() + pause;
                while Instant::now() < end {
                    tell(sender.metrics(), &log);
                    let next = (Instant::now() + TELL_EVERY).min(end);
                    tokio::time::sleep_until(next).await;
                }
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

/// How the log fares while Kafka takes its records.
#[derive(Default)]
struct Pace {
    /// Emitters put in more than Kafka takes out: they wait for every second window.
    is_growing: bool,
    /// So many records leave within [`HAND_OVER`], or with one window.
    near: u64,
}

impl Pace {
    /// Whether the rest is so little that emitters can wait for it.
    fn is_near(&self, waiting: u64) -> bool {
        waiting <= self.near
    }

    fn note(&mut self, before: u64, after: u64, took: Duration) {
        self.is_growing = !self.is_growing && after >= before;
        let windows = HAND_OVER.as_micros() / took.as_micros().max(1);
        let records = windows
            .max(1)
            .saturating_mul(u128::from(before.min(WINDOW_RECORDS)));
        self.near = u64::try_from(records).unwrap_or(u64::MAX).min(MOST_NEAR);
    }
}

/// Sends the rest while emitters wait, then lets them go to Kafka again. Without this, a log that is always filled a
/// little would never be empty.
async fn hand_over(sender: &Sender, log: &Arc<FallbackLog>, wake: &Notify) -> Next {
    let _held = sender.admission.write().await;
    loop {
        match advance(sender, log).await {
            Next::Go => {}
            Next::Pause => return Next::Pause,
            Next::Listen => {
                if sender.end_diversion(|| log.waiting() == 0) {
                    tracing::info!("the fallback log is empty");
                    return Next::Go;
                }
                let _ = tokio::time::timeout(PAUSES.0, wake.notified()).await;
            }
        }
    }
}

async fn advance(sender: &Sender, log: &Arc<FallbackLog>) -> Next {
    match step(sender, log).await {
        Ok(Some(Drained { stopped: None, .. })) => Next::Go,
        Ok(Some(Drained {
            stopped: Some(error),
            ..
        })) => {
            tracing::warn!(%error, waiting = log.waiting(), "the fallback log waits for Kafka");
            Next::Pause
        }
        Ok(None) => Next::Listen,
        Err(error) => {
            tracing::error!(%error, "the fallback log cannot be drained");
            log.rewind();
            Next::Pause
        }
    }
}

/// Tells how full the log is.
fn tell(metrics: &Metrics, log: &FallbackLog) {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    metrics.fallback_records.set(whole(log.waiting()));
    metrics.fallback_bytes.set(whole(log.bytes()));
    metrics
        .fallback_limit_bytes
        .set(whole(log.options().max_bytes));
    metrics.fallback_refused_records.set(whole(log.refused()));
    let now = jiff::Timestamp::now().as_millisecond();
    #[allow(clippy::cast_precision_loss)]
    let age = log
        .oldest()
        .map_or(0.0, |oldest| (now - oldest).max(0) as f64 / 1000.0);
    metrics.fallback_oldest_age.set(age);
}
