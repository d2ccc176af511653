//! What fact columns demand of the fields that fill them, beyond what schemas say: a part of what readers accept.
//!
//! That a value fits its column by type and size is seen to when a registry is loaded (`columns.rs`). That a
//! text is a time nobody can see: `format` is an annotation. So what fills a time column must be an RFC 3339
//! timestamp wherever an event is judged. The gate, `validate`, `sample` and examples go by schemas that say so
//! ([`as_read`]), the generated checks by the same pointers ([`Demands::times`]).
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::document::Documents;
use super::manifest::{ColumnType, FactColumn};
use super::{ColumnMapping, Envelope, Registry};
use crate::model::escape;

/// RFC 3339 timestamps as `topicwright_runtime::row::parse_timestamp` reads them: with the days that a month has,
/// `T`, `t` or a space in between, and a leap second at any minute's end.
pub const TIMESTAMP: &str = "^(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:[.][0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$";

/// What columns demand of the fields of one schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// Pointers from the schema's root to texts that must be times.
    times: BTreeSet<String>,
}

impl Demands {
    /// Of a version's payload. A condition of a mapping (`when`) changes nothing: what is a time is always one.
    #[must_use]
    pub fn of_payload(columns: &[ColumnMapping], fact: &[FactColumn], payload: &str) -> Self {
        let prefix = format!("/{}", escape(payload));
        let inside = |pointer: &str| {
            let rest = pointer.strip_prefix(&prefix)?;
            rest.starts_with('/').then(|| rest.to_owned())
        };
        Self {
            times: filling_times(columns, fact).filter_map(inside).collect(),
        }
    }

    /// Of the envelope: the event's time, and what its members fill.
    #[must_use]
    pub fn of_envelope(envelope: &Envelope, fact: &[FactColumn]) -> Self {
        let time = format!("/{}", escape(&envelope.fields.timestamp));
        Self {
            times: filling_times(&envelope.columns, fact)
                .map(str::to_owned)
                .chain([time])
                .collect(),
        }
    }

    /// The envelope's member that a topic's own mapping takes for a time though nothing that is demanded of the
    /// envelope says so.
    #[must_use]
    pub fn lacks<'m>(
        &self,
        mapping: &'m ColumnMapping,
        fact: &[FactColumn],
        envelope: &Envelope,
    ) -> Option<&'m str> {
        let payload = format!("/{}/", escape(&envelope.fields.payload));
        let mut filling = filling_times(std::slice::from_ref(mapping), fact);
        filling.find(|pointer| !pointer.starts_with(&payload) && !self.times.contains(*pointer))
    }

    /// Pointers from the schema's root to texts that must be times, sorted.
    pub fn times(&self) -> impl Iterator<Item = &str> {
        self.times.iter().map(String::as_str)
    }

    /// Whether nothing is demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The schema with what is demanded said in it.
    fn said_in(&self, schema: &Value) -> Value {
        let Value::Object(members) = schema else {
            return schema.clone();
        };
        let mut members = members.clone();
        let mut demand = Value::Object(Map::new());
        for pointer in &self.times {
            let names: Vec<String> = pointer
                .split('/')
                .skip(1)
                .map(crate::model::unescape)
                .collect();
            put(&mut demand, &names);
        }
        let ignores_others = members
            .get("$schema")
            .and_then(Value::as_str)
            .is_some_and(|draft| draft.contains("draft-0"));
        let reference = members.get("$ref").cloned().filter(|_| ignores_others);
        if let Some(reference) = reference {
            // What stands beside a reference says nothing before 2019-09, so nothing may say more now.
            members.retain(|name, _| {
                matches!(
                    name.as_str(),
                    "$schema" | "$id" | "id" | "$defs" | "definitions"
                )
            });
            members.insert("allOf".to_owned(), json!([{"$ref": reference}]));
        }
        let all_of = members
            .entry("allOf")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(parts) = all_of {
            parts.push(demand);
        }
        Value::Object(members)
    }

    /// A registry's texts where the schema at `path` says what is demanded.
    #[must_use]
    pub fn said(&self, documents: &Documents, path: &str) -> Documents {
        let mut documents = documents.clone();
        self.say(&mut documents, path);
        documents
    }

    fn say(&self, documents: &mut Documents, path: &str) {
        if self.is_empty() {
            return;
        }
        if let Some(document) = documents.get(path) {
            let said = document.with_value(self.said_in(&document.value));
            documents.insert(path.to_owned(), Arc::new(said));
        }
    }
}

/// A registry's texts as its readers take them: schemas say what columns demand too. Places and texts stay as they
/// are written, and a schema of which nothing is demanded is shared.
#[must_use]
pub fn as_read(registry: &Registry, documents: &Documents) -> Documents {
    let mut read = documents.clone();
    let Envelope { demands, path, .. } = &registry.envelope;
    demands.say(&mut read, path);
    for version in registry.topics.iter().flat_map(|topic| &topic.versions) {
        version.demands.say(&mut read, &version.path);
    }
    read
}

/// Where a demand is about what the schema declares, for a pointer to its pattern; `None` for other pointers.
#[must_use]
pub fn declared(schema: &Value, pointer: &str) -> Option<String> {
    let is_demand = schema.pointer(pointer).and_then(Value::as_str) == Some(TIMESTAMP);
    let (_, inside) = pointer.strip_prefix("/allOf/")?.split_once('/')?;
    let inside = inside.strip_suffix("/pattern")?;
    is_demand.then(|| format!("/{inside}"))
}

/// A validator's reason, without the pattern that nobody wrote.
#[must_use]
pub fn in_words(reason: &str) -> String {
    if !reason.contains(TIMESTAMP) {
        return reason.to_owned();
    }
    let said = "is no RFC 3339 timestamp, as its DateTime64(3) column demands";
    match reason.split_once(" does not match ") {
        Some((value, _)) => format!("{value} {said}"),
        None => format!("a text {said}"),
    }
}

/// Pointers into the event of what fills time columns.
fn filling_times<'c, 'f>(
    columns: &'c [ColumnMapping],
    fact: &'f [FactColumn],
) -> impl Iterator<Item = &'c str> + use<'c, 'f> {
    let is_time = move |name: &str| {
        let mut named = fact.iter().filter(|column| column.name == name);
        named.any(|column| column.kind == ColumnType::DateTime64)
    };
    columns
        .iter()
        .filter(move |mapping| is_time(&mapping.column))
        .map(|mapping| mapping.source.from.as_str())
}

/// Says in `schema` that the text behind `names` is a time. Inner objects are left open in so many words, since a
/// writer of the registry is taken to write no members but those that are declared in one place.
fn put(schema: &mut Value, names: &[String]) {
    let Some((first, rest)) = names.split_first() else {
        return;
    };
    let Value::Object(members) = schema else {
        return;
    };
    let properties = members
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(properties) = properties else {
        return;
    };
    let inner = properties.entry(first.as_str()).or_insert_with(|| {
        if rest.is_empty() {
            json!({"pattern": TIMESTAMP})
        } else {
            json!({"additionalProperties": true})
        }
    });
    put(inner, rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demands(times: &[&str]) -> Demands {
        Demands {
            times: times.iter().map(|time| (*time).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_demanded_is_said_beside_the_schema() {
        let schema = json!({"type": "object", "allOf": [true]});
        assert_eq!(
            demands(&["/a~1b", "/c/d"]).said_in(&schema),
            json!({"type": "object", "allOf": [true, {"properties": {
                "a/b": {"pattern": TIMESTAMP},
                "c": {"additionalProperties": true, "properties": {"d": {"pattern": TIMESTAMP}}}
            }}]})
        );
    }

    #[test]
    fn a_reference_of_an_old_draft_stays_alone() {
        let draft = "http://json-schema.org/draft-07/schema#";
        let schema = json!({"$schema": draft, "$ref": "#/definitions/x", "minProperties": 9, "definitions": {"x": true}});
        assert_eq!(
            demands(&["/a"]).said_in(&schema),
            json!({"$schema": draft, "definitions": {"x": true}, "allOf": [
                {"$ref": "#/definitions/x"},
                {"properties": {"a": {"pattern": TIMESTAMP}}}
            ]})
        );
    }

    #[test]
    fn the_place_of_a_demand_is_the_field() {
        let said = demands(&["/a/b"]).said_in(&json!({"allOf": [{"pattern": "x"}]}));
        let place = "/allOf/1/properties/a/properties/b/pattern";
        assert_eq!(
            declared(&said, place).unwrap(),
            "/properties/a/properties/b"
        );
        assert_eq!(declared(&said, "/allOf/0/pattern"), None);
    }

    #[test]
    fn timestamps_are_those_of_rfc_3339() {
        let source = jsonschema_regex::to_rust_regex(TIMESTAMP).unwrap();
        let pattern = regex::Regex::new(&source).unwrap();
        // The runtime reads the same list.
        let list = include_str!("../../tests/fixtures/timestamps.txt");
        for line in list.lines() {
            let (is_one, text) = line.split_once(' ').unwrap();
            assert_eq!(pattern.is_match(text), is_one == "yes", "{text}");
        }
        assert!(!pattern.is_match("2026-01-31T12:00:00Z\n"));
    }
}
