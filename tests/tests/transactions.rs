//! Records of transactions: behind them stand markers, which take offsets and are never delivered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use topicwright_tests::faults::scene::{BY_LIBRDKAFKA, Scene};
use topicwright_tests::program::lags;
use topicwright_tests::{events, kafka};

const TOPIC: &str = "event.progress";

fn scene() -> Scene {
    Scene::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    )
}

/// Steps of progress with these numbers.
fn steps(numbers: std::ops::Range<usize>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let payload = |number: usize| serde_json::json!({"event_id": 55, "user_id": 123, "progress_version": number, "current": [{"type": "plays", "current": 4, "target": 5}]});
    numbers
        .map(|number| {
            let event = events::event(TOPIC, 1, &payload(number), number);
            (
                number.to_string().into_bytes(),
                event.to_string().into_bytes(),
            )
        })
        .collect()
}

fn rows(scene: &Scene) -> String {
    scene.ask("SELECT count(), uniqExact(dedupe_key) FROM events_raw")
}

#[test]
fn markers_at_the_end_are_no_lag() {
    let mut scene = scene();
    let brokers = scene.servers.broker.brokers();
    let port = scene.add_worker("").port;
    let is_done = |port| {
        let lags = lags(port);
        !lags.is_empty() && lags.iter().all(|lag| *lag == 0)
    };
    for round in 1..=2 {
        kafka::send_in_transactions(&brokers, TOPIC, &steps(round * 100..round * 100 + 20));
        scene.wait_until("the rows are there", |scene| {
            rows(scene) == format!("{0}\t{0}", round * 20)
        });
        scene.wait_until("nothing lags", |_| is_done(port));
    }
    // Who starts behind the last record, and gets none.
    scene.stop_workers();
    let port = scene.add_worker("").port;
    scene.wait_until("nothing lags after a start", |_| is_done(port));
    // What nobody takes in lags nevertheless.
    scene.servers.store.kill();
    kafka::send_in_transactions(&brokers, TOPIC, &steps(1000..1020));
    scene.wait_until("everything lags", |_| lags(port).iter().sum::<u64>() >= 20);
    scene.servers.store.restart().unwrap();
    scene.wait_until("nothing lags again", |_| is_done(port));
    assert_eq!(rows(&scene), "60\t60");
    scene.stop_workers();
}

/// Only what was committed becomes rows.
fn only_committed(flags: &[&str]) {
    let mut scene = scene();
    let brokers = scene.servers.broker.brokers();
    kafka::send_beside_aborted(&brokers, TOPIC, &steps(0..50), &steps(1000..1050));
    // One of its own transaction behind them, and one of none.
    kafka::send_in_transactions(&brokers, TOPIC, &steps(100..101));
    kafka::send(&brokers, TOPIC, None, &steps(101..102));
    scene.add_worker_with("", flags);
    scene.wait_until("the rows are there", |scene| rows(scene) == "52\t52");
    let aborted = "SELECT countIf(progress_version >= 1000) FROM events_raw";
    assert_eq!(scene.ask(aborted), "0");
    scene.stop_workers();
}

#[test]
fn records_of_aborted_transactions_are_nobodys() {
    only_committed(&[]);
}

#[test]
fn nor_are_they_where_librdkafka_fetches() {
    only_committed(BY_LIBRDKAFKA);
}

#[test]
fn a_plan_whose_last_offset_became_a_marker_stops_nobody() {
    let mut scene = scene();
    let brokers = scene.servers.broker.brokers();
    // With one more record below, just a full batch: one plan of all.
    kafka::send(&brokers, TOPIC, None, &steps(0..399));
    // The plan of both stands on this one too, and there it outlives the deletion of the other.
    let login = events::event("auth.events", 1, &serde_json::json!({"action": "login"}), 1);
    let login = (b"k".to_vec(), login.to_string().into_bytes());
    kafka::send(&brokers, "auth.events", None, &[login]);
    scene.add_worker_with("after-plan=return", &["--flush-interval-ms", "3600000"]);
    scene.await_failpoint("after-plan=return");
    // Made again, the topic is shorter, and each of its partitions ends with a marker within the plan's range.
    kafka::delete(&brokers, TOPIC);
    scene.wait_until("the topic is there again", |scene| {
        scene.servers.run(&["apply", "--yes"]).status.success()
    });
    kafka::send_in_transactions(&brokers, TOPIC, &steps(1000..1020));
    scene.add_worker("");
    scene.wait_until("the rows are there", |scene| rows(scene) == "21\t21");
    scene.stop_workers();
}
