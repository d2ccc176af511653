//! A worker ends at every step between plan, insert, acknowledgement and commit, and the next one goes on: every
//! good event is there exactly once, every bad one is a dead letter, every answer is as counted by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use topicwright_tests::faults::scene::Scene;
use topicwright_tests::faults::stream::{FORBIDDEN_PRODUCT, Stream, yesterday};
use topicwright_tests::faults::verdict;
use topicwright_tests::program::wait_until;
use topicwright_tests::sql;

/// Records before each end: a few batches.
const RECORDS: usize = 1500;

fn scene() -> Scene {
    Scene::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    )
}

/// Failpoints of one worker after another; each ends there, and another finishes.
fn check(scene: &mut Scene, stream: &mut Stream, points: &[&str]) {
    scene.send(stream, RECORDS);
    for point in points {
        scene.add_worker(point);
        scene.await_failpoint(point);
    }
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    verdict::check(scene, stream, &points.join(", then "));
}

#[test]
#[ignore = "minutes of kills and restarts: cargo test -p topicwright-tests --test failpoints -- --ignored"]
fn an_end_at_any_step_is_made_good() {
    let mut scene = scene();
    let mut stream = Stream::new(11, yesterday());
    for points in [
        &["before-plan=1*off->return"][..],
        &["after-plan=return"],
        &["after-plan=2*off->return"],
        &["after-letters=1*off->return"],
        &["before-insert=1*off->return"],
        &["after-insert=return"],
        &["after-insert=2*off->return"],
        &["before-settle=1*off->return"],
        &["after-settle=1*off->return"],
        &["before-commit=return"],
        &["after-commit=return"],
        &["after-assignment=return"],
        // Ends while the end before is made good.
        &[
            "after-plan=return",
            "after-replay-read=return",
            "before-insert=return",
        ],
        &[
            "after-insert=1*off->return",
            "after-insert=return",
            "before-settle=return",
        ],
        &[
            "after-plan=1*off->return",
            "after-settle=return",
            "before-commit=return",
        ],
    ] {
        check(&mut scene, &mut stream, points);
    }
    assert!(scene.logged("replayed a planned batch") > 10);
    assert_eq!(scene.logged("changed in Kafka"), 0);
}

#[test]
#[ignore = "minutes of kills and restarts: cargo test -p topicwright-tests --test failpoints -- --ignored"]
fn an_end_on_the_way_out_is_made_good() {
    let mut scene = scene();
    let mut stream = Stream::new(12, yesterday());
    for point in ["before-revocation-commit", "after-revocation-commit"] {
        // Something is always under way, so that there is something to commit when the first has to let go.
        let stop = Arc::new(AtomicBool::new(false));
        let sender = scene.keep_sending(stream, 400, Arc::clone(&stop));
        let url = scene.servers.store.url();
        let rows = || {
            sql::ask_in(&url, "game", "SELECT count() FROM events_raw")
                .parse::<usize>()
                .unwrap()
        };
        let before = rows();
        scene.add_worker(&format!("{point}=return"));
        wait_until("the first worker inserts", || rows() > before + 100);
        while scene.ended().is_empty() {
            // One joins, the first lets go of something, and goes.
            scene.add_worker("");
            std::thread::sleep(Duration::from_secs(4));
            assert!(scene.workers.len() < 8, "{point} is never reached");
        }
        stop.store(true, Ordering::Relaxed);
        stream = sender.join().unwrap();
        scene.settle();
        scene.stop_workers();
        verdict::check(&scene, &stream, point);
    }
}

#[test]
#[ignore = "minutes of kills and restarts: cargo test -p topicwright-tests --test failpoints -- --ignored"]
fn a_refused_row_stops_nobody_and_halves_survive_an_end() {
    let mut scene = scene();
    let mut stream = Stream::new(13, yesterday());
    let _ = scene.ask(&format!(
        "ALTER TABLE events_raw ADD CONSTRAINT unlucky CHECK product_id != {FORBIDDEN_PRODUCT}"
    ));
    stream.forbid();
    for points in [
        &[][..],
        &["after-half=return"],
        &[
            "after-half=5*off->return",
            "after-half=3*off->return",
            "after-half=9*off->return",
        ],
        &["after-insert=return", "after-letters=return"],
    ] {
        check(&mut scene, &mut stream, points);
    }
    assert!(scene.logged("a block is halved") > 10);
}
