//! The producer on a real Kafka: what arrives has the manifest's key, the envelope's defaults and the headers;
//! what no consumer would take is refused before it is sent, with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;

use rdkafka::message::Message as _;
use serde_json::{Value, json};
use subject::Registry;
use subject::topics::shop_purchase::v1::ShopPurchase;
use topicwright_runtime::config::KafkaConfig;
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::error::Kind;
use topicwright_runtime::ingest::Reason;
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_runtime::metrics::Metrics;
use topicwright_runtime::produce::{Draft, OutgoingRecord, Producer, ProducerLimits, header};
use topicwright_runtime::registry::EventRegistry as _;
use topicwright_tests::{events, kafka};

const LIMIT: usize = 1 << 20;

fn purchase(transaction: i64) -> ShopPurchase {
    serde_json::from_value(json!({
        "tx_id": transaction, "user_id": 123, "status": "success", "product_id": 2001,
        "amount_gold": 2600, "price_cents": 199
    }))
    .unwrap()
}

#[test]
fn typed_events_arrive_whole_keyed_and_described() {
    let broker = Kafka::start().unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let metrics = Metrics::new().unwrap();
    let producer = Producer::<Registry>::builder(&config)
        .metrics(metrics.clone())
        .with("source", json!({"service": "shop"}))
        .build()
        .unwrap();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let delivered = runtime.block_on(async {
        create_topics(
            &config,
            &topic_specs::<Registry>(),
            CreateOptions::default(),
        )
        .await
        .unwrap();
        let mut delivered = Vec::new();
        for transaction in 1..=3 {
            let draft = Draft::new(&purchase(transaction))
                .with("user_id", 123)
                .traceparent(parent);
            let durable = producer.emit(draft).await.unwrap();
            delivered.push(durable.in_kafka().unwrap());
        }
        delivered
    });
    let records = kafka::read(&broker.brokers(), "shop.purchase", 3);
    assert!(delivered.iter().zip(&records).all(|(told, found)| {
        (told.partition, told.offset) == (found.partition(), found.offset())
    }));
    for (transaction, record) in (1..).zip(&records) {
        assert_eq!(record.key(), Some(&b"123"[..]));
        let event: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        assert_eq!(event["event_type"], "shop.purchase");
        assert_eq!(event["schema_version"], 1);
        assert_eq!(event["payload"]["tx_id"], transaction);
        assert_eq!(event["source"]["service"], "shop");
        assert_eq!(
            event["dedupe_key"],
            format!("shop.purchase:123:{transaction}:success")
        );
        let id: uuid::Uuid = event["event_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
        let version = Registry::TOPICS
            .iter()
            .find(|topic| topic.name == "shop.purchase")
            .map(|topic| &topic.versions[0])
            .unwrap();
        let text = |name: &str| kafka::header(record, name);
        assert_eq!(
            text(header::CONTENT_TYPE).as_deref(),
            Some("application/json")
        );
        assert_eq!(text(header::SCHEMA_ID).as_deref(), Some(version.schema_id));
        assert_eq!(text(header::SCHEMA_VERSION).as_deref(), Some("1"));
        assert_eq!(text(header::TRACEPARENT).as_deref(), Some(parent));
    }
    assert_eq!(metrics.produced.get(), 3);

    // The type lets a value pass that the schema does not.
    let error = runtime
        .block_on(producer.emit(Draft::new(&purchase(0)).with("user_id", 123)))
        .expect_err("refused");
    assert_eq!(error.kind, Kind::Record);
    assert!(error.record.is_none());
    assert!(error.to_string().contains("/payload/tx_id"), "{error}");
    let error = runtime
        .block_on(producer.emit(Draft::new(&purchase(4))))
        .expect_err("the envelope needs a user");
    assert!(error.to_string().contains("user_id"), "{error}");
    assert_eq!(kafka::count(&broker.brokers(), "shop.purchase"), 3);
}

#[test]
fn one_wait_for_many_keeps_their_order_and_tells_each_outcome() {
    let broker = Kafka::start().unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut small = config.clone();
    // A queue that fills: what was sent first must make room.
    small.settings.push((
        "queue.buffering.max.messages".to_owned(),
        topicwright_runtime::config::Secret::new("50"),
    ));
    let metrics = Metrics::new().unwrap();
    let producer =
        Producer::<Registry>::new(&small, ProducerLimits::default(), metrics.clone()).unwrap();
    let mut records: Vec<OutgoingRecord> = (1..=1000)
        .map(|transaction| {
            Draft::new(&purchase(transaction))
                .with("user_id", 7)
                .finish::<Registry>()
                .unwrap()
        })
        .collect();
    records[500].topic = "no.such topic";
    let outcomes = runtime.block_on(async {
        create_topics(
            &config,
            &topic_specs::<Registry>(),
            CreateOptions::default(),
        )
        .await
        .unwrap();
        producer.send_all(&records).await
    });
    let failed: Vec<usize> = (0..1000).filter(|&at| outcomes[at].is_err()).collect();
    assert_eq!(failed, [500]);
    let error = outcomes[500].as_ref().unwrap_err().to_string();
    assert!(error.contains("no.such topic"), "{error}");
    let found: Vec<Vec<u8>> = kafka::read(&broker.brokers(), "shop.purchase", 999)
        .iter()
        .map(|record| record.payload().unwrap().to_vec())
        .collect();
    let expected: Vec<Vec<u8>> = records
        .into_iter()
        .enumerate()
        .filter(|(at, _)| *at != 500)
        .map(|(_, record)| record.value)
        .collect();
    assert!(found == expected, "one key, one order");
    assert_eq!(
        (metrics.produced.get(), metrics.produce_failures.get()),
        (999, 1)
    );
}

#[test]
fn every_example_is_taken_or_refused_at_its_place() {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for (number, (topic, version, payload, pointer)) in events::examples().into_iter().enumerate() {
        let text = events::event(&topic, version, &payload, number).to_string();
        match (OutgoingRecord::from_json::<Registry>(text, LIMIT), pointer) {
            (Ok(record), None) => {
                assert_eq!(
                    (record.topic, u64::from(record.schema_version)),
                    (&*topic, version)
                );
                *taken.entry(topic).or_default() += 1;
            }
            (Err(rejection), Some(pointer)) => {
                assert_eq!(rejection.reason, Reason::Payload);
                assert_eq!(rejection.pointer, format!("/payload{pointer}"));
            }
            (outcome, pointer) => panic!("{topic} {version} {pointer:?}: {outcome:?}"),
        }
    }
    assert_eq!(taken.len(), Registry::TOPICS.len());
}

#[test]
fn what_no_consumer_would_take_is_refused_with_its_reason() {
    let valid = events::event(
        "shop.purchase",
        1,
        &serde_json::to_value(purchase(1)).unwrap(),
        1,
    );
    let with = |member: &str, value: Value| {
        let mut event = valid.clone();
        event[member] = value;
        event.to_string()
    };
    for (text, reason, pointer) in [
        (String::new(), Reason::Empty, ""),
        ("{".to_owned(), Reason::NotJson, ""),
        ("[]".to_owned(), Reason::Envelope, "/event_type"),
        (r#"{"a":1,"a":2}"#.to_owned(), Reason::DuplicateMember, ""),
        (
            with("event_type", json!("shop.refund")),
            Reason::WrongTopic,
            "/event_type",
        ),
        (with("schema_version", json!(9)), Reason::UnknownVersion, ""),
        (with("ts", json!("now")), Reason::Envelope, "/ts"),
        (with("ts", json!(null)), Reason::Envelope, "/ts"),
        ("x".repeat(LIMIT + 1), Reason::TooLarge, ""),
    ] {
        let rejection = OutgoingRecord::from_json::<Registry>(text.clone(), LIMIT).unwrap_err();
        let start = &text[..text.len().min(80)];
        assert_eq!(
            (rejection.reason, &*rejection.pointer),
            (reason, pointer),
            "{start}"
        );
    }
}
