//! The worker's own work on an event, without network: decode, check, columns, sort, encode.
//!
//! `cargo bench --bench hot_path`. Prints nanoseconds an event and CPU seconds a million events for each step,
//! over all topics' examples spread to distinct keys. One thread.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subject::Registry;
use topicwright_runtime::check::At;
use topicwright_runtime::clickhouse::native::Encoder;
use topicwright_runtime::clickhouse::sort::{key_columns, sorted_rows};
use topicwright_runtime::column::Millis;
use topicwright_runtime::json::Decoder;
use topicwright_runtime::registry::{EventRegistry, FactBlock as _, Row};

type Block = <Registry as EventRegistry>::Block;

const EVENTS: usize = 200_000;

/// Events of one topic, the spec's size (about 400 bytes) in the spec's envelope.
fn events(topic: &str) -> Vec<Vec<u8>> {
    let plan: Value = serde_json::from_str(Registry::PROJECT.plan).unwrap();
    let topic = plan["topics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["name"] == topic)
        .unwrap();
    let version = topic["versions"].as_array().unwrap().last().unwrap();
    let payload = &version["examples"][0]["payload"];
    (0..EVENTS)
        .map(|number| {
            let mut payload = payload.clone();
            payload["user_id"] = json!(number % 5000 + 1);
            let event = json!({
                "schema_version": version["version"],
                "event_type": topic["name"],
                "event_id": format!("evt_2026-08-21T12:34:56.789Z_{number:08x}"),
                "user_id": number % 5000 + 1,
                "source": {"service": "backend", "host": "api-1"},
                "ts": format!("2026-08-21T12:{:02}:{:02}.{:03}Z", number / 60_000 % 60, number / 1000 % 60, number % 1000),
                "ingested_at": "2026-08-21T12:59:56.900Z",
                "sequence": 4_567_890_123_u64 + number as u64,
                "payload": payload,
                "dedupe_key": format!("{}:{}:55:{number}", topic["name"].as_str().unwrap(), number % 5000 + 1),
            });
            event.to_string().into_bytes()
        })
        .collect()
}

fn main() {
    println!(
        "{:<18} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "topic", "bytes", "decode", "+check", "+columns", "sort", "encode"
    );
    for topic in Registry::TOPICS {
        let events = events(topic.name);
        let bytes = events.iter().map(Vec::len).sum::<usize>() / events.len();
        let version = topic.versions.last().unwrap();
        let mut decoder = Decoder::default();
        let decode = time(|| {
            for event in &events {
                decoder
                    .decode(event, |json| std::hint::black_box(json.len()))
                    .unwrap();
            }
        });
        let check = time(|| {
            for event in &events {
                decoder
                    .decode(event, |json| {
                        (Registry::CHECK_ENVELOPE)(json, At::ROOT).unwrap();
                        (version.check)(json.get("payload").unwrap(), At::ROOT).unwrap();
                    })
                    .unwrap();
            }
        });
        let mut block = Block::default();
        let columns = time(|| {
            block.clear();
            for (offset, event) in events.iter().enumerate() {
                decoder
                    .decode(event, |json| {
                        (Registry::CHECK_ENVELOPE)(json, At::ROOT).unwrap();
                        let payload = json.get("payload").unwrap();
                        (version.check)(payload, At::ROOT).unwrap();
                        let timestamp =
                            topicwright_runtime::row::timestamp(json.get("ts"), "/ts").unwrap();
                        let row = Row {
                            event: json,
                            payload,
                            payload_text: None,
                            schema_version: version.number,
                            timestamp,
                            dedupe_key: json.get("dedupe_key").unwrap().as_str().unwrap(),
                            event_key: 0,
                            received_at: Millis(0),
                            topic: topic.name,
                            partition: 0,
                            offset: i64::try_from(offset).unwrap(),
                            hash_key: &[7; 16],
                        };
                        (version.write)(&row, &mut block).unwrap();
                    })
                    .unwrap();
            }
        });
        let key = key_columns::<Block>(Registry::PROJECT.sorting_key);
        let all: Vec<u32> = (0..u32::try_from(block.rows()).unwrap()).collect();
        let mut rows = all.clone();
        let sort = time(|| rows = sorted_rows(&block, &key, all.clone()));
        let mut encoder = Encoder::<Block>::new().unwrap();
        let mut bytes_out = Vec::new();
        let encode = time(|| {
            bytes_out.clear();
            encoder.encode(&block, &rows, &mut bytes_out).unwrap();
        });
        println!(
            "{:<18} {bytes:>6} {:>9} {:>9} {:>9} {:>9} {:>9}",
            topic.name,
            each(decode),
            each(check),
            each(columns),
            each(sort),
            each(encode)
        );
    }
}

/// The fastest of a few runs: what the work takes when nothing else disturbs it.
fn time(mut work: impl FnMut()) -> Duration {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap()
}

fn each(duration: Duration) -> String {
    format!("{} ns", duration.as_nanos() / EVENTS as u128)
}
