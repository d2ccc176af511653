//! Events of a registry: valid ones as the sampler draws them, and the same changed a little or a lot.
use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value, json};
use topicwright::gate::side::Side;
use topicwright::registry::Topic;
use topicwright::sample::{Dice, Events};
use topicwright::validate::lines::Lines;
use topicwright::validate::{Envelopes, Unnamed};
use topicwright_tests::mutation::Mutator;
use topicwright_tests::spelling;

/// An event as a line of text.
pub struct Message {
    pub topic: String,
    /// The version that it names; 1 where it names none.
    pub version: u64,
    pub line: Vec<u8>,
    /// The event; none where the line is no JSON.
    pub event: Option<Value>,
    /// Whether `validate` takes it.
    pub is_valid: bool,
    /// Whether its payload has only members that its version declares: what the gate takes for granted of writers.
    pub is_declared: bool,
}

/// Events of one version that are drawn without a change.
const DRAWN: usize = 12;
/// Times that each is changed.
const CHANGED: usize = 4;

/// Events of every version of every topic.
pub fn messages(side: &Side, seed: u64) -> Vec<Message> {
    let mut random = Rng::with_seed(seed ^ 0x6d65_7373_6167_6573);
    let mut all = Vec::new();
    for topic in side.registry.topics.iter() {
        let judge = Envelopes::new(&side.registry, &side.read, topic, Unnamed::First)
            .expect("the validator takes what was loaded");
        let writers: BTreeMap<u64, jsonschema::Validator> = topic
            .versions
            .iter()
            .map(|version| {
                let schema = Value::clone(&side.documents[&version.path].value);
                (u64::from(version.number), writer(schema))
            })
            .collect();
        for value in values(side, topic, &mut random) {
            let mut line = spelling::spelled(&value, &mut random);
            for byte in &mut line {
                // Between members a line feed is a space; in a text it is escaped.
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
            let event = read(&line);
            let version = value.get("v").and_then(whole).unwrap_or(1);
            let writer = writers.get(&version);
            all.push(Message {
                topic: topic.name.clone(),
                version,
                is_declared: writer.is_some_and(|writer| writer.is_valid(&value["data"])),
                is_valid: event
                    .as_ref()
                    .is_some_and(|event| judge.refusals(event).is_empty()),
                event,
                line,
            });
        }
    }
    all
}

fn whole(value: &Value) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && *number >= 0.0)
            .map(|number| number as u64)
    })
}

/// As `validate` reads a line.
pub fn read(line: &[u8]) -> Option<Value> {
    let read = Lines::new(line, usize::MAX).next_line();
    read.expect("memory can be read")?.instance.ok()
}

fn values(side: &Side, topic: &Topic, random: &mut Rng) -> Vec<Value> {
    let mut all = Vec::new();
    let mut number = 0_usize;
    for version in &topic.versions {
        let mut events = Events::new(&side.registry, &side.read, topic, version)
            .expect("the validator takes what was loaded");
        let mut dice = Dice::new(random.u64(..));
        let drawn: Vec<Value> = (0..DRAWN)
            // A version that no event is of has no samples.
            .map_while(|_| events.sample(&mut dice).ok())
            .collect();
        let text = |path: &str| {
            side.documents
                .get(path)
                .map(|document| Value::clone(&document.value))
        };
        let mut rule = text(&side.registry.envelope.path).unwrap_or_default();
        rule["properties"]["data"] = text(&version.path).unwrap_or_default();
        for event in &drawn {
            for step in 0..=CHANGED {
                let mut event = event.clone();
                for _ in 0..step.min(2) {
                    change(&mut event, &rule, &drawn, random);
                }
                number += 1;
                // Every one is an event of its own, so that each must have a row.
                if event.get("id").is_some_and(Value::is_string) {
                    event["id"] = format!("{}-{number}", topic.name).into();
                }
                if let Some(members) = event.as_object_mut() {
                    members.shift_remove("key");
                }
                // Another topic's events are another test's.
                if event.get("type") == Some(&json!(topic.name)) {
                    all.push(event);
                }
            }
        }
    }
    all
}

fn change(event: &mut Value, rule: &Value, donors: &[Value], random: &mut Rng) {
    let (gently, in_payload) = (random.bool(), random.u8(0..4) > 0);
    let mut mutator = Mutator {
        rng: random,
        donors,
    };
    let (value, rule) = match event.get_mut("data") {
        Some(payload) if in_payload => (payload, &rule["properties"]["data"]),
        _ => (event, rule),
    };
    match gently {
        true => mutator.mutate_gently(value, rule),
        false => mutator.mutate(value, rule),
    }
}

/// Who accepts what a writer of this schema emits: nothing that the schema does not declare.
fn writer(mut schema: Value) -> jsonschema::Validator {
    close(&mut schema);
    jsonschema::options()
        .should_validate_formats(false)
        .build(&schema)
        .expect("a schema that was loaded")
}

/// Closes every object that says nothing of other members. What is asked for by name is declared.
fn close(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    for (keyword, value) in members.iter_mut() {
        match (keyword.as_str(), value) {
            (
                "properties" | "$defs" | "definitions" | "patternProperties",
                Value::Object(named),
            ) => {
                named.values_mut().for_each(close);
            }
            ("items" | "prefixItems" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                schemas.iter_mut().for_each(close);
            }
            ("items" | "additionalProperties" | "additionalItems", value) => close(value),
            _ => {}
        }
    }
    let is_open = !members.contains_key("additionalProperties");
    // Rules over several members apply to what is declared beside them.
    let is_object =
        members.contains_key("properties") || members.get("type") == Some(&json!("object"));
    if is_open && is_object {
        let mut demanded = Vec::new();
        demands(&Value::Object(members.clone()), &mut demanded);
        let properties = members.entry("properties").or_insert_with(|| json!({}));
        for name in demanded {
            if properties.get(&name).is_none() {
                properties[&name] = true.into();
            }
        }
        members.insert("additionalProperties".to_owned(), false.into());
    }
}

/// Names that an object's own keywords ask for.
fn demands(schema: &Value, found: &mut Vec<String>) {
    let names = |value: &Value| -> Vec<String> {
        let names = value.as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "required" => found.extend(names(value)),
            "dependentRequired" | "dependencies" => {
                for value in value
                    .as_object()
                    .into_iter()
                    .flat_map(|named| named.values())
                {
                    found.extend(names(value));
                }
            }
            "if" | "then" | "not" => demands(value, found),
            "anyOf" => {
                for value in value.as_array().into_iter().flatten() {
                    demands(value, found);
                }
            }
            _ => {}
        }
    }
}
