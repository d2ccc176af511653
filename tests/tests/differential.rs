//! Decoding and checking accept exactly what the schemas accept: millions of mutated events and payloads against
//! an independent reader and validator; and what they accept fits its Rust type, its row, and comes back the same.
//!
//! `TOPICWRIGHT_DIFFERENTIAL_MESSAGES` says how many, `TOPICWRIGHT_DIFFERENTIAL_SEED` where randomness starts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#[path = "differential/subjects.rs"]
mod subjects;

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::Value;
use subject::Registry;
use subjects::{Block, Subject, Subjects};
use topicwright_runtime::check::At;
use topicwright_runtime::column::Millis;
use topicwright_runtime::json::Decoder;
use topicwright_runtime::produce::OutgoingRecord;
use topicwright_runtime::registry::{FactBlock as _, Row};
use topicwright_runtime::row;
use topicwright_tests::mutation::Mutator;
use topicwright_tests::{schemas, spelling};

/// What one thread saw.
#[derive(Default)]
struct Tally {
    /// By topic, version, and whether whole events: accepted and rejected.
    counts: BTreeMap<(&'static str, u32, bool), [u64; 2]>,
    /// Disagreements, the first ones of each kind of message.
    wrong: BTreeMap<(&'static str, u32, bool), Vec<String>>,
}

/// Disagreements shown by kind of message and thread.
const MOST_SHOWN: usize = 2;

struct Judge<'s> {
    subjects: &'s Subjects,
    decoder: Decoder,
    block: Block,
}

impl Judge<'_> {
    /// Makes message `number` and holds both sides against each other.
    fn message(&mut self, seed: u64, number: u64, tally: &mut Tally) {
        // Each message has randomness of its own, so that one can be repeated alone.
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let rng = &mut rng;
        let subject = &self.subjects.all[rng.usize(0..self.subjects.all.len())];
        let is_event = rng.bool();
        let (own, donors, schema) = match is_event {
            true => (
                &subject.events,
                &self.subjects.events,
                &subject.event_schema,
            ),
            false => (
                &subject.payloads,
                &self.subjects.payloads,
                &subject.payload_schema,
            ),
        };
        let mut value = own.pick(rng);
        let gently = rng.bool();
        for _ in 0..[0, 1, 1, 1, 1, 2, 2, 3][rng.usize(0..8)] {
            let mut mutator = Mutator { rng, donors };
            match gently {
                true => mutator.mutate_gently(&mut value, schema),
                false => mutator.mutate(&mut value, schema),
            }
        }
        let mut text = spelling::spelled(&value, rng);
        if rng.u8(0..24) == 0 {
            spelling::damage(&mut text, rng);
        }
        let verdict = match is_event {
            true => self.event(&text),
            false => self.payload(subject, &text),
        };
        let kind = (subject.topic, subject.version.number, is_event);
        let counts = tally.counts.entry(kind).or_default();
        match verdict {
            Ok(true) => counts[0] += 1,
            Ok(false) => counts[1] += 1,
            Err(problem) => {
                let shown = tally.wrong.entry(kind).or_default();
                if shown.len() < MOST_SHOWN {
                    let text = String::from_utf8_lossy(&text[..text.len().min(2000)]);
                    shown.push(format!(
                        "seed {seed}, message {number}, {kind:?}\n  {problem}\n  {text}"
                    ));
                }
            }
        }
    }

    /// Whether both accept the payload; in words where they do not agree.
    fn payload(&mut self, subject: &Subject, text: &[u8]) -> Result<bool, String> {
        let expected = spelling::read(text).filter(|value| subject.validator.is_valid(value));
        let judged = self.decoder.decode(text, |json| {
            (subject.version.check)(json, At::ROOT)
                .map(|()| (subject.trip)(json, text))
                .map_err(|violation| violation.to_string())
        });
        let judged = judged
            .map_err(|error| error.to_string())
            .and_then(|judged| judged);
        match (judged, expected) {
            (Err(_), None) => Ok(false),
            (Ok(trip), Some(value)) => came_back(subject, &value, &trip?).map(|()| true),
            (Ok(_), None) => Err("the check accepts, the schema rejects".to_owned()),
            (Err(refusal), Some(_)) => Err(format!("the schema accepts; {refusal}")),
        }
    }

    /// As [`Self::payload`], for a whole event: the producer's check, which is the consumer's, and the row.
    fn event(&mut self, text: &[u8]) -> Result<bool, String> {
        let value = spelling::read(text);
        let expected = value
            .as_ref()
            .and_then(|value| self.subjects.accepting(value));
        let judged = OutgoingRecord::from_json::<Registry>(text, usize::MAX);
        let (record, subject) = match (judged, expected) {
            (Err(_), None) => return Ok(false),
            (Ok(record), Some(subject)) => (record, subject),
            (Ok(_), None) => return Err("the check accepts, the schemas reject".to_owned()),
            (Err(refusal), Some(_)) => return Err(format!("the schemas accept; {refusal:?}")),
        };
        if (record.topic, record.schema_version) != (subject.topic, subject.version.number) {
            return Err(format!(
                "taken for {} {}",
                record.topic, record.schema_version
            ));
        }
        let payload = &value.as_ref().unwrap()["payload"];
        let written = self.decoder.decode(text, |event| {
            let row = Row {
                event,
                payload: event.get("payload").unwrap(),
                payload_text: None,
                schema_version: record.schema_version,
                timestamp: row::timestamp(event.get("ts"), "ts")
                    .map_err(|error| error.to_string())?,
                dedupe_key: &record.dedupe_key,
                event_key: 0,
                received_at: Millis(0),
                topic: record.topic,
                partition: 0,
                offset: 0,
                hash_key: &[0; 16],
            };
            self.block.clear();
            (subject.version.write)(&row, &mut self.block).map_err(|error| error.to_string())?;
            let payload_text = payload.to_string();
            (subject.trip)(row.payload, payload_text.as_bytes())
        });
        let trip = written.map_err(|error| error.to_string())??;
        if self.block.rows() != 1 {
            return Err(format!("{} rows", self.block.rows()));
        }
        came_back(subject, payload, &trip).map(|()| true)
    }
}

/// Whether what was written from the type says what was read into it.
fn came_back(subject: &Subject, original: &Value, written: &Value) -> Result<(), String> {
    if !subject.validator.is_valid(written) {
        return Err(format!("written back, the schema rejects it: {written}"));
    }
    if schemas::equal(
        &schemas::declared(&subject.payload_schema, original),
        written,
    ) {
        Ok(())
    } else {
        Err(format!("written back, it is another: {written}"))
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn checks_accept_exactly_what_the_schemas_accept() {
    let messages = setting("TOPICWRIGHT_DIFFERENTIAL_MESSAGES", 200_000);
    let seed = setting("TOPICWRIGHT_DIFFERENTIAL_SEED", 1);
    let subjects = Subjects::build();
    let threads = std::thread::available_parallelism().map_or(2, usize::from) as u64;
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|thread| {
                let subjects = &subjects;
                scope.spawn(move || {
                    let mut judge = Judge {
                        subjects,
                        decoder: Decoder::default(),
                        block: Block::default(),
                    };
                    let mut tally = Tally::default();
                    for number in 0..messages {
                        if number % threads == thread {
                            judge.message(seed, number, &mut tally);
                        }
                    }
                    tally
                })
            })
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut counts: BTreeMap<(&str, u32, bool), [u64; 2]> = BTreeMap::new();
    for (key, [accepted, rejected]) in tallies.iter().flat_map(|tally| &tally.counts) {
        let sum = counts.entry(*key).or_default();
        *sum = [sum[0] + accepted, sum[1] + rejected];
    }
    let wrong: Vec<&str> = tallies
        .iter()
        .flat_map(|tally| tally.wrong.values().flatten())
        .map(String::as_str)
        .collect();
    assert!(
        wrong.is_empty(),
        "(topic, version, whole event)\n{}",
        wrong.join("\n")
    );
    let total = counts.values().fold([0, 0], |sum, [accepted, rejected]| {
        [sum[0] + accepted, sum[1] + rejected]
    });
    println!(
        "seed {seed}: {} messages accepted, {} rejected",
        total[0], total[1]
    );
    assert_eq!(total[0] + total[1], messages);
    assert_eq!(
        counts.len(),
        2 * subjects.all.len(),
        "whole events and payloads of every version"
    );
    for ((topic, version, is_event), [accepted, rejected]) in counts {
        println!(
            "  {topic} {version} {}: {accepted} accepted, {rejected} rejected",
            if is_event { "events" } else { "payloads" }
        );
        let share = accepted * 100 / (accepted + rejected);
        assert!(
            (20..=80).contains(&share),
            "{topic} {version}: {share} % accepted say little"
        );
    }
}
