//! The example service: started as a process, posted to, and its events read back from a real Kafka.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use rdkafka::message::Message as _;
use serde_json::{Value, json};
use topicwright_runtime::config::KafkaConfig;
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_tests::kafka;
use topicwright_tests::program::{get, terminate, text};

fn purchase(transaction: u64) -> Value {
    json!({
        "tx_id": transaction, "user_id": 42, "status": "success", "product_id": 2001, "amount_gold": 2600,
        "price_cents": 199
    })
}

/// Status and body of a POST.
fn post(address: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /purchases HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

#[test]
fn the_example_service_turns_requests_into_events() {
    let mut broker = Kafka::start().unwrap();
    let config = KafkaConfig::new(broker.brokers());
    let specs = topic_specs::<subject::Registry>();
    let made = create_topics(&config, &specs, CreateOptions::default());
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(made)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut service = Command::new(env!("CARGO_BIN_EXE_axum-service"))
        .env("KAFKA_BROKERS", broker.brokers())
        .env("LISTEN", "127.0.0.1:0")
        .env("FALLBACK_DIR", folder.path().join("fallback"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(service.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    let port = address.rsplit(':').next().unwrap().parse().unwrap();

    let (status, body) = post(address, &purchase(1));
    assert!(matches!(status, 201 | 202), "{status} {body}");
    // The type lets it pass, the schema does not.
    let (status, body) = post(address, &purchase(0));
    assert_eq!(status, 422, "{body}");
    assert!(body.contains("/payload/tx_id"), "{body}");
    let (status, _) = post(address, &json!({"tx_id": "one"}));
    assert!((400..500).contains(&status), "{status}");

    broker.kill();
    let (status, body) = post(address, &purchase(2));
    assert_eq!((status, body.as_str()), (202, "kept until Kafka is back\n"));
    let (_, metrics) = get(port, "/metrics").unwrap();
    assert!(metrics.contains("\nfallback_appended_total "), "{metrics}");
    broker.restart().unwrap();
    let records = kafka::read(&broker.brokers(), "shop.purchase", 2);
    for (transaction, record) in (1..).zip(&records) {
        let event: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
        assert_eq!(event["payload"], purchase(transaction));
        assert_eq!(event["source"]["service"], "shop-backend");
        assert_eq!(record.key(), Some(&b"42"[..]));
    }
    let ended = terminate(service);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
}
