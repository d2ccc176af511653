//! Schemas made to keep the prover busy or to overflow its stack, as large and as nested as files can be: each
//! question ends soon, on the 2 MiB of a test's thread, and where people write such schemas it is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::time::Instant;

use referencing::Draft;
use serde_json::{Map, Value, json};
use topicwright::compat::{Source, Verdict, View, compat};

/// Most seconds of one question, beside other tests: many without optimisation.
const PATIENCE: f64 = if cfg!(debug_assertions) { 30.0 } else { 3.0 };

fn ask(name: &str, writer: &Value, reader: &Value) -> Verdict {
    let source = |schema: &Value| Source::alone(schema.clone(), Draft::Draft202012);
    let mut last = None;
    for view in [View::Stream, View::Strict] {
        let started = Instant::now();
        let verdict = compat(source(writer), source(reader), view).unwrap();
        let seconds = started.elapsed().as_secs_f64();
        assert!(seconds < PATIENCE, "{name} {view:?}: {seconds} s");
        last = Some(verdict);
    }
    last.unwrap()
}

fn compatible(name: &str, writer: &Value, reader: &Value) {
    let verdict = ask(name, writer, reader);
    assert!(
        matches!(verdict, Verdict::Compatible(_)),
        "{name}: {verdict:?}"
    );
}

fn incompatible(name: &str, writer: &Value, reader: &Value) {
    let verdict = ask(name, writer, reader);
    assert!(
        matches!(verdict, Verdict::Incompatible(_)),
        "{name}: {verdict:?}"
    );
}

/// Too much to ask, so that it ends is all; what it must not be is a wrong proof.
fn ends(name: &str, writer: &Value, reader: &Value) {
    let verdict = ask(name, writer, reader);
    assert!(
        !matches!(verdict, Verdict::Compatible(_)),
        "{name}: {verdict:?}"
    );
}

/// `$defs` that refer to the next one each, the last being `leaf`.
fn chain(length: usize, link: impl Fn(Value) -> Value, leaf: Value) -> Value {
    let mut defs = Map::new();
    for number in 0..length {
        let next = json!({"$ref": format!("#/$defs/x{}", number + 1)});
        defs.insert(format!("x{number}"), link(next));
    }
    defs.insert(format!("x{length}"), leaf);
    json!({"$ref": "#/$defs/x0", "$defs": defs})
}

/// As [`chain`], each referring to the next twice.
fn twice(keyword: &str, length: usize, leaf: Value) -> Value {
    chain(length, |next| json!({keyword: [next, next]}), leaf)
}

fn fields(count: usize, kind: &str) -> Value {
    let names: Vec<String> = (0..count).map(|number| format!("p{number}")).collect();
    let properties: Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!({"type": kind})))
        .collect();
    json!({"type": "object", "properties": properties, "required": names})
}

#[test]
fn definitions_that_double_at_every_step() {
    for length in [16, 40] {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for leaf in [
                json!({"type": "object"}),
                json!({"properties": {"a": {"type": "string"}}}),
            ] {
                let schema = twice(keyword, length, leaf.clone());
                ask(keyword, &schema, &json!(false));
                ask(
                    keyword,
                    &schema,
                    &twice(keyword, length, json!({"type": "string"})),
                );
                let mut closed = schema.clone();
                closed["unevaluatedProperties"] = json!(false);
                ask(keyword, &closed, &json!(false));
            }
        }
        let halves = |next: Value| json!({"anyOf": [{"allOf": [next, {"minimum": 1}]}, {"allOf": [next, {"maximum": 9}]}]});
        let schema = chain(length, halves, json!({"type": "string"}));
        ask("halves", &json!({"const": -100}), &schema);
        ask("halves", &schema, &json!(false));
    }
    let nested = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let again = json!({"items": {"$ref": "#"}, "contains": {"$ref": "#"}});
    ask("nested twice", &json!({"const": nested}), &again);
}

#[test]
fn long_chains() {
    let text = || json!({"type": "string"});
    for length in [80, 240, 5_000] {
        let member =
            |next: Value| json!({"type": "object", "properties": {"a": next}, "required": ["a"]});
        ends("members", &chain(length, member, text()), &json!(false));
        ends(
            "references",
            &chain(length, |next| next, text()),
            &json!(false),
        );
        ask(
            "not",
            &chain(length, |next| json!({"not": next}), text()),
            &json!(false),
        );
        let all = chain(length, |next| json!({"allOf": [next]}), text());
        ask(
            "allOf",
            &all,
            &chain(
                length,
                |next| json!({"anyOf": [next, {"type": "null"}]}),
                text(),
            ),
        );
        let closed = |next: Value| json!({"allOf": [next], "unevaluatedProperties": false});
        ends(
            "unevaluated",
            &chain(length, closed, text()),
            &json!({"type": "integer"}),
        );
        let item = |next: Value| json!({"type": "array", "items": next, "minItems": 1});
        ends("items", &chain(length, item, text()), &json!(false));
    }
}

#[test]
fn thousands_of_members() {
    compatible("same", &fields(2_000, "string"), &fields(2_000, "string"));
    incompatible("other", &fields(2_000, "string"), &fields(2_000, "integer"));
    let mut reader = fields(2_000, "string");
    reader["properties"]["p1999"] = json!({"type": "null"});
    incompatible("last", &fields(2_000, "string"), &reader);
    let texts: Vec<String> = (0..20_000).map(|number| format!("v{number}")).collect();
    compatible(
        "enum",
        &json!({"enum": texts[1..]}),
        &json!({"enum": texts}),
    );
    incompatible(
        "enum",
        &json!({"enum": texts}),
        &json!({"enum": texts[1..]}),
    );
    let other = json!({"type": "string", "not": {"enum": texts}});
    incompatible("not enum", &other, &json!({"pattern": "^v"}));
}

#[test]
fn events_of_hundreds_of_kinds() {
    for (keyword, count) in [("oneOf", 150), ("anyOf", 300)] {
        let kinds = |amount: &str| {
            let kinds: Vec<Value> = (0..count)
                .map(|number| json!({"type": "object", "properties": {"kind": {"const": number}, "amount": {"type": amount}}, "required": ["kind"]}))
                .collect();
            json!({keyword: kinds})
        };
        compatible(keyword, &kinds("integer"), &kinds("number"));
        incompatible(keyword, &kinds("number"), &kinds("integer"));
    }
}

#[test]
fn long_arrays() {
    let at_least = |count: u64| json!({"type": "array", "minItems": count});
    incompatible("long", &at_least(2_000), &json!({"maxItems": 1_999}));
    ends("longer", &at_least(1_000_000_000), &json!({"maxItems": 9}));
    let whole = json!({"type": "array", "minItems": 1_500, "items": {"type": "integer"}});
    ask("repeated", &whole, &json!({"uniqueItems": true}));
    let nested = (0..8).fold(
        json!({"type": "string"}),
        |inner, _| json!({"type": "array", "minItems": 1_999, "items": inner}),
    );
    ends("nested", &nested, &json!(false));
    let places: Vec<Value> = (0..1_000)
        .map(|number| json!({"minimum": number}))
        .collect();
    let tuple = json!({"type": "array", "prefixItems": places, "minItems": 1_000});
    ask("tuple", &tuple, &json!({"uniqueItems": true}));
    let counted: Vec<Value> = [2, 3, 5, 7, 11]
        .iter()
        .map(|step| json!({"contains": {"multipleOf": step}, "minContains": 40, "maxContains": 60}))
        .collect();
    let counted =
        json!({"type": "array", "items": {"type": "integer"}, "minItems": 300, "allOf": counted});
    ends("counted", &counted, &json!({"maxItems": 299}));
    let beyond = json!({"contains": {"const": 1}, "minContains": u64::MAX});
    let other = json!({"contains": {"const": 2}, "minContains": u64::MAX});
    ends(
        "beyond counting",
        &json!({"type": "array", "allOf": [beyond, other]}),
        &json!(false),
    );
    let holes: Vec<u64> = (0..150).collect();
    let pigeons =
        json!({"type": "array", "uniqueItems": true, "items": {"enum": holes}, "minItems": 151});
    compatible("pigeonhole", &pigeons, &json!(false));
}

#[test]
fn large_automata() {
    ask(
        "two ends",
        &json!({"type": "string", "pattern": "^(a|b)*a(a|b){14}$"}),
        &json!({"pattern": "^(a|b)*b(a|b){14}$"}),
    );
    let many: Vec<Value> = (2..30)
        .map(|count| json!({"pattern": format!("x.{{{count}}}y")}))
        .collect();
    ask(
        "many",
        &json!({"type": "string", "allOf": many}),
        &json!({"maxLength": 3}),
    );
    let long = json!({"type": "string", "minLength": 50_000, "pattern": "^[a-z]*$"});
    ask("long", &long, &json!({"pattern": "^[a-y]*$"}));
    let kinds: Vec<Value> = (0..30)
        .map(
            |number| json!({"type": "string", "pattern": format!("^x{number}(a|b)*a(a|b){{11}}$")}),
        )
        .collect();
    ask(
        "thirty",
        &json!({"anyOf": kinds}),
        &json!({"maxLength": 30}),
    );
    let far: String = std::iter::once('[')
        .chain('\u{100}'..'\u{800}')
        .chain([']'])
        .collect();
    let all: Vec<String> = ('\u{100}'..='\u{ffff}').map(String::from).collect();
    let one = json!({"type": "string", "minLength": 1, "maxLength": 1, "not": {"enum": all}});
    // Sixty thousand characters are not all there are.
    incompatible(
        "every character",
        &one,
        &json!({"pattern": format!("^{far}$")}),
    );
}

#[test]
fn numbers_of_all_sizes() {
    let tiny = json!({"type": "number", "multipleOf": 1e-300, "minimum": 1e300});
    ask("tiny steps", &tiny, &json!({"multipleOf": 1e-299}));
    let taken: Vec<u64> = (0..50_001).collect();
    let rest = json!({"type": "integer", "not": {"enum": taken}});
    ask("many taken", &rest, &json!({"maximum": -1}));
}

/// A schema that refers to itself for the same value adds nothing to itself, but what it refers to on the way is
/// less than it is elsewhere.
#[test]
fn schemas_that_refer_to_each_other_for_the_same_value() {
    let defs = json!({"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"allOf": [{"$ref": "#/$defs/a"}], "minProperties": 1}});
    let reader = json!({"properties": {"x": {"$ref": "#/$defs/b"}}, "allOf": [{"$ref": "#/$defs/a"}], "$defs": defs});
    incompatible("through the other", &json!({"const": {}}), &reader);
    compatible(
        "as the other",
        &reader,
        &json!({"if": {"type": "object"}, "then": {"minProperties": 1}}),
    );
    // What is beyond reach in the writer is not what is beyond reach at the same place of the reader.
    let far = |leaf: &str| chain(1_000, |next| next, json!({"type": leaf}));
    ends("far", &far("string"), &far("integer"));
    compatible("the same", &far("string"), &far("string"));
    ends("itself", &json!({"$ref": "#"}), &json!(false));
    ends(
        "its negation",
        &json!({"not": {"$ref": "#"}}),
        &json!({"type": "null"}),
    );
}
