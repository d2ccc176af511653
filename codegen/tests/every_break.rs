//! Each place that breaks a reader is a finding of its own, so that accepting one accepts no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeSet;

use referencing::Draft;
use serde_json::{Value, json};
use topicwright::compat::{Prover, Source, Verdict, View};
use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::gate::{self, Outcome};
use topicwright::registry::files::Files;

#[allow(dead_code, reason = "edits here are of texts in the tests")]
mod edited;

const V2: &str = "topics/order.placed/v2.json";
const V3: &str = "topics/order.placed/v3.json";

fn replaced(files: &mut Files, file: &str, edits: &[(&str, &str)]) {
    let text = files.0.get_mut(file).unwrap_or_else(|| panic!("{file}"));
    for (old, new) in edits {
        assert!(text.contains(old), "{file} has no {old}");
        *text = text.replacen(old, new, 1);
    }
}

/// The web shop with a third version of its orders.
fn third(edits: &[(&str, &str)]) -> Files {
    let mut files = edited::webshop();
    let text = files.0[V2].clone();
    files.0.insert(V3.to_owned(), text);
    replaced(&mut files, V3, edits);
    files
}

fn checked(old: &Files, new: &Files) -> Outcome {
    let [old, new] = [old, new].map(|files| Side::load(files).unwrap());
    gate::check(Some(&old), &new, Day::read("2026-11-24").unwrap())
}

fn places(outcome: &Outcome, rule: &str) -> BTreeSet<String> {
    let found = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == rule);
    found
        .map(|finding| format!("{}#{}", finding.file, finding.pointer))
        .collect()
}

fn waiver(rule: &str, pointer: &str, version: Option<u32>) -> String {
    let version = version.map_or_else(String::new, |version| format!("version = {version}\n"));
    format!(
        "[[waivers]]\nrule = \"{rule}\"\ntopic = \"order.placed\"\npointer = \"{pointer}\"\n{version}\
         reason = \"r\"\napprover = \"a\"\nexpires = \"2027-01-31\"\n"
    )
}

/// Narrower in two places and with one more required member.
const NARROWER: &[(&str, &str)] = &[
    ("\"maxLength\": 20", "\"maxLength\": 10"),
    ("\"maxItems\": 100", "\"maxItems\": 50"),
    (
        "\"country\"\n  ]",
        "\"country\",\n    \"promised_at\",\n    \"express\"\n  ]",
    ),
];

#[test]
fn every_place_that_breaks_a_reader_is_found() {
    let outcome = checked(&edited::webshop(), &third(NARROWER));
    let expected = [
        "/properties/lines/maxItems",
        "/properties/voucher/maxLength",
        "/required/4",
        "/required/5",
    ];
    let found = places(&outcome, "reader-breaks");
    for pointer in expected {
        assert!(
            found.contains(&format!("{V3}#{pointer}")),
            "{pointer} in {found:?}"
        );
    }
    assert!(places(&outcome, "reader-unproved").is_empty());
    for finding in outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == "reader-breaks")
    {
        assert!(
            finding.evidence.is_some() && finding.position.line > 1,
            "{finding}"
        );
    }
}

#[test]
fn a_waiver_hides_no_other_break() {
    let mut new = third(NARROWER);
    let waivers = waiver("reader-breaks", "/properties/lines/maxItems", Some(3));
    new.0.insert("waivers.toml".to_owned(), waivers);
    let outcome = checked(&edited::webshop(), &new);
    assert!(outcome.stops());
    assert!(!outcome.waived.is_empty());
    let open = places(&outcome, "reader-breaks");
    assert!(
        open.contains(&format!("{V3}#/properties/voucher/maxLength")),
        "{open:?}"
    );
    assert!(
        !open.contains(&format!("{V3}#/properties/lines/maxItems")),
        "{open:?}"
    );
}

#[test]
fn a_waiver_from_before_is_not_about_a_new_version() {
    let narrower = &[("\"maxLength\": 20", "\"maxLength\": 10")];
    let mut old = edited::webshop();
    for (version, opens) in [(None, true), (Some(2), true), (Some(3), false)] {
        let waivers = waiver("reader-breaks", "/properties/voucher/maxLength", version);
        old.0.insert("waivers.toml".to_owned(), waivers.clone());
        let mut new = third(narrower);
        new.0.insert("waivers.toml".to_owned(), waivers);
        let outcome = checked(&old, &new);
        assert_eq!(outcome.stops(), opens, "{version:?}");
        assert_eq!(outcome.waived.is_empty(), opens, "{version:?}");
    }
    // In the change that brings both it needs no version.
    let mut new = third(narrower);
    let waivers = waiver("reader-breaks", "/properties/voucher/maxLength", None);
    new.0.insert("waivers.toml".to_owned(), waivers);
    assert!(!checked(&edited::webshop(), &new).stops());
}

#[test]
fn members_no_longer_allowed_have_places_of_their_own() {
    let outcome = checked(
        &edited::webshop(),
        &third(&[
            (
                "\"type\": \"object\",",
                "\"type\": \"object\",\n  \"additionalProperties\": false,",
            ),
            (
                "    \"express\": {\n      \"description\": \"Express delivery was paid for.\",\n      \"type\": \"boolean\",\n      \"examples\": [\n        true\n      ],\n      \"x-column\": \"express\"\n    },\n",
                "",
            ),
            (
                "    \"promised_at\": {\n      \"$ref\": \"../../common/shop.json#/$defs/utc\",\n      \"description\": \"Promised delivery.\",\n      \"x-column\": \"promised_at\"\n    },\n",
                "",
            ),
        ]),
    );
    let found = places(&outcome, "reader-breaks");
    for name in ["express", "promised_at"] {
        assert!(
            found.contains(&format!("{V3}#/properties/{name}")),
            "{found:?}"
        );
    }
}

#[test]
fn a_break_in_a_shared_definition_stands_in_its_file() {
    let mut new = third(&[(
        "\"type\": [\n        \"string\",\n        \"null\"\n      ],\n      \"maxLength\": 20,",
        "\"$ref\": \"../../common/short.json#/$defs/code\",",
    )]);
    let text = "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"$defs\": {\n    \"code\": {\n      \"description\": \"A code.\",\n      \"type\": [\"string\", \"null\"],\n      \"maxLength\": 10\n    }\n  }\n}\n";
    new.0
        .insert("common/short.json".to_owned(), text.to_owned());
    let outcome = checked(&edited::webshop(), &new);
    let finding = outcome
        .findings
        .iter()
        .find(|finding| finding.rule == "reader-breaks")
        .unwrap();
    assert_eq!(
        (
            finding.file.as_str(),
            finding.pointer.as_str(),
            finding.position.line
        ),
        ("common/short.json", "/$defs/code/maxLength", 7)
    );
}

#[test]
fn every_edit_of_a_released_version_is_found() {
    let mut new = edited::webshop();
    replaced(
        &mut new,
        V2,
        &[
            ("\"maxLength\": 20", "\"maxLength\": 30"),
            ("\"maxItems\": 100,", ""),
            (
                "\"description\": \"Articles.\"",
                "\"description\": \"The articles.\"",
            ),
            ("\"country\"\n  ]", "\"country\",\n    \"express\"\n  ]"),
        ],
    );
    let outcome = checked(&edited::webshop(), &new);
    let found = places(&outcome, "released-version-edited");
    let expected: BTreeSet<String> = [
        "/properties/lines/maxItems",
        "/properties/voucher/maxLength",
        "/required",
    ]
    .map(|pointer| format!("{V2}#{pointer}"))
    .into();
    assert_eq!(found, expected);
}

#[test]
fn an_edit_of_a_shared_definition_is_found_where_it_stands() {
    let mut new = edited::webshop();
    let old = new.0["common/shop.json"].clone();
    let mut document: Value = serde_json::from_str(&old).unwrap();
    let line = document
        .pointer_mut("/$defs/line/properties/quantity")
        .unwrap();
    line["maximum"] = json!(7);
    let text = serde_json::to_string_pretty(&document).unwrap();
    new.0.insert("common/shop.json".to_owned(), text);
    let outcome = checked(&edited::webshop(), &new);
    let edits = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == "released-version-edited");
    let mut count = 0;
    for finding in edits {
        assert_eq!(finding.file, "common/shop.json", "{finding}");
        assert!(
            finding
                .pointer
                .starts_with("/$defs/line/properties/quantity"),
            "{finding}"
        );
        assert!(finding.position.line > 1, "{finding}");
        count += 1;
    }
    assert!(count > 0);
}

/// Properties of the writer, and the narrower ones of the reader.
const NARROWINGS: &[(&str, &str, &str)] = &[
    (
        "a",
        r#"{"type": "integer", "maximum": 9}"#,
        r#"{"type": "integer", "maximum": 8}"#,
    ),
    (
        "b",
        r#"{"type": "string"}"#,
        r#"{"type": "string", "pattern": "^x"}"#,
    ),
    (
        "c",
        r#"{"enum": ["p", "q", "r"]}"#,
        r#"{"enum": ["p", "r"]}"#,
    ),
    (
        "d",
        r#"{"type": ["string", "null"]}"#,
        r#"{"type": "string"}"#,
    ),
    (
        "e",
        r#"{"type": "array", "items": {"type": "number"}}"#,
        r#"{"type": "array", "items": {"type": "integer"}}"#,
    ),
    (
        "f",
        r#"{"type": "object", "properties": {"g": {"type": "boolean"}}}"#,
        r#"{"type": "object", "properties": {"g": {"const": true}}}"#,
    ),
    (
        "h",
        r#"{"anyOf": [{"type": "string"}, {"type": "number"}]}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]}"#,
    ),
    ("i", r#"{"type": "string"}"#, "false"),
];

#[test]
fn as_many_breaks_as_narrower_properties() {
    for narrowed in 1_u32..1 << NARROWINGS.len() {
        // Each set of narrower properties with another set of required ones.
        told_apart(narrowed, narrowed.wrapping_mul(2_654_435_761) >> 26);
    }
}

fn told_apart(narrowed: u32, required: u32) {
    let has = |set: u32, index: usize| set >> index & 1 == 1;
    let schema = |narrowed: u32, required: u32| {
        let mut properties = serde_json::Map::new();
        for (index, (name, wide, narrower)) in NARROWINGS.iter().enumerate() {
            let text = if has(narrowed, index) { narrower } else { wide };
            properties.insert((*name).to_owned(), serde_json::from_str(text).unwrap());
        }
        let names = NARROWINGS[..6].iter().enumerate();
        let required: Vec<&str> = names
            .filter(|(index, _)| has(required, *index))
            .map(|(_, (name, _, _))| *name)
            .collect();
        json!({"type": "object", "properties": properties, "required": required})
    };
    let (writes, reads) = (schema(0, 0), schema(narrowed, required));
    let judges = [&writes, &reads].map(|schema| jsonschema::validator_for(schema).unwrap());
    let mut prover = Prover::default();
    let [writer, reader] = [writes, reads].map(|schema| {
        prover
            .add(Source::alone(schema, Draft::Draft202012))
            .unwrap()
    });
    let Verdict::Incompatible(first) = prover.compare(writer, reader, View::Stream, None) else {
        panic!("narrower, and compatible");
    };
    let further = prover.further(writer, reader, View::Stream, None, &first);
    assert_eq!(further.unproved, None);
    let mut places = BTreeSet::new();
    for witness in std::iter::once(&first).chain(&further.breaks) {
        assert!(judges[0].is_valid(&witness.value), "{witness:?}");
        assert!(!judges[1].is_valid(&witness.value), "{witness:?}");
        let place = match &witness.member {
            Some(member) => ("required", member.clone()),
            None => (
                "narrower",
                witness.instance.split('/').nth(1).unwrap().to_owned(),
            ),
        };
        assert!(places.insert(place), "twice: {witness:?}");
    }
    let narrower = (0..NARROWINGS.len()).filter(|index| has(narrowed, *index));
    let expected: BTreeSet<(&str, String)> = narrower
        .map(|index| ("narrower", NARROWINGS[index].0.to_owned()))
        .chain(
            (0..6)
                .filter(|index| has(required, *index))
                .map(|index| ("required", NARROWINGS[index].0.to_owned())),
        )
        .collect();
    assert_eq!(places, expected);
}
