//! The whole way in one command: simulated producers, Kafka, the worker, ClickHouse, and every KPI recomputed
//! from what was produced, apart from the SQL.
mod backend;
mod compare;
mod facts;
mod feed;
mod oracle;
mod scenario;
mod servers;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::check::At;
use crate::clickhouse::Client;
use crate::clickhouse::apply::apply;
use crate::closing::{self, Closer};
use crate::config::{ClickHouseConfig, Config, KafkaConfig};
use crate::error::{Error, Result};
use crate::ingest::{self, Counts, IngestHandle};
use crate::json::Decoder;
use crate::plan::{Plan, Scenario};
use crate::registry::EventRegistry;
pub use backend::Enqueued;

use backend::Backend;
use compare::{Comparison, of_clickhouse, pair};
use oracle::Answer;
use scenario::Script;
use servers::Servers;

/// The worker is done with what it gets within this time, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which Kafka.
#[derive(Clone, Debug)]
pub enum Where {
    /// librdkafka's mock cluster, in this process.
    Mock,
    /// Apache Kafka, started for the demo.
    Real,
    /// The user's own.
    At(KafkaConfig),
}

/// What to play.
#[derive(Clone, Debug)]
pub struct Options {
    /// Messages, repeated and broken ones included.
    pub events: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Scenario; the first where none is named.
    pub scenario: Option<String>,
    /// Which Kafka.
    pub kafka: Where,
    /// The user's ClickHouse; one started for the demo where absent.
    pub clickhouse: Option<ClickHouseConfig>,
    /// Whether events go through an outbox in PostgreSQL and a relay.
    pub outbox: bool,
    /// Key of hashed columns.
    pub hash_key: crate::config::HashKey,
}

/// What is shown while the demo runs.
pub trait Screen: Sync {
    /// A step begins.
    fn step(&self, words: &str);
    /// How far it is.
    fn progress(&self, produced: u64, total: u64, counts: Counts);
    /// A KPI as it is now, in one line.
    fn kpi(&self, name: &str, line: &str);
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// Messages produced.
    pub produced: usize,
    /// Distinct valid events among them.
    pub valid: usize,
    /// Repetitions among them.
    pub duplicates: usize,
    /// Broken messages among them.
    pub invalid: usize,
    /// Records in the dead letter topics.
    pub dlq: u64,
    /// Rows with distinct coordinates in the fact table.
    pub rows: u64,
    /// What became of the messages at the outbox, where they went through one.
    pub outbox: Option<Enqueued>,
    /// Seconds by step.
    pub seconds: BTreeMap<&'static str, f64>,
    comparisons: Vec<Comparison>,
}

impl Report {
    /// Whether everything is as it must be: each KPI, and every broken message in a dead letter topic or refused.
    #[must_use]
    pub fn is_right(&self) -> bool {
        let refused = self.outbox.as_ref().map_or(0, |outbox| outbox.refused);
        self.dlq + refused as u64 == self.invalid as u64
            && self.comparisons.iter().all(Comparison::is_equal)
    }

    /// As one JSON document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut report = json!({
            "events": {
                "produced": self.produced,
                "valid": self.valid,
                "duplicates": self.duplicates,
                "invalid": self.invalid,
                "dlq": self.dlq,
            },
            "kpis": self.comparisons.iter().map(Comparison::to_json).collect::<Vec<_>>(),
            "seconds": self.seconds,
        });
        if let Some(outbox) = &self.outbox {
            report["outbox"] = json!({
                "refused": outbox.refused,
                "probes": outbox.latencies_ms.len(),
                "commit_to_kpi_ms": {"p50": outbox.latency(0.5), "p95": outbox.latency(0.95)},
            });
        }
        report
    }

    /// Each KPI: name, the oracle's answer and ClickHouse's in one line each, and where they differ.
    pub fn kpis(&self) -> impl Iterator<Item = (&str, String, String, Option<String>)> {
        self.comparisons.iter().map(|comparison| {
            (
                comparison.name.as_str(),
                compare::summary(&comparison.oracle),
                compare::summary(&comparison.clickhouse),
                comparison.difference(),
            )
        })
    }
}

/// Servers that go on running, for `--keep`.
pub struct Stage {
    servers: Servers,
    backend: Option<Backend>,
    worker: IngestHandle,
}

impl Stage {
    /// Kafka's address.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.servers.kafka.brokers
    }

    /// ClickHouse's address.
    #[must_use]
    pub fn clickhouse(&self) -> &str {
        &self.servers.clickhouse.url
    }

    /// Ends relay and worker, in this order, and the servers after them.
    ///
    /// # Errors
    /// One of them had failed.
    pub async fn stop(self) -> Result<()> {
        if let Some(backend) = self.backend {
            backend.stop().await?;
        }
        self.worker.stop().await.map(drop)
    }
}

/// Runs the demo.
///
/// # Errors
/// A server cannot be started or reached, or the scenario does not exist.
pub async fn run<R: EventRegistry>(
    options: Options,
    screen: &dyn Screen,
) -> Result<(Report, Stage)> {
    let mut seconds = BTreeMap::new();
    let plan = Plan::read(R::PROJECT.plan)?;
    let scenario = chosen(&plan, options.scenario.as_deref())?;
    let started = Instant::now();
    screen.step("starting ClickHouse and Kafka");
    let servers = servers::start::<R>(options.kafka, options.clickhouse).await?;
    let client = Client::new(&servers.clickhouse);
    apply::<R>(&client).await?;
    servers::refuse_others_data::<R>(&client).await?;
    seconds.insert("start", started.elapsed().as_secs_f64());

    screen.step("drawing players and what they do");
    let drawing = Instant::now();
    let now = jiff::Timestamp::now();
    let mut config = Config::local(
        servers.kafka.brokers.clone(),
        servers.clickhouse.url.clone(),
        // A group of its own: it never takes partitions from a pipeline that runs.
        format!("{}-demo-{}", R::PROJECT.name, now.as_millisecond()),
    );
    config.kafka = servers.kafka.clone();
    config.clickhouse = servers.clickhouse.clone();
    config.hash_key = options.hash_key;
    config.batch.flush_interval = Duration::from_millis(250);
    // Asked first while all days are open; they are closed below.
    config.closing.every = Duration::ZERO;
    // Joins its group, which takes some seconds, while the players are drawn.
    let mut worker = ingest::start::<R>(config.clone()).await?;
    let backend = match options.outbox {
        true => Some(Backend::start::<R>(&config).await?),
        false => None,
    };
    let derive_keys = may_derive_keys::<R>(&plan);
    let script = Arc::new(tokio::task::block_in_place(|| {
        scenario::script(
            &plan,
            scenario,
            options.events,
            options.seed,
            now.as_millisecond(),
            derive_keys,
        )
    })?);
    seconds.insert("draw", drawing.elapsed().as_secs_f64());

    screen.step("producing and ingesting");
    let ingesting = Instant::now();
    let as_of = now.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let show = Show {
        screen,
        client: &client,
        as_of: &as_of,
    };
    let playing = async {
        match &backend {
            None => show
                .until_settled(&mut worker, &servers, Arc::clone(&script))
                .await
                .map(|()| None),
            Some(backend) => {
                let played = show.through_outbox::<R>(&mut worker, &servers, backend, &script);
                played.await.map(Some)
            }
        }
    };
    let enqueued = tokio::select! {
        played = playing => played?,
        failed = show.kpis_as_they_move::<R>() => return Err(failed),
    };
    seconds.insert("produce and ingest", ingesting.elapsed().as_secs_f64());

    screen.step("recomputing every KPI");
    let comparing = Instant::now();
    let facts: Vec<facts::Row> = script
        .events
        .iter()
        .filter_map(|(topic, version, event)| {
            let version = plan.version(topic, Some(*version))?;
            Some(facts::row(&plan, version, event))
        })
        .collect();
    let expected = oracle::answers(&plan, &facts, &as_of);
    let mut comparisons = pair(expected.clone(), answers::<R>(&client, &as_of).await?);
    if let Some(mut closer) = Closer::new::<R>(&client, closing::Options::default()) {
        screen.step("closing days, and asking again");
        closer.close_now().await?;
        let closed = pair(expected, answers::<R>(&client, &as_of).await?);
        // Whichever differs is shown.
        let asked_twice = comparisons.into_iter().zip(closed);
        comparisons = asked_twice
            .map(|(open, closed)| if open.is_equal() { closed } else { open })
            .collect();
    }
    seconds.insert("compare", comparing.elapsed().as_secs_f64());
    seconds.insert("total", started.elapsed().as_secs_f64());
    let report = Report {
        produced: script.messages.len(),
        valid: script.events.len(),
        duplicates: script.duplicates,
        invalid: script.invalid,
        dlq: worker.counts().dead,
        rows: worker.counts().rows,
        outbox: enqueued,
        seconds,
        comparisons,
    };
    let stage = Stage {
        servers,
        backend,
        worker,
    };
    Ok((report, stage))
}

fn chosen<'p>(plan: &'p Plan, name: Option<&str>) -> Result<&'p Scenario> {
    let found = match name {
        Some(name) => plan.scenarios.iter().find(|scenario| scenario.name == name),
        None => plan.scenarios.first(),
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = plan
            .scenarios
            .iter()
            .map(|scenario| scenario.name.as_str())
            .collect();
        Error::config("the registry has no such scenario")
            .at("scenario", name.unwrap_or("(first)"))
            .fix(format!(
                "one of: {}; or write schema_registry/scenarios/<name>.toml",
                known.join(", ")
            ))
    })
}

/// Whether the envelope lets producers leave the deduplication key out.
fn may_derive_keys<R: EventRegistry>(plan: &Plan) -> bool {
    // What the check says about an event with nothing in it names the missing members one by one; an event that
    // lacks the key alone tells.
    let fields = &plan.envelope.fields;
    let mut event = json!({});
    for _ in 0..32 {
        let text = event.to_string();
        let verdict = Decoder::default().decode(text.as_bytes(), |event| {
            (R::CHECK_ENVELOPE)(event, At::ROOT)
        });
        match verdict {
            Ok(Err(violation)) if violation.keyword == "required" => {
                let name = violation.expected.split('`').nth(1).unwrap_or_default();
                if name == fields.dedupe_key || name.is_empty() {
                    return false;
                }
                event[name] = Value::Null;
            }
            _ => return true,
        }
    }
    true
}

async fn answers<R: EventRegistry>(
    client: &Client,
    as_of: &str,
) -> Result<BTreeMap<String, Answer>> {
    let mut answers = BTreeMap::new();
    for kpi in R::PROJECT.kpis {
        let result = client.query_json(kpi.sql, &[("as_of", as_of)]).await?;
        answers.insert(kpi.name.to_owned(), of_clickhouse(&result));
    }
    Ok(answers)
}

/// What is shown while events flow.
struct Show<'s> {
    screen: &'s dyn Screen,
    client: &'s Client,
    as_of: &'s str,
}

impl Show<'_> {
    /// Asks every KPI again and again; ends only when asking fails.
    async fn kpis_as_they_move<R: EventRegistry>(&self) -> Error {
        loop {
            tokio::time::sleep(Duration::from_millis(700)).await;
            match answers::<R>(self.client, self.as_of).await {
                Ok(answers) => {
                    for (name, answer) in answers {
                        self.screen.kpi(&name, &compare::summary(&answer));
                    }
                }
                Err(error) => return error,
            }
        }
    }

    /// Enqueues the script, the last events one at a time, and waits until the worker is done with it.
    async fn through_outbox<R: EventRegistry>(
        &self,
        worker: &mut IngestHandle,
        servers: &Servers,
        backend: &Backend,
        script: &Script,
    ) -> Result<Enqueued> {
        let all = script.messages.len();
        let (most, last) = script.messages.split_at(all - backend::PROBES.min(all));
        let (counts, total) = (worker.counter(), u64::try_from(all).unwrap_or(u64::MAX));
        let ahead = servers.is_mock.then_some(feed::AHEAD);
        let sending = backend.enqueue::<R>(
            most,
            ahead,
            || counts().settled,
            |sent| {
                self.screen.progress(sent, total, counts());
            },
        );
        let refused = tokio::select! {
            refused = sending => refused?,
            ended = worker.ended() => return Err(ended_early(ended)),
        };
        let expected = u64::try_from(most.len() - refused).unwrap_or(u64::MAX);
        self.settled(worker, expected, total).await?;
        self.screen.step("one event at a time, from commit to KPI");
        let mut enqueued = tokio::select! {
            probed = backend.probe::<R>(last, self.client) => probed?,
            ended = worker.ended() => return Err(ended_early(ended)),
        };
        enqueued.refused += refused;
        let expected = u64::try_from(all - enqueued.refused).unwrap_or(u64::MAX);
        self.settled(worker, expected, total).await?;
        Ok(enqueued)
    }

    /// Waits until the worker is done with so many records.
    async fn settled(&self, worker: &mut IngestHandle, expected: u64, total: u64) -> Result<()> {
        let mut still = Stillness::default();
        loop {
            let counts = worker.counts();
            self.screen.progress(expected, total, counts);
            if counts.settled >= expected {
                return Ok(());
            }
            still.look(counts.settled, expected)?;
            tokio::select! {
                ended = worker.ended() => return Err(ended_early(ended)),
                () = tokio::time::sleep(Duration::from_millis(60)) => {}
            }
        }
    }

    /// Produces the script and waits until the worker is done with it.
    async fn until_settled(
        &self,
        worker: &mut IngestHandle,
        servers: &Servers,
        script: Arc<Script>,
    ) -> Result<()> {
        let total = u64::try_from(script.messages.len()).unwrap_or(u64::MAX);
        let sent = Arc::new(AtomicU64::new(0));
        let (kafka, is_paced) = (servers.kafka.clone(), servers.is_mock);
        let (sent_by, counts) = (Arc::clone(&sent), worker.counter());
        let mut feed = tokio::task::spawn_blocking(move || {
            feed::send(
                &kafka,
                &script.messages,
                is_paced,
                || counts().settled,
                |count| sent_by.store(count, Ordering::Relaxed),
            )
        });
        let mut fed = false;
        let mut still = Stillness::default();
        loop {
            let counts = worker.counts();
            self.screen
                .progress(sent.load(Ordering::Relaxed), total, counts);
            if fed && counts.settled >= total {
                return Ok(());
            }
            still.look(counts.settled, total)?;
            tokio::select! {
                result = &mut feed, if !fed => {
                    fed = true;
                    result.map_err(|error| Error::bug("producing was cancelled").why(error))??;
                }
                ended = worker.ended() => return ended,
                () = tokio::time::sleep(Duration::from_millis(60)) => {}
            }
        }
    }
}

/// Watches whether a worker gets on.
struct Stillness {
    since: Instant,
    settled: u64,
}

impl Default for Stillness {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            settled: 0,
        }
    }
}

impl Stillness {
    /// Takes note of how far the worker is.
    ///
    /// # Errors
    /// It has stood still for longer than [`PATIENCE`].
    fn look(&mut self, settled: u64, produced: u64) -> Result<()> {
        if settled != self.settled {
            *self = Self {
                since: Instant::now(),
                settled,
            };
        }
        if self.since.elapsed() <= PATIENCE {
            return Ok(());
        }
        Err(Error::service("the worker does not get on")
            .at("settled", settled)
            .at("produced", produced)
            .fix("run again with RUST_LOG=info to see what it waits for"))
    }
}

fn ended_early(ended: Result<()>) -> Error {
    match ended {
        Err(error) => error,
        Ok(()) => Error::bug("the worker ended before the events did"),
    }
}
