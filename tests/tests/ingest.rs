//! The worker on a real Kafka and a real ClickHouse: every good event becomes one row, every bad record a dead
//! letter that tells where it came from and why, and a stop loses nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::message::Message as _;
use subject::Registry;
use topicwright_runtime::clickhouse::Client;
use topicwright_runtime::clickhouse::apply::apply;
use topicwright_runtime::config::Config;
use topicwright_runtime::engine::clickhouse::{ClickHouse, Program};
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::ingest::{self, Counts, IngestHandle};
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_tests::{events, kafka, sql};

struct Servers {
    broker: Kafka,
    store: ClickHouse,
    runtime: tokio::runtime::Runtime,
}

impl Servers {
    fn start() -> Self {
        let program = Program::find_with_host(env!("CARGO_BIN_EXE_engine-host")).unwrap();
        let servers = Self {
            broker: Kafka::start().unwrap(),
            store: ClickHouse::start(program).unwrap(),
            runtime: tokio::runtime::Runtime::new().unwrap(),
        };
        let config = servers.config();
        servers.runtime.block_on(async {
            apply::<Registry>(&Client::new(&config.clickhouse))
                .await
                .unwrap();
            let specs = topic_specs::<Registry>();
            create_topics(&config.kafka, &specs, CreateOptions::default())
                .await
                .unwrap();
        });
        servers
    }

    fn config(&self) -> Config {
        let mut config = Config::local(self.broker.brokers(), self.store.url(), "ingest-test");
        config.batch.flush_interval = Duration::from_millis(200);
        config
    }

    fn worker(&self) -> IngestHandle {
        self.runtime
            .block_on(ingest::start::<Registry>(self.config()))
            .unwrap()
    }

    /// Waits until a worker has settled so many records.
    fn settled(&self, worker: &IngestHandle, records: u64) -> Counts {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let counts = worker.counts();
            if counts.settled >= records {
                return counts;
            }
            assert!(Instant::now() < deadline, "{records} expected: {counts:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ask(&self, statement: &str) -> String {
        sql::ask_in(&self.store.url(), "game", statement)
    }
}

#[test]
fn good_events_become_rows_and_bad_ones_dead_letters() {
    let servers = Servers::start();
    let brokers = servers.broker.brokers();
    let mut good: BTreeMap<String, usize> = BTreeMap::new();
    let mut bad: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut sent = 0;
    for (number, (topic, version, payload, pointer)) in events::examples().into_iter().enumerate() {
        let value = events::event(&topic, version, &payload, number)
            .to_string()
            .into_bytes();
        kafka::send(&brokers, &topic, None, &[(b"key".to_vec(), value)]);
        sent += 1;
        match pointer {
            None => *good.entry(topic).or_default() += 1,
            Some(pointer) => bad
                .entry(topic)
                .or_default()
                .push(("payload".to_owned(), format!("/payload{pointer}"))),
        }
    }
    // What no schema speaks of.
    let topic = "shop.purchase";
    let valid = events::event(
        topic,
        1,
        &serde_json::json!({"tx_id": 1, "user_id": 2, "status": "success", "product_id": 1, "amount_gold": 5, "price_cents": 7}),
        900,
    );
    let with = |member: &str, value: serde_json::Value| {
        let mut event = valid.clone();
        event[member] = value;
        event.to_string().into_bytes()
    };
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000)).into_bytes();
    let oddities: Vec<(Vec<u8>, &str, &str)> = vec![
        (b"".to_vec(), "empty", ""),
        (b"{\"a\":".to_vec(), "not-json", ""),
        (vec![0xff, 0xfe, 0x00], "not-json", ""),
        (vec![0; 64], "not-json", ""),
        (deep, "too-deep", ""),
        (
            b"{\"event_type\":\"a\",\"event_type\":\"b\"}".to_vec(),
            "duplicate-member",
            "",
        ),
        (b"[]".to_vec(), "envelope", ""),
        (
            with("event_type", "auth.events".into()),
            "wrong-topic",
            "/event_type",
        ),
        (
            with("schema_version", 0.into()),
            "envelope",
            "/schema_version",
        ),
        (with("ts", "yesterday".into()), "envelope", "/ts"),
        (
            with("user_id", serde_json::json!(1e300)),
            "envelope",
            "/user_id",
        ),
        (
            with("payload", serde_json::json!({})),
            "payload",
            "/payload",
        ),
        (vec![b'x'; 900_000], "not-json", ""),
    ];
    for (value, reason, pointer) in &oddities {
        kafka::send(
            &brokers,
            topic,
            Some(0),
            &[(b"odd".to_vec(), value.clone())],
        );
        bad.entry(topic.to_owned())
            .or_default()
            .push(((*reason).to_owned(), (*pointer).to_owned()));
        sent += 1;
    }
    // A version of the future, which the level promises to be readable; and a key that was seen.
    let future = with("schema_version", 60_000.into());
    kafka::send(
        &brokers,
        topic,
        Some(1),
        &[(b"f".to_vec(), future.clone()), (b"f".to_vec(), future)],
    );
    sent += 2;
    *good.entry(topic.to_owned()).or_default() += 1;

    let worker = servers.worker();
    let counts = servers.settled(&worker, sent);
    let rows: usize = good.values().sum();
    let dead: usize = bad.values().map(Vec::len).sum();
    assert_eq!(
        (counts.rows, counts.dead, counts.duplicates),
        (rows as u64, dead as u64, 1)
    );
    for (topic, expected) in &good {
        let found = servers.ask(&format!(
            "SELECT count() FROM events_raw WHERE event_type = '{topic}'"
        ));
        assert_eq!(found, expected.to_string(), "{topic}");
    }
    assert_eq!(
        servers.ask("SELECT schema_version FROM events_raw WHERE dedupe_key = 'shop.purchase:900'"),
        "60000"
    );
    for (topic, expected) in &bad {
        let letters = kafka::read(&brokers, &format!("{topic}.dlq"), expected.len());
        let sent = usize::try_from(kafka::count(&brokers, topic)).unwrap();
        let sources = kafka::read(&brokers, topic, sent);
        let mut found: Vec<(String, String)> = Vec::new();
        for letter in &letters {
            let text = |name: &str| kafka::header(letter, name);
            assert_eq!(
                text("topicwright-source-topic").as_deref(),
                Some(topic.as_str())
            );
            let partition: i32 = text("topicwright-source-partition")
                .unwrap()
                .parse()
                .unwrap();
            let offset: i64 = text("topicwright-source-offset").unwrap().parse().unwrap();
            assert!(
                text("topicwright-source-timestamp")
                    .unwrap()
                    .parse::<i64>()
                    .unwrap()
                    > 0
            );
            assert!(!text("topicwright-detail").unwrap().is_empty());
            let source = sources
                .iter()
                .find(|message| message.partition() == partition && message.offset() == offset)
                .unwrap();
            assert_eq!(letter.payload(), source.payload());
            assert_eq!(letter.key(), source.key());
            found.push((
                text("topicwright-reason").unwrap(),
                text("topicwright-pointer").unwrap(),
            ));
        }
        found.sort();
        let mut expected = expected.clone();
        expected.sort();
        assert_eq!(found, expected, "{topic}");
    }
    servers.runtime.block_on(worker.stop()).unwrap();
}

#[test]
fn a_stop_and_a_restart_lose_and_repeat_nothing() {
    let mut servers = Servers::start();
    let brokers = servers.broker.brokers();
    let payload = serde_json::json!({"event_id": 55, "user_id": 123, "progress_version": 7, "current": [{"type": "plays", "current": 4, "target": 5}]});
    let send = |from: usize, to: usize| {
        let records: Vec<(Vec<u8>, Vec<u8>)> = (from..to)
            .map(|number| {
                let event = events::event("event.progress", 1, &payload, number);
                (
                    number.to_string().into_bytes(),
                    event.to_string().into_bytes(),
                )
            })
            .collect();
        kafka::send(&brokers, "event.progress", None, &records);
    };
    send(0, 20_000);
    let first = servers.worker();
    let deadline = Instant::now() + Duration::from_secs(60);
    while first.counts().consumed < 5_000 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    // Stopped in the middle of its work.
    let counts = servers.runtime.block_on(first.stop()).unwrap();
    assert_eq!(counts.settled, counts.consumed);
    let count = |servers: &Servers| {
        servers.ask("SELECT count(), uniqExact(kafka_partition, kafka_offset) FROM events_raw")
    };
    assert_eq!(count(&servers), format!("{0}\t{0}", counts.rows));
    send(20_000, 30_000);
    let second = servers.worker();
    let more = servers.settled(&second, 30_000 - counts.settled);
    assert_eq!(more.settled, 30_000 - counts.settled);
    assert_eq!(count(&servers), "30000\t30000");
    // ClickHouse goes away in the middle and comes back.
    send(30_000, 40_000);
    servers.store.kill();
    send(40_000, 50_000);
    std::thread::sleep(Duration::from_secs(2));
    assert!(second.health().is_alive());
    servers.store.restart().unwrap();
    servers.settled(&second, 50_000 - counts.settled);
    assert_eq!(count(&servers), "50000\t50000");
    assert!(second.health().is_ready());
    servers.runtime.block_on(second.stop()).unwrap();
}

#[test]
fn copies_of_a_refused_event_are_judged_by_themselves() {
    const EVENTS: usize = 100;
    let servers = Servers::start();
    let brokers = servers.broker.brokers();
    let topic = "shop.purchase";
    servers.ask("ALTER TABLE events_raw ADD CONSTRAINT unlucky CHECK product_id != 13");
    let send = |product: u64| {
        let records: Vec<(Vec<u8>, Vec<u8>)> = (0..EVENTS)
            .map(|number| {
                let payload = serde_json::json!({
                    "tx_id": 1, "user_id": 2, "status": "success", "product_id": product, "amount_gold": 5, "price_cents": 7
                });
                let event = events::event(topic, 1, &payload, number);
                (b"key".to_vec(), event.to_string().into_bytes())
            })
            .collect();
        kafka::send(&brokers, topic, Some(0), &records);
    };
    let letters = || usize::try_from(kafka::count(&brokers, "shop.purchase.dlq")).unwrap();
    // The same event twice in a batch: the first copy is refused, and so is the second, but not the third.
    send(13);
    send(13);
    let worker = servers.worker();
    let deadline = Instant::now() + Duration::from_secs(60);
    let refusals = || servers.ask("SELECT sum(value) FROM system.errors WHERE code = 469");
    while refusals() == "0" {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    // These come while the others are halved, and give way to what is in flight.
    send(13);
    send(14);
    while worker.counts().consumed < 4 * EVENTS as u64 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(worker.counts().settled, 0);
    let counts = servers.settled(&worker, 4 * EVENTS as u64);
    assert_eq!(letters(), 3 * EVENTS);
    assert_eq!(
        (counts.rows, counts.dead, counts.duplicates),
        (EVENTS as u64, 3 * EVENTS as u64, 0)
    );
    assert_eq!(
        servers.ask("SELECT count(), uniqExact(dedupe_key), min(product_id) FROM events_raw"),
        format!("{EVENTS}\t{EVENTS}\t14")
    );
    // Now they are stored, so that further copies are only that.
    send(13);
    send(14);
    let counts = servers.settled(&worker, 6 * EVENTS as u64);
    assert_eq!(counts.duplicates, 2 * EVENTS as u64);
    servers.runtime.block_on(worker.stop()).unwrap();
    // So they are for a worker that was not there.
    send(14);
    let next = servers.worker();
    let counts = servers.settled(&next, EVENTS as u64);
    assert_eq!((counts.rows, counts.duplicates), (0, EVENTS as u64));
    servers.runtime.block_on(next.stop()).unwrap();
}
