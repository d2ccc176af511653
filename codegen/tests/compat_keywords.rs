//! Every keyword in a small pair that is safe and one that is nearly so, by draft where drafts differ, and the
//! writers of a stream in every way of putting schemas together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use referencing::Draft::{self, Draft4, Draft6, Draft7, Draft201909, Draft202012};
use serde_json::{Value, json};
use topicwright::compat::{Source, Verdict, View, compat};

fn ask(draft: Draft, view: View, writer: &Value, reader: &Value) -> Verdict {
    let source = |schema: &Value| Source::alone(schema.clone(), draft);
    compat(source(writer), source(reader), view)
        .unwrap_or_else(|error| panic!("{error}: {draft:?} {writer} {reader}"))
}

fn is_safe(draft: Draft, view: View, writer: &Value, reader: &Value) {
    let verdict = ask(draft, view, writer, reader);
    assert!(
        matches!(verdict, Verdict::Compatible(_)),
        "{draft:?} {writer} {reader}: {verdict:?}"
    );
}

/// Breaks, with a message that a validator confirms.
fn breaks(draft: Draft, view: View, writer: &Value, reader: &Value) -> Value {
    let verdict = ask(draft, view, writer, reader);
    let Verdict::Incompatible(witness) = verdict else {
        panic!("{draft:?} {writer} {reader}: {verdict:?}");
    };
    let accepts = |schema: &Value| {
        jsonschema::options()
            .with_draft(draft)
            .should_validate_formats(false)
            .build(schema)
            .unwrap()
            .is_valid(&witness.value)
    };
    assert_eq!(
        (accepts(writer), accepts(reader)),
        (true, false),
        "{}",
        witness.value
    );
    witness.value
}

const ALL: &[Draft] = &[Draft4, Draft6, Draft7, Draft201909, Draft202012];
const SINCE_6: &[Draft] = &[Draft6, Draft7, Draft201909, Draft202012];
const SINCE_7: &[Draft] = &[Draft7, Draft201909, Draft202012];
const SINCE_2019: &[Draft] = &[Draft201909, Draft202012];
const TO_7: &[Draft] = &[Draft4, Draft6, Draft7];
const TO_2019: &[Draft] = &[Draft4, Draft6, Draft7, Draft201909];
const LAST: &[Draft] = &[Draft202012];

/// Writer, reader that is safe, reader that is not.
type Row = (&'static [Draft], Value, Value, Value);

fn table(rows: &[Row]) {
    for (drafts, writer, safe, unsafe_one) in rows {
        for draft in *drafts {
            is_safe(*draft, View::Strict, writer, safe);
            breaks(*draft, View::Strict, writer, unsafe_one);
        }
    }
}

// One row a line.
#[rustfmt::skip]
#[test]
fn values() {
    let decimal = json!({"enum": [0.1, 0.30]});
    table(&[
        (ALL, json!({"type": "string"}), json!({"type": ["string", "null"]}), json!({"type": ["integer", "null"]})),
        (ALL, json!({"type": "integer"}), json!({"type": "number"}), json!({"type": "integer", "minimum": 0})),
        (SINCE_6, json!({"const": 1.0}), json!({"type": "integer"}), json!({"not": {"type": "integer"}})),
        (ALL, json!({"enum": [1, "a"]}), json!({"enum": ["a", 1.0, null]}), json!({"enum": ["a", "1"]})),
        (ALL, json!({"enum": [{"a": 1, "b": [2]}]}), json!({"enum": [{"b": [2.0], "a": 1}]}), json!({"enum": [{"b": [2, 2], "a": 1}]})),
        (SINCE_6, json!({"const": {"a": 1}}), json!({"properties": {"a": {"maximum": 1}}}), json!({"properties": {"a": {"exclusiveMaximum": 1}}})),
        (SINCE_6, json!({"const": -0.0}), json!({"const": 0}), json!({"const": 0.5})),
        (SINCE_6, decimal, json!({"multipleOf": 0.1}), json!({"multipleOf": 0.2})),
        (SINCE_6, json!({"type": "boolean"}), json!({"enum": [false, true]}), json!({"const": true})),
    ]);
    is_safe(Draft202012, View::Strict, &json!(false), &json!(false));
    breaks(Draft202012, View::Strict, &json!(true), &json!(false));
    // `const` is no keyword in draft 04.
    breaks(
        Draft4,
        View::Strict,
        &json!({"const": 1}),
        &json!({"type": "integer"}),
    );
}

// One row a line.
#[rustfmt::skip]
#[test]
fn numbers() {
    table(&[
        (ALL, json!({"type": "integer", "minimum": 1}), json!({"minimum": 0.5}), json!({"minimum": 1.5})),
        (SINCE_6, json!({"type": "integer", "minimum": 1}), json!({"exclusiveMinimum": 0}), json!({"exclusiveMinimum": 1})),
        (SINCE_6, json!({"type": "integer", "exclusiveMaximum": 3}), json!({"maximum": 2}), json!({"maximum": 1})),
        (SINCE_6, json!({"exclusiveMaximum": 3}), json!({"maximum": 3}), json!({"maximum": 2})),
        (&[Draft4], json!({"minimum": 0, "exclusiveMinimum": true}), json!({"minimum": 0}), json!({"minimum": 0.1})),
        (&[Draft4], json!({"minimum": 0}), json!({"minimum": 0, "exclusiveMinimum": false}), json!({"minimum": 0, "exclusiveMinimum": true})),
        (ALL, json!({"multipleOf": 0.3}), json!({"multipleOf": 0.1}), json!({"multipleOf": 0.2})),
        (ALL, json!({"multipleOf": 6}), json!({"multipleOf": 3}), json!({"multipleOf": 4})),
        (ALL, json!({"multipleOf": 2.0}), json!({"type": ["number", "null", "boolean", "string", "array", "object"], "multipleOf": 1}), json!({"maximum": 1e15})),
        (ALL, json!({"type": "integer", "minimum": 1.2e19, "maximum": 1.234_567_890_123_456_7e19}), json!({"maximum": 12_345_678_901_234_567_168_u64}), json!({"maximum": 12_345_678_901_234_567_000_u64})),
        (SINCE_6, json!({"const": 9_007_199_254_740_993_u64}), json!({"minimum": 9_007_199_254_740_993_u64}), json!({"maximum": 9_007_199_254_740_992_u64})),
    ]);
}

// One row a line.
#[rustfmt::skip]
#[test]
fn strings() {
    table(&[
        (ALL, json!({"type": "string", "maxLength": 3}), json!({"maxLength": 4}), json!({"maxLength": 2})),
        (ALL, json!({"type": "string", "minLength": 1}), json!({"minLength": 1}), json!({"minLength": 2})),
        (SINCE_6, json!({"const": "😀é"}), json!({"maxLength": 2}), json!({"maxLength": 1})),
        (SINCE_6, json!({"const": "😀"}), json!({"pattern": "^.$"}), json!({"pattern": "^..$"})),
        (ALL, json!({"type": "string", "pattern": "^[a-f]+$"}), json!({"pattern": "^\\w+$"}), json!({"pattern": "^[a-e]+$"})),
        (ALL, json!({"type": "string", "pattern": "^a"}), json!({"pattern": "a"}), json!({"pattern": "a$"})),
        (ALL, json!({"type": "string", "pattern": "^\\d$"}), json!({"pattern": "^[0-9]$"}), json!({"pattern": "^[1-9]$"})),
        (ALL, json!({"type": "string", "pattern": "^(a|)b$"}), json!({"pattern": "^a?b$"}), json!({"pattern": "^ab$"})),
        (ALL, json!({"type": "string", "pattern": "^a$"}), json!({"enum": ["a"]}), json!({"enum": ["a\n"]})),
        (ALL, json!({"type": "string", "pattern": "^(?!_)[a-z_]+$"}), json!({"pattern": "^[a-z]"}), json!({"pattern": "^[a-z]+$"})),
        (ALL, json!({"type": "string", "pattern": "^\\p{Lu}$"}), json!({"pattern": "^\\p{L}$"}), json!({"pattern": "^[A-Z]$"})),
        (ALL, json!({"type": "string", "pattern": "^.$"}), json!({"pattern": "^[^\\n]$"}), json!({"pattern": "^[^x]$"})),
        (ALL, json!({"type": "string", "format": "date"}), json!({"format": "time"}), json!({"format": "date", "minLength": 1})),
    ]);
}

// One row a line.
#[rustfmt::skip]
#[test]
fn arrays() {
    table(&[
        (ALL, json!({"items": {"type": "integer"}}), json!({"items": {"type": "number"}}), json!({"items": {"type": "integer", "minimum": 0}})),
        (ALL, json!({"type": "array", "maxItems": 2}), json!({"maxItems": 3}), json!({"maxItems": 1})),
        (ALL, json!({"type": "array", "minItems": 2}), json!({"minItems": 1}), json!({"minItems": 3})),
        (ALL, json!({"type": "array", "maxItems": 1}), json!({"uniqueItems": true}), json!({"uniqueItems": true, "maxItems": 0})),
        (ALL, json!({"type": "array", "uniqueItems": true, "items": {"enum": [1, 1.0, 2]}}), json!({"maxItems": 2}), json!({"maxItems": 1})),
        (ALL, json!({"type": "array", "uniqueItems": true, "items": {"enum": [{"a": 1, "b": 2}, {"b": 2, "a": 1}]}}), json!({"maxItems": 1}), json!({"maxItems": 0})),
        (TO_2019, json!({"items": [{"type": "string"}], "additionalItems": false}), json!({"maxItems": 1}), json!({"maxItems": 0})),
        (TO_2019, json!({"items": [{"type": "string"}]}), json!({"items": [true_of(), {}]}), json!({"items": {"type": "string"}})),
        (LAST, json!({"prefixItems": [{"type": "string"}], "items": false}), json!({"maxItems": 1}), json!({"maxItems": 0})),
        (LAST, json!({"prefixItems": [{"type": "string"}]}), json!({"prefixItems": [{"type": ["string", "null"]}]}), json!({"items": {"type": "string"}})),
        (SINCE_6, json!({"type": "array", "minItems": 1, "items": {"type": "null"}}), json!({"contains": {"type": "null"}}), json!({"contains": {"type": "string"}})),
        (SINCE_6, json!({"contains": {"const": 1}}), json!({"contains": {"maximum": 1}}), json!({"contains": {"maximum": 0}})),
        (SINCE_2019, json!({"contains": {"const": 1}, "minContains": 2}), json!({"contains": {"type": "integer"}, "minContains": 1}), json!({"contains": {"const": 1}, "minContains": 3})),
        (SINCE_2019, json!({"contains": {"type": "integer"}, "maxContains": 1}), json!({"contains": {"const": 1}, "maxContains": 1, "minContains": 0}), json!({"contains": {"const": 1}, "maxContains": 1})),
        (SINCE_2019, json!({"contains": false, "minContains": 0}), json!({"minContains": 5}), json!({"type": "array"})),
        (LAST, json!({"allOf": [{"prefixItems": [{"type": "string"}]}], "unevaluatedItems": false}), json!({"maxItems": 1}), json!({"maxItems": 0})),
        (LAST, json!({"contains": {"type": "string"}, "unevaluatedItems": {"type": "null"}}), json!({"items": {"type": ["string", "null"]}}), json!({"items": {"type": "string"}})),
        (&[Draft201909], json!({"type": "array", "contains": {"type": "string"}, "unevaluatedItems": {"type": ["null", "string"]}}), json!({"items": {"type": ["string", "null"]}}), json!({"items": {"type": "string"}})),
        (&[Draft201909], json!({"items": [{}], "unevaluatedItems": false}), json!({"maxItems": 1}), json!({"maxItems": 0})),
    ]);
    // Items that `contains` found are evaluated since 2020-12; before that, validators differ.
    let found = json!({"type": "array", "contains": {"type": "string"}, "unevaluatedItems": false});
    breaks(Draft202012, View::Strict, &found, &json!(false));
    let older = ask(Draft201909, View::Strict, &found, &json!(false));
    assert!(matches!(older, Verdict::Unknown(_)), "{older:?}");
    is_safe(Draft201909, View::Strict, &found, &json!({"type": "array"}));
    // What a draft does not know says nothing.
    breaks(
        Draft7,
        View::Strict,
        &json!({"prefixItems": [{"type": "string"}], "type": "array"}),
        &json!({"items": [{"type": "string"}]}),
    );
    breaks(
        Draft4,
        View::Strict,
        &json!({"type": "array", "contains": {"type": "string"}}),
        &json!({"minItems": 1}),
    );
}

fn true_of() -> Value {
    json!({"type": ["string", "null"]})
}

// One row a line.
#[rustfmt::skip]
#[test]
fn objects() {
    table(&[
        (ALL, json!({"properties": {"a": {"type": "integer"}}}), json!({"properties": {"a": {"type": "number"}}}), json!({"properties": {"b": {"type": "integer"}}})),
        (ALL, json!({"type": "object", "required": ["a", "b"]}), json!({"required": ["b"]}), json!({"required": ["c"]})),
        (ALL, json!({"type": "object", "required": ["a", "b"]}), json!({"minProperties": 2}), json!({"minProperties": 3})),
        (ALL, json!({"type": "object", "maxProperties": 1}), json!({"maxProperties": 2}), json!({"maxProperties": 0})),
        (ALL, json!({"additionalProperties": {"type": "integer"}}), json!({"properties": {"a": {"type": "integer"}}}), json!({"additionalProperties": {"type": "string"}})),
        (ALL, json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false}), json!({"maxProperties": 1}), json!({"maxProperties": 0})),
        (ALL, json!({"patternProperties": {"^a": {"type": "integer"}}}), json!({"properties": {"ab": {"type": "number"}}}), json!({"properties": {"ba": {"type": "number"}}})),
        (ALL, json!({"type": "object", "patternProperties": {"^a$": {}}, "additionalProperties": false}), json!({"maxProperties": 1}), json!({"maxProperties": 0})),
        (SINCE_6, json!({"type": "object", "propertyNames": {"enum": ["a", "b"]}}), json!({"maxProperties": 2}), json!({"maxProperties": 1})),
        (SINCE_6, json!({"type": "object", "propertyNames": {"maxLength": 1}}), json!({"propertyNames": {"maxLength": 2}}), json!({"propertyNames": {"minLength": 1}})),
        (TO_7, json!({"type": "object", "dependencies": {"a": ["b"]}, "required": ["a"]}), json!({"required": ["b"]}), json!({"required": ["c"]})),
        (TO_7, json!({"type": "object", "dependencies": {"a": {"minProperties": 2}}, "required": ["a"]}), json!({"minProperties": 2}), json!({"minProperties": 3})),
        (SINCE_2019, json!({"type": "object", "dependentRequired": {"a": ["b"]}, "required": ["a"]}), json!({"required": ["b"]}), json!({"required": ["c"]})),
        (SINCE_2019, json!({"type": "object", "dependentSchemas": {"a": {"minProperties": 2}}}), json!({"dependentSchemas": {"a": {"minProperties": 1}}}), json!({"minProperties": 2})),
        (SINCE_2019, json!({"type": "object", "allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}), json!({"maxProperties": 1}), json!({"maxProperties": 0})),
        (SINCE_2019, json!({"type": "object", "anyOf": [{"properties": {"a": true}, "required": ["a"]}, {"properties": {"b": true}, "required": ["b"]}], "unevaluatedProperties": false}), json!({"propertyNames": {"enum": ["a", "b"]}}), json!({"maxProperties": 1})),
        (SINCE_2019, json!({"type": "object", "if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "else": {"properties": {"b": true}}, "unevaluatedProperties": false}), json!({"maxProperties": 1}), json!({"required": ["a"]})),
    ]);
    // Additional are those beside, not those below.
    let beside = json!({"type": "object", "allOf": [{"properties": {"a": {}}}], "additionalProperties": false});
    is_safe(Draft7, View::Strict, &beside, &json!({"maxProperties": 0}));
    breaks(
        Draft7,
        View::Strict,
        &json!({"type": "object", "unevaluatedProperties": false}),
        &json!({"maxProperties": 0}),
    );
    breaks(
        Draft4,
        View::Strict,
        &json!({"type": "object", "propertyNames": {"maxLength": 1}}),
        &json!({"maxProperties": 3}),
    );
}

// One row a line.
#[rustfmt::skip]
#[test]
fn combinations() {
    let string_or_null = || json!({"anyOf": [{"type": "string"}, {"type": "null"}]});
    table(&[
        (ALL, json!({"allOf": [{"type": "integer"}, {"minimum": 3}]}), json!({"minimum": 2}), json!({"minimum": 4})),
        (ALL, string_or_null(), json!({"type": ["string", "null"]}), json!({"type": "string"})),
        (ALL, json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}), json!({"not": {"type": "integer", "minimum": 2}}), json!({"type": "integer"})),
        (ALL, json!({"type": ["string", "null"]}), json!({"oneOf": [{"type": "string"}, {"type": "null"}]}), json!({"oneOf": [{"type": "string"}, {"type": "null"}, {"maxLength": 1}]})),
        (ALL, json!({"type": "integer", "not": {"minimum": 3}}), json!({"maximum": 2}), json!({"maximum": 1})),
        (SINCE_7, json!({"if": {"type": "string"}, "then": {"maxLength": 1}, "else": {"type": "null"}}), json!({"type": ["string", "null"]}), json!({"type": "string"})),
        (SINCE_7, json!({"if": {"type": "string"}, "then": {"maxLength": 1}}), json!({"maxLength": 1}), json!({"type": "string"})),
        (SINCE_7, json!({"if": {"type": "string"}, "else": {"type": "null"}}), json!({"type": ["string", "null"]}), json!({"maxLength": 1})),
        (SINCE_7, json!({"then": {"type": "string"}, "type": "null"}), json!({"type": "null"}), json!({"type": "string"})),
        (SINCE_7, json!({"if": {"type": "string"}, "type": "null"}), json!({"type": "null"}), json!({"type": "string"})),
    ]);
    // `if` is no keyword in draft 06.
    breaks(
        Draft6,
        View::Strict,
        &json!({"if": {"type": "string"}, "then": {"maxLength": 1}}),
        &json!({"maxLength": 1}),
    );
}

// One row a line.
#[rustfmt::skip]
#[test]
fn references() {
    let tree = |leaf: &str| json!({"$ref": "#/definitions/t", "definitions": {"t": {"type": "object", "properties": {"v": {"type": leaf}, "next": {"$ref": "#/definitions/t"}}}}});
    let even_odd = |most: u64| {
        json!({"$ref": "#/definitions/even", "definitions": {
        "even": {"type": "array", "items": {"$ref": "#/definitions/odd"}, "maxItems": most},
        "odd": {"type": "array", "items": {"$ref": "#/definitions/even"}, "maxItems": 1}}})
    };
    let endless = json!({"definitions": {"e": {"type": "object", "properties": {"e": {"$ref": "#/definitions/e"}}, "required": ["e"]}}, "anyOf": [{"$ref": "#/definitions/e"}, {"type": "null"}]});
    table(&[
        (ALL, tree("integer"), tree("number"), tree("string")),
        (ALL, even_odd(1), even_odd(2), even_odd(0)),
        (ALL, endless, json!({"type": "null"}), json!({"type": "object"})),
        (SINCE_2019, json!({"$ref": "#/$defs/a", "minimum": 3, "$defs": {"a": {"type": "integer"}}}), json!({"minimum": 3, "type": "integer"}), json!({"minimum": 4})),
        (SINCE_2019, json!({"$ref": "#name", "$defs": {"a": {"$anchor": "name", "type": "null"}}}), json!({"type": "null"}), json!({"type": "string"})),
        (SINCE_6, json!({"allOf": [{"$ref": "other"}], "$id": "https://example.org/root", "definitions": {"a": {"$id": "other", "type": "null"}}}), json!({"type": "null"}), json!({"type": "string"})),
        (&[Draft6, Draft7], json!({"allOf": [{"$ref": "#name"}], "definitions": {"a": {"$id": "#name", "type": "null"}}}), json!({"type": "null"}), json!({"type": "string"})),
        (&[Draft4], json!({"allOf": [{"$ref": "other"}], "id": "https://example.org/root", "definitions": {"a": {"id": "other", "type": "null"}}}), json!({"type": "null"}), json!({"type": "string"})),
    ]);
    // Beside `$ref` nothing counted before 2019-09.
    let beside =
        json!({"$ref": "#/definitions/a", "minimum": 3, "definitions": {"a": {"type": "integer"}}});
    breaks(Draft7, View::Strict, &beside, &json!({"minimum": 3}));
    is_safe(Draft201909, View::Strict, &beside, &json!({"minimum": 3}));
    // A list whose items are said by whoever uses it.
    let list = |item: &str| {
        json!({"$id": "https://example.org/texts", "$ref": "list", "$defs": {
            "items": {"$dynamicAnchor": "item", "type": item},
            "list": {"$id": "list", "type": "array", "items": {"$dynamicRef": "#item"}, "$defs": {"any": {"$dynamicAnchor": "item"}}}}})
    };
    is_safe(Draft202012, View::Strict, &list("integer"), &list("number"));
    is_safe(
        Draft202012,
        View::Strict,
        &list("integer"),
        &json!({"items": {"type": "integer"}}),
    );
    breaks(Draft202012, View::Strict, &list("integer"), &list("string"));
    // Where a resource without `$recursiveAnchor` lies between, validators differ.
    let between = json!({"$id": "https://example.org/root", "$recursiveAnchor": true, "$ref": "mid", "maxProperties": 2, "$defs": {
        "mid": {"$id": "mid", "$ref": "inner"},
        "inner": {"$id": "inner", "$recursiveAnchor": true, "type": "object", "properties": {"a": {"$recursiveRef": "#"}}}}});
    let verdict = ask(Draft201909, View::Strict, &between, &json!({"properties": {"a": {"maxProperties": 2}}}));
    assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
    let grown = |open: bool| {
        json!({"$id": "https://example.org/grown", "$recursiveAnchor": true, "$ref": "tree", "unevaluatedProperties": open, "$defs": {
            "tree": {"$id": "tree", "$recursiveAnchor": true, "type": "object", "properties": {"next": {"$recursiveRef": "#"}}}}})
    };
    is_safe(Draft201909, View::Strict, &grown(false), &grown(true));
    let extra = breaks(Draft201909, View::Strict, &grown(true), &grown(false));
    assert!(extra.is_object());
    is_safe(
        Draft201909,
        View::Strict,
        &grown(false),
        &json!({"properties": {"next": {"maxProperties": 1}}}),
    );
}

/// Writers emit what they declare, wherever it is declared; `$ref` and `$defs` as in 2020-12.
// One row a line.
#[rustfmt::skip]
#[test]
fn writers_of_a_stream() {
    let only = |names: &[&str]| json!({"propertyNames": {"enum": names}});
    let a = || json!({"properties": {"a": {"type": "string"}}});
    let b = || json!({"properties": {"b": {"type": "string"}}});
    let rows = [
        (json!({"type": "object", "properties": {"a": true}}), only(&["a"]), only(&[])),
        (json!({"type": "object", "allOf": [a(), b()]}), only(&["a", "b"]), only(&["a"])),
        (json!({"type": "object", "properties": {"c": true}, "allOf": [a()]}), only(&["a", "c"]), only(&["c"])),
        (json!({"type": "object", "anyOf": [a(), b()]}), only(&["a", "b"]), only(&["b"])),
        (json!({"type": "object", "oneOf": [{"allOf": [a()], "required": ["a"]}, {"allOf": [b()], "required": ["b"]}]}), json!({"maxProperties": 1}), only(&["a"])),
        (json!({"type": "object", "properties": {"kind": {"enum": [1, 2]}}, "required": ["kind"], "if": {"properties": {"kind": {"const": 1}}}, "then": a(), "else": b()}), json!({"maxProperties": 2, "not": {"required": ["a", "b"]}}), only(&["kind", "a"])),
        (json!({"type": "object", "$ref": "#/$defs/x", "$defs": {"x": a()}}), only(&["a"]), only(&[])),
        (json!({"type": "object", "properties": {"b": true}, "$ref": "#/$defs/x", "$defs": {"x": a()}}), only(&["a", "b"]), only(&["b"])),
        (json!({"type": "object", "dependentSchemas": {"b": a()}, "properties": {"b": true}}), only(&["a", "b"]), only(&["b"])),
        (json!({"type": "object", "properties": {"a": true}, "patternProperties": {"^x-": true}}), json!({"propertyNames": {"pattern": "^(a|x-.*)$"}, "minProperties": 0, "additionalProperties": true}), only(&["a", "x-"])),
        (json!({"type": "array", "items": {"type": "object", "properties": {"a": true}}}), json!({"items": only(&["a"])}), json!({"items": only(&[])})),
        (json!({"type": "object", "additionalProperties": {"type": "object", "properties": {"a": true}}}), json!({"additionalProperties": only(&["a"])}), only(&["a"])),
        (json!({"type": "object", "properties": {"in": {"type": "object", "properties": {"a": true}}}}), json!({"properties": {"in": only(&["a"])}}), json!({"properties": {"in": only(&[])}})),
        (json!({"type": "object", "properties": {"a": true, "next": {"$ref": "#"}}}), json!({"properties": {"next": {"properties": {"next": only(&["a", "next"])}}}}), json!({"properties": {"next": {"properties": {"next": only(&["a"])}}}})),
    ];
    for (writer, safe, unsafe_one) in &rows {
        let safe = if safe
            .get("propertyNames")
            .is_some_and(|names| names.get("pattern").is_some())
        {
            json!({"patternProperties": {"^x-": true}, "properties": {"a": true}, "additionalProperties": false})
        } else {
            safe.clone()
        };
        is_safe(Draft202012, View::Stream, writer, &safe);
        breaks(Draft202012, View::Stream, writer, unsafe_one);
        // Nothing of it holds for a writer as written.
        breaks(Draft202012, View::Strict, writer, &safe);
    }
    // Open where the schema says so, or declares nothing.
    for open in [
        json!({"type": "object", "properties": {"a": true}, "additionalProperties": true}),
        json!({"type": "object", "properties": {"a": true}, "unevaluatedProperties": {}}),
        json!({"type": "object", "properties": {"a": true}, "allOf": [{"additionalProperties": {}}]}),
        json!({"type": "object"}),
        json!({"type": "object", "required": ["a"]}),
        json!({"type": "object", "not": a()}),
        json!({}),
    ] {
        breaks(Draft202012, View::Stream, &open, &only(&["a"]));
    }
    // Readers are as written, and their other members are none of the writer's.
    is_safe(
        Draft202012,
        View::Stream,
        &a(),
        &json!({"properties": {"a": {"type": "string"}, "b": {"type": "null"}}, "maxProperties": 1}),
    );
    let reader = json!({"properties": {"a": {"type": "string"}}, "additionalProperties": false});
    let witness = breaks(
        Draft202012,
        View::Stream,
        &json!({"type": "object", "properties": {"a": {"type": "string"}, "b": true}}),
        &reader,
    );
    assert_eq!(
        witness.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["b"]
    );
}

/// The later drafts' validators keep the keyword; what it says holds beside what its successors say.
#[test]
fn old_dependencies_are_read_as_validators_read_them() {
    for draft in SINCE_2019 {
        let both = json!({"dependentRequired": {"a": ["b"]}, "dependencies": {"a": ["c"]}});
        let has = |names: &[&str]| json!({"type": "object", "required": names});
        is_safe(*draft, View::Strict, &has(&["a", "b", "c"]), &both);
        for names in [["a", "b"], ["a", "c"]] {
            breaks(*draft, View::Strict, &has(&names), &both);
        }
        // Which of both counts, or whether it evaluates, is not said by any draft.
        for unclear in [
            json!({"dependentSchemas": {"a": {"required": ["b"]}}, "dependencies": {"a": {"required": ["c"]}}}),
            json!({"properties": {"a": true}, "dependencies": {"a": {"properties": {"b": true}}}, "unevaluatedProperties": false}),
        ] {
            let source = |schema: &Value| Source::alone(schema.clone(), *draft);
            let error =
                compat(source(&has(&["a", "b"])), source(&unclear), View::Strict).unwrap_err();
            assert_eq!(error.pointer, "/dependencies");
            assert!(
                error.problem.contains("dependentSchemas"),
                "{}",
                error.problem
            );
        }
    }
}

/// A member that a writer must emit is emitted, declared or not: a closed writer of nothing would prove everything.
#[test]
fn what_a_writer_demands_it_declares() {
    let narrower = |schema: &Value| {
        let mut narrower = schema.clone();
        narrower["properties"]["a"] = json!({"type": "integer", "minimum": 5});
        narrower
    };
    for rest in [
        json!({"required": ["typo"]}),
        json!({"allOf": [{"required": ["typo"]}]}),
        json!({"anyOf": [{"required": ["typo"]}, {"required": ["other"]}]}),
        json!({"required": ["a"], "dependentRequired": {"a": ["typo"]}}),
        json!({"minProperties": 2}),
        json!({"minProperties": 2, "propertyNames": {"enum": ["a", "z"]}}),
        json!({"enum": [{"a": 1, "z": 1}, {"a": "x", "z": 1}]}),
    ] {
        let mut writer =
            json!({"type": "object", "properties": {"a": {"type": ["integer", "string"]}}});
        for (name, value) in rest.as_object().unwrap() {
            writer[name] = value.clone();
        }
        let witness = breaks(Draft202012, View::Stream, &writer, &narrower(&writer));
        assert!(witness.get("a").is_some(), "{writer}: {witness}");
        breaks(Draft202012, View::Stream, &writer, &json!(false));
        // One level down.
        let nested = |schema: &Value| json!({"type": "object", "properties": {"p": schema}});
        let (writer, reader) = (nested(&writer), nested(&narrower(&writer)));
        breaks(Draft202012, View::Stream, &writer, &reader);
    }
    // What it need not emit it does not.
    let writer = json!({"type": "object", "properties": {"a": {}}, "not": {"required": ["b"]}});
    is_safe(
        Draft202012,
        View::Stream,
        &writer,
        &json!({"properties": {"z": false}}),
    );
}
