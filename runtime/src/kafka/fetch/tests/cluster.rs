//! Fetching from a cluster whose leaders move, die, keep silent and refuse.
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::runtime::Runtime;

use super::super::{Fetcher, Wanted};
use crate::config::KafkaConfig;

const PATIENCE: Duration = Duration::from_secs(30);

type Cluster = MockCluster<'static, DefaultProducerContext>;

struct Scene {
    cluster: Cluster,
    producer: BaseProducer,
    fetcher: Fetcher,
    // Dropped last.
    _runtime: Runtime,
}

impl Scene {
    fn start(brokers: i32) -> Self {
        Self::start_with(brokers, |own| own)
    }

    /// With another list of brokers, made from the cluster's.
    fn start_with(brokers: i32, named: impl Fn(String) -> String) -> Self {
        let cluster = Cluster::new(brokers).unwrap();
        for topic in ["a", "b"] {
            cluster.create_topic(topic, 3, 1).unwrap();
        }
        let producer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .set("compression.type", "lz4")
            .set("batch.num.messages", "7")
            .create()
            .unwrap();
        let runtime = Runtime::new().unwrap();
        let kafka = KafkaConfig::new(named(cluster.bootstrap_servers()));
        let fetcher = Fetcher::start(&kafka, runtime.handle());
        Self {
            cluster,
            producer,
            fetcher,
            _runtime: runtime,
        }
    }

    fn send(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            let topic = if number % 2 == 0 { "a" } else { "b" };
            let value = number.to_string();
            let partition = i32::try_from(number % 3).unwrap();
            let record = BaseRecord::<str, str>::to(topic)
                .partition(partition)
                .payload(&value);
            self.producer
                .send(record)
                .map_err(|(error, _)| error)
                .unwrap();
        }
        self.producer.flush(PATIENCE).unwrap();
    }

    fn want(&self, epoch: u64, start: impl Fn(&str, i32) -> Option<i64>) {
        let places = ["a", "b"]
            .into_iter()
            .flat_map(|topic| (0..3).map(move |partition| (topic, partition)));
        let starts = places.map(|(topic, partition)| {
            let place = (topic.to_owned(), partition);
            (place, start(topic, partition))
        });
        let starts: BTreeMap<_, _> = starts.collect();
        self.fetcher.want(Wanted { epoch, starts });
    }

    /// Takes runs until this many records are there; checks that no offset comes twice.
    fn take(&mut self, epoch: u64, records: usize) -> BTreeSet<u64> {
        let deadline = Instant::now() + PATIENCE;
        let mut values = BTreeSet::new();
        let mut nexts: BTreeMap<(String, i32), i64> = BTreeMap::new();
        while values.len() < records {
            assert!(Instant::now() < deadline, "{} of {records}", values.len());
            let run = self.fetcher.take(Duration::from_millis(50)).unwrap();
            let Some(run) = run else { continue };
            if run.epoch != epoch {
                continue;
            }
            let next = nexts
                .entry((run.topic.to_string(), run.partition))
                .or_insert(0);
            for index in 0..run.len() {
                let (offset, _) = run.at(index).unwrap();
                assert!(offset >= *next, "offset {offset} after {next}");
                *next = offset + 1;
                let value = std::str::from_utf8(run.value(index).unwrap()).unwrap();
                values.insert(value.parse().unwrap());
            }
            assert_eq!(run.standing.next, *next);
        }
        values
    }
}

#[test]
fn everything_comes_once_and_in_order() {
    let mut scene = Scene::start(3);
    scene.send(0..600);
    scene.want(1, |_, _| None);
    assert_eq!(scene.take(1, 600), (0..600).collect());
    // What is wanted anew begins where it says.
    scene.want(2, |_, _| Some(50));
    assert_eq!(scene.take(2, 300).len(), 300);
    scene.send(600..660);
    assert_eq!(scene.take(2, 60), (600..660).collect());
}

#[test]
fn leaders_that_move_and_die_are_followed() {
    let mut scene = Scene::start(3);
    scene.want(1, |_, _| None);
    scene.send(0..300);
    let mut all = scene.take(1, 300);
    for broker in 1..=3 {
        for partition in 0..3 {
            scene
                .cluster
                .partition_leader("a", partition, Some(broker))
                .unwrap();
        }
        let first = u64::try_from(broker).unwrap() * 300;
        scene.send(first..first + 300);
        let came = scene.take(1, 300);
        assert!(all.is_disjoint(&came));
        all.extend(came);
    }
    scene.cluster.broker_down(2).unwrap();
    scene.cluster.partition_leader("a", 0, Some(1)).unwrap();
    scene.cluster.broker_up(2).unwrap();
    scene.send(1200..1500);
    all.extend(scene.take(1, 300));
    assert_eq!(all, (0..1500).collect());
}

#[test]
fn one_dead_broker_does_not_stop_the_others() {
    let mut scene = Scene::start(2);
    for topic in ["a", "b"] {
        let leader = if topic == "a" { 1 } else { 2 };
        for partition in 0..3 {
            let led = scene
                .cluster
                .partition_leader(topic, partition, Some(leader));
            led.unwrap();
        }
    }
    scene.want(1, |_, _| None);
    scene.send(0..60);
    scene.take(1, 60);
    scene.cluster.broker_down(2).unwrap();
    for number in (100..160).step_by(2) {
        let value = number.to_string();
        let record = BaseRecord::<str, str>::to("a").partition(0).payload(&value);
        scene
            .producer
            .send(record)
            .map_err(|(error, _)| error)
            .unwrap();
    }
    scene.producer.flush(PATIENCE).unwrap();
    assert_eq!(scene.take(1, 30).len(), 30);
}

#[test]
fn errors_of_a_moment_pass() {
    let mut scene = Scene::start(1);
    scene.cluster.request_errors(
        RDKafkaApiKey::Fetch,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        ],
    );
    scene.send(0..300);
    scene.want(1, |_, _| None);
    assert_eq!(scene.take(1, 300), (0..300).collect());
}

#[test]
fn an_offset_that_is_no_more_is_followed_by_the_first_that_is() {
    let mut scene = Scene::start(1);
    scene.send(0..30);
    scene.want(1, |_, _| Some(1_000_000));
    assert_eq!(scene.take(1, 30), (0..30).collect());
}

#[test]
fn a_refusal_is_told() {
    let scene = Scene::start(1);
    scene.cluster.request_errors(
        RDKafkaApiKey::Fetch,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 5],
    );
    scene.send(0..30);
    scene.want(1, |_, _| None);
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline);
        if let Err(error) = scene.fetcher.take(Duration::from_millis(50)) {
            assert!(error.to_string().contains("refuses"), "{error}");
            return;
        }
    }
}

#[test]
fn who_accepts_and_says_nothing_is_passed_over() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let mut scene = Scene::start_with(1, |own| format!("{address},{own}"));
    scene.send(0..30);
    scene.want(1, |_, _| None);
    assert_eq!(scene.take(1, 30).len(), 30);
}

#[test]
fn brokers_that_nobody_named_are_asked_when_the_named_one_is_gone() {
    let mut scene = Scene::start_with(2, |own| own.split(',').next().unwrap().to_owned());
    for topic in ["a", "b"] {
        for partition in 0..3 {
            let led = scene.cluster.partition_leader(topic, partition, Some(1));
            led.unwrap();
        }
    }
    scene.want(1, |_, _| None);
    scene.send(0..30);
    scene.take(1, 30);
    for topic in ["a", "b"] {
        for partition in 0..3 {
            let led = scene.cluster.partition_leader(topic, partition, Some(2));
            led.unwrap();
        }
    }
    scene.cluster.broker_down(1).unwrap();
    scene.send(30..60);
    assert_eq!(scene.take(1, 30), (30..60).collect());
}
