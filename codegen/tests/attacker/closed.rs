//! A writer's schema rewritten so that a validator sees what the stream view means: at every place of an object
//! whose schema declares properties, `unevaluatedProperties: false`.
use std::collections::HashSet;

use serde_json::{Map, Value, json};

/// The closed form of a schema of draft 2019-09 or 2020-12 without dynamic references.
pub fn closed(root: &Value) -> Value {
    let Value::Object(members) = root else {
        return root.clone();
    };
    let mut defs = members
        .get("$defs")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let own: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| *name != "$defs")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    defs.insert("root".to_owned(), own.into());
    let mut all = Map::new();
    for (name, schema) in &defs {
        all.insert(name.clone(), open(schema));
        all.insert(format!("{name}-closed"), in_place(schema, &defs));
    }
    let mut whole = place(&json!({"$ref": "#"}), &defs);
    whole["$defs"] = all.into();
    whole
}

fn target(reference: &str) -> &str {
    reference.strip_prefix("#/$defs/").unwrap_or("root")
}

/// Only references move: `#` is a definition now.
fn open(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .map(|(keyword, value)| {
                let value = match (keyword.as_str(), value) {
                    ("$ref", Value::String(text)) => format!("#/$defs/{}", target(text)).into(),
                    ("const" | "enum", value) => value.clone(),
                    (_, value) => open(value),
                };
                (keyword.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(open).collect(),
        other => other.clone(),
    }
}

/// A schema where a value of its own begins.
fn place(schema: &Value, defs: &Map<String, Value>) -> Value {
    let inner = in_place(schema, defs);
    if declares(schema, defs, &mut HashSet::new()) {
        json!({"allOf": [inner], "unevaluatedProperties": false})
    } else {
        inner
    }
}

fn in_place(schema: &Value, defs: &Map<String, Value>) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let list = |value: &Value, close: fn(&Value, &Map<String, Value>) -> Value| -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| close(item, defs)).collect(),
            one => close(one, defs),
        }
    };
    let named = |value: &Value, close: fn(&Value, &Map<String, Value>) -> Value| -> Value {
        let members = value.as_object().into_iter().flatten();
        members
            .map(|(name, schema)| (name.clone(), close(schema, defs)))
            .collect()
    };
    let mut closed = Map::new();
    for (keyword, value) in members {
        let value = match keyword.as_str() {
            "$ref" => {
                let name = target(value.as_str().unwrap_or_default());
                format!("#/$defs/{name}-closed").into()
            }
            "properties" | "patternProperties" => named(value, place),
            "dependentSchemas" => named(value, in_place),
            "additionalProperties"
            | "items"
            | "prefixItems"
            | "additionalItems"
            | "unevaluatedProperties"
            | "unevaluatedItems" => list(value, place),
            "allOf" | "anyOf" | "then" | "else" => list(value, in_place),
            "oneOf" => {
                // One as written, of which what is closed holds.
                let narrowed = json!({"anyOf": list(value, in_place)});
                let extra = closed.entry("allOf").or_insert_with(|| json!([]));
                extra
                    .as_array_mut()
                    .into_iter()
                    .for_each(|extra| extra.push(narrowed.clone()));
                open(value)
            }
            "not" | "if" | "contains" | "propertyNames" => open(value),
            _ => value.clone(),
        };
        match (keyword.as_str(), closed.get_mut(keyword)) {
            ("allOf", Some(Value::Array(extra))) => {
                extra.extend(value.as_array().into_iter().flatten().cloned());
            }
            _ => {
                closed.insert(keyword.clone(), value);
            }
        }
    }
    closed.into()
}

/// Whether a schema, or one on the same value, declares properties.
fn declares(schema: &Value, defs: &Map<String, Value>, seen: &mut HashSet<String>) -> bool {
    let Value::Object(members) = schema else {
        return false;
    };
    if members
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|all| !all.is_empty())
    {
        return true;
    }
    members
        .iter()
        .any(|(keyword, value)| match keyword.as_str() {
            "$ref" => {
                let name = target(value.as_str().unwrap_or_default()).to_owned();
                let known = defs.get(&name).cloned().unwrap_or_default();
                seen.insert(name) && declares(&known, defs, seen)
            }
            "allOf" | "anyOf" | "oneOf" => {
                let mut parts = value.as_array().into_iter().flatten();
                parts.any(|part| declares(part, defs, seen))
            }
            "then" | "else" => members.contains_key("if") && declares(value, defs, seen),
            "dependentSchemas" => {
                let mut parts = value.as_object().into_iter().flatten();
                parts.any(|(_, part)| declares(part, defs, seen))
            }
            _ => false,
        })
}
