//! What the gate tells of generated types from the model alone is what the generated code has.
//!
//! Held against each other over the repository's registries, every fixture of a rule or a keyword, names out of
//! the ordinary, and pairs of collected schemas as two versions of a topic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::path::{Path, PathBuf};

use referencing::Draft;
use serde_json::{Value, json};
use topicwright::emit::rust::surface::{both_ways, both_ways_around};
use topicwright::gate::side::Side;
use topicwright::registry::files::Files;

mod corpus;
mod edited;
mod registry_of;

/// Topics that the model told, and topics whose generated code had to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    plain: usize,
    read: usize,
}

impl Told {
    /// Holds every topic of a registry both ways; a registry that does not load has no types.
    fn hold(&mut self, files: &Files, what: &str) {
        let Ok(side) = Side::load(files) else { return };
        for topic in &side.registry.topics {
            match both_ways(&side.registry, topic) {
                (Some(plain), read) => {
                    let read = read.unwrap_or_else(|| "refused".to_owned());
                    assert!(
                        plain == read,
                        "{what}: {}\n{}",
                        topic.name,
                        difference(&plain, &read)
                    );
                    self.plain += 1;
                }
                (None, _) => self.read += 1,
            }
        }
        let (plain, read) = both_ways_around(&side.registry);
        assert!(plain == read, "{what}\n{}", difference(&plain, &read));
    }
}

/// The first lines that differ, with what is around them.
fn difference(plain: &str, read: &str) -> String {
    let at = plain
        .lines()
        .zip(read.lines())
        .take_while(|(left, right)| left == right)
        .count();
    let part = |text: &str| {
        let lines = text.lines().skip(at.saturating_sub(8)).take(16);
        lines.collect::<Vec<_>>().join("\n")
    };
    format!("told:\n{}\nread:\n{}", part(plain), part(read))
}

fn folders(path: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let entries = std::fs::read_dir(path).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[test]
fn registries_and_changes() {
    let mut told = Told::default();
    let game = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema_registry");
    told.hold(&Files::read(&game).unwrap(), "the repository's registry");
    told.hold(&edited::webshop(), "the web shop");
    // Real registries are what has to be fast.
    assert_eq!(told.read, 0, "{told:?}");
    for rule in folders("tests/fixtures/rules") {
        for case in ["breaking", "safe"] {
            let Ok(text) = std::fs::read_to_string(rule.join(case).join("edit.toml")) else {
                continue;
            };
            let fixture: Value = toml::from_str(&text).unwrap();
            let edits = |side: &str| -> Vec<edited::Edit> {
                let edits = fixture.get(side).cloned();
                serde_json::from_value(edits.unwrap_or_else(|| json!([]))).unwrap()
            };
            let mut files = edited::webshop();
            let what = format!("{} {case}", rule.display());
            edited::apply(&mut files, &edits("before"));
            told.hold(&files, &what);
            edited::apply(&mut files, &edits("edit"));
            told.hold(&files, &what);
        }
    }
    assert!(told.plain > 500 && told.read == 0, "{told:?}");
}

#[test]
fn each_keyword() {
    let mut told = Told::default();
    for folder in folders("tests/fixtures/rust") {
        let schema = std::fs::read_to_string(folder.join("schema.json")).unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let files = registry_of::registry_of(&[schema]);
        told.hold(&files, &folder.display().to_string());
    }
    assert!(told.plain > 25 && told.read < 5, "{told:?}");
}

#[test]
fn names_and_shapes_out_of_the_ordinary() {
    let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
    let text = json!({"type": "string"});
    let list = |texts: &[&str]| json!({"enum": texts});
    let schemas = [
        object(json!({}), json!([])),
        object(
            json!({"a": text, "b": {"type": ["integer", "null"]}}),
            json!([]),
        ),
        object(
            json!({"a": {"type": ["string", "null"]}, "b": list(&["x"])}),
            json!(["a"]),
        ),
        object(
            json!({"type": text, "Self": text, "crate": text, "3d": text, "+1": text, "it's": text, "_": text}),
            json!([]),
        ),
        object(json!({"a-b": text, "a_b": text}), json!([])),
        object(json!({"größe": text}), json!([])),
        object(
            json!({"HTTPStatus": object(json!({"URLs": {"type": "array", "items": text}}), json!([])), "userID": list(&["OK", "not OK"])}),
            json!([]),
        ),
        object(
            json!({"s": list(&["3d", "2d-x", "a.b", "self-made"])}),
            json!(["s"]),
        ),
        object(
            json!({"s": list(&["self"]), "t": list(&["a b", "a_b"]), "u": list(&["", "a"])}),
            json!(["s"]),
        ),
        object(
            json!({"m": {"type": "object", "additionalProperties": list(&["a", "b"])}, "n": {"type": "object"}, "o": {"type": ["object", "null"], "additionalProperties": {"type": "array"}}}),
            json!(["n"]),
        ),
        object(
            json!({"n": {"type": "array", "items": {"type": ["array", "null"], "items": {"type": "number"}}}, "any": true, "i": {"type": "integer", "minimum": 0, "maximum": 9}, "j": {"type": "integer", "minimum": -9, "maximum": 9}}),
            json!(["n"]),
        ),
        json!({"type": "object", "properties": {"next": {"$ref": "#"}, "all": {"type": "array", "items": {"$ref": "#"}}}}),
        json!({"type": "object", "properties": {"t": {"$ref": "#/$defs/tree"}}, "$defs": {"tree": {"type": "object", "properties": {"l": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}}),
        json!({"type": "object", "properties": {"t": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}}, "b": {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/a"}}}}}),
        json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?=x)"}}}),
        json!({"type": "object", "properties": {"a": {"type": "number", "multipleOf": 1e-300}}}),
        json!({"type": "object", "allOf": [{"$ref": "#"}]}),
        json!({"type": "object", "$dynamicAnchor": "x", "properties": {"a": {"$dynamicRef": "#x"}}}),
    ];
    let mut told = Told::default();
    for (index, schema) in schemas.iter().enumerate() {
        told.hold(
            &registry_of::registry_of(std::slice::from_ref(schema)),
            &schema.to_string(),
        );
        // As versions of one topic: every schema after the one before it, and again.
        let before = &schemas[index.saturating_sub(1)];
        for pair in [[before, schema], [schema, before], [schema, schema]] {
            told.hold(&versions(&pair), &format!("{pair:?}"));
        }
    }
    assert!(told.plain > 10 && told.read > 20, "{told:?}");
}

#[test]
fn collected_schemas_as_versions_of_a_topic() {
    let mut told = Told::default();
    for name in corpus::COLLECTIONS {
        let cases = corpus::cases(name);
        for case in cases.iter().step_by(cases.len().div_ceil(60)) {
            let old = payload(&case.writer, case.writer_draft);
            let new = payload(&case.reader, case.reader_draft);
            told.hold(&versions(&[&old, &new]), &case.id);
        }
    }
    assert!(told.plain > 200 && told.read < told.plain / 10, "{told:?}");
}

/// A registry of one topic.
fn versions(schemas: &[&Value]) -> Files {
    let mut files = registry_of::registry_of(&[schemas[0].clone()]);
    for (index, schema) in schemas.iter().enumerate() {
        let path = format!("topics/t0/v{}.json", index + 1);
        files.0.insert(path, schema.to_string());
    }
    files
}

/// The schema of an object as it is, any other as that of a member.
fn payload(schema: &Value, draft: Draft) -> Value {
    let dialect = match draft {
        Draft::Draft4 => "http://json-schema.org/draft-04/schema#",
        Draft::Draft6 => "http://json-schema.org/draft-06/schema#",
        Draft::Draft7 => "http://json-schema.org/draft-07/schema#",
        Draft::Draft201909 => "https://json-schema.org/draft/2019-09/schema",
        _ => "https://json-schema.org/draft/2020-12/schema",
    };
    let mut schema = schema.clone();
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        let id = if draft == Draft::Draft4 { "id" } else { "$id" };
        if let Some(members) = schema.as_object_mut() {
            members.shift_remove("$schema");
            members
                .entry(id)
                .or_insert_with(|| "urn:example:inner".into());
        }
        schema = json!({"type": "object", "properties": {"value": schema}});
    }
    schema["$schema"] = dialect.into();
    schema
}
