//! Types that a version takes over from the one before.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::structure::{Structure, UNBOUNDED_INTEGER};

/// Names whose whole structure, descriptions aside, is the same in both.
pub(super) fn shared_names(structure: &Structure, before: &Structure) -> Vec<String> {
    let mut shared: Vec<(&String, &Value)> = structure
        .definitions
        .iter()
        .filter(|(name, schema)| {
            **name != structure.root
                && *name != UNBOUNDED_INTEGER
                && **name != before.root
                && same(&before.definitions, name, schema)
        })
        .collect();
    // A type is the same only where all it refers to is.
    loop {
        let known: Vec<&String> = shared.iter().map(|(name, _)| *name).collect();
        shared.retain(|(_, schema)| {
            let mut targets = Vec::new();
            references(schema, &mut targets);
            targets.iter().all(|target| {
                *target == UNBOUNDED_INTEGER || known.iter().any(|name| name == target)
            })
        });
        if shared.len() == known.len() {
            return known.into_iter().cloned().collect();
        }
    }
}

fn same(before: &BTreeMap<String, Value>, name: &str, schema: &Value) -> bool {
    before
        .get(name)
        .is_some_and(|old| described_apart(old, schema))
}

/// Whether two structures are the same but for what describes them.
fn described_apart(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let count = |members: &Map<String, Value>| {
                members
                    .iter()
                    .filter(|(name, value)| !describes(name, value))
                    .count()
            };
            count(left) == count(right)
                && left
                    .iter()
                    .filter(|(name, value)| !describes(name, value))
                    .all(|(name, value)| {
                        right.get(name).is_some_and(|other| {
                            !describes(name, other) && described_apart(value, other)
                        })
                    })
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| described_apart(left, right))
        }
        (left, right) => left == right,
    }
}

/// A member that is called `description` has a schema; a description is a text.
fn describes(name: &str, value: &Value) -> bool {
    name == "description" && value.is_string()
}

fn references<'s>(schema: &'s Value, targets: &mut Vec<&'s str>) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value
                    .as_str()
                    .and_then(|target| target.strip_prefix("#/definitions/"))
                {
                    Some(target) if name == "$ref" => targets.push(target),
                    _ => references(value, targets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, targets)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
