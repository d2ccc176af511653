//! The relay: carries rows of the outbox to Kafka, in the order of ids within a key, until it is stopped.
//!
//! Several relays share the rows by lanes (`lanes`). One session (`session`) reads (`rows`), sends (`sender`) and
//! settles (`settle`) what `board` decides; when its database goes away, the next begins with what the table says.
mod board;
mod horizon;
mod lanes;
pub(super) mod rows;
mod sender;
mod sent;
mod session;
mod settle;

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::connect::Database;
use super::housekeeping;
use crate::config::{Config, KafkaConfig};
use crate::error::{Error, Kind, Result};
use crate::metrics::{Health, Metrics};
use crate::registry::EventRegistry;
use session::{End, Session};

/// Settings of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// How often the table is looked at without being told to.
    pub poll: Duration,
    /// How long published rows stay in the table; `None` for ever.
    pub retention: Option<Duration>,
    /// Largest event, in bytes.
    pub max_message_bytes: usize,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(500),
            retention: Some(Duration::from_hours(24)),
            max_message_bytes: 1 << 20,
        }
    }
}

/// First wait before another attempt.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Longest.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The wait after so many attempts.
fn backoff(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
    LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow(doublings))
}

/// What outlives a session.
struct Relay<R> {
    database: Database,
    kafka: KafkaConfig,
    limits: RelayLimits,
    metrics: Metrics,
    health: Arc<Health>,
    stop: Arc<AtomicBool>,
    registry: PhantomData<fn() -> R>,
}

/// A running relay. Dropping it leaves the relay running; [`Self::stop`] ends it.
pub struct RelayHandle {
    task: tokio::task::JoinHandle<Result<()>>,
    housekeeping: tokio::task::JoinHandle<()>,
    stop: Arc<AtomicBool>,
    metrics: Metrics,
    health: Arc<Health>,
}

impl RelayHandle {
    /// Its collectors.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether it is alive and rows get through.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Waits for what is under way, and ends. Rows that Kafka does not acknowledge in time stay in the table.
    ///
    /// # Errors
    /// The relay had failed.
    pub async fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.housekeeping.abort();
        self.task
            .await
            .map_err(|error| Error::bug("the relay's task ended without a word").why(error))?
    }

    /// Waits until the relay ends by itself, which it does only on an error.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn ended(&mut self) -> Result<()> {
        (&mut self.task)
            .await
            .map_err(|error| Error::bug("the relay's task ended without a word").why(error))?
    }
}

/// Checks the database and starts a relay.
///
/// # Errors
/// The database is away or not migrated, or a client cannot be made.
pub async fn start<R: EventRegistry>(config: &Config, limits: RelayLimits) -> Result<RelayHandle> {
    let metrics =
        Metrics::new().map_err(|error| Error::bug("cannot register the metrics").why(error))?;
    let (health, stop) = (
        Arc::new(Health::default()),
        Arc::new(AtomicBool::new(false)),
    );
    let relay = Relay::<R> {
        database: Database::parse(config.postgres.as_ref())?,
        kafka: config.kafka.clone(),
        limits,
        metrics: metrics.clone(),
        health: Arc::clone(&health),
        stop: Arc::clone(&stop),
        registry: PhantomData,
    };
    super::migrate::check(&relay.database.connect().await?.client).await?;
    health.beat();
    let keeper = housekeeping::keep(relay.database.clone(), limits.retention, metrics.clone());
    Ok(RelayHandle {
        housekeeping: tokio::spawn(keeper),
        task: tokio::spawn(relay.run()),
        stop,
        metrics,
        health,
    })
}

impl<R: EventRegistry> Relay<R> {
    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// One session after another.
    async fn run(self) -> Result<()> {
        let mut wait = Duration::from_millis(100);
        while !self.is_stopping() {
            self.health.beat();
            let error = match Session::open(&self).await {
                Ok(session) => {
                    wait = Duration::from_millis(100);
                    match session.run().await {
                        End::Stopped => return Ok(()),
                        End::Lost(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.health.set_joined(false);
            if matches!(error.kind, Kind::Config | Kind::Bug) {
                return Err(error);
            }
            tracing::warn!(%error, "the relay starts over");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute() {
        assert_eq!(backoff(0), FIRST_WAIT);
        assert_eq!(backoff(1), FIRST_WAIT * 2);
        assert_eq!(backoff(40), LONGEST_WAIT);
    }
}
