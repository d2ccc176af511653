//! One relay between PostgreSQL and Kafka, all on this machine: events a second out of a full outbox, and the time
//! from a transaction's commit to a consumer at a steady rate.
//!
//! `cargo bench -p topicwright-tests --bench relay`. Settings by environment: `BENCH_EVENTS` (rows of the full
//! outbox), `BENCH_RATE` (events a second of the latency run), `BENCH_SECONDS`. PostgreSQL runs without fsync and
//! with synchronous_commit; every run is checked by count.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#[path = "ingest/process.rs"]
mod process;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use subject::Registry;
use topicwright_runtime::config::{Config, Secret};
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_runtime::outbox::{self, RelayLimits};
use topicwright_tests::kafka;
use topicwright_tests::outbox::{connect, drained, migrated, number, purchase, record};
use topicwright_tests::postgres::Version;

const TOPIC: &str = "shop.purchase";

fn setting(name: &str, default: usize) -> usize {
    let set = std::env::var(name).ok().and_then(|text| text.parse().ok());
    set.unwrap_or(default)
}

#[tokio::main]
async fn main() {
    let (events, rate) = (
        setting("BENCH_EVENTS", 300_000),
        setting("BENCH_RATE", 1_000),
    );
    let seconds = setting("BENCH_SECONDS", 30);
    let broker = tokio::task::block_in_place(|| Kafka::start().unwrap());
    let (server, client) = migrated(Version::Installed).await;
    let mut config = Config::local(broker.brokers(), "http://localhost:1", "unused");
    config.postgres = Some(Secret::new(server.url()));
    let specs = topic_specs::<Registry>();
    create_topics(&config.kafka, &specs, CreateOptions::default())
        .await
        .unwrap();
    let limits = RelayLimits::default();

    let started = Instant::now();
    for first in (0..events).step_by(1000) {
        let records = (first..first + 1000).map(|n| record(&purchase(n, 1 + n * 7919 % 5000)));
        outbox::enqueue_records::<Registry>(&client, records.collect())
            .await
            .unwrap();
    }
    println!(
        "enqueued in batches of 1000: {:.0} events/s",
        events as f64 / started.elapsed().as_secs_f64()
    );
    let bytes = number(
        &client,
        "SELECT avg(octet_length(payload::text || envelope::text))::bigint FROM event_outbox",
    )
    .await;

    let own = std::process::id();
    let (started, cpu) = (Instant::now(), process::cpu_seconds(own));
    let relay = outbox::start::<Registry>(&config, limits).await.unwrap();
    drained(&client).await;
    let took = started.elapsed().as_secs_f64();
    let cpu = process::cpu_seconds(own) - cpu;
    let sent = kafka::count(&broker.brokers(), TOPIC);
    println!(
        "one relay, {events} rows of {bytes} B: {:.0} events/s, {:.1} CPU s a million, {sent} records, {} MB",
        events as f64 / took,
        cpu * 1e6 / events as f64,
        process::peak_megabytes(own),
    );

    // As a backend: one event a transaction, on eight connections.
    let arrivals: Arc<Mutex<HashMap<i64, Instant>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let reader = consume(
        &broker.brokers(),
        sent,
        Arc::clone(&arrivals),
        Arc::clone(&stop),
    );
    let mut writers = tokio::task::JoinSet::new();
    let (connections, start) = (8, Instant::now());
    for place in 0..connections {
        let client = connect(&server.url()).await;
        writers.spawn(async move {
            let mut commits = Vec::new();
            for n in (place..rate * seconds).step_by(connections) {
                let due = Duration::from_secs_f64(n as f64 / rate as f64);
                tokio::time::sleep(due.saturating_sub(start.elapsed())).await;
                let number = events + n;
                let one = vec![record(&purchase(number, 1 + n % 5000))];
                outbox::enqueue_records::<Registry>(&client, one)
                    .await
                    .unwrap();
                commits.push((number as i64 + 1, Instant::now()));
            }
            commits
        });
    }
    let commits: Vec<(i64, Instant)> = writers.join_all().await.into_iter().flatten().collect();
    let rate = commits.len() as f64 / start.elapsed().as_secs_f64();
    drained(&client).await;
    while arrivals.lock().unwrap().len() < commits.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.store(true, Ordering::Relaxed);
    reader.join().unwrap();
    relay.stop().await.unwrap();
    let arrivals = arrivals.lock().unwrap();
    let mut latencies: Vec<f64> = commits
        .iter()
        .map(|(number, commit)| {
            arrivals[number]
                .saturating_duration_since(*commit)
                .as_secs_f64()
                * 1e3
        })
        .collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    println!(
        "commit to consumer at {rate:.0} events/s: p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, highest {:.1} ms",
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
    println!(
        "records beyond the events: {}",
        kafka::count(&broker.brokers(), TOPIC) - (sent + commits.len() as i64)
    );
}

/// Notes when each transaction's event arrives, the first `skipped` records aside.
fn consume(
    brokers: &str,
    skipped: i64,
    arrivals: Arc<Mutex<HashMap<i64, Instant>>>,
    stop: Arc<AtomicBool>,
) -> std::thread::JoinHandle<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    let patience = Duration::from_secs(10);
    let metadata = consumer.fetch_metadata(Some(TOPIC), patience).unwrap();
    let mut ends = 0;
    for partition in metadata.topics()[0].partitions() {
        let (_, end) = consumer
            .fetch_watermarks(TOPIC, partition.id(), patience)
            .unwrap();
        ends += end;
        let offset = rdkafka::Offset::Offset(end);
        list.add_partition_offset(TOPIC, partition.id(), offset)
            .unwrap();
    }
    assert_eq!(ends, skipped);
    consumer.assign(&list).unwrap();
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            if let Some(message) = consumer.poll(Duration::from_millis(50)) {
                let now = Instant::now();
                let event: serde_json::Value =
                    serde_json::from_slice(message.unwrap().payload().unwrap()).unwrap();
                let number = event["payload"]["tx_id"].as_i64().unwrap();
                arrivals.lock().unwrap().entry(number).or_insert(now);
            }
        }
    })
}
