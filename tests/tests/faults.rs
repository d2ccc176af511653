//! Workers, ClickHouse and Kafka are killed, stalled and restarted at random while a known stream runs; at the end
//! every good event is there exactly once, every bad one is a dead letter, and every answer is as counted by hand.
//!
//! `TOPICWRIGHT_FAULT_SECONDS` makes it longer, `TOPICWRIGHT_FAULT_SEED` repeats a stream and its faults,
//! `TOPICWRIGHT_FAULT_KINDS` aims at some of `worker,clickhouse,kafka`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use topicwright_tests::faults::chaos::Chaos;
use topicwright_tests::faults::scene::Scene;
use topicwright_tests::faults::stream::{Stream, yesterday};
use topicwright_tests::faults::verdict;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number"))
    })
}

#[test]
fn everything_counts_once_whatever_is_killed() {
    let seed = setting("TOPICWRIGHT_FAULT_SEED").unwrap_or(1);
    let seconds = setting("TOPICWRIGHT_FAULT_SECONDS").unwrap_or(60);
    println!("TOPICWRIGHT_FAULT_SEED={seed} TOPICWRIGHT_FAULT_SECONDS={seconds}");
    let started = Instant::now();
    let mut scene = Scene::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    );
    let stop = Arc::new(AtomicBool::new(false));
    let sender = scene.keep_sending(Stream::new(seed, yesterday()), 700, Arc::clone(&stop));
    let aims = std::env::var("TOPICWRIGHT_FAULT_KINDS").ok();
    let mut chaos = Chaos::new(seed, aims.as_deref());
    chaos.rage(&mut scene, Duration::from_secs(seconds));
    stop.store(true, Ordering::Relaxed);
    let stream = sender.join().unwrap();
    // The survivors leave, where they still can; two that nothing happens to finish the work.
    while !scene.workers.is_empty() {
        scene.kill_worker(0);
    }
    scene.add_worker("");
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    let counted = verdict::check(&scene, &stream, &format!("seed {seed}"));
    verdict::check_merged(&scene, &stream, &counted);
    println!(
        "seed {seed}, {} s: {counted:?}",
        started.elapsed().as_secs()
    );
    println!(
        "rebalances {}, plans replayed {}, plans given up {}, of changed records {}, batches with rows put in again {}, \
         refused with too many parts {}",
        scene.logged("assigned"),
        scene.logged("replayed a planned batch"),
        scene.logged("a batch is given up"),
        scene.logged("changed in Kafka"),
        scene.logged("rows in doubt that the table lacks"),
        scene.logged("TOO_MANY_PARTS"),
    );
    println!(
        "ended at a failpoint {}, because a server was away at the start {}, ClickHouse by itself {}",
        chaos.failpoints, chaos.at_start, chaos.store_ends
    );
    println!("{:?}", chaos.done);
}
