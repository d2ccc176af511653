//! A producer with a fallback log and its broker, both killed at random moments: what the producer said to be durable
//! arrives, in order per key. `FALLBACK_SEED` and `FALLBACK_ROUNDS` choose another and a longer run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::message::Message as _;
use serde_json::Value;
use subject::Registry;
use topicwright_runtime::config::KafkaConfig;
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::fallback::inspect;
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_tests::kafka;
use topicwright_tests::program::text;

const TOPIC: &str = "shop.purchase";

fn started() -> Kafka {
    let broker = Kafka::start().unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let specs = topic_specs::<Registry>();
    let made = create_topics(&config, &specs, CreateOptions::default());
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(made)
        .unwrap();
    broker
}

/// An emitter process, and the lines it says.
struct Emitter {
    child: Child,
    lines: std::thread::JoinHandle<Vec<String>>,
}

impl Emitter {
    fn start(broker: &Kafka, folder: &Path, keys: u64, first: u64, steps: u64) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_emitter"))
            .args([&broker.brokers(), folder.to_str().unwrap()])
            .args([keys, first, steps].map(|number| number.to_string()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        let lines = std::thread::spawn(move || {
            let lines = output.split(b'\n').map(|line| text(&line.unwrap()));
            lines.collect()
        });
        Self { child, lines }
    }

    /// What it had said when it ended; a line that a kill cut off counts as not said.
    fn end(mut self, is_kill: bool) -> Vec<String> {
        if is_kill {
            self.child.kill().unwrap();
        }
        let status = self.child.wait().unwrap();
        assert_eq!(status.success(), !is_kill, "{status}");
        self.lines.join().unwrap()
    }
}

#[test]
fn whatever_is_killed_all_that_was_durable_arrives_in_order() {
    const KEYS: u64 = 12;
    let seed = std::env::var("FALLBACK_SEED").map_or(20_261_124, |seed| seed.parse().unwrap());
    let rounds = std::env::var("FALLBACK_ROUNDS").map_or(8, |rounds| rounds.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed);
    let mut broker = started();
    let folder = tempfile::tempdir().unwrap();
    let mut said: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let (mut direct, mut kept) = (0_u64, 0_u64);
    let mut note = |lines: Vec<String>| -> u64 {
        let mut highest = 0;
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let [key, number, place] = words[..] else {
                continue;
            };
            let (key, number) = (key.parse().unwrap(), number.parse::<u64>().unwrap());
            match place {
                "kafka" => direct += 1,
                "fallback" => kept += 1,
                _ => continue,
            }
            highest = highest.max(number);
            said.entry(key).or_default().push(number);
        }
        highest
    };
    let mut first = 1;
    let mut is_up = true;
    for _ in 0..rounds {
        let emitter = Emitter::start(&broker, folder.path(), KEYS, first, 0);
        // While it emits and drains, the broker dies or comes back; then it dies itself.
        for _ in 0..random.u32(0..3) {
            let longest = if is_up { 5000 } else { 2000 };
            std::thread::sleep(Duration::from_millis(random.u64(50..longest)));
            if is_up {
                broker.kill();
            } else {
                broker.restart().unwrap();
            }
            is_up = !is_up;
        }
        std::thread::sleep(Duration::from_millis(random.u64(0..3000)));
        // Numbers that a killed emitter was about to say are not used again.
        first = first.max(note(emitter.end(true))) + 1000;
    }
    if !is_up {
        broker.restart().unwrap();
    }
    let last = Emitter::start(&broker, folder.path(), KEYS, first, 5).end(false);
    assert_eq!(last.last().unwrap(), "done");
    note(last);
    eprintln!("seed {seed}: {direct} events straight to Kafka, {kept} by the log");
    assert!(direct > 300 && kept > 300, "{direct} {kept}");

    let seen = inspect(folder.path()).unwrap();
    assert_eq!((seen.waiting_records(), seen.refused_records()), (0, 0));
    assert_eq!(seen.damage, []);
    let count = usize::try_from(kafka::count(&broker.brokers(), TOPIC)).unwrap();
    let mut found: BTreeMap<u64, BTreeMap<u64, usize>> = BTreeMap::new();
    for (at, record) in kafka::read(&broker.brokers(), TOPIC, count)
        .iter()
        .enumerate()
    {
        let event: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        let transaction = event["payload"]["tx_id"].as_u64().unwrap();
        let (key, number) = (transaction / 10_000_000, transaction % 10_000_000);
        found.entry(key).or_default().entry(number).or_insert(at);
    }
    for (key, numbers) in said {
        assert!(numbers.is_sorted());
        let arrivals: Vec<(u64, Option<usize>)> = numbers
            .iter()
            .map(|number| (*number, found[&key].get(number).copied()))
            .collect();
        let lost: Vec<_> = arrivals.iter().filter(|(_, at)| at.is_none()).collect();
        assert!(lost.is_empty(), "key {key} lost {lost:?}");
        let places: Vec<_> = arrivals.iter().map(|(_, at)| *at).collect();
        assert!(places.is_sorted(), "key {key} out of order: {arrivals:?}");
    }
}
