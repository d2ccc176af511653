//! Records that cannot be used, as they are sent, and the letters that come of them.
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use topicwright_tests::program::{Servers, free_port, text, wait_until};
use topicwright_tests::running::Running;
use topicwright_tests::{events, kafka};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");

/// Where the records go.
pub const TOPIC: &str = "shop.purchase";

/// Where the letters are.
pub const DLQ: &str = "shop.purchase.dlq";

/// Servers with every topic and table.
pub fn servers() -> Servers {
    let servers = Servers::start(PIPELINE, env!("CARGO_BIN_EXE_engine-host"));
    let applied = servers.run(&["apply", "--yes"]);
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    servers
}

/// A worker.
pub fn worker(servers: &Servers, flags: &[&str]) -> Running {
    let listen = format!("127.0.0.1:{}", free_port());
    let own = ["ingest", "--listen", &listen, "--flush-interval-ms", "200"];
    Running::start(&mut servers.guarded(&[&own, flags].concat()))
}

/// A good event.
pub fn purchase(number: usize) -> Value {
    let payload = json!({
        "tx_id": number + 1, "user_id": 13, "status": "success", "product_id": 2001,
        "amount_gold": 2600, "price_cents": 199
    });
    events::event(TOPIC, 1, &payload, number)
}

/// Sends one record to partition 0 of a topic and returns its offset.
pub fn send(servers: &Servers, topic: &str, record: &Record) -> i64 {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", servers.broker.brokers())
        .set("message.max.bytes", "10000000")
        .set("compression.type", "gzip")
        .create()
        .unwrap();
    let mut headers = OwnedHeaders::new();
    for (key, value) in &record.headers {
        headers = headers.insert(Header {
            key,
            value: value.as_ref(),
        });
    }
    let mut outgoing = FutureRecord::<[u8], [u8]>::to(topic)
        .partition(0)
        .headers(headers);
    if let Some(key) = &record.key {
        outgoing = outgoing.key(key);
    }
    if let Some(value) = &record.value {
        outgoing = outgoing.payload(value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(producer.send(outgoing, Duration::from_secs(20)))
        .unwrap()
        .offset
}

/// A record.
#[derive(Clone, Default)]
pub struct Record {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(&'static str, Option<Vec<u8>>)>,
}

/// A record with this value.
pub fn value(bytes: impl Into<Vec<u8>>) -> Record {
    Record {
        key: Some(b"key".to_vec()),
        value: Some(bytes.into()),
        headers: Vec::new(),
    }
}

/// Letters and digits that LZ4 does not make smaller.
pub fn noise(bytes: usize) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    (0..bytes).map(|_| random.alphanumeric()).collect()
}

/// The letters, once there are so many.
pub fn letters(servers: &Servers, dlq: &str, count: usize) -> Vec<OwnedMessage> {
    let brokers = servers.broker.brokers();
    wait_until("the letters", || {
        kafka::count(&brokers, dlq) >= i64::try_from(count).unwrap()
    });
    kafka::read(&brokers, dlq, count)
}

/// The letter of the record at an offset.
pub fn letter_of(letters: &[OwnedMessage], offset: i64) -> &OwnedMessage {
    let offset = offset.to_string();
    let is_it = |letter: &&OwnedMessage| {
        last_header(letter, "topicwright-source-offset").as_deref() == Some(offset.as_str())
    };
    letters.iter().find(is_it).unwrap()
}

/// A header by the worker, whose own stand after the record's.
pub fn last_header(letter: &OwnedMessage, name: &str) -> Option<String> {
    let headers = letter.headers()?;
    let value = headers
        .iter()
        .filter(|header| header.key == name)
        .last()?
        .value?;
    Some(String::from_utf8(value.to_vec()).unwrap())
}

/// Sets the largest batch that a topic takes.
pub fn limit(servers: &Servers, topic: &str, bytes: &str) {
    let admin: AdminClient<_> = ClientConfig::new()
        .set("bootstrap.servers", servers.broker.brokers())
        .create()
        .unwrap();
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", bytes);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let altered = runtime.block_on(admin.alter_configs(&[change], &AdminOptions::new()));
    altered.unwrap()[0].as_ref().unwrap();
}
