//! Writers, relays, the broker and the database are killed at random while transactions commit, roll back and take
//! their time; at the end every committed event is in Kafka, in order, none that was rolled back is, and behind the
//! ingest each counts once.
//!
//! `TOPICWRIGHT_FAULT_SECONDS` makes it longer, `TOPICWRIGHT_FAULT_SEED` repeats a stream and its faults.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rdkafka::message::Message as _;
use tempfile::TempDir;
use topicwright_runtime::engine::postgres::Postgres;
use topicwright_tests::faults::kpis::{answers, spelled};
use topicwright_tests::faults::scene::Scene;
use topicwright_tests::faults::scene::topics;
use topicwright_tests::faults::stream::{Fact, Fate, Stream, date, yesterday};
use topicwright_tests::kafka;
use topicwright_tests::outbox::{LANES_OF_A_WRITER, NUMBER, connect, drained};
use topicwright_tests::program::text;
use topicwright_tests::running::{Running, guarded, signal};

const WRITERS: usize = 3;
const RELAYS: usize = 2;

struct Stage {
    scene: Scene,
    database: Postgres,
    writers: Vec<Running>,
    relays: Vec<Running>,
    seed: u64,
    last_day: i64,
    logs: TempDir,
    started: usize,
}

impl Stage {
    fn log(&mut self, what: &str) -> File {
        self.started += 1;
        File::create(self.logs.path().join(format!("{:03}-{what}", self.started))).unwrap()
    }

    fn writer(&mut self, place: usize) -> Running {
        let log = self.log("writer");
        let lanes = [place * LANES_OF_A_WRITER, WRITERS * LANES_OF_A_WRITER];
        let mut command = guarded(env!("CARGO_BIN_EXE_outbox-writer"), &[]);
        command
            .args([
                self.database.url(),
                self.seed.to_string(),
                self.last_day.to_string(),
            ])
            .args(lanes.map(|lane| lane.to_string()));
        Running::start(command.stdout(Stdio::null()).stderr(log))
    }

    fn relay(&mut self) -> Running {
        let log = self.log("relay");
        let arguments = ["relay", "--listen", "off", "--retention", "off"];
        let mut command = self.scene.servers.guarded(&arguments);
        command
            .env("DATABASE_URL", self.database.url())
            .env("RUST_LOG", "info");
        Running::start(command.stdout(Stdio::null()).stderr(log))
    }

    fn logs(&self) -> String {
        let mut files: Vec<_> = std::fs::read_dir(self.logs.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let texts = files.iter().map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let end = text.lines().rev().take(12).collect::<Vec<_>>();
            format!(
                "== {}\n{}\n",
                file.display(),
                end.into_iter().rev().collect::<Vec<_>>().join("\n")
            )
        });
        texts.collect()
    }

    /// Those that ended by themselves are replaced, as an orchestrator does.
    fn tend(&mut self) {
        for place in 0..RELAYS {
            if self.relays[place].ended().is_some() {
                self.relays[place] = self.relay();
            }
        }
    }

    fn rage(&mut self, length: Duration) -> BTreeMap<&'static str, u32> {
        let mut random = Rng::with_seed(self.seed ^ 0xb0c5);
        let mut done: BTreeMap<&'static str, u32> = BTreeMap::new();
        let end = Instant::now() + length;
        while Instant::now() < end {
            self.tend();
            let relay = random.usize(0..RELAYS);
            let what = match random.u32(0..20) {
                0..7 => {
                    kill(&mut self.relays[relay]);
                    self.relays[relay] = self.relay();
                    "relay killed"
                }
                7..9 => {
                    signal(self.relays[relay].id(), "TERM");
                    let _ = self.relays[relay].wait();
                    self.relays[relay] = self.relay();
                    "relay asked to leave"
                }
                9..11 => {
                    signal(self.relays[relay].id(), "STOP");
                    std::thread::sleep(Duration::from_millis(random.u64(200..2500)));
                    signal(self.relays[relay].id(), "CONT");
                    "relay frozen"
                }
                11..15 => {
                    let place = random.usize(0..WRITERS);
                    kill(&mut self.writers[place]);
                    self.writers[place] = self.writer(place);
                    "writer killed"
                }
                15..18 => {
                    self.database.kill();
                    std::thread::sleep(Duration::from_millis(random.u64(0..800)));
                    self.database.restart().unwrap();
                    "database killed"
                }
                _ => {
                    self.scene.servers.broker.kill();
                    std::thread::sleep(Duration::from_millis(random.u64(0..800)));
                    self.scene.servers.broker.restart().unwrap();
                    "broker killed"
                }
            };
            *done.entry(what).or_default() += 1;
            std::thread::sleep(Duration::from_millis(random.u64(100..1200)));
        }
        done
    }
}

fn kill(process: &mut Running) {
    signal(process.id(), "CONT");
    process.kill();
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Topic and key, and the numbers of its events.
type ByKey = BTreeMap<(String, String), Vec<usize>>;

#[test]
fn every_committed_event_arrives_in_order_and_counts_once() {
    let seed = setting("TOPICWRIGHT_FAULT_SEED").unwrap_or(1);
    let seconds = setting("TOPICWRIGHT_FAULT_SECONDS").unwrap_or(20);
    println!("TOPICWRIGHT_FAULT_SEED={seed} TOPICWRIGHT_FAULT_SECONDS={seconds}");
    let started = Instant::now();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scene = Scene::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    );
    let mut stage = Stage {
        scene,
        database: Postgres::start().unwrap(),
        writers: Vec::new(),
        relays: Vec::new(),
        seed,
        last_day: yesterday(),
        logs: tempfile::tempdir().unwrap(),
        started: 0,
    };
    let migrated = stage
        .scene
        .servers
        .command(&["outbox", "migrate"])
        .env("DATABASE_URL", stage.database.url())
        .output()
        .unwrap();
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    runtime.block_on(async {
        let client = connect(&stage.database.url()).await;
        let ledger = "CREATE TABLE ledger (lane BIGINT NOT NULL, number BIGINT PRIMARY KEY)";
        client.batch_execute(ledger).await.unwrap();
    });
    for place in 0..WRITERS {
        let writer = stage.writer(place);
        stage.writers.push(writer);
    }
    for _ in 0..RELAYS {
        let relay = stage.relay();
        stage.relays.push(relay);
    }
    let done = stage.rage(Duration::from_secs(seconds));
    stage.writers.iter_mut().for_each(kill);
    stage.relays.iter_mut().for_each(kill);
    let last = stage.relay();
    stage.relays.push(last);

    let (committed, rows) = runtime.block_on(async {
        let client = connect(&stage.database.url()).await;
        let all_sent = tokio::time::timeout(Duration::from_secs(70), drained(&client));
        assert!(all_sent.await.is_ok(), "{}", stage.logs());
        (ledger(&client).await, outbox(&client).await)
    });
    assert_eq!(
        rows.values().flatten().copied().collect::<BTreeSet<_>>(),
        committed,
        "the outbox and what its transactions committed with it"
    );
    assert!(
        committed.len() > 300,
        "{} events: {}",
        committed.len(),
        stage.logs()
    );
    let (arrived, records) = arrived(&stage.scene.servers.broker.brokers());
    for (key, expected) in &rows {
        let found = arrived.get(key).map_or(&[][..], |numbers| numbers);
        assert_eq!(
            found,
            expected,
            "seed {seed}, {key:?}: first occurrences in Kafka; {}",
            stage.logs()
        );
    }
    assert_eq!(
        arrived.keys().collect::<Vec<_>>(),
        rows.keys().collect::<Vec<_>>()
    );
    println!("{} events in {records} records", committed.len());
    for (what, times) in &done {
        println!("{times:4} {what}");
    }
    behind_the_ingest(&mut stage, &rows);
    println!("{} s", started.elapsed().as_secs());
}

async fn ledger(client: &tokio_postgres::Client) -> BTreeSet<usize> {
    let rows = client
        .query("SELECT number FROM ledger", &[])
        .await
        .unwrap();
    let numbers = rows
        .iter()
        .map(|row| usize::try_from(row.get::<_, i64>(0)).unwrap());
    numbers.collect()
}

/// The table's rows by key, in the order of ids.
async fn outbox(client: &tokio_postgres::Client) -> ByKey {
    let query = "SELECT event_type, key, (headers ->> $1)::bigint FROM event_outbox ORDER BY id";
    let mut keys = ByKey::new();
    for row in client.query(query, &[&NUMBER]).await.unwrap() {
        let number = usize::try_from(row.get::<_, i64>(2)).unwrap();
        keys.entry((row.get(0), row.get(1)))
            .or_default()
            .push(number);
    }
    keys
}

/// Kafka's records by key, each at its first place, and how many there are.
fn arrived(brokers: &str) -> (ByKey, usize) {
    let mut keys = ByKey::new();
    let mut seen = BTreeSet::new();
    let mut all = 0;
    for topic in topics() {
        let count = usize::try_from(kafka::count(brokers, &topic)).unwrap();
        all += count;
        if count == 0 {
            continue;
        }
        for record in kafka::read(brokers, &topic, count) {
            let number: usize = kafka::header(&record, NUMBER).unwrap().parse().unwrap();
            if seen.insert(number) {
                let key = String::from_utf8(record.key().unwrap().to_vec()).unwrap();
                keys.entry((topic.clone(), key)).or_default().push(number);
            }
        }
    }
    (keys, all)
}

/// Events in the order of the outbox, which is Kafka's for each key.
fn behind_the_ingest(stage: &mut Stage, rows: &ByKey) {
    stage.scene.add_worker("");
    stage.scene.settle();
    stage.scene.stop_workers();
    stage.scene.close_days(&[]);
    let mut stream = Stream::new(stage.seed, stage.last_day);
    while stream.records.len() <= *rows.values().flatten().max().unwrap() {
        stream.draw();
    }
    let facts: Vec<&Fact> = rows
        .values()
        .flatten()
        .map(|number| match &stream.records[*number].fate {
            Fate::Row(fact) => &**fact,
            Fate::Letter(reason) => panic!("{number} was written and is {reason}"),
        })
        .collect();
    let keys: BTreeSet<&str> = facts.iter().map(|fact| &*fact.key).collect();
    let stored = stage
        .scene
        .ask("SELECT DISTINCT dedupe_key FROM events_raw");
    assert_eq!(stored.lines().collect::<BTreeSet<_>>(), keys);
    let events: BTreeSet<_> = facts.iter().map(|fact| fact.identity()).collect();
    let once = stage.scene.ask("SELECT count() FROM events_raw FINAL");
    assert_eq!(once, events.len().to_string());
    let expected = answers(facts.into_iter(), stream.last_day());
    for kpi in stage.scene.kpis(&date(stream.last_day())) {
        let name = kpi["name"].as_str().unwrap();
        assert_eq!(
            spelled(kpi["rows"].as_array().unwrap()),
            spelled(&expected[name]),
            "{name}"
        );
    }
}
