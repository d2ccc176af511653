//! Events of the game's registry as a backend sends them, made from the examples in its plan.
use serde_json::{Value, json};

use subject::Registry;
use topicwright_runtime::registry::EventRegistry as _;

/// The registry's plan.
#[must_use]
pub fn plan() -> Value {
    serde_json::from_str(Registry::PROJECT.plan).unwrap()
}

/// An event around a payload; `number` makes it distinct.
#[must_use]
pub fn event(topic: &str, version: u64, payload: &Value, number: usize) -> Value {
    json!({
        "schema_version": version,
        "event_type": topic,
        "event_id": format!("evt_{number}"),
        "user_id": 1 + number % 50,
        "source": {"service": "backend", "host": "api-1"},
        "ts": format!("2026-08-21T12:{:02}:{:02}.{:03}Z", number / 60_000 % 60, number / 1000 % 60, number % 1000),
        "payload": payload,
        "dedupe_key": format!("{topic}:{number}"),
    })
}

/// Every example of every topic and version: topic, version, payload, and for an invalid one the pointer in the
/// payload that it fails at.
#[must_use]
pub fn examples() -> Vec<(String, u64, Value, Option<String>)> {
    let mut found = Vec::new();
    for topic in plan()["topics"].as_array().unwrap() {
        for version in topic["versions"].as_array().unwrap() {
            let name = topic["name"].as_str().unwrap();
            let number = version["version"].as_u64().unwrap();
            for example in version["examples"].as_array().unwrap() {
                found.push((name.to_owned(), number, example["payload"].clone(), None));
            }
            for example in version["invalid"].as_array().unwrap() {
                let pointer = example["pointer"].as_str().unwrap().to_owned();
                found.push((
                    name.to_owned(),
                    number,
                    example["payload"].clone(),
                    Some(pointer),
                ));
            }
        }
    }
    found
}
