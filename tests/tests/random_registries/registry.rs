//! Two states of a registry, drawn at random and settled: what `check` objects to, the change leaves out.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Value, json};
use topicwright::compat::{Prover, Source, Verdict, View};
use topicwright::finding::{Finding, Severity};
use topicwright::gate;
use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::registry::files::Files;
use topicwright::registry::manifest::CompatibilityLevel;

use super::change::changed;
use super::payload::{COLUMNS, Draw};

/// A registry before and after a change that `check` calls safe.
pub struct Drawn {
    pub old: Files,
    pub new: Files,
    /// Both, loaded.
    pub sides: [Side; 2],
    /// Payloads of changes that were taken back, with their topics: what readers of before refuse, as the gate says.
    pub witnesses: Vec<(String, Value)>,
    pub tally: Tally,
}

/// What became of the topics that were drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Topics whose first state the compiler carries.
    pub carried: usize,
    /// Topics that the compiler refuses, with its reason.
    pub refused: usize,
    /// Changes that `check` lets pass, of topics whose old readers are promised to read on.
    pub safe: usize,
    /// Changes that `check` lets pass without such a promise.
    pub unpromised: usize,
    /// Changes that `check` objects to.
    pub unsafe_ones: usize,
}

/// Levels, by how often they are drawn.
const LEVELS: &[CompatibilityLevel] = &[
    CompatibilityLevel::Forward,
    CompatibilityLevel::Forward,
    CompatibilityLevel::ForwardTransitive,
    CompatibilityLevel::Full,
    CompatibilityLevel::Full,
    CompatibilityLevel::FullTransitive,
    CompatibilityLevel::Backward,
    CompatibilityLevel::None,
];

/// A day on which nothing is deprecated.
fn today() -> Day {
    Day::read("2026-01-01").expect("a day")
}

fn manifest(random: &mut Rng, columns: &[(&str, &str)]) -> String {
    let payload = ["string", "json"][random.usize(0..2)];
    let mapped = [("m_i64", "Int64"), ("m_f64", "Float64")];
    let mut text = format!(
        "[project]\nname = \"random\"\ncrate = \"random-events\"\ndescription = \"Drawn at random.\"\n\
         [kafka]\npartitions = 1\nreplication_factor = 1\n\
         [clickhouse]\ndatabase = \"random\"\ntable = \"events\"\npayload = \"{payload}\"\n\
         retention_days = 400\norder_by = [\"event_type\", \"actor\"]\n\
         [[clickhouse.columns]]\nname = \"actor\"\ntype = \"String\"\ndescription = \"Who acted\"\n"
    );
    for (name, kind) in columns.iter().chain(&mapped) {
        let _ = write!(
            text,
            "[[clickhouse.columns]]\nname = \"{name}\"\ntype = \"{kind}\"\ndescription = \"Drawn\"\n"
        );
    }
    text
}

fn envelope(random: &mut Rng) -> Value {
    let mut envelope = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "Wraps every event.",
        "type": "object",
        "required": ["type", "id", "actor", "at", "data"],
        "properties": {
            "type": {"description": "Event type.", "type": "string", "minLength": 1, "maxLength": 100, "x-role": "event-type"},
            "v": {"description": "Schema version.", "type": "integer", "minimum": 1, "maximum": 65535, "x-role": "schema-version"},
            "id": {"description": "Unique id.", "type": "string", "minLength": 1, "maxLength": 100, "x-role": "event-id"},
            "actor": {"description": "Who acted.", "type": "string", "minLength": 1, "maxLength": 100, "x-column": "actor"},
            "at": {"description": "When it happened.", "type": "string", "format": "date-time", "x-role": "timestamp"},
            "data": {"description": "The event itself.", "type": "object", "x-role": "payload"},
            "key": {"description": "Deduplication key.", "type": "string", "minLength": 1, "x-role": "dedupe-key"}
        }
    });
    match random.u8(0..4) {
        0 => envelope["additionalProperties"] = false.into(),
        1 => {
            envelope["properties"]["trace"] =
                json!({"description": "Where it came from.", "type": ["string", "null"]});
        }
        _ => {}
    }
    envelope
}

fn topic(random: &mut Rng, payload: &Value, level: CompatibilityLevel) -> String {
    let names = payload["required"].as_array().into_iter().flatten();
    let names: Vec<&str> = names
        .filter_map(Value::as_str)
        .filter(|name| {
            let kind = &payload["properties"][name]["type"];
            matches!(kind.as_str(), Some("string" | "integer" | "boolean"))
        })
        .collect();
    let part = random
        .choice(names)
        .map(|name| format!(":{{/data/{name}}}"));
    let part = part.unwrap_or_default();
    let dedupe_key = match random.u8(0..4) {
        0 => format!("{{/type}}:{{/id}}{part}"),
        1 => "{/type}:{/actor}:{/id}".to_owned(),
        _ => "{/id}".to_owned(),
    };
    let level = level.name();
    let mut text = format!(
        "description = \"Something happened.\"\nowner = \"nobody\"\nconsumers = []\nkey = \"/actor\"\n\
         dedupe_key = {dedupe_key:?}\ncompatibility = \"{level}\"\n"
    );
    mapping(random, payload, &mut text);
    text
}

/// A column that the manifest fills, now and then on a condition or with the other sign.
fn mapping(random: &mut Rng, payload: &Value, text: &mut String) {
    let members = payload["properties"].as_object().into_iter().flatten();
    let of_kind = |kinds: &[&str]| -> Vec<&String> {
        members
            .clone()
            .filter(|(_, schema)| {
                schema["type"]
                    .as_str()
                    .is_some_and(|kind| kinds.contains(&kind))
            })
            .map(|(name, _)| name)
            .collect()
    };
    let Some(from) = random.choice(of_kind(&["integer", "number"])) else {
        return;
    };
    let column = match payload["properties"][from]["type"] == "integer" {
        true => "m_i64",
        false => "m_f64",
    };
    let negate = random.bool();
    let _ = write!(
        text,
        "[columns.{column}]\nfrom = \"/data/{from}\"\nnegate = {negate}\n"
    );
    if let (Some(field), true) = (random.choice(of_kind(&["boolean"])), random.bool()) {
        let _ = writeln!(
            text,
            "when = [{{ field = \"/data/{field}\", equals = true }}]"
        );
    }
}

/// The topic that a finding is about, by its file.
fn topic_of(finding: &Finding) -> Option<&str> {
    let (topic, _) = finding.file.strip_prefix("topics/")?.split_once('/')?;
    Some(topic)
}

fn schema_text(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).expect("a value")
}

impl Drawn {
    /// Draws a registry of so many topics and a change of it.
    ///
    /// # Panics
    /// `check` objects to what no topic is to blame for.
    pub fn new(seed: u64, topics: usize) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut old = Files::default();
        let more = random.bool();
        let columns = &COLUMNS[..COLUMNS.len() - if more { 5 } else { 0 }];
        let (storage, all) = (random.u64(..), random.bool());
        let state = |columns: &[(&str, &str)]| manifest(&mut Rng::with_seed(storage), columns);
        old.0.insert("registry.toml".to_owned(), state(columns));
        old.0.insert(
            "envelope/v1.json".to_owned(),
            schema_text(&envelope(&mut random)),
        );
        for number in 0..topics {
            let payload = Draw::new(&mut random, columns).payload();
            let level = LEVELS[random.usize(..LEVELS.len())];
            let folder = format!("topics/r{number}");
            let text = topic(&mut random, &payload, level);
            old.0.insert(format!("{folder}/topic.toml"), text);
            old.0
                .insert(format!("{folder}/v1.json"), schema_text(&payload));
        }
        let mut tally = Tally::default();
        settle_first(&mut old, &mut tally, topics);

        let mut new = old.clone();
        let columns = if all { COLUMNS } else { columns };
        if all {
            new.0.insert("registry.toml".to_owned(), state(COLUMNS));
        }
        let mut changes = BTreeSet::new();
        for number in 0..topics {
            let folder = format!("topics/r{number}");
            let Some(text) = old.0.get(&format!("{folder}/v1.json")) else {
                continue;
            };
            let schema: Value = serde_json::from_str(text).expect("as written");
            let next = changed(&mut Draw::continued(&mut random, columns, &schema), &schema);
            new.0
                .insert(format!("{folder}/v2.json"), schema_text(&next));
            changes.insert(format!("r{number}"));
        }
        let mut witnesses = Vec::new();
        let before = Side::load(&old).expect("it compiles");
        let side = settle_change(&old, &mut new, &mut changes, &mut tally, &mut witnesses);
        for name in &changes {
            let topic = side.topic(name).expect("a topic that changed");
            match topic.manifest.compatibility.promises_forward() {
                true => tally.safe += 1,
                false => tally.unpromised += 1,
            }
        }
        Self {
            old,
            new,
            sides: [before, side],
            witnesses,
            tally,
        }
    }
}

/// Takes out every topic that the compiler refuses.
fn settle_first(files: &mut Files, tally: &mut Tally, topics: usize) {
    loop {
        let refused = match topicwright::compile(files) {
            Ok(compiled) => errors(compiled.notes),
            Err(findings) => findings,
        };
        if refused.is_empty() {
            break;
        }
        let names: BTreeSet<&str> = refused.iter().filter_map(topic_of).collect();
        assert!(!names.is_empty(), "{}", listed(&refused));
        for name in names {
            files
                .0
                .retain(|path, _| !path.starts_with(&format!("topics/{name}/")));
            tally.refused += 1;
        }
    }
    tally.carried = topics - tally.refused;
}

fn errors(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

fn listed(findings: &[Finding]) -> String {
    let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

/// Takes back every change that something stands against, until nothing does.
fn settle_change(
    old: &Files,
    new: &mut Files,
    changes: &mut BTreeSet<String>,
    tally: &mut Tally,
    witnesses: &mut Vec<(String, Value)>,
) -> Side {
    loop {
        let (objections, side) = match Side::load(new) {
            Err(findings) => (errors(findings), None),
            Ok(side) => {
                let before = side.load_other(old).expect("it was loaded before");
                let outcome = gate::check(Some(&before), &side, today());
                let found = errors(outcome.findings);
                let found = match found.is_empty() {
                    true => topicwright::compile(new).map_or_else(errors, |_| Vec::new()),
                    false => found,
                };
                (found, Some(side))
            }
        };
        let side = match side {
            Some(side) if objections.is_empty() => return side,
            side => side,
        };
        let names: BTreeSet<&str> = objections.iter().filter_map(topic_of).collect();
        assert!(
            names.iter().any(|name| changes.contains(*name)),
            "{}",
            listed(&objections)
        );
        for name in names {
            if changes.remove(name) {
                let witness = side.as_ref().and_then(|side| witness(side, name));
                witnesses.extend(witness.map(|payload| (name.to_owned(), payload)));
                new.0.remove(&format!("topics/{name}/v2.json"));
                tally.unsafe_ones += 1;
            }
        }
    }
}

/// What a writer of version 2 may emit and a reader of version 1 refuses, where that reader is promised to read on.
fn witness(side: &Side, name: &str) -> Option<Value> {
    let topic = side.topic(name)?;
    if !topic.manifest.compatibility.promises_forward() {
        return None;
    }
    let mut prover = Prover::default();
    let mut add = |number: usize| {
        let path = &topic.versions.get(number)?.path;
        let schema = Arc::clone(&side.read.get(path)?.value);
        let source = Source::alone(schema, jsonschema::Draft::Draft202012);
        prover.add(source).ok()
    };
    let (reader, writer) = (add(0)?, add(1)?);
    match prover.compare(writer, reader, View::Stream, None) {
        Verdict::Incompatible(witness) => Some(witness.value),
        Verdict::Compatible(_) | Verdict::Unknown(_) => None,
    }
}
