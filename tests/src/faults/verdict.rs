//! Everything stored against everything sent: rows by their offsets, dead letters by their sources, answers.
use std::collections::{BTreeMap, BTreeSet};

use rdkafka::message::{Headers as _, Message as _, OwnedMessage};

use super::kpis::{answers, spelled};
use super::scene::{Scene, topics};
use super::sender::NUMBER;
use super::stream::{Fact, Fate, Record, Stream, date};
use crate::kafka;

/// Topic, partition, offset.
type Place = (String, i32, i64);

/// What a comparison counted.
#[derive(Default)]
pub struct Counted {
    /// Records in Kafka.
    pub records: usize,
    /// Rows of the fact table.
    pub rows: usize,
    /// Distinct events among them.
    pub events: usize,
    /// Dead letters, repeated ones included.
    pub letters: usize,
    /// What good records say, in Kafka's order.
    facts: Vec<Fact>,
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            records,
            rows,
            events,
            letters,
            ..
        } = self;
        write!(
            formatter,
            "{records} records, {rows} rows of {events} events, {letters} dead letters"
        )
    }
}

/// At most so many differences are told.
const TOLD: usize = 10;

/// Compares; every worker must be at rest.
///
/// # Panics
/// Something is missing, there twice, different, or not expected.
pub fn check(scene: &Scene, stream: &Stream, what: &str) -> Counted {
    let brokers = scene.servers.broker.brokers();
    let mut sources: BTreeMap<Place, (&Record, OwnedMessage)> = BTreeMap::new();
    for topic in topics() {
        for message in all(&brokers, &topic) {
            let number: usize = kafka::header(&message, NUMBER).unwrap().parse().unwrap();
            let place = (topic.clone(), message.partition(), message.offset());
            let record = &stream.records[number];
            assert_eq!(
                (record.topic, record.value.as_deref()),
                (topic.as_str(), message.payload())
            );
            sources.insert(place, (record, message));
        }
    }
    assert_eq!(
        sources.len(),
        stream.records.len(),
        "the producer's records in Kafka"
    );
    let mut counted = Counted {
        records: sources.len(),
        ..Counted::default()
    };
    let mut faults = rows(scene, &sources, &mut counted);
    faults.extend(letters(&brokers, &sources, &mut counted));
    counted.facts = facts(&sources);
    if !scene.workers_close_days {
        // All days are open: copies are looked for, and nothing is closed.
        scene.close_days(&["--close-after-s", "1000000000"]);
        faults.extend(questions(scene, stream, &counted, "open"));
    }
    scene.close_days(&[]);
    faults.extend(questions(scene, stream, &counted, "closed"));
    let merged = scene
        .ask("SELECT count(), uniqExact(event_type, user_id, event_key) FROM events_raw FINAL");
    if merged != format!("{0}\t{0}", counted.events) {
        faults.push(format!(
            "{merged} rows and keys with FINAL, {} events",
            counted.events
        ));
    }
    let told = faults
        .iter()
        .take(TOLD)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        faults.is_empty(),
        "{what}: {} differences, {counted:?}\n{told}\n{}",
        faults.len(),
        hints(scene)
    );
    counted
}

/// Merges to the end, after which every event has one row.
///
/// # Panics
/// It has not.
pub fn check_merged(scene: &Scene, stream: &Stream, counted: &Counted) {
    let _ = scene.ask("ALTER TABLE events_raw RESET SETTING max_bytes_to_merge_at_max_space_in_pool, max_bytes_to_merge_at_min_space_in_pool");
    let _ = scene.ask("OPTIMIZE TABLE events_raw FINAL");
    // Partitions are not merged with each other, so a copy in another month stays beside its first.
    let merged = scene.ask(
        "SELECT uniqExact(event_type, user_id, event_key), \
         count() - uniqExact(toYYYYMM(event_date), event_type, user_id, event_key) FROM events_raw",
    );
    assert_eq!(merged, format!("{}\t0", counted.events));
    scene.close_days(&["--again"]);
    assert_eq!(
        questions(scene, stream, counted, "counted again after merges"),
        Vec::<String>::new()
    );
}

/// Lines of the logs that tell of trouble.
fn hints(scene: &Scene) -> String {
    let logs = scene.logs();
    let lines = logs
        .lines()
        .filter(|line| line.starts_with("==") || line.contains("plan") || line.contains("ERROR"));
    let lines: Vec<&str> = lines.collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

fn all(brokers: &str, topic: &str) -> Vec<OwnedMessage> {
    let count = usize::try_from(kafka::count(brokers, topic)).unwrap();
    if count == 0 {
        Vec::new()
    } else {
        kafka::read(brokers, topic, count)
    }
}

fn rows(
    scene: &Scene,
    sources: &BTreeMap<Place, (&Record, OwnedMessage)>,
    counted: &mut Counted,
) -> Vec<String> {
    let mut faults = Vec::new();
    let stored = scene.ask(
        "SELECT kafka_topic, kafka_partition, kafka_offset, dedupe_key, event_type, user_id, event_date, entity_id, \
         session_id, action, status, delta_gold, balance_after, price_cents FROM events_raw",
    );
    let mut seen: BTreeSet<Place> = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for line in stored.lines() {
        counted.rows += 1;
        let cells: Vec<&str> = line.split('\t').collect();
        let place = (
            cells[0].to_owned(),
            cells[1].parse().unwrap(),
            cells[2].parse().unwrap(),
        );
        let Some((record, _)) = sources.get(&place) else {
            faults.push(format!("a row of nothing in Kafka: {line}"));
            continue;
        };
        let Fate::Row(fact) = &record.fate else {
            faults.push(format!("a row of a bad record: {line}"));
            continue;
        };
        // What a status does not sell still has its price in the table.
        let expected = format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            fact.key,
            fact.topic,
            fact.user,
            date(fact.day),
            fact.entity,
            fact.session,
            fact.action,
            fact.status,
            fact.gold,
            fact.balance,
            fact.cents,
        );
        if cells[3..].join("\t") != expected {
            faults.push(format!("a row {line}\n     not as sent: {expected}"));
        }
        keys.insert(fact.identity());
        if !seen.insert(place) {
            faults.push(format!("there twice: {line}"));
        }
    }
    for (place, (record, _)) in sources {
        if let Fate::Row(fact) = &record.fate
            && !keys.contains(&fact.identity())
        {
            faults.push(format!("lost: {place:?} {}", fact.key));
        }
    }
    counted.events = keys.len();
    faults
}

fn letters(
    brokers: &str,
    sources: &BTreeMap<Place, (&Record, OwnedMessage)>,
    counted: &mut Counted,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut buried: BTreeSet<Place> = BTreeSet::new();
    let mut refused: BTreeSet<&[u8]> = BTreeSet::new();
    for topic in topics() {
        for letter in all(brokers, &format!("{topic}.dlq")) {
            counted.letters += 1;
            let header = |name: &str| kafka::header(&letter, &format!("topicwright-{name}"));
            let place = (
                header("source-topic").unwrap(),
                header("source-partition").unwrap().parse().unwrap(),
                header("source-offset").unwrap().parse().unwrap(),
            );
            let Some((record, source)) = sources.get(&place) else {
                faults.push(format!("a letter of nothing in Kafka: {place:?}"));
                continue;
            };
            let reason = header("reason").unwrap();
            if record.fate != Fate::Letter(leaked(&reason)) {
                faults.push(format!(
                    "a letter with {reason} of {place:?}: {:?}",
                    record.fate
                ));
            }
            let time = source.timestamp().to_millis().map(|time| time.to_string());
            let is_whole = letter.payload() == source.payload()
                && letter.key() == source.key()
                && place.0 == topic
                && header("source-timestamp") == time
                && source
                    .headers()
                    .unwrap()
                    .iter()
                    .all(|header| letter.headers().unwrap().iter().any(|kept| kept == header));
            if !is_whole {
                faults.push(format!("a letter that is not its source: {place:?}"));
            }
            refused.insert(source.payload().unwrap_or_default());
            buried.insert(place);
        }
    }
    for (place, (record, source)) in sources {
        let is_there = match record.fate {
            Fate::Row(_) => true,
            // Copies are duplicates once the good event of their key is stored; one was not.
            Fate::Letter(_) if record.has_twin => {
                refused.contains(source.payload().unwrap_or_default())
            }
            Fate::Letter(_) => buried.contains(place),
        };
        if !is_there {
            faults.push(format!("no letter: {place:?} {:?}", record.fate));
        }
    }
    faults
}

/// Reasons as the stream spells them.
fn leaked(reason: &str) -> &'static str {
    const REASONS: &[&str] = &[
        "empty",
        "too-large",
        "not-json",
        "duplicate-member",
        "too-deep",
        "envelope",
        "wrong-topic",
        "unknown-version",
        "payload",
        "refused",
    ];
    REASONS
        .iter()
        .find(|known| **known == reason)
        .copied()
        .unwrap_or("unknown")
}

/// What good records say, in Kafka's order.
fn facts(sources: &BTreeMap<Place, (&Record, OwnedMessage)>) -> Vec<Fact> {
    let facts = sources
        .values()
        .filter_map(|(record, _)| match &record.fate {
            Fate::Row(fact) => Some((**fact).clone()),
            Fate::Letter(_) => None,
        });
    facts.collect()
}

fn questions(scene: &Scene, stream: &Stream, counted: &Counted, when: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let expected = answers(counted.facts.iter(), stream.last_day());
    let answered = scene.kpis(&date(stream.last_day()));
    assert_eq!(answered.len(), expected.len(), "questions of the registry");
    for kpi in answered {
        let name = kpi["name"].as_str().unwrap();
        let (found, wanted) = (
            spelled(kpi["rows"].as_array().unwrap()),
            spelled(&expected[name]),
        );
        if found != wanted {
            let differing = found
                .iter()
                .zip(&wanted)
                .find(|(found, wanted)| found != wanted);
            faults.push(format!(
                "{when}: {name}: {} rows for {}: {differing:?}",
                found.len(),
                wanted.len()
            ));
        }
    }
    faults
}
