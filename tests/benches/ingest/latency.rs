//! From produce to visible: events at a steady rate, and a reader that keeps asking how far the table is.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use topicwright_tests::program::{free_port, terminate};

use super::process::peak_megabytes;
use super::stage::Stage;
use super::stream;

/// How long events are produced.
const LENGTH: Duration = Duration::from_secs(12);

/// Milliseconds, and the worker's memory.
pub struct Latency {
    pub p50: u128,
    pub p95: u128,
    pub p99: u128,
    pub megabytes: u64,
}

/// Runs a worker while events come in at `rate` a second.
pub fn measure(stage: &Stage, rate: usize) -> Latency {
    stage.clear();
    let listen = format!("127.0.0.1:{}", free_port());
    // The worker's own group has read everything before.
    let child = stage
        .command(&["ingest", "--listen", &listen, "--group", "bench-worker"])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(8));
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
            // Numbers that no earlier run used.
            stream::send(&producer, 100_000_000 + number, stage.partitions);
        }
        std::thread::sleep(Duration::from_secs(10));
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    let megabytes = peak_megabytes(child.id());
    let _ = terminate(child);
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
        megabytes,
    }
}
