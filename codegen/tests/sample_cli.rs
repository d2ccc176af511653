//! `topicwright sample`: valid by a validator of the test's own, the same for the same seed, and honest where there
//! is nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod program;
mod registry_of;

use std::collections::BTreeSet;
use std::path::Path;

use program::{WEBSHOP, run};
use registry_of::registry_of;
use serde_json::{Value, json};
use topicwright::registry::files::Files;
use topicwright::registry::load::{load, uri};

/// Held against a file.
fn golden(name: &str, text: &str) {
    program::golden(|| insta::assert_snapshot!(name, text));
}

const GAME: &str = "../schema_registry";

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A validator of a registry's file, made from the texts alone.
fn validator(files: &Files, path: &str) -> jsonschema::Validator {
    let mut registry = jsonschema::Registry::new();
    for (other, text) in files.0.iter().filter(|(path, _)| path.ends_with(".json")) {
        let value: Value = serde_json::from_str(text).unwrap();
        registry = registry.add(uri(other), value).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let schema: Value = serde_json::from_str(&files.0[path]).unwrap();
    jsonschema::options()
        .with_registry(&registry)
        .with_base_uri(uri(path))
        .build(&schema)
        .unwrap()
}

#[test]
fn every_version_of_both_registries() {
    for folder in [GAME, WEBSHOP] {
        let files = Files::read(Path::new(folder)).unwrap();
        let registry = load(&files).registry.unwrap();
        let envelope = validator(&files, &registry.envelope.path);
        let fields = &registry.envelope.fields;
        for topic in &registry.topics {
            for version in &topic.versions {
                let name = format!("{}@{}", topic.name, version.number);
                let judge = validator(&files, &version.path);
                let (code, stdout, stderr) = run(folder, &["sample", &name, "-n", "60"], b"");
                assert_eq!((code, stderr.as_str()), (0, ""), "{name}");
                let payloads = lines(&stdout);
                assert_eq!(payloads.len(), 60, "{name}");
                assert!(
                    payloads.iter().all(|payload| judge.is_valid(payload)),
                    "{name}"
                );
                let distinct: BTreeSet<&str> = stdout.lines().collect();
                assert!(distinct.len() > 30, "{name}: {}", distinct.len());
                for (member, property) in version.model.properties(&[version.model.root]) {
                    let count = payloads
                        .iter()
                        .filter(|payload| payload.get(&member).is_some())
                        .count();
                    assert!(count > 0, "{name} never has {member}");
                    assert_eq!(property.required, count == 60, "{name}: {member} {count}");
                }
                let arguments = ["sample", &name, "-n", "30", "--envelope"];
                let (code, stdout, stderr) = run(folder, &arguments, b"");
                assert_eq!((code, stderr.as_str()), (0, ""), "{name}");
                for event in lines(&stdout) {
                    assert!(envelope.is_valid(&event), "{event}");
                    assert!(judge.is_valid(&event[&fields.payload]), "{event}");
                    assert_eq!(event[&fields.event_type], topic.name.as_str());
                    assert_eq!(event[&fields.schema_version], version.number);
                }
                let arguments = ["validate", &name, "-", "--envelope"];
                let (code, stdout, _) = run(folder, &arguments, stdout.as_bytes());
                assert_eq!((code, stdout.as_str()), (0, ""), "{name}");
            }
        }
    }
}

#[test]
fn a_seed_is_a_stream() {
    let of = |arguments: &[&str]| {
        let arguments = [&["sample", "order.placed"], arguments].concat();
        let (code, stdout, stderr) = run(WEBSHOP, &arguments, b"");
        assert_eq!((code, stderr.as_str()), (0, ""));
        stdout
    };
    let first = of(&["--seed", "1"]);
    assert_eq!(first, of(&[]), "seed 1 is what is meant without a seed");
    assert_eq!(first.lines().count(), 5);
    assert_ne!(first, of(&["--seed", "2"]));
    assert!(
        of(&["-n", "8"]).starts_with(&first),
        "more go on where fewer end"
    );
    assert_eq!(of(&["-n", "0"]), "");
    // Kept as they are, so that another machine or another build is seen to differ.
    golden("payloads", &first);
    let page = std::fs::read_to_string("../docs/validate.md").unwrap();
    let shown: Vec<&str> = first.lines().take(2).collect();
    assert!(
        page.contains(&shown.join("\n")),
        "docs/validate.md shows what is printed:\n{first}"
    );
    golden("events", &of(&["--envelope", "-n", "3"]));
    let pretty = of(&["-n", "1", "--pretty"]);
    assert!(pretty.starts_with("{\n  \"order_id\": "), "{pretty}");
    let compact: Value = serde_json::from_str(&pretty).unwrap();
    assert_eq!(compact.to_string(), first.lines().next().unwrap());
}

/// A registry on disk around schemas, their topics `t0`, `t1`…
fn on_disk(schemas: &[Value]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in registry_of(schemas).0 {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn payload(of: &Value) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "A payload.",
        "type": "object",
        "required": ["value"],
        "properties": {"value": of},
    })
}

#[test]
fn schemas_that_draws_do_not_satisfy() {
    let schemas = [
        // One value in a million.
        json!({"type": "integer", "minimum": 1, "maximum": 10_000_000, "not": {"not": {"multipleOf": 9_999_991}}}),
        // None at all.
        json!({"type": "string", "not": {"minLength": 0}}),
        // A list that has to hold itself.
        json!({"type": "array", "minItems": 1, "items": {"$ref": "#/properties/value"}}),
        // Nobody here writes such a text.
        json!({"type": "string", "pattern": "^(?=(a|b){40}$)(?!a)(?!b{5})(.)(?!\\1).*(\\1)bbbbbbbab$"}),
    ];
    let schemas: Vec<Value> = schemas.iter().map(payload).collect();
    let folder = on_disk(&schemas);
    let of = |name: &str| run(folder.path().to_str().unwrap(), &["sample", name], b"");
    let (code, stdout, stderr) = of("t0");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        lines(&stdout).iter().all(|it| it["value"] == 9_999_991),
        "{stdout}"
    );
    for name in ["t1", "t2"] {
        let (code, stdout, stderr) = of(name);
        assert_eq!((code, stdout.as_str()), (100, ""));
        assert_eq!(
            stderr,
            format!("error: {name}: no value is valid: the schema contradicts itself (proved)\n")
        );
    }
    let (code, stdout, stderr) = of("t3");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.starts_with("error: t3: no valid value was found: ") && stderr.contains("pattern"),
        "{stderr}"
    );
}

#[test]
fn values_look_like_their_names_and_formats() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "A payload.",
        "type": "object",
        "required": ["contact_email", "country", "createdAt", "visit", "price", "code", "next", "scores"],
        "properties": {
            "contact_email": {"type": "string"},
            "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "createdAt": {"type": "string", "format": "date-time"},
            "visit": {"type": "string", "format": "uuid"},
            "price": {"type": "number", "minimum": 1, "exclusiveMaximum": 2, "multipleOf": 0.05},
            "code": {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
            "next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
            "scores": {
                "type": "object",
                "minProperties": 2,
                "maxProperties": 4,
                "propertyNames": {"pattern": "^p\\d+$"},
                "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 10}
            }
        }
    });
    let folder = on_disk(&[schema]);
    let arguments = ["sample", "t0", "-n", "50"];
    let (code, stdout, stderr) = run(folder.path().to_str().unwrap(), &arguments, b"");
    assert_eq!((code, stderr.as_str()), (0, ""));
    for sample in lines(&stdout) {
        let text = |name: &str| sample[name].as_str().unwrap().to_owned();
        assert!(text("contact_email").ends_with("@example.com"), "{sample}");
        assert!(["DE", "FR", "US", "JP", "BR"].contains(&text("country").as_str()));
        assert!(text("createdAt").starts_with("2026-01-"), "{sample}");
        assert_eq!(text("visit").len(), 36);
        assert!(sample["price"].to_string().len() <= 4, "{sample}");
    }
}
