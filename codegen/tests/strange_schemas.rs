//! Schemas and manifests of strangers that once made a crate that does not compile, a table that is refused, or words
//! that do not help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use serde_json::{Value, json};
use topicwright::finding::Finding;
use topicwright::gate::side::Side;
use topicwright::registry::files::Files;
use topicwright::sample::{Dice, Events};
use topicwright::validate::{Envelopes, Schema, Unnamed};

mod registry_of;

use registry_of::registry_of;

fn payload(properties: Value) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "P",
        "description": "A payload.",
        "type": "object",
        "properties": properties
    })
}

fn code(files: &Files, path: &str) -> String {
    let (emitted, _) =
        topicwright::emit_files(files).unwrap_or_else(|findings| panic!("{}", listed(&findings)));
    let file = emitted.iter().find(|file| file.path == path);
    file.unwrap_or_else(|| panic!("{path}")).contents.clone()
}

fn refused(files: &Files) -> Vec<Finding> {
    topicwright::emit_files(files).unwrap_err()
}

fn listed(findings: &[Finding]) -> String {
    let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

/// The names of a file's modules, read as Rust.
fn modules(code: &str) -> Vec<String> {
    let file = syn::parse_file(code).unwrap_or_else(|error| panic!("{error}\n{code}"));
    let modules = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

#[test]
fn a_description_may_have_the_words_of_code() {
    let mut files = registry_of(&[payload(json!({"a": {"type": "string"}}))]);
    let manifest = files.0.get_mut("topics/t0/topic.toml").unwrap();
    *manifest = manifest.replace(
        "Something happened.",
        "Let the game pause for a while, or use x; pub mod y;",
    );
    let module = code(&files, "generated/src/topics/t0/mod.rs");
    assert_eq!(modules(&module), ["v1"], "{module}");
    assert!(
        module.contains("//! Topic `t0`: Let the game pause for a while, or use x; pub mod y;\n")
    );
    let all = code(&files, "generated/src/topics/mod.rs");
    assert_eq!(modules(&all), ["t0"], "{all}");
}

/// Rust runs examples in documentation as tests; descriptions are no examples.
#[test]
fn descriptions_are_nothing_to_run() {
    let files = registry_of(&[payload(json!({
        "a": {"type": "string", "description": "```\nstd::fs::write(\"a\", \"b\").unwrap();\n```"}
    }))]);
    let manifest: toml::Value = toml::from_str(&code(&files, "generated/Cargo.toml")).unwrap();
    assert_eq!(manifest["lib"]["doctest"].as_bool(), Some(false));
}

#[test]
fn a_version_that_is_a_map_takes_no_fields_over() {
    let fields = payload(json!({"a": {"type": "string"}}));
    let map = payload(json!({}));
    for (old, new, why) in [
        (
            &fields,
            &map,
            "version 2 declares no members, and those of version 1 would be lost",
        ),
        (
            &map,
            &fields,
            "version 1 declares no members, and what its map holds would be lost",
        ),
    ] {
        let mut files = registry_of(std::slice::from_ref(old));
        files
            .0
            .insert("topics/t0/v2.json".to_owned(), new.to_string());
        let version = code(&files, "generated/src/topics/t0/v2.rs");
        assert!(
            version.contains(&format!("//! No conversion from version 1: {why}.")),
            "{version}"
        );
        assert!(!version.contains("impl From<super::v1::"), "{version}");
    }
    let mut files = registry_of(std::slice::from_ref(&map));
    files
        .0
        .insert("topics/t0/v2.json".to_owned(), map.to_string());
    let version = code(&files, "generated/src/topics/t0/v2.rs");
    assert!(version.contains("Self(old.0)"), "{version}");
}

#[test]
fn a_column_has_a_thousand_typed_paths_at_most() {
    let fields = |count: usize| {
        let fields = (0..count).map(|number| (format!("f{number}"), json!({"type": "string"})));
        registry_of(&[payload(Value::Object(fields.collect()))])
    };
    assert!(topicwright::emit_files(&fields(1000)).is_ok());
    let files = fields(1001);
    let findings = refused(&files);
    let text = listed(&findings);
    assert_eq!(findings.len(), 1, "{text}");
    assert_eq!(
        (findings[0].rule, findings[0].file.as_str()),
        ("invalid-setting", "registry.toml")
    );
    assert!(text.contains("declare 1001 scalar fields"), "{text}");
    let mut files = files;
    let manifest = files.0.get_mut("registry.toml").unwrap();
    *manifest = manifest.replace("[clickhouse]", "[clickhouse]\npayload = \"string\"");
    assert!(topicwright::emit_files(&files).is_ok());
}

/// Older drafts have it as a rule, and neither the gate nor the pipeline knows one.
#[test]
fn what_content_is_encoded_as_is_an_annotation() {
    let mut schema = payload(json!({
        "a": {"type": "string", "contentEncoding": "base64", "contentMediaType": "application/json"}
    }));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    let side = Side::load(&registry_of(&[schema])).unwrap();
    let schema = Schema::new(&side.read, "topics/t0/v1.json").unwrap();
    assert!(schema.accepts(&json!({"a": "not base64!"})));
}

#[test]
fn a_version_is_a_whole_number() {
    let mut files = registry_of(&[payload(json!({"a": {"type": "string"}}))]);
    let envelope = files.0.get_mut("envelope/v1.json").unwrap();
    *envelope = envelope
        .replace(
            r#""type": "integer", "minimum": 1, "maximum": 65535, "x-role""#,
            r#""type": "string", "x-role""#,
        )
        .replace(
            r#""type": "string", "minLength": 1, "x-role": "dedupe-key""#,
            r#""type": "integer", "x-role": "dedupe-key""#,
        );
    let text = listed(&refused(&files));
    assert!(
        text.contains("/properties/v: the schema-version must be of type integer"),
        "{text}"
    );
    assert!(
        text.contains("/properties/key: the dedupe-key must be of type string"),
        "{text}"
    );
    // What is a number and no version is none, as for the pipeline.
    let mut files = registry_of(&[payload(json!({"a": {"type": "string"}}))]);
    let envelope = files.0.get_mut("envelope/v1.json").unwrap();
    *envelope = envelope.replace(r#""minimum": 1, "maximum": 65535, "#, "");
    let side = Side::load(&files).unwrap();
    let topic = side.topic("t0").unwrap();
    let events = Envelopes::new(&side.registry, &side.read, topic, Unnamed::First).unwrap();
    let of = |version: Value| {
        let event = json!({"type": "t0", "v": version, "id": "1", "actor": "x", "at": "2026-01-01T00:00:00Z", "data": {"a": 1}});
        let refusals = events.refusals(&event);
        refusals
            .into_iter()
            .map(|refusal| refusal.reason)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(json!(-1)), ["version 0 is not known; the newest is 1"]);
    assert_eq!(of(json!(1)).len(), 1);
}

/// A closed envelope gets no member that it does not have.
#[test]
fn a_closed_envelope_stays_closed() {
    let mut files = registry_of(&[payload(json!({"a": {"type": "string"}}))]);
    files.0.insert(
        "envelope/v1.json".to_owned(),
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "E", "description": "e", "type": "object",
            "required": ["type", "id", "actor", "at", "data"],
            "additionalProperties": false,
            "properties": {
                "type": {"type": "string", "x-role": "event-type"},
                "id": {"type": "string"},
                "actor": {"type": "string"},
                "at": {"type": "string", "format": "date-time", "x-role": "timestamp"},
                "data": {"type": "object", "x-role": "payload"}
            }
        })
        .to_string(),
    );
    let side = Side::load(&files).unwrap();
    let topic = side.topic("t0").unwrap();
    let mut events = Events::new(&side.registry, &side.read, topic, &topic.versions[0]).unwrap();
    let judge = Envelopes::new(&side.registry, &side.read, topic, Unnamed::First).unwrap();
    let mut dice = Dice::new(1);
    for _ in 0..20 {
        let event = events.sample(&mut dice).unwrap();
        assert_eq!(judge.refusals(&event), [], "{event}");
    }
    // A producer fills in what has a name.
    let registry = code(&files, "generated/src/registry.rs");
    for role in ["schema_version", "event_id", "dedupe_key"] {
        assert!(registry.contains(&format!("{role}: \"\",")), "{registry}");
    }
}

#[test]
fn names_that_clash_in_rust_are_told_each_with_its_place() {
    let string = json!({"type": "string"});
    let files = registry_of(&[payload(json!({
        "id": string, "_id": string, "next": string, "Next": string,
        "inner": {"type": "object", "properties": {"user-id": string, "user_id": string}},
        "상태": string, "이름": string
    }))]);
    let findings = refused(&files);
    let told: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| (finding.pointer.as_str(), finding.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "/properties/_id",
                "the members `id` and `_id` would both be the field `id` in Rust"
            ),
            (
                "/properties/Next",
                "the members `next` and `Next` would both be the field `next` in Rust"
            ),
            (
                "/properties/inner/properties/user_id",
                "the members `user-id` and `user_id` would both be the field `user_id` in Rust"
            ),
        ],
        "{}",
        listed(&findings)
    );
    assert!(findings.iter().all(|finding| finding.position.line > 1));
    assert!(
        findings[0]
            .fix
            .as_ref()
            .unwrap()
            .contains(r#"{"^_id$": …}"#)
    );
}

#[test]
fn a_pattern_that_is_too_large_is_told_as_that() {
    let files = registry_of(&[payload(json!({
        "c": {"type": "string", "pattern": "^[a-z]{0,100000}$"},
        "d": {"type": "string", "pattern": "(a)\\1"}
    }))]);
    let findings = refused(&files);
    let of = |pointer: &str| {
        let mut at = findings.iter().filter(|finding| finding.pointer == pointer);
        at.next().unwrap_or_else(|| panic!("{}", listed(&findings)))
    };
    let large = of("/properties/c/pattern");
    assert!(large.message.contains("is too large"), "{large}");
    assert!(
        large.fix.as_ref().unwrap().contains("`maxLength`"),
        "{large}"
    );
    let back = of("/properties/d/pattern");
    assert!(back.message.contains("no linear-time form"), "{back}");
}

/// The shortest spelling of a double is another number than the double: both are told.
#[test]
fn a_number_that_would_be_rounded_is_told_from_what_it_would_be() {
    let schema = payload(json!({"a": {"type": "number", "maximum": 0}})).to_string();
    let of = |bound: &str| {
        let mut files = registry_of(&[payload(json!({}))]);
        let text = schema.replace("\"maximum\":0", &format!("\"maximum\":{bound}"));
        files.0.insert("topics/t0/v1.json".to_owned(), text);
        files
    };
    let (written, read) = ("9007199254740993.0", "9007199254740992");
    let told = listed(&refused(&of(written)));
    assert!(
        told.contains(&format!("the number {written} would be read as {read}:")),
        "{told}"
    );
    assert!(
        told.contains(&format!("write {read}, if that is meant")),
        "{told}"
    );
    // The shortest spelling of a double is how most programs print it, and means the double.
    for bound in [
        read,
        "9.223372036854776e+18",
        "-9.223372036854776e+18",
        "9223372036854775808",
        "18446744073709551616",
    ] {
        assert!(topicwright::emit_files(&of(bound)).is_ok(), "{bound}");
    }
}

#[test]
fn a_topic_may_be_called_like_the_runtime() {
    let mut files = registry_of(&[payload(json!({"a": {"type": "string"}}))]);
    for file in ["topic.toml", "v1.json"] {
        let text = files.0.remove(&format!("topics/t0/{file}")).unwrap();
        files
            .0
            .insert(format!("topics/topicwright.runtime/{file}"), text);
    }
    let all = code(&files, "generated/src/topics/mod.rs");
    assert_eq!(modules(&all), ["r_topicwright_runtime"], "{all}");
}

/// Absent and null are two events; a required member that may be null needs no more than `Option`.
#[test]
fn null_has_a_place_beside_absence() {
    let mut files = registry_of(&[payload(json!({
        "text": {"type": ["string", "null"]},
        "list": {"type": ["array", "null"], "items": {"type": "string"}},
        "any": {},
        "plain": {"type": "string"}
    }))]);
    let mut newer = payload(json!({
        "text": {"type": ["string", "null"]},
        "list": {"type": ["array", "null"], "items": {"type": "string"}},
        "any": {},
        "plain": {"type": ["string", "null"]}
    }));
    files
        .0
        .insert("topics/t0/v2.json".to_owned(), newer.to_string());
    newer["required"] = json!(["text", "list", "any", "plain"]);
    files
        .0
        .insert("topics/t0/v3.json".to_owned(), newer.to_string());
    let v1 = code(&files, "generated/src/topics/t0/v1.rs");
    for field in [
        "pub text: Option<Option<String>>,",
        "pub list: Option<Option<Vec<String>>>,",
        "pub any: Option<serde_json::Value>,",
        "pub plain: Option<String>,",
    ] {
        assert!(v1.contains(field), "{field}\n{v1}");
    }
    assert_eq!(
        v1.matches("topicwright_runtime::json::present").count(),
        3,
        "{v1}"
    );
    let v2 = code(&files, "generated/src/topics/t0/v2.rs");
    assert!(v2.contains("plain: old.plain.map(Some)"), "{v2}");
    assert!(v2.contains("text: old.text"), "{v2}");
    let v3 = code(&files, "generated/src/topics/t0/v3.rs");
    assert!(v3.contains("pub text: Option<String>,"), "{v3}");
    assert!(!v3.contains("json::present"), "{v3}");
}
