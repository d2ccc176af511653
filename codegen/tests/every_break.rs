//! Each place that breaks a reader is a finding of its own, so that accepting one accepts no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeSet;

use referencing::Draft;
use serde_json::{Value, json};
use topicwright::compat::further::Further;
use topicwright::compat::{Prover, Source, Verdict, View, Witness};
use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::gate::{self, Outcome};
use topicwright::registry::files::Files;

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

fn waiver(rule: &str, pointer: &str, file: Option<&str>) -> String {
    let file = file.map_or_else(String::new, |file| format!("file = \"{file}\"\n"));
    format!(
        "[[waivers]]\nrule = \"{rule}\"\ntopic = \"order.placed\"\npointer = \"{pointer}\"\n{file}\
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
    let waivers = waiver("reader-breaks", "/properties/lines/maxItems", Some(V3));
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
    for (file, opens) in [(None, true), (Some(V2), true), (Some(V3), false)] {
        let waivers = waiver("reader-breaks", "/properties/voucher/maxLength", file);
        old.0.insert("waivers.toml".to_owned(), waivers.clone());
        let mut new = third(narrower);
        new.0.insert("waivers.toml".to_owned(), waivers);
        let outcome = checked(&old, &new);
        assert_eq!(outcome.stops(), opens, "{file:?}");
        assert_eq!(outcome.waived.is_empty(), opens, "{file:?}");
    }
    // In the change that brings both it needs no file.
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

fn further(writer: &Value, reader: &Value) -> (Vec<Witness>, Further) {
    let judges = [writer, reader].map(|schema| jsonschema::validator_for(schema).unwrap());
    let mut prover = Prover::default();
    let [from, to] = [writer, reader].map(|schema| {
        prover
            .add(Source::alone(schema.clone(), Draft::Draft202012))
            .unwrap()
    });
    let Verdict::Incompatible(first) = prover.compare(from, to, View::Stream, None) else {
        panic!("compatible: {reader}");
    };
    let further = prover.further(from, to, View::Stream, None, &first);
    let mut all = vec![first];
    all.extend(further.breaks.iter().cloned());
    for witness in &all {
        assert!(judges[0].is_valid(&witness.value), "{witness:?}");
        assert!(!judges[1].is_valid(&witness.value), "{witness:?}");
        assert!(
            reader.pointer(&witness.pointer).is_some(),
            "{witness:?} is nowhere in {reader}"
        );
    }
    (all, further)
}

/// In unions a break of one branch does not hide those of others: told one by one, or said to be inseparable.
#[test]
fn unions_hide_nothing() {
    let tagged = |tag: &str, rest: Value| {
        let mut schema =
            json!({"type": "object", "required": ["t"], "properties": {"t": {"const": tag}}});
        for (name, property) in rest.as_object().unwrap() {
            schema["properties"][name] = property.clone();
        }
        schema
    };
    let cases = [
        // A value that two branches take, and one that none does.
        (
            json!({"type": ["integer", "string"]}),
            json!({"oneOf": [{"type": "integer", "minimum": 0},
                {"type": ["integer", "string"], "maximum": 5, "maxLength": 3}]}),
            "/oneOf",
            "string",
        ),
        // A type that is gone, and a branch that is narrower.
        (
            json!({"type": ["boolean", "integer", "string"]}),
            json!({"anyOf": [{"type": "integer", "maximum": 7}, {"type": "string"}]}),
            "/anyOf",
            "integer",
        ),
        // A variant that is gone, and one that is narrower.
        (
            json!({"oneOf": [tagged("a", json!({"x": {"type": "integer"}})), tagged("b", json!({}))]}),
            json!({"oneOf": [tagged("a", json!({"x": {"type": "integer", "maximum": 9}}))]}),
            "/oneOf",
            "x",
        ),
    ];
    for (writes, reads, place, kind) in cases {
        let schema = |value: &Value| json!({"type": "object", "properties": {"p": value}});
        let (all, further) = further(&schema(&writes), &schema(&reads));
        let at_union = format!("/properties/p{place}");
        assert!(
            all.iter()
                .any(|witness| witness.pointer.starts_with(&at_union)),
            "{all:?}"
        );
        let shows = all.iter().any(|witness| {
            let value = &witness.value["p"];
            match kind {
                "string" => value.is_string(),
                "integer" => value.is_i64() || value.is_u64(),
                member => value.get(member).is_some(),
            }
        });
        assert!(shows || further.unproved.is_some(), "{all:?} {further:?}");
        assert!(shows, "{reads}: {all:?} {further:?}");
    }
}

#[test]
fn what_one_member_asks_of_others_is_a_place() {
    let declared =
        json!({"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}});
    let (all, further) = further(
        &json!({"type": "object", "properties": declared}),
        &json!({"type": "object", "properties": declared, "dependentRequired": {"a": ["c"], "b": ["c"]}}),
    );
    assert_eq!((all.len(), further.unproved), (2, None), "{all:?}");
}

/// A waiver that was merged with another change accepts nothing of this one, in whatever file.
#[test]
fn a_waiver_from_before_is_not_about_another_edit() {
    let mut old = edited::webshop();
    let rule = "released-version-edited";
    let waivers = waiver(rule, "/properties/voucher/maxLength", None)
        + &waiver(rule, "/properties/lines/maxItems", Some(V2));
    old.0.insert("waivers.toml".to_owned(), waivers);
    let mut new = old.clone();
    replaced(
        &mut new,
        V2,
        &[
            ("\"maxLength\": 20", "\"maxLength\": 5"),
            ("\"maxItems\": 100", "\"maxItems\": 50"),
        ],
    );
    let outcome = checked(&old, &new);
    assert!(outcome.waived.is_empty());
    assert_eq!(places(&outcome, rule).len(), 2);
    assert_eq!(places(&outcome, "waiver-unused").len(), 2);
}

/// Lowering the level in the same change does not hide which messages break.
#[test]
fn a_lowered_level_hides_no_break() {
    let mut new = third(&[("\"maxLength\": 20", "\"maxLength\": 10")]);
    let topic = new.0.get_mut("topics/order.placed/topic.toml").unwrap();
    assert!(topic.contains("\"FULL_TRANSITIVE\""));
    *topic = topic.replace("\"FULL_TRANSITIVE\"", "\"NONE\"");
    let outcome = checked(&edited::webshop(), &new);
    assert!(!places(&outcome, "compatibility-level-lowered").is_empty());
    assert!(!places(&outcome, "reader-breaks").is_empty());
}

/// Where only the draft differs, that is what is said.
#[test]
fn another_draft_is_named() {
    let schema = |draft: &str| {
        format!(
            "{{\"$schema\": \"{draft}\", \"type\": \"object\", \"description\": \"D.\", \"required\": [\"order_id\"], \"properties\": {{\"order_id\": {{\"type\": \"integer\", \"description\": \"O.\"}}, \"a\": \
             {{\"description\": \"A.\", \"type\": \"string\", \"allOf\": [{{\"$ref\": \"#/$defs/t\", \"maxLength\": 3}}]}}}}, \
             \"$defs\": {{\"t\": {{\"minLength\": 1}}}}}}"
        )
    };
    let v4 = "topics/order.placed/v4.json";
    let mut old = third(&[]);
    let new_draft = "https://json-schema.org/draft/2019-09/schema";
    old.0.insert(v4.to_owned(), schema(new_draft));
    let mut new = old.clone();
    // In draft 07 nothing beside a reference counts.
    new.0.insert(
        v4.to_owned(),
        schema("http://json-schema.org/draft-07/schema#"),
    );
    let outcome = checked(&old, &new);
    let found = outcome
        .findings
        .iter()
        .find(|finding| finding.rule == "released-version-edited")
        .unwrap();
    assert_eq!(found.pointer, "/$schema");
    assert!(found.message.contains("draft-07"), "{found}");
}
