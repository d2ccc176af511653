//! A writer's schema rewritten so that a validator sees what the stream view means: at every place of an object
//! whose schema declares properties, `unevaluatedProperties: false`.
use std::collections::{BTreeSet, HashSet};

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
    let mut said = Said::default();
    said.read(schema, defs);
    let names = said.declared.union(&said.demanded).count() as u64;
    if said.declared.is_empty() || (said.least > names && !said.is_open_ended) {
        return inner;
    }
    let demanded: Map<String, Value> = said
        .demanded
        .difference(&said.declared)
        .map(|name| (name.clone(), true.into()))
        .collect();
    json!({"allOf": [inner], "properties": demanded, "unevaluatedProperties": false})
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

/// What a schema, or one on the same value, says about members.
#[derive(Default)]
struct Said {
    declared: BTreeSet<String>,
    /// Asked for, declared or not.
    demanded: BTreeSet<String>,
    /// `minProperties`.
    least: u64,
    /// Whether more members than the named ones may be declared.
    is_open_ended: bool,
    seen: HashSet<String>,
}

impl Said {
    fn read(&mut self, schema: &Value, defs: &Map<String, Value>) {
        let Value::Object(members) = schema else {
            return;
        };
        let texts = |value: &Value| -> Vec<String> {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        for (keyword, value) in members {
            let named = value.as_object().into_iter().flatten();
            match keyword.as_str() {
                "properties" => self.declared.extend(named.map(|(name, _)| name.clone())),
                "patternProperties" => self.is_open_ended |= named.count() > 0,
                "additionalProperties" => self.is_open_ended = true,
                "required" => self.demanded.extend(texts(value)),
                "dependentRequired" => {
                    self.demanded
                        .extend(named.flat_map(|(_, list)| texts(list)));
                }
                "propertyNames" => {
                    let values = value["enum"].as_array().into_iter().flatten();
                    let values = values.chain(value.get("const"));
                    self.demanded
                        .extend(values.filter_map(Value::as_str).map(str::to_owned));
                }
                "const" => self.demanded.extend(named.map(|(name, _)| name.clone())),
                "enum" => {
                    let values = value.as_array().into_iter().flatten();
                    let members = values.filter_map(Value::as_object).flatten();
                    self.demanded.extend(members.map(|(name, _)| name.clone()));
                }
                "minProperties" => {
                    let least = value.as_f64().unwrap_or_default();
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                    let least = least as u64;
                    self.least = self.least.max(least);
                }
                "$ref" => {
                    let name = target(value.as_str().unwrap_or_default()).to_owned();
                    let known = defs.get(&name).cloned().unwrap_or_default();
                    if self.seen.insert(name) {
                        self.read(&known, defs);
                    }
                }
                "allOf" | "anyOf" | "oneOf" => {
                    let parts = value.as_array().into_iter().flatten();
                    parts.for_each(|part| self.read(part, defs));
                }
                "then" | "else" if members.contains_key("if") => self.read(value, defs),
                "dependentSchemas" => named.for_each(|(_, part)| self.read(part, defs)),
                _ => {}
            }
        }
    }
}
