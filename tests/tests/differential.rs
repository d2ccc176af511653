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
use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::Value;
use subject::Registry;
use subject::topics::{
    auth_events, event_claim, event_progress, game_session, mission_claim, mission_progress,
    reward_granted, shop_purchase,
};
use topicwright_runtime::check::At;
use topicwright_runtime::column::Millis;
use topicwright_runtime::json::{Decoder, Json};
use topicwright_runtime::produce::OutgoingRecord;
use topicwright_runtime::registry::{EventRegistry, FactBlock as _, Payload, Row, Version, read};
use topicwright_runtime::row;
use topicwright_tests::mutation::Mutator;
use topicwright_tests::schemas::{self, Schemas};
use topicwright_tests::{events, spelling};

type Block = <Registry as EventRegistry>::Block;

/// Reads a checked payload as its type and writes it again.
type Trip = fn(Json<'_>, &[u8]) -> Result<Value, String>;

fn trip<P: Payload + PartialEq + std::fmt::Debug>(
    payload: Json<'_>,
    text: &[u8],
) -> Result<Value, String> {
    let typed: P = read(payload).map_err(|error| format!("does not fit its type: {error}"))?;
    match serde_json::from_slice::<P>(text) {
        Ok(plain) if plain != typed => return Err(format!("{plain:?} and {typed:?}")),
        // serde_json takes an integer that is written 1.0 for a float; JSON Schema, and so `read`, does not.
        Err(error) if !error.to_string().contains("floating point") => {
            return Err(format!("serde_json reads it otherwise: {error}"));
        }
        Ok(_) | Err(_) => {}
    }
    serde_json::to_value(&typed).map_err(|error| error.to_string())
}

const fn entry<P: Payload + PartialEq + std::fmt::Debug>() -> (&'static str, u32, Trip) {
    (P::TOPIC, P::VERSION, trip::<P>)
}

const TRIPS: &[(&str, u32, Trip)] = &[
    entry::<auth_events::v1::AuthEvents>(),
    entry::<auth_events::v2::AuthEvents>(),
    entry::<event_claim::v1::EventClaim>(),
    entry::<event_progress::v1::EventProgress>(),
    entry::<game_session::v1::GameSession>(),
    entry::<game_session::v2::GameSession>(),
    entry::<mission_claim::v1::MissionClaim>(),
    entry::<mission_progress::v1::MissionProgress>(),
    entry::<reward_granted::v1::RewardGranted>(),
    entry::<shop_purchase::v1::ShopPurchase>(),
    entry::<shop_purchase::v2::ShopPurchase>(),
];

/// One topic's version, seen from both sides.
struct Subject {
    topic: &'static str,
    version: &'static Version<Block>,
    trip: Trip,
    validator: jsonschema::Validator,
    /// For mutations of payloads.
    payload_schema: Value,
    /// For mutations of whole events.
    event_schema: Value,
    /// Where mutations start: most often at what is valid.
    payloads: Examples,
    events: Examples,
}

struct Examples {
    valid: Vec<Value>,
    invalid: Vec<Value>,
}

impl Examples {
    fn pick(&self, rng: &mut Rng) -> Value {
        let from = match rng.u8(0..8) {
            0 => &self.invalid,
            _ => &self.valid,
        };
        from[rng.usize(0..from.len())].clone()
    }
}

struct Subjects {
    envelope: jsonschema::Validator,
    all: Vec<Subject>,
    /// Payloads and events of every topic, to graft from.
    payloads: Vec<Value>,
    events: Vec<Value>,
}

impl Subjects {
    fn build() -> Self {
        let schemas = Schemas::read();
        let examples = events::examples();
        let envelope_schema = schemas.inlined(schemas::ENVELOPE);
        let mut all = Vec::new();
        for topic in Registry::TOPICS {
            for version in topic.versions {
                let number = u64::from(version.number);
                let file = schemas::payload_file(topic.name, number);
                let payload_schema = schemas.inlined(&file);
                let mut event_schema = envelope_schema.clone();
                event_schema["properties"]["payload"] = payload_schema.clone();
                let (_, _, trip) = TRIPS
                    .iter()
                    .find(|trip| (trip.0, trip.1) == (topic.name, version.number))
                    .unwrap_or_else(|| panic!("add {} {number} to TRIPS", topic.name));
                let payloads = |is_valid: bool| -> Vec<Value> {
                    let own = examples.iter().filter(|(name, version, _, fails)| {
                        (name.as_str(), *version) == (topic.name, number)
                            && fails.is_none() == is_valid
                    });
                    own.map(|(_, _, payload, _)| payload.clone()).collect()
                };
                let payloads = Examples {
                    valid: payloads(true),
                    invalid: payloads(false),
                };
                all.push(Subject {
                    topic: topic.name,
                    version,
                    trip: *trip,
                    validator: schemas.validator(&file),
                    payload_schema,
                    event_schema,
                    events: Examples {
                        valid: whole_events(topic.name, number, &payloads.valid),
                        invalid: whole_events(topic.name, number, &payloads.invalid),
                    },
                    payloads,
                });
            }
        }
        assert_eq!(all.len(), TRIPS.len());
        let gathered = |part: fn(&Subject) -> &Examples| {
            let parts = all.iter().map(part);
            parts
                .flat_map(|own| own.valid.iter().chain(&own.invalid))
                .cloned()
                .collect()
        };
        Self {
            envelope: schemas.validator(schemas::ENVELOPE),
            payloads: gathered(|subject| &subject.payloads),
            events: gathered(|subject| &subject.events),
            all,
        }
    }

    /// The version that the schemas alone find for an event, if they accept it.
    fn accepting(&self, event: &Value) -> Option<&Subject> {
        if !self.envelope.is_valid(event) {
            return None;
        }
        let number = match event.get("schema_version") {
            Some(Value::Number(number)) => schemas::whole(number)?,
            _ => 1,
        };
        self.all
            .iter()
            .find(|subject| {
                event["event_type"] == subject.topic && i128::from(subject.version.number) == number
            })
            .filter(|subject| subject.validator.is_valid(&event["payload"]))
    }
}

/// Each payload as an event, once with every member of the envelope and once with those that must be there.
fn whole_events(topic: &str, version: u64, payloads: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    for (number, payload) in payloads.iter().enumerate() {
        let mut event = events::event(topic, version, payload, number);
        event["ingested_at"] = "2026-08-21T12:00:01Z".into();
        event["sequence"] = number.into();
        let mut bare = event.clone();
        let members = bare.as_object_mut().unwrap();
        members.retain(|name, _| {
            ["schema_version", "event_type", "user_id", "ts", "payload"].contains(&&**name)
        });
        if version == 1 {
            members.shift_remove("schema_version");
        }
        all.extend([event, bare]);
    }
    all
}

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
                schema_version: record.schema_version,
                timestamp: row::timestamp(event.get("ts"), "ts")
                    .map_err(|error| error.to_string())?,
                dedupe_key: &record.dedupe_key,
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
    let messages = setting("TOPICWRIGHT_DIFFERENTIAL_MESSAGES", 300_000);
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
