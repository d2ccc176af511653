//! Kafka to ClickHouse, end to end, on one machine, one topic and one table: this worker, ClickHouse's own Kafka
//! engine, an ideal loader that inserts prebuilt blocks, and a consumer that only reads.
//!
//! `cargo bench -p topicwright-tests --bench ingest`. Settings by environment: `BENCH_ROWS` (messages a run),
//! `BENCH_PARTITIONS`, `BENCH_RATE` (events a second of the latency run), `BENCH_PAYLOADS` (`json`, `string`),
//! `BENCH_ROUNDS` (how often the contenders take their turns), `BENCH_COMPILED` (any text: with the workers that the
//! last run compiled), `BENCH_RUNS` (`engine`, `unmerged`, `worker`, `ideal`, `consume`, `latency`; ratios are to the first of
//! them that runs).
//! The registry is the game's: every contender fills its table, and its table feeds its views; and again without the
//! views, so that every contender fills one table and nothing else (`BENCH_VIEWS`: `on`, `off`). Payload as JSON and as
//! String, with views and without are registries of their own, compiled in a copy of the workspace. CPU is what the
//! processes used, in seconds a million rows; memory is the process' high-water mark; every run is checked by
//! count, distinct offsets and sums.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code
)]
mod ingest {
    pub mod contenders;
    pub mod latency;
    pub mod process;
    pub mod rounds;
    pub mod stage;
    pub mod stream;
}
#[path = "../tests/workspace/mod.rs"]
mod workspace;

use ingest::contenders::{
    Run, consume_only, ideal_loader, kafka_engine, worker, worker_without_merges,
};
use ingest::latency::{self, Latency};
use ingest::rounds::{Figures, HEADINGS};
use ingest::stage::{Payload, Stage, Views};

type Contender = fn(&Stage) -> Run;

/// Which server a contender is given.
enum Server {
    Own,
    OfTheLast,
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn main() {
    let rows = setting("BENCH_ROWS", 3_000_000);
    let partitions = setting("BENCH_PARTITIONS", 4);
    let rate = setting("BENCH_RATE", 20_000);
    let rounds = setting("BENCH_ROUNDS", 3);
    let payloads = std::env::var("BENCH_PAYLOADS").unwrap_or_else(|_| "string,json".to_owned());
    let runs = std::env::var("BENCH_RUNS")
        .unwrap_or_else(|_| "engine,unmerged,worker,ideal,consume,latency".to_owned());
    let with_views = std::env::var("BENCH_VIEWS").unwrap_or_else(|_| "on,off".to_owned());
    for (views, payload) in [
        (Views::On, Payload::Json),
        (Views::On, Payload::String),
        (Views::Off, Payload::Json),
        (Views::Off, Payload::String),
    ] {
        if !payloads.contains(payload.name()) || !with_views.split(',').any(|it| it == views.name())
        {
            continue;
        }
        let mut stage = Stage::set(payload, views, rows, partitions);
        println!(
            "\nviews {}, payload {}, {rows} messages of {} B, {partitions} partitions, lz4, ClickHouse {}",
            views.name(),
            payload.name(),
            stage.message_bytes,
            stage.version()
        );
        println!("{HEADINGS}");
        let contenders: [(&str, Contender, Server); 5] = [
            ("engine", kafka_engine, Server::Own),
            ("unmerged", worker_without_merges, Server::Own),
            ("worker", worker, Server::Own),
            // Inserts the rows that the one before it left.
            ("ideal", ideal_loader, Server::OfTheLast),
            ("consume", consume_only, Server::OfTheLast),
        ];
        let mut found: Vec<Vec<Figures>> = Vec::new();
        for round in 0..rounds {
            stage.round = round;
            let chosen = contenders.iter().filter(|(name, ..)| runs.contains(name));
            let mut base = None;
            for (place, (_, contend, server)) in chosen.enumerate() {
                if let Server::Own = server {
                    stage.change_server();
                }
                let run = contend(&stage);
                let figures = Figures::of(&run, *base.get_or_insert(run.rate.sustained));
                println!("{}", figures.line());
                if found.len() <= place {
                    found.push(Vec::new());
                }
                found[place].push(figures);
            }
        }
        if rounds > 1 {
            println!("\nthe middle of {rounds} rounds, and the least and most\n{HEADINGS}");
            for figures in &found {
                println!("{}", Figures::together(figures));
            }
        }
        if runs.contains("latency") {
            stage.change_server();
            println!(
                "\n| from send to visible at {rate} events/s | p50 ms | p95 ms | p99 ms | client MB | checked |"
            );
            println!("|---|---:|---:|---:|---:|---|");
            let told = |name: &str, found: &Latency| {
                let checked = if found.is_right { "yes" } else { "WRONG" };
                println!(
                    "| {name} | {} | {} | {} | {} | {checked} |",
                    found.p50, found.p95, found.p99, found.megabytes
                );
            };
            told("this worker", &latency::of_worker(&stage, rate));
            told(
                "ClickHouse's Kafka engine",
                &latency::of_engine(&stage, rate),
            );
        }
    }
}
