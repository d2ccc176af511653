//! From produce to visible: events at a steady rate, and a reader that keeps asking how far the table is.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use topicwright_tests::program::{free_port, terminate};

use super::contenders::{start_engine, stop_engine};
use super::process::peak_megabytes;
use super::stage::Stage;
use super::stream;

/// How long events are produced.
const LENGTH: Duration = Duration::from_secs(12);

/// In milliseconds.
pub struct Latency {
    pub p50: u128,
    pub p95: u128,
    pub p99: u128,
    /// The worker's memory.
    pub megabytes: u64,
    pub is_right: bool,
}

/// Of a worker. Its group has read everything before.
pub fn of_worker(stage: &Stage, rate: usize) -> Latency {
    stage.clear();
    let listen = format!("127.0.0.1:{}", free_port());
    let child = stage
        .command(&[
            "ingest",
            "--listen",
            &listen,
            "--group",
            &stage.group("bench-worker"),
        ])
        .spawn()
        .unwrap();
    let mut found = measure(stage, rate, 100_000_000);
    found.megabytes = peak_megabytes(child.id());
    let _ = terminate(child);
    found
}

/// Of ClickHouse's Kafka engine, whose group has read everything before this, and before [`of_worker`].
pub fn of_engine(stage: &Stage, rate: usize) -> Latency {
    start_engine(stage);
    // What the worker was measured with comes first.
    std::thread::sleep(CALM * 2);
    stage.clear();
    let found = measure(stage, rate, 200_000_000);
    stop_engine(stage);
    found
}

/// Until a contender has its partitions.
const CALM: Duration = Duration::from_secs(8);

/// Sends events at `rate` a second, with numbers from `first` on that no earlier run used.
fn measure(stage: &Stage, rate: usize, first: usize) -> Latency {
    std::thread::sleep(CALM);
    let total = rate * usize::try_from(LENGTH.as_secs()).unwrap();
    let done = AtomicBool::new(false);
    let producer = stream::producer(&stage.broker.brokers());
    let mut sent: Vec<Instant> = Vec::with_capacity(total);
    let seen = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen: Vec<(Instant, usize)> = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let count = stage.ask("SELECT count() FROM events_raw").parse().unwrap();
                seen.push((Instant::now(), count));
                if count >= total {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        let started = Instant::now();
        for number in 0..total {
            let due = Duration::from_secs_f64(number as f64 / rate as f64);
            if let Some(wait) = due
                .checked_sub(started.elapsed())
                .filter(|wait| *wait > Duration::from_millis(2))
            {
                std::thread::sleep(wait);
            }
            sent.push(Instant::now());
            stream::send(&producer, first + number, stage.partitions);
        }
        std::thread::sleep(Duration::from_secs(10));
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    let found = stage.ask(
        "SELECT count(), uniqExact(kafka_partition, kafka_offset), uniqExact(dedupe_key) FROM events_raw",
    );
    // Batches take records in the order of their time, give or take a batch: the nth row shows the nth event.
    let mut waits: Vec<u128> = Vec::with_capacity(total);
    let mut looks = seen.iter();
    let mut look = looks.next();
    for (number, sent) in sent.iter().enumerate() {
        while look.is_some_and(|(_, count)| *count <= number) {
            look = looks.next();
        }
        let (at, _) = look.unwrap_or_else(|| panic!("event {number} never became visible"));
        waits.push(at.saturating_duration_since(*sent).as_millis());
    }
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() as f64 * share) as usize).min(waits.len() - 1)];
    Latency {
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        megabytes: 0,
        is_right: found == format!("{total}\t{total}\t{total}"),
    }
}
