//! From a backend to Kafka: the producer against bare rdkafka with the same settings, and the fallback log.
//!
//! `cargo bench -p topicwright-tests --bench emit`. Settings by environment: `BENCH_EVENTS` (events a run),
//! `BENCH_EMITTERS` (tasks that emit side by side), `BENCH_RUNS` (best of). Every contender sends in windows of 1000
//! with one wait, to one real broker on this machine. Bare rdkafka sends bytes that are there already, or writes the
//! same event with serde_json, unchecked; `emit_all` begins with a typed payload too: it fills the envelope,
//! serialises, makes the keys, checks all against the schemas, and sends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
use std::sync::Arc;
use std::time::Instant;

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;
use subject::Registry;
use subject::topics::shop_purchase::v1::ShopPurchase;
use topicwright_runtime::config::KafkaConfig;
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::fallback::{Batch, FallbackLog, FallbackOptions};
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_runtime::produce::{Draft, OutgoingRecord, Producer};

/// Events that wait together.
const WINDOW: usize = 1000;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[allow(clippy::cast_precision_loss)]
fn rate(events: usize, start: Instant) -> f64 {
    events as f64 / start.elapsed().as_secs_f64()
}

fn purchase(number: usize) -> ShopPurchase {
    serde_json::from_value(json!({
        "tx_id": number + 1, "user_id": number % 50_000 + 1, "status": "success", "product_id": 2001,
        "amount_gold": 2600, "price_cents": 199
    }))
    .unwrap()
}

fn draft(payload: &ShopPurchase, number: usize) -> Draft {
    Draft::new(payload).with("user_id", number % 50_000 + 1)
}

fn headers(record: &OutgoingRecord) -> OwnedHeaders {
    let version = record.schema_version.to_string();
    [
        ("content-type", "application/json"),
        ("schema-id", record.schema_id),
        ("schema-version", &version),
    ]
    .into_iter()
    .fold(OwnedHeaders::new(), |headers, (key, value)| {
        let value = Some(value);
        headers.insert(Header { key, value })
    })
}

async fn bare(producer: FutureProducer, records: Arc<Vec<OutgoingRecord>>, range: [usize; 2]) {
    for window in records[range[0]..range[1]].chunks(WINDOW) {
        let mut waiting = Vec::with_capacity(WINDOW);
        for record in window {
            let outgoing = FutureRecord::<[u8], [u8]>::to(record.topic)
                .payload(&record.value)
                .key(record.key.as_deref().unwrap())
                .headers(headers(record));
            waiting.push(
                producer
                    .send_result(outgoing)
                    .map_err(|(error, _)| error)
                    .unwrap(),
            );
        }
        for delivery in waiting {
            delivery.await.unwrap().unwrap();
        }
    }
}

/// What a backend writes by hand.
#[derive(serde::Serialize)]
struct Event<'p> {
    schema_version: u32,
    event_type: &'static str,
    event_id: uuid::Uuid,
    user_id: usize,
    ts: String,
    payload: &'p ShopPurchase,
    dedupe_key: String,
}

async fn written(producer: FutureProducer, payloads: Arc<Vec<ShopPurchase>>, range: [usize; 2]) {
    let mut number = range[0];
    for window in payloads[range[0]..range[1]].chunks(WINDOW) {
        let mut waiting = Vec::with_capacity(WINDOW);
        for payload in window {
            let user_id = number % 50_000 + 1;
            let event = Event {
                schema_version: 1,
                event_type: "shop.purchase",
                event_id: uuid::Uuid::now_v7(),
                user_id,
                ts: format!("{:.3}", jiff::Timestamp::now()),
                payload,
                dedupe_key: format!("shop.purchase:{user_id}:{}:success", number + 1),
            };
            let value = serde_json::to_vec(&event).unwrap();
            let key = user_id.to_string();
            let headers = ["content-type", "schema-id", "schema-version"]
                .into_iter()
                .fold(OwnedHeaders::new(), |headers, key| {
                    let value = Some("application/json");
                    headers.insert(Header { key, value })
                });
            let outgoing = FutureRecord::<[u8], [u8]>::to("shop.purchase")
                .payload(&value)
                .key(key.as_bytes())
                .headers(headers);
            waiting.push(
                producer
                    .send_result(outgoing)
                    .map_err(|(error, _)| error)
                    .unwrap(),
            );
            number += 1;
        }
        for delivery in waiting {
            delivery.await.unwrap().unwrap();
        }
    }
}

async fn sent(producer: Producer<Registry>, records: Arc<Vec<OutgoingRecord>>, range: [usize; 2]) {
    for window in records[range[0]..range[1]].chunks(WINDOW) {
        for outcome in producer.send_all(window).await {
            assert!(outcome.unwrap().in_kafka().is_some());
        }
    }
}

async fn emitted(
    producer: Producer<Registry>,
    payloads: Arc<Vec<ShopPurchase>>,
    range: [usize; 2],
) {
    let mut number = range[0];
    for window in payloads[range[0]..range[1]].chunks(WINDOW) {
        let drafts = window
            .iter()
            .zip(number..)
            .map(|(payload, number)| draft(payload, number));
        for outcome in producer.emit_all(drafts).await {
            assert!(outcome.unwrap().in_kafka().is_some());
        }
        number += window.len();
    }
}

/// Events a second of tasks that share the events.
async fn together<F: Future<Output = ()> + Send + 'static>(
    events: usize,
    task: impl Fn([usize; 2]) -> F,
) -> f64 {
    let emitters = setting("BENCH_EMITTERS", 4);
    let share = events / emitters;
    let start = Instant::now();
    let tasks: Vec<_> = (0..emitters)
        .map(|emitter| tokio::spawn(task([emitter * share, (emitter + 1) * share])))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    rate(share * emitters, start)
}

fn main() {
    let events = setting("BENCH_EVENTS", 400_000);
    let runs = setting("BENCH_RUNS", 3);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        produce(events, runs).await;
        fallback(setting("BENCH_EVENTS", 200_000)).await;
    });
}

async fn produce(events: usize, runs: usize) {
    let broker = Kafka::start().unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let all = topic_specs::<Registry>();
    create_topics(&config, &all, CreateOptions::default())
        .await
        .unwrap();
    let client: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.brokers())
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("delivery.timeout.ms", "30000")
        .create()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let producer = Producer::<Registry>::builder(&config)
        .fallback(FallbackOptions::in_folder(folder.path()))
        .build()
        .unwrap();
    let payloads: Arc<Vec<ShopPurchase>> = Arc::new((0..events).map(purchase).collect());
    let records = payloads
        .iter()
        .zip(0..)
        .map(|(payload, number)| producer.ready(draft(payload, number)).unwrap());
    let records: Arc<Vec<OutgoingRecord>> = Arc::new(records.collect());
    let bytes = records[0].value.len();
    let ready = {
        let start = Instant::now();
        for (payload, number) in payloads.iter().zip(0..) {
            std::hint::black_box(producer.ready(draft(payload, number)).unwrap());
        }
        rate(events, start)
    };
    let mut best = [0.0_f64; 4];
    for _ in 0..=runs {
        let rates = [
            together(events, |range| bare(client.clone(), records.clone(), range)).await,
            together(events, |range| {
                written(client.clone(), payloads.clone(), range)
            })
            .await,
            together(events, |range| {
                sent(producer.clone(), records.clone(), range)
            })
            .await,
            together(events, |range| {
                emitted(producer.clone(), payloads.clone(), range)
            })
            .await,
        ];
        for (best, rate) in best.iter_mut().zip(rates) {
            *best = best.max(rate);
        }
    }
    println!("\n{events} events of {bytes} B, best of {runs} runs after one to warm up");
    println!("| contender | events/s | × rdkafka |\n|---|---:|---:|");
    for (name, rate, bare) in [
        ("rdkafka, bytes that are there", best[0], best[0]),
        ("`send_all`, records that are ready", best[2], best[0]),
        ("rdkafka, typed payloads, unchecked", best[1], best[1]),
        ("`emit_all`, typed payloads", best[3], best[1]),
    ] {
        println!("| {name} | {rate:.0} | {:.2} |", rate / bare);
    }
    println!("| fill, serialise and check only, one thread | {ready:.0} | |");
    producer.close().await;
}

async fn fallback(events: usize) {
    println!("\n| fallback log, synced before each answer | events/s |\n|---|---:|");
    let record = Draft::new(&purchase(1))
        .with("user_id", 1)
        .finish::<Registry>()
        .unwrap();
    for (emitters, window) in [(1, 1), (64, 1), (512, 1), (4, WINDOW)] {
        let folder = tempfile::tempdir().unwrap();
        let (log, _) = FallbackLog::open(&FallbackOptions::in_folder(folder.path())).unwrap();
        let log = Arc::new(log);
        let rounds = (events / emitters / window).min(2000);
        let start = Instant::now();
        let tasks: Vec<_> = (0..emitters)
            .map(|_| {
                let (log, record) = (log.clone(), record.clone());
                tokio::spawn(async move {
                    for _ in 0..rounds {
                        let mut batch = Batch::new();
                        for _ in 0..window {
                            batch.push(&record).unwrap();
                        }
                        log.append(batch).unwrap().durable().await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let rate = rate(emitters * window * rounds, start);
        println!("| {emitters} emitters, {window} at a time | {rate:.0} |");
    }
}
