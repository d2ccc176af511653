//! The engines start, are killed as a crash would, and start again with their data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::process::Stdio;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use topicwright_runtime::engine::clickhouse::{ClickHouse, Program};
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::engine::kafka_mock::KafkaMock;
use topicwright_runtime::engine::postgres::Postgres;
use topicwright_tests::program::wait_until;
use topicwright_tests::sql;

const HOST: &str = env!("CARGO_BIN_EXE_engine-host");

#[test]
fn clickhouse_keeps_its_data_when_killed() {
    let mut server = ClickHouse::start(Program::find_with_host(HOST).unwrap()).unwrap();
    let url = server.url();
    assert!(sql::ask(&url, "SELECT version()").starts_with("26."));
    let _ = sql::ask(&url, "CREATE DATABASE game");
    let _ = sql::ask(
        &url,
        "CREATE TABLE game.t (n UInt64, j JSON) ENGINE = MergeTree ORDER BY n",
    );
    let _ = sql::ask(
        &url,
        "INSERT INTO game.t SELECT number, '{\"a\":1}' FROM numbers(1000)",
    );
    let process = server.process_id().unwrap();
    server.kill();
    assert!(sql::run(&url, "SELECT 1").is_err());
    assert!(!std::path::Path::new(&format!("/proc/{process}")).exists());
    server.restart().unwrap();
    assert_eq!(
        sql::ask(&url, "SELECT sum(n), sum(j.a::Int64) FROM game.t"),
        "499500\t1000"
    );
}

#[test]
fn kafka_keeps_its_data_when_killed() {
    let mut broker = Kafka::start().unwrap();
    let brokers = broker.brokers();
    create_topic(&brokers, "orders", 3);
    produce(&brokers, "orders", 100);
    broker.kill();
    broker.restart().unwrap();
    assert_eq!(count(&brokers, "orders", 3), 100);
    broker.stop();
    broker.restart().unwrap();
    assert_eq!(count(&brokers, "orders", 3), 100);
}

#[test]
fn the_mock_cluster_keeps_what_it_is_sent() {
    let cluster = KafkaMock::start().unwrap();
    cluster.create_topic("orders", 3).unwrap();
    produce(&cluster.brokers(), "orders", 100);
    assert_eq!(count(&cluster.brokers(), "orders", 3), 100);
}

#[test]
fn postgres_keeps_its_data_when_killed() {
    let mut server = Postgres::start().unwrap();
    let url = server.url();
    let psql = |statement: &str| {
        let mut command = std::process::Command::new("psql");
        command
            .args([&url, "-At", "-c", statement])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let answer = |statement: &str| {
        let output = psql(statement).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    answer("CREATE TABLE t AS SELECT generate_series(1, 10) AS n");
    // A process of the server that is busy does not see for a while that the others are gone.
    let busy = psql("SELECT count(*) FROM generate_series(1, 100000000)");
    let is_busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' \
        AND state = 'active' AND pid <> pg_backend_pid()";
    wait_until("the query runs", || answer(is_busy) == "1");
    server.kill();
    server.restart().unwrap();
    assert!(!busy.wait_with_output().unwrap().status.success());
    assert_eq!(answer("SELECT sum(n) FROM t"), "55");
}

fn create_topic(brokers: &str, name: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let created = tokio_block(admin.create_topics(&[topic], &AdminOptions::new())).unwrap();
    assert!(created.iter().all(Result::is_ok), "{created:?}");
}

fn tokio_block<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn produce(brokers: &str, topic: &str, messages: usize) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .create()
        .unwrap();
    for number in 0..messages {
        let key = number.to_string();
        producer
            .send(BaseRecord::to(topic).key(&key).payload(&key))
            .map_err(|(error, _)| error)
            .unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

fn count(brokers: &str, topic: &str, partitions: i32) -> i64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    (0..partitions)
        .map(|partition| {
            let (low, high) = consumer
                .fetch_watermarks(topic, partition, Duration::from_secs(30))
                .unwrap();
            high - low
        })
        .sum()
}
