//! The program as its users run it: apply, produce, ingest until SIGTERM, ask; exit codes and what they read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use subject::Registry;
use topicwright_runtime::registry::EventRegistry as _;
use topicwright_tests::program::{Servers, free_port, get, lags, text, wait_until};
use topicwright_tests::{events, kafka, sql};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");

fn servers() -> Servers {
    Servers::start(PIPELINE, env!("CARGO_BIN_EXE_engine-host"))
}

fn purchases(from: usize, to: usize) -> String {
    let event = |number| {
        let payload = json!({
            "tx_id": number + 1, "user_id": number % 50 + 1, "status": "success", "product_id": 2001,
            "amount_gold": 2600, "price_cents": 199
        });
        events::event("shop.purchase", 1, &payload, number).to_string()
    };
    (from..to).map(|number| event(number) + "\n").collect()
}

#[test]
fn from_apply_to_kpi_with_a_stop_in_the_middle() {
    let servers = servers();
    for (turn, expected) in [(1, "+ topic shop.purchase"), (2, "as they should be")] {
        let applied = servers.run(&["apply", "--yes"]);
        let shown = text(&applied.stdout);
        assert!(
            applied.status.success(),
            "{turn}: {}",
            text(&applied.stderr)
        );
        assert!(shown.contains(expected), "{turn}: {shown}");
        assert!(turn == 1 || !shown.contains("+ "), "{shown}");
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    std::fs::write(&file, purchases(0, 20_000)).unwrap();
    let produced = servers.run(&["produce", file.to_str().unwrap()]);
    assert!(produced.status.success(), "{}", text(&produced.stderr));
    assert!(text(&produced.stderr).contains("produced 20000, refused 0"));

    // Stopped while it works: what it took is durable, what it did not take is taken by the next.
    let port = free_port();
    let first = servers.ingest(port);
    wait_until("the first rows", || servers.rows() > 0);
    let ended = first.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    // Where nothing is wrong it says no more than how far it came.
    let said = text(&ended.stderr);
    let is_quiet = [" INFO ", " DEBUG ", " TRACE "]
        .iter()
        .all(|level| !said.contains(level));
    assert!(is_quiet && said.contains("ingested "), "{said}");

    let second = servers.ingest(port);
    wait_until("every row", || servers.rows() >= 20_000);
    wait_until("readiness", || {
        get(port, "/readyz").is_some_and(|(status, _)| status == 200)
    });
    assert_eq!(get(port, "/healthz").unwrap().0, 200);
    // One line a partition, also for topics in which nothing ever was.
    wait_until("no lag anywhere", || {
        let lags = lags(port);
        lags.len() == partitions() && lags.iter().all(|lag| *lag == 0)
    });
    let (_, metrics) = get(port, "/metrics").unwrap();
    for name in [
        "kafka_produce_fail_total",
        "ch_insert_batch_size_count",
        "ch_insert_latency_ms_count",
        "outbox_pending",
        "dedupe_lru_evictions",
    ] {
        assert!(metrics.contains(name), "{name} in\n{metrics}");
    }
    let ended = second.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert_eq!(servers.rows(), 20_000);
    let distinct = "SELECT uniqExact(kafka_partition, kafka_offset) FROM events_raw";
    assert_eq!(sql::ask_in(&servers.store.url(), "game", distinct), "20000");

    let answered = servers.run(&["kpi", "arpdau", "--as-of", "2026-08-21", "--format", "json"]);
    assert!(answered.status.success(), "{}", text(&answered.stderr));
    let _: Value = serde_json::from_slice(&answered.stdout).unwrap();
    let unknown = servers.run(&["kpi", "arpdua"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("arpdau"));
}

fn partitions() -> usize {
    let each = Registry::TOPICS.iter().map(|topic| topic.partitions);
    usize::try_from(each.sum::<i32>()).unwrap()
}

#[test]
fn produce_names_the_lines_it_refuses_and_sends_the_rest() {
    let servers = servers();
    assert!(servers.run(&["apply", "--only", "topics"]).status.success());
    let good = purchases(0, 2);
    let mut lines: Vec<&str> = good.lines().collect();
    let wrong = lines[0].replace("\"price_cents\":199", "\"price_cents\":\"199 dollars\"");
    let long = "x".repeat(3000);
    lines.insert(1, &wrong);
    lines.insert(2, "");
    lines.insert(3, "{\"event_type\":");
    lines.insert(4, &long);
    let input = lines.join("\n");
    let produce = |arguments: &[&str]| {
        let all = [&["produce", "--max-message-bytes", "2000"], arguments].concat();
        let mut child = servers.command(&all).stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let checked = produce(&["--dry-run"]);
    assert_eq!(checked.status.code(), Some(100));
    assert!(text(&checked.stderr).contains("checked 2, refused 3"));
    assert_eq!(kafka::count(&servers.broker.brokers(), "shop.purchase"), 0);

    let produced = produce(&["-"]);
    let said = text(&produced.stderr);
    assert_eq!(produced.status.code(), Some(100), "{said}");
    for line in [
        "standard input:2: refused (payload): /payload/price_cents: type",
        "standard input:4: refused (not-json): ",
        "standard input:5: refused (too-large): at most 2000 bytes",
        "produced 2, refused 3, not delivered 0",
    ] {
        assert!(said.contains(line), "{line} in\n{said}");
    }
    // What it refuses may be personal.
    assert!(!said.contains("dollars"), "{said}");
    assert_eq!(kafka::count(&servers.broker.brokers(), "shop.purchase"), 2);
    let missing = servers.run(&["produce", "no-such-file.ndjson"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("no-such-file.ndjson"));
}
