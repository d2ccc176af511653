//! Fetching without librdkafka, which hands out records one at a time, each with a queue's lock, memory of its own and
//! two looks at the clock: a quarter of a worker's time. Here a record is a view into the answer that brought it.
//!
//! librdkafka stays the member of the group: it joins, commits and is assigned partitions, which it then does not fetch.
//! What goes beyond plain connections (TLS, SASL, other settings of the connection) is librdkafka's as before; see
//! [`is_plain`].
mod broker;
mod brokers;
mod compression;
mod leader;
mod records;
mod requests;
mod run;
mod transactions;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use broker::Broker;
use brokers::{Address, Brokers};
use leader::{Delivery, Ended, Outlet, Place, fetch};
pub(crate) use run::{Run, Standing};

use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::ingest::plan::Partition;

/// Runs between those who fetch and who takes them: each of about half a megabyte.
const RUNS: usize = 6;

/// After trouble, before leaders are asked for again; what has none goes on.
const REST: Duration = Duration::from_secs(1);

/// Trouble that goes on is said again after this.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Settings that concern nothing that is done here.
const OTHERS: &[&str] = &[
    "client.id",
    "debug",
    "group.instance.id",
    "heartbeat.interval.ms",
    "log_level",
    "max.poll.interval.ms",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "statistics.interval.ms",
];

/// Whether brokers are reached by plain connections with nothing set about them.
pub(super) fn is_plain(kafka: &KafkaConfig) -> bool {
    // A broker may be named with its protocol.
    !kafka.brokers.contains("://")
        && kafka.settings.iter().all(|(name, value)| {
            OTHERS.contains(&name.as_str())
                || (name == "security.protocol" && value.expose().eq_ignore_ascii_case("plaintext"))
        })
}

/// What is to be fetched: the assignment's number, and where each partition starts (none: at its first record).
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(super) epoch: u64,
    pub(super) starts: BTreeMap<Partition, Option<i64>>,
}

/// Fetches what an assignment says.
pub(crate) struct Fetcher {
    wanted: watch::Sender<Wanted>,
    runs: Receiver<Delivery>,
    room: Arc<Semaphore>,
}

impl Fetcher {
    /// Starts on a runtime, which fetching takes about a quarter of a core of at 300,000 records a second.
    pub(super) fn start(kafka: &KafkaConfig, runtime: &Handle) -> Self {
        let (wanted, follow) = watch::channel(Wanted::default());
        let (runs, taken) = channel();
        let outlet = Outlet {
            epoch: 0,
            runs,
            room: Arc::new(Semaphore::new(RUNS)),
            is_over: AtomicBool::new(false),
            spare: run::Spare::default(),
        };
        let room = Arc::clone(&outlet.room);
        runtime.spawn(supervise(Brokers::new(&kafka.brokers), follow, outlet));
        Self {
            wanted,
            runs: taken,
            room,
        }
    }

    /// Fetches this from now on. Runs of before may still come; their epoch tells them.
    pub(crate) fn want(&self, wanted: Wanted) {
        self.wanted.send_replace(wanted);
    }

    /// The next run; waits for one.
    ///
    /// # Errors
    /// Kafka refuses for good, or the runtime is gone.
    pub(crate) fn take(&self, wait: Duration) -> Result<Option<Run>> {
        match self.runs.recv_timeout(wait) {
            Ok(delivery) => delivery.run.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::bug("fetching has ended")),
        }
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        // Who waits for room learns that nobody takes runs any more.
        self.room.close();
    }
}

/// Fetches whatever is wanted, until nobody wants anything.
async fn supervise(brokers: Brokers, mut wanted: watch::Receiver<Wanted>, mut outlet: Outlet) {
    loop {
        let now = wanted.borrow_and_update().clone();
        outlet.epoch = now.epoch;
        tokio::select! {
            // Dropping the other at any point loses nothing: what it has not handed over is fetched again.
            changed = wanted.changed() => if changed.is_err() {
                return;
            },
            () = follow(&brokers, now, &outlet) => return,
        }
    }
}

/// Fetches partitions from their leaders, and from the new ones where they move. Ends when nobody takes runs.
async fn follow(brokers: &Brokers, wanted: Wanted, outlet: &Outlet) {
    let mut places: Vec<Place> = wanted
        .starts
        .into_iter()
        .map(|((topic, partition), next)| Place {
            topic: Arc::from(topic),
            partition,
            next,
            told: None,
            rests: false,
            led: 0,
        })
        .collect();
    if places.is_empty() {
        return std::future::pending().await;
    }
    let mut said = None;
    loop {
        let leaders = (|| brokers.leaders(&places))
            .retry(
                ExponentialBuilder::default()
                    .with_jitter()
                    .with_min_delay(REST / 4)
                    .with_max_delay(REST)
                    .without_max_times(),
            )
            .when(|ended: &Ended| !ended.is_for_good())
            .notify(|ended, _| say(&mut said, ended))
            .await;
        let ended = match leaders {
            Ok(leaders) => serve(leaders, &mut places, outlet).await,
            Err(ended) => ended,
        };
        if ended.is_for_good() {
            let error = Error::config("Kafka refuses to hand out records")
                .why(ended)
                .fix("grant the user access to the topics and the group");
            outlet.refuse(error);
            return;
        }
        if let Ended::Unwanted = ended {
            return;
        }
        say(&mut said, &ended);
    }
}

fn say(said: &mut Option<Instant>, trouble: &Ended) {
    if said.is_none_or(|said| said.elapsed() >= SAID_AGAIN_AFTER) {
        *said = Some(Instant::now());
        tracing::warn!(target: "kafka", "fetching is interrupted: {trouble}");
    } else {
        tracing::debug!(target: "kafka", "fetching is interrupted: {trouble}");
    }
}

/// Fetches from all leaders at once. When one of them ends the others end after what they are at. What has no leader
/// waits.
async fn serve(leaders: Vec<Option<Address>>, places: &mut [Place], outlet: &Outlet) -> Ended {
    let mut by_leader: BTreeMap<Option<Address>, Vec<&mut Place>> = BTreeMap::new();
    for (leader, place) in leaders.into_iter().zip(places) {
        place.rests = false;
        by_leader.entry(leader).or_default().push(place);
    }
    outlet.is_over.store(false, Ordering::Relaxed);
    let all = by_leader
        .into_iter()
        .map(|(leader, mut places)| async move {
            let ended = match (leader, places.first()) {
                (Some((host, port)), _) => match Broker::connect(&host, port).await {
                    Ok(broker) => fetch(broker, &mut places, outlet).await,
                    Err(trouble) => trouble.into(),
                },
                (None, Some(place)) => {
                    tokio::time::sleep(REST).await;
                    Ended::Leaderless {
                        topic: Arc::clone(&place.topic),
                        partition: place.partition,
                    }
                }
                (None, None) => Ended::WithOthers,
            };
            if let Ended::Trouble(_) = ended {
                // The other leaders go on meanwhile.
                tokio::time::sleep(REST).await;
            }
            outlet.is_over.store(true, Ordering::Relaxed);
            ended
        });
    let all = join_all(all).await;
    let first = all
        .into_iter()
        .find(|ended| !matches!(ended, Ended::WithOthers));
    first.unwrap_or(Ended::WithOthers)
}

#[cfg(test)]
mod tests;
