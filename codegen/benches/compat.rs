//! How fast and how far the prover decides: a table of the collected cases beside `jsonschema::canonical`, and a
//! registry of a thousand topics.
//!
//! `cargo bench -p topicwright --bench compat`; a collection's name after `--` asks for that one alone. Times are of
//! one pair with nothing known before: reading both schemas, the verdict, and the independent validator's
//! confirmation of a witness.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#[path = "../tests/corpus/mod.rs"]
mod corpus;

use std::time::{Duration, Instant};

use corpus::{COLLECTIONS, Case, Unknowns, cases};
use jsonschema::canonical::Containment;
use referencing::Draft;
use serde_json::{Value, json};
use topicwright::compat::{Prover, SchemaHandle, Source, Verdict, View};

/// The one that `topicwright` has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    println!(
        "| collection | cases | wrong | unknown | in `stream` | undecided | canonical unknown | p50 µs | p99 µs | max µs |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let only = std::env::args().skip(1).find(|name| !name.starts_with('-'));
    for name in COLLECTIONS {
        if only.as_deref().is_none_or(|only| only == *name) {
            collection(name, &cases(name));
        }
    }
    if only.is_some() {
        return;
    }
    println!();
    println!("| registry | pairs | seconds |");
    println!("|---|---:|---:|");
    registry(1_000, 10);
}

fn collection(name: &str, cases: &[Case]) {
    let (mut wrong, mut canonical_unknown) = (0, 0);
    let [mut unknown, mut in_stream] = [Unknowns::default(); 2];
    let mut times: Vec<Duration> = Vec::new();
    for case in cases {
        let started = Instant::now();
        let verdict = case.judge(View::Strict);
        times.push(started.elapsed());
        match (&verdict, case.truth.as_str()) {
            (Ok(Verdict::Compatible(_)), "incompatible")
            | (Ok(Verdict::Incompatible(_)), "compatible") => wrong += 1,
            (Ok(Verdict::Unknown(why)), _) => unknown.count(&why.reason),
            (Err(why), _) => unknown.count(why),
            _ => {}
        }
    }
    for case in cases {
        match case.judge(View::Stream) {
            Ok(Verdict::Unknown(why)) => in_stream.count(&why.reason),
            Err(why) => in_stream.count(&why),
            Ok(Verdict::Compatible(_) | Verdict::Incompatible(_)) => {}
        }
    }
    // Apart from what is timed: it would leave the caches full of its own.
    for case in cases {
        if covers(case).is_none_or(|answer| answer == Containment::Unknown) {
            canonical_unknown += 1;
        }
    }
    times.sort_unstable();
    let at = |share: f64| {
        times[((times.len() as f64 * share) as usize).min(times.len() - 1)].as_micros()
    };
    println!(
        "| {name} | {} | {wrong} | {} ({:.2} %) | {} ({:.2} %) | {} | {canonical_unknown} | {} | {} | {} |",
        cases.len(),
        unknown.open,
        100.0 * unknown.open as f64 / cases.len() as f64,
        in_stream.open,
        100.0 * in_stream.open as f64 / cases.len() as f64,
        unknown.undecided,
        at(0.5),
        at(0.99),
        at(1.0),
    );
}

fn covers(case: &Case) -> Option<Containment> {
    let canonical = |schema: &Value, draft: Draft| {
        jsonschema::canonical::options()
            .with_draft(draft.detect(schema))
            .canonicalize(schema)
            .ok()
    };
    let reader = canonical(&case.reader, case.reader_draft)?;
    reader
        .covers(&canonical(&case.writer, case.writer_draft)?)
        .ok()
}

/// Versions of a topic as they grow: optional fields, an enum that widens, a renamed description.
fn version(topic: usize, number: usize) -> Value {
    let mut properties = json!({
        "tx_id": {"type": "integer", "minimum": 1},
        "user_id": {"$ref": "#/$defs/id"},
        "status": {"enum": ["pending", "success", "failed", "refunded"]},
        "amount": {"type": "integer", "minimum": 0, "maximum": 1_000_000 + topic},
        "note": {"type": "string", "maxLength": 200, "pattern": "^[a-z ]*$"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"kind": {"type": "string"}, "count": {"type": "integer"}}, "required": ["kind"]}},
    });
    for field in 0..number {
        properties[format!("added_{field}")] =
            json!({"type": ["string", "null"], "description": format!("since {number}")});
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": format!("version {number}"),
        "type": "object",
        "properties": properties,
        "required": ["tx_id", "user_id", "status"],
        "$defs": {"id": {"type": "integer", "minimum": 1}},
    })
}

fn check(topic: usize, versions: usize) -> usize {
    let mut prover = Prover::default();
    let handles: Vec<SchemaHandle> = (0..versions)
        .map(|number| {
            prover
                .add(Source::alone(version(topic, number), Draft::Draft202012))
                .unwrap()
        })
        .collect();
    let mut pairs = 0;
    for writer in &handles {
        for reader in &handles {
            if writer != reader {
                let verdict = prover.compare(*writer, *reader, View::Stream, None);
                assert!(matches!(verdict, Verdict::Compatible(_)), "{verdict:?}");
                pairs += 1;
            }
        }
    }
    pairs
}

fn registry(topics: usize, versions: usize) {
    let started = Instant::now();
    let pairs: usize = std::thread::scope(|scope| {
        let halves: Vec<_> = (0..2)
            .map(|half| {
                scope.spawn(move || {
                    (half..topics)
                        .step_by(2)
                        .map(|topic| check(topic, versions))
                        .sum::<usize>()
                })
            })
            .collect();
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    });
    println!(
        "| {topics} topics of {versions} versions, FULL_TRANSITIVE, 2 threads | {pairs} | {:.2} |",
        started.elapsed().as_secs_f64()
    );
    let started = Instant::now();
    let pairs = check(1, versions);
    println!(
        "| one changed topic | {pairs} | {:.4} |",
        started.elapsed().as_secs_f64()
    );
}
