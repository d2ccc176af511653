//! The producer with a fallback log on a real Kafka that goes away: what is said to be durable arrives, in order per
//! key, also when broker and producer are killed at any moment; what Kafka refuses blocks nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::message::Message as _;
use serde_json::{Value, json};
use subject::Registry;
use subject::topics::shop_purchase::v1::ShopPurchase;
use tokio::runtime::Runtime;
use topicwright_runtime::config::KafkaConfig;
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::error::Kind;
use topicwright_runtime::fallback::{FallbackOptions, inspect};
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_runtime::metrics::Metrics;
use topicwright_runtime::produce::{
    Draft, Durable, OutgoingRecord, Producer, ProducerLimits, blocking,
};
use topicwright_tests::kafka;
use topicwright_tests::program::{command, text, wait_until};

const TOPIC: &str = "shop.purchase";
const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");

fn draft(key: u64, transaction: u64) -> Draft {
    let payload: ShopPurchase = serde_json::from_value(json!({
        "tx_id": transaction, "user_id": key, "status": "success", "product_id": 2001,
        "amount_gold": 2600, "price_cents": 199
    }))
    .unwrap();
    Draft::new(&payload).with("user_id", key)
}

fn started() -> Kafka {
    let broker = Kafka::start().unwrap();
    let config = KafkaConfig::new(broker.brokers());
    runtime()
        .block_on(create_topics(
            &config,
            &topic_specs::<Registry>(),
            CreateOptions::default(),
        ))
        .unwrap();
    broker
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

/// Long enough for a producer's first connection to a broker that has just started on a busy machine, short enough to
/// wait for once a test.
fn limits() -> ProducerLimits {
    ProducerLimits {
        delivery_timeout: Duration::from_secs(8),
        ..ProducerLimits::default()
    }
}

fn producer(
    runtime: &Runtime,
    broker: &Kafka,
    folder: &Path,
    metrics: &Metrics,
) -> Producer<Registry> {
    let _inside = runtime.enter();
    Producer::builder(&KafkaConfig::new(broker.brokers()))
        .limits(limits())
        .metrics(metrics.clone())
        .fallback(FallbackOptions::in_folder(folder))
        .build()
        .unwrap()
}

/// Transactions of each key in the order of their first arrival.
fn arrived(broker: &Kafka) -> BTreeMap<u64, Vec<u64>> {
    let count = usize::try_from(kafka::count(&broker.brokers(), TOPIC)).unwrap();
    let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for record in kafka::read(&broker.brokers(), TOPIC, count) {
        let event: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        let key: u64 = text(record.key().unwrap()).parse().unwrap();
        let transaction = event["payload"]["tx_id"].as_u64().unwrap();
        let status = "success";
        assert_eq!(
            event["dedupe_key"],
            format!("{TOPIC}:{key}:{transaction}:{status}")
        );
        assert_eq!(
            kafka::header(&record, "schema-version").as_deref(),
            Some("1")
        );
        let of_key = found.entry(key).or_default();
        if !of_key.contains(&transaction) {
            of_key.push(transaction);
        }
    }
    found
}

#[test]
fn events_outlive_an_outage_and_a_restart_in_their_order() {
    let mut broker = started();
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::new().unwrap();
    let runtime = runtime();
    let producer_1 = producer(&runtime, &broker, folder.path(), &metrics);
    runtime.block_on(async {
        let durable = producer_1.emit(draft(7, 1)).await.unwrap();
        assert!(durable.in_kafka().is_some());
        broker.kill();
        // The first waits for its deadline; those after it do not.
        assert_eq!(
            producer_1.emit(draft(7, 2)).await.unwrap(),
            Durable::Fallback
        );
        let many = producer_1
            .emit_all((3..=200).map(|number| draft(7, number)))
            .await;
        assert!(many.iter().all(|one| matches!(one, Ok(Durable::Fallback))));
        // What can never succeed is told at once, and is not in the log.
        let error = producer_1.emit(draft(7, 0)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Record);
        assert_eq!(producer_1.fallback().unwrap().waiting(), 199);
        assert_eq!(metrics.fallback_appended.get(), 199);
        assert_eq!(metrics.produce_failures.get(), 199);
        wait_for(|| metrics.fallback_records.get() == 199 && metrics.fallback_bytes.get() > 0)
            .await;
        producer_1.close().await;
    });

    // The process ends; the next one finds its log.
    let seen = inspect(folder.path()).unwrap();
    assert_eq!((seen.waiting_records(), seen.is_used), (199, false));
    let metrics = Metrics::new().unwrap();
    let producer_2 = producer(&runtime, &broker, folder.path(), &metrics);
    runtime.block_on(async {
        assert_eq!(
            producer_2.emit(draft(7, 201)).await.unwrap(),
            Durable::Fallback
        );
        broker.restart().unwrap();
        wait_for(|| producer_2.fallback().unwrap().waiting() == 0).await;
        // Direct again, a moment after the log is empty.
        let mut number = 202;
        while producer_2.emit(draft(7, number)).await.unwrap() == Durable::Fallback {
            number += 1;
        }
        wait_for(|| metrics.fallback_records.get() == 0).await;
        assert!(metrics.fallback_replayed.get() >= 200);
        assert_eq!(producer_2.fallback().unwrap().bytes(), 0);
        producer_2.close().await;
        let expected: Vec<u64> = (1..=number).collect();
        assert_eq!(arrived(&broker)[&7], expected);
    });
}

async fn wait_for(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "it never comes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_batch_that_kafka_takes_in_part_keeps_its_order() {
    let mut broker = started();
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::new().unwrap();
    let runtime = runtime();
    let producer = producer(&runtime, &broker, folder.path(), &metrics);
    let keys = 20;
    let batch: Vec<OutgoingRecord> = (0..60_000)
        .map(|number| {
            producer
                .ready(draft(number % keys + 1, number + 1))
                .unwrap()
        })
        .collect();
    let sent = runtime.spawn({
        let producer = producer.clone();
        async move { producer.send_all(&batch).await }
    });
    // Killed in the middle of it.
    wait_until("some records", || {
        kafka::count(&broker.brokers(), TOPIC) > 1000
    });
    broker.kill();
    let outcomes = runtime.block_on(sent).unwrap();
    let kept = outcomes
        .iter()
        .filter(|one| matches!(one, Ok(Durable::Fallback)))
        .count();
    assert!(kept > 0, "the broker was too fast");
    assert!(outcomes.iter().all(Result::is_ok));
    broker.restart().unwrap();
    runtime.block_on(async {
        wait_for(|| producer.fallback().unwrap().waiting() == 0).await;
        producer.close().await;
    });
    let found = arrived_sorted(&broker, keys);
    assert_eq!(found, 60_000);
}

/// Records whose first arrivals are in the order of their transactions in every key.
fn arrived_sorted(broker: &Kafka, keys: u64) -> usize {
    let count = usize::try_from(kafka::count(&broker.brokers(), TOPIC)).unwrap();
    let mut highest = vec![0; usize::try_from(keys).unwrap() + 1];
    let mut distinct = 0;
    for record in kafka::read(&broker.brokers(), TOPIC, count) {
        let event: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        let transaction = event["payload"]["tx_id"].as_u64().unwrap();
        let key: usize = text(record.key().unwrap()).parse().unwrap();
        if transaction > highest[key] {
            // Numbers of a key are `keys` apart: none may be left out.
            let before = highest[key];
            assert!(
                before == 0 || transaction == before + keys,
                "{before} {transaction}"
            );
            highest[key] = transaction;
            distinct += 1;
        }
    }
    distinct
}

#[test]
fn what_kafka_refuses_stands_aside_and_blocks_nobody() {
    let mut broker = started();
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::new().unwrap();
    let runtime = runtime();
    let producer = producer(&runtime, &broker, folder.path(), &metrics);
    let (place, brokers) = (folder.path().to_str().unwrap(), broker.brokers());
    let mut lost = producer.ready(draft(8, 3)).unwrap();
    lost.topic = "deleted.topic";
    broker.kill();
    runtime.block_on(async {
        producer.emit(draft(8, 1)).await.unwrap();
        assert_eq!(producer.send(&lost).await.unwrap(), Durable::Fallback);
        producer.emit(draft(8, 2)).await.unwrap();
        broker.restart().unwrap();
        wait_for(|| producer.fallback().unwrap().waiting() == 0).await;
        assert_eq!(producer.fallback().unwrap().refused(), 1);
        wait_for(|| metrics.fallback_refused_records.get() == 1).await;
        assert_eq!(metrics.fallback_refused.get(), 1);
        producer.close().await;
    });
    assert_eq!(arrived(&broker)[&8], [1, 2]);

    let run = |arguments: &[&str]| {
        let arguments = [&["fallback"], arguments, &["--dir", place]].concat();
        let mut command = command(PIPELINE, &arguments);
        command.env("KAFKA_BROKERS", &brokers).output().unwrap()
    };
    let listed = run(&["ls", "--format", "json"]);
    assert_eq!(listed.status.code(), Some(100));
    let report: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        (&report["waiting"], &report["refused"]),
        (&json!(0), &json!(1))
    );
    let line = &report["refused_by_topic"][0];
    assert_eq!(line["topic"], "deleted.topic");
    assert!(
        line["reason"].as_str().unwrap().contains("Unknown topic"),
        "{line}"
    );
    // Once the topic is there again.
    let refused = run(&["replay", "--refused", "--yes"]);
    assert_eq!(
        refused.status.code(),
        Some(100),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(
        text(&refused.stdout),
        "sent 0 of 1 record, 1 refused and set aside\n"
    );
    runtime.block_on(create("deleted.topic", &brokers));
    let sent = run(&["replay", "--refused", "--yes"]);
    assert_eq!(
        text(&sent.stdout),
        "sent 1 of 1 record\n",
        "{}",
        text(&sent.stderr)
    );
    assert_eq!(sent.status.code(), Some(0));
    assert_eq!(kafka::count(&brokers, "deleted.topic"), 1);
    assert_eq!(run(&["ls"]).status.code(), Some(0));
}

async fn create(topic: &str, brokers: &str) {
    use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
    let admin: AdminClient<_> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    let topic = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    let made = admin.create_topics([&topic], &AdminOptions::new()).await;
    assert!(made.unwrap()[0].is_ok());
}

#[test]
fn a_thread_without_a_runtime_emits_and_its_log_drains_by_command() {
    let mut broker = started();
    let folder = tempfile::tempdir().unwrap();
    let builder = Producer::<Registry>::builder(&KafkaConfig::new(broker.brokers()))
        .limits(limits())
        .fallback(FallbackOptions::in_folder(folder.path()));
    let producer = blocking::Producer::new(builder).unwrap();
    assert!(producer.emit(draft(9, 1)).unwrap().in_kafka().is_some());
    broker.kill();
    assert_eq!(producer.emit(draft(9, 2)).unwrap(), Durable::Fallback);
    let many = producer
        .emit_all((3..=10).map(|number| draft(9, number)))
        .unwrap();
    assert!(many.iter().all(|one| matches!(one, Ok(Durable::Fallback))));
    let inside = runtime().block_on(async { producer.emit(draft(9, 11)) });
    assert_eq!(inside.unwrap_err().kind, Kind::Config);
    drop(producer);

    let place = folder.path().to_str().unwrap();
    let replay = |yes: &[&str]| {
        let arguments = [&["fallback", "replay", "--dir", place], yes].concat();
        let mut command = command(PIPELINE, &arguments);
        command.env("KAFKA_BROKERS", broker.brokers()).output()
    };
    let planned = replay(&[]).unwrap();
    assert_eq!(
        text(&planned.stdout),
        "would send 9 records; nothing was sent: add --yes\n"
    );
    broker.restart().unwrap();
    let replay = |yes: &[&str]| {
        let arguments = [&["fallback", "replay", "--dir", place], yes].concat();
        let mut command = command(PIPELINE, &arguments);
        command.env("KAFKA_BROKERS", broker.brokers()).output()
    };
    let sent = replay(&["--yes"]).unwrap();
    assert_eq!(
        text(&sent.stdout),
        "sent 9 of 9 records\n",
        "{}",
        text(&sent.stderr)
    );
    assert_eq!(sent.status.code(), Some(0));
    assert_eq!(text(&replay(&["--yes"]).unwrap().stdout), "nothing waits\n");
    assert_eq!(arrived(&broker)[&9], (1..=10).collect::<Vec<_>>());
}
