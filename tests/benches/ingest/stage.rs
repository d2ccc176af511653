//! What all contenders share: servers, the filled topic, the table, and how a run is checked.
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use topicwright_runtime::engine::clickhouse::{ClickHouse, Program};
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_tests::program::command;
use topicwright_tests::sql;

use super::stream;
use crate::workspace::{Workspace, succeed};

/// How the payload is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    Json,
    String,
}

impl Payload {
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::String => "string",
        }
    }
}

/// What the server does with a row beside keeping it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Views {
    /// All of the game's views: the ledger is fed.
    On,
    /// Nothing.
    Off,
}

impl Views {
    pub fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Servers with a filled topic, and the pipeline compiled for this payload.
pub struct Stage {
    pub broker: Kafka,
    pub store: ClickHouse,
    pub pipeline: PathBuf,
    pub payload: Payload,
    pub views: Views,
    pub rows: usize,
    pub partitions: usize,
    pub message_bytes: usize,
    /// Which time the contenders take their turns; those of each have groups of their own.
    pub round: usize,
}

/// The game's registry, compiled with optimisation; or what the last run compiled.
fn pipeline(payload: Payload, views: Views, partitions: usize) -> PathBuf {
    let compiled = format!("{}-views-{}", payload.name(), views.name());
    if std::env::var_os("BENCH_COMPILED").is_some() {
        return Workspace::released_before(&compiled);
    }
    let workspace = Workspace::fresh();
    for name in workspace.files().into_keys() {
        // Scenarios speak of views.
        if (views == Views::Off && name.starts_with("schema_registry/views/"))
            || name.starts_with("schema_registry/scenarios/")
        {
            workspace.remove(&name);
        }
    }
    let manifest = workspace.read("schema_registry/registry.toml");
    let edits = [
        (
            "payload = \"json\"",
            format!("payload = \"{}\"", payload.name()),
        ),
        ("partitions = 6", format!("partitions = {partitions}")),
    ];
    let manifest = edits.iter().fold(manifest, |text, (ours, theirs)| {
        assert!(text.contains(ours), "{ours}");
        text.replace(ours, theirs)
    });
    workspace.write("schema_registry/registry.toml", &manifest);
    succeed(&mut workspace.cargo(&["run", "--quiet", "--bin", "topicwright", "--", "generate"]));
    workspace.released_pipeline(&compiled)
}

fn start_store() -> ClickHouse {
    let host = env!("CARGO_BIN_EXE_engine-host");
    ClickHouse::start(Program::find_with_host(host).unwrap()).unwrap()
}

/// Between two looks at how full a table is. Each costs the server about 2 ms, and that is counted as the
/// contender's.
const LOOK: Duration = Duration::from_millis(200);

/// As [`LOOK`], for a run of about a second.
const SHORT_LOOK: Duration = Duration::from_millis(50);

/// Rows a second.
#[derive(Clone, Copy)]
pub struct Rate {
    /// Until two thirds are there: the last rows wait for the flush interval, whoever brings them.
    pub sustained: f64,
    /// Until all are there.
    pub to_the_last: f64,
}

impl Rate {
    /// Of a contender for whom nothing waits.
    pub fn even(rate: f64) -> Self {
        Self {
            sustained: rate,
            to_the_last: rate,
        }
    }
}

impl Stage {
    pub fn set(payload: Payload, views: Views, rows: usize, partitions: usize) -> Self {
        let pipeline = pipeline(payload, views, partitions);
        let broker = Kafka::start().unwrap();
        let store = start_store();
        let stage = Self {
            message_bytes: stream::message(rows / 2).len(),
            broker,
            store,
            pipeline,
            payload,
            views,
            rows,
            partitions,
            round: 0,
        };
        succeed(&mut stage.command(&["apply", "--yes"]));
        stream::fill(&stage.broker.brokers(), rows, partitions);
        stage
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.pipeline.to_str().unwrap(), arguments);
        command
            .env("KAFKA_BROKERS", self.broker.brokers())
            .env("CLICKHOUSE_URL", self.store.url())
            .env("TOPICWRIGHT_HASH_KEY", "00112233445566778899aabbccddeeff");
        command
    }

    pub fn ask(&self, statement: &str) -> String {
        sql::ask_in(&self.store.url(), "game", statement)
    }

    /// A consumer group of this round, which begins at the first record.
    pub fn group(&self, name: &str) -> String {
        format!("{name}-{}", self.round)
    }

    pub fn version(&self) -> String {
        self.ask("SELECT version()")
    }

    pub fn server(&self) -> u32 {
        self.store.process_id().unwrap()
    }

    /// A server of its own for the next contender: what a contender leaves behind (consumers that end, parts that go,
    /// memory that is kept) cost the one after it up to a third of its time.
    pub fn change_server(&mut self) {
        self.store = start_store();
        succeed(&mut self.command(&["apply", "--yes"]));
    }

    /// An empty table for the next contender.
    pub fn clear(&self) {
        self.ask("TRUNCATE TABLE events_raw");
        if self.views == Views::On {
            self.ask("TRUNCATE TABLE event_ledger");
        }
        self.ask("SYSTEM DROP MARK CACHE");
    }

    fn count(&self) -> usize {
        self.ask("SELECT count() FROM events_raw").parse().unwrap()
    }

    /// Inserts that clients sent so far.
    pub fn inserts(&self) -> u64 {
        self.ask("SELECT sum(value) FROM system.events WHERE event = 'InsertQuery'")
            .parse()
            .unwrap()
    }

    /// Waits until nothing has been merged for some seconds.
    pub fn until_merged(&self) {
        let mut quiet = 0;
        while quiet < 6 {
            std::thread::sleep(Duration::from_millis(500));
            let merges = self.ask("SELECT count() FROM system.merges");
            quiet = if merges == "0" { quiet + 1 } else { 0 };
        }
    }

    /// Waits until the table has all rows; seconds since `started`.
    pub fn until_full(&self, started: Instant) -> f64 {
        while self.count() < self.rows {
            assert!(started.elapsed() < Duration::from_secs(600));
            std::thread::sleep(SHORT_LOOK);
        }
        started.elapsed().as_secs_f64()
    }

    /// How fast the table fills, from the first rows that are seen: joining a group takes seconds that everyone spends
    /// once and a long-running worker never again.
    pub fn fill_rate(&self) -> Rate {
        let started = Instant::now();
        let (mut first, mut since) = (0, started);
        let mut sustained = None;
        loop {
            let count = self.count();
            if first == 0 && count > 0 {
                (first, since) = (count, Instant::now());
            }
            let so_far = (count - first) as f64 / since.elapsed().as_secs_f64();
            if sustained.is_none() && count >= self.rows / 3 * 2 {
                sustained = Some(so_far);
            }
            if count >= self.rows {
                return Rate {
                    sustained: sustained.unwrap_or(so_far),
                    to_the_last: so_far,
                };
            }
            assert!(
                started.elapsed() < Duration::from_secs(600),
                "{count} of {}",
                self.rows
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Whether the table holds each message once, and the views say so.
    pub fn is_right(&self) -> bool {
        let gold: usize = (0..self.rows).map(stream::amount).sum();
        let found = self.ask(
            "SELECT count(), uniqExact(kafka_partition, kafka_offset), sum(delta_gold), uniqExact(dedupe_key) FROM events_raw",
        );
        let is_in_the_table = found == format!("{0}\t{0}\t{gold}\t{0}", self.rows);
        match self.views {
            Views::Off => is_in_the_table,
            Views::On => {
                let shown = self.ask("SELECT sum(purchases), sum(gold_bought) FROM user_daily");
                is_in_the_table && shown == format!("{}\t{gold}", self.rows)
            }
        }
    }
}
