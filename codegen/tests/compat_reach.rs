//! What people write and a prover easily gives up on: each kind is answered, in both views.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use referencing::Draft::{self, Draft4, Draft7, Draft202012};
use serde_json::{Map, Value, json};
use topicwright::compat::further::MOST;
use topicwright::compat::{Prover, Source, Verdict, View, Witness, compat};

fn ask(draft: Draft, writer: &Value, reader: &Value, view: View) -> Verdict {
    let source = |schema: &Value| Source::alone(schema.clone(), draft);
    compat(source(writer), source(reader), view).unwrap()
}

fn is_safe(draft: Draft, writer: &Value, reader: &Value) {
    for view in [View::Stream, View::Strict] {
        let verdict = ask(draft, writer, reader, view);
        assert!(
            matches!(verdict, Verdict::Compatible(_)),
            "{view:?} {writer} {reader}: {verdict:?}"
        );
    }
}

fn breaks(draft: Draft, writer: &Value, reader: &Value) -> Value {
    for view in [View::Stream, View::Strict] {
        let verdict = ask(draft, writer, reader, view);
        let Verdict::Incompatible(witness) = verdict else {
            panic!("{view:?} {writer} {reader}: {verdict:?}");
        };
        if view == View::Strict {
            return witness.value;
        }
    }
    unreachable!("two views")
}

/// A field `k` that tells which others are required.
fn rules(count: usize) -> Value {
    let mut properties = Map::from_iter([("k".to_owned(), json!({"type": "string"}))]);
    let mut all = Vec::new();
    for number in 0..count {
        properties.insert(format!("a{number}"), json!({"type": "integer"}));
        all.push(json!({
            "if": {"properties": {"k": {"const": format!("t{number}")}}},
            "then": {"required": [format!("a{number}")]},
        }));
    }
    json!({"type": "object", "properties": properties, "allOf": all})
}

#[test]
fn a_schema_and_itself_in_other_words() {
    let conditions: Vec<Value> = (0..15)
        .map(|number| {
            json!({
                "if": {"properties": {"k": {"const": format!("t{number}")}}},
                "then": {"required": [format!("a{number}")]},
            })
        })
        .collect();
    let schema = |words: &str| json!({"description": words, "allOf": conditions});
    is_safe(Draft202012, &schema("one"), &schema("another"));
    // Nor does it take the same order.
    let mut turned = conditions.clone();
    turned.reverse();
    is_safe(Draft202012, &schema("one"), &json!({"allOf": turned}));
    // What only the draft's readers understand is as good.
    let odd = |words: &str| json!({"title": words, "items": {"pattern": "(a)(?!b)\\1"}});
    is_safe(Draft202012, &odd("one"), &odd("another"));
}

#[test]
fn one_more_optional_field_beside_many_rules() {
    for count in [8, 30] {
        let writer = rules(count);
        let mut reader = writer.clone();
        reader["properties"]["b"] = json!({"type": "string"});
        let verdict = ask(Draft202012, &writer, &reader, View::Stream);
        assert!(
            matches!(verdict, Verdict::Compatible(_)),
            "{count}: {verdict:?}"
        );
        // A rule that changes is found among those that do not.
        let mut stricter = writer.clone();
        stricter["allOf"][3]["then"]["required"] = json!(["a3", "a4"]);
        let message = breaks(Draft202012, &writer, &stricter);
        assert_eq!(message["k"], "t3", "{message}");
        is_safe(Draft202012, &stricter, &writer);
    }
}

#[test]
fn members_that_branches_declare() {
    let branches: Vec<Value> = (0..20)
        .map(|number| {
            json!({
                "if": {"properties": {"k": {"const": number}}, "required": ["k"]},
                "then": {"properties": {format!("a{number}"): {"type": "integer"}}},
            })
        })
        .collect();
    let closed = json!({"type": "object", "properties": {"k": {"type": "integer"}}, "allOf": branches, "unevaluatedProperties": false});
    let mut open = closed.clone();
    open.as_object_mut()
        .unwrap()
        .shift_remove("unevaluatedProperties");
    is_safe(Draft202012, &closed, &open);
    let message = match ask(Draft202012, &open, &closed, View::Strict) {
        Verdict::Incompatible(witness) => witness.value,
        other => panic!("{other:?}"),
    };
    assert!(message.is_object());
    let member = json!({"type": "object", "required": ["k", "a7"], "properties": {"k": {"const": 7}, "a7": {"type": "integer"}}, "additionalProperties": false});
    is_safe(Draft202012, &member, &closed);
    let other = json!({"type": "object", "required": ["k", "a7"], "properties": {"k": {"const": 8}, "a7": {"type": "integer"}}, "additionalProperties": false});
    breaks(Draft202012, &other, &closed);
}

#[test]
fn unions_of_tuples() {
    for count in [8, 12, 40] {
        let tuple = |number: usize, data: Value| json!({"type": "array", "minItems": 3, "maxItems": 3, "items": [{"const": 2}, {"const": format!("t{number}")}, data]});
        let union = |first: Value| {
            let all: Vec<Value> = (0..count)
                .map(|number| {
                    let data = if number == 0 {
                        first.clone()
                    } else {
                        json!({"type": "integer"})
                    };
                    tuple(number, data)
                })
                .collect();
            json!({"anyOf": all})
        };
        let (integer, number) = (
            union(json!({"type": "integer"})),
            union(json!({"type": "number"})),
        );
        is_safe(Draft7, &integer, &number);
        breaks(Draft7, &number, &integer);
    }
}

#[test]
fn definitions_that_reach_each_other() {
    for count in [92, 400] {
        let ring = |extra: Value| {
            let definitions: Map<String, Value> = (0..count)
                .map(|number| {
                    let next = format!("#/$defs/d{}", (number + 1) % count);
                    let mut schema = json!({"type": "object", "properties": {"n": {"$ref": next}, "v": {"type": "integer"}}});
                    if number == count - 1 {
                        schema["properties"]["v"] = extra.clone();
                    }
                    (format!("d{number}"), schema)
                })
                .collect();
            json!({"$ref": "#/$defs/d0", "$defs": definitions})
        };
        let (integer, number) = (
            ring(json!({"type": "integer"})),
            ring(json!({"type": "number"})),
        );
        is_safe(Draft202012, &integer, &number);
        if count < 100 {
            breaks(Draft202012, &number, &integer);
        }
    }
}

#[test]
fn patterns_beside_lengths() {
    let text =
        |pattern: &str, max: u64| json!({"type": "string", "pattern": pattern, "maxLength": max});
    is_safe(
        Draft202012,
        &text("^[a-z]+$", 65_535),
        &text("^[a-z0-9]+$", 65_535),
    );
    breaks(
        Draft202012,
        &text("^[a-z0-9]+$", 65_535),
        &text("^[a-z]+$", 65_535),
    );
    let message = breaks(
        Draft202012,
        &text("^[a-z]+$", 65_535),
        &text("^[a-z]+$", 200),
    );
    assert_eq!(message.as_str().unwrap().len(), 201);
    is_safe(
        Draft202012,
        &json!({"pattern": "^[a-z]+$", "minLength": 40_000, "type": "string"}),
        &json!({"pattern": "^[a-z0-9]+$"}),
    );
    // Code points count, not bytes.
    let two = json!({"type": "string", "pattern": "^[é中]*$", "minLength": 2, "maxLength": 2});
    let message = breaks(Draft202012, &two, &json!({"maxLength": 1}));
    assert_eq!(message.as_str().unwrap().chars().count(), 2);
    is_safe(Draft202012, &two, &json!({"maxLength": 2}));
}

#[test]
fn patterns_with_large_automata() {
    let identifier = json!({"type": "string", "pattern": ".{8}-.{4}-.{4}-.{4}-.{12}"});
    breaks(Draft202012, &json!({"type": "string"}), &identifier);
    is_safe(Draft202012, &identifier, &json!({"minLength": 36}));
    let message = breaks(Draft202012, &identifier, &json!({"minLength": 37}));
    assert_eq!(message.as_str().unwrap().chars().count(), 36, "{message}");
    is_safe(Draft202012, &identifier, &json!({"pattern": "-.*-"}));
    breaks(Draft202012, &identifier, &json!({"pattern": "^[a-z-]*$"}));
}

#[test]
fn many_patterns_of_names() {
    let members = |kind: &str| {
        let patterns: Map<String, Value> = ('a'..='z')
            .map(|letter| (format!("^{letter}"), json!({"type": kind})))
            .collect();
        json!({"type": "object", "patternProperties": patterns})
    };
    let closed = |kind: &str| {
        let mut schema = members(kind);
        schema["additionalProperties"] = json!(false);
        schema
    };
    is_safe(Draft202012, &closed("integer"), &members("number"));
    breaks(Draft202012, &closed("number"), &members("integer"));
    breaks(Draft202012, &members("integer"), &closed("integer"));
    is_safe(
        Draft202012,
        &closed("integer"),
        &json!({"propertyNames": {"pattern": "^[a-z]"}, "additionalProperties": {"type": "integer"}}),
    );
}

#[test]
fn numbers_beyond_64_bits() {
    let up_to = |max: f64| json!({"type": "integer", "minimum": 0, "maximum": max});
    let message = breaks(
        Draft7,
        &json!({"type": "integer"}),
        &json!({"minimum": i64::MIN, "maximum": u64::MAX}),
    );
    assert!(message.as_f64().unwrap().abs() >= 9.2e18, "{message}");
    is_safe(
        Draft7,
        &up_to(9.223_372_036_854_776e18),
        &up_to(1.844_674_407_370_955_2e19),
    );
    breaks(
        Draft7,
        &up_to(1.844_674_407_370_955_2e19),
        &up_to(9.223_372_036_854_776e18),
    );
    breaks(
        Draft7,
        &json!({"type": "integer", "minimum": 0}),
        &json!({"maximum": u64::MAX}),
    );
}

#[test]
fn schemas_that_keep_no_meta_schema_and_occur_widely() {
    let named = |required: Value, kind: &str| {
        json!({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "required": required,
               "properties": {"a": {"type": kind}}})
    };
    is_safe(
        Draft4,
        &named(json!([]), "string"),
        &named(json!([]), "string"),
    );
    let mut reader = named(json!([]), "string");
    reader["properties"]["b"] = json!({"type": "string"});
    let verdict = ask(Draft4, &named(json!([]), "string"), &reader, View::Stream);
    assert!(matches!(verdict, Verdict::Compatible(_)), "{verdict:?}");
    breaks(
        Draft4,
        &named(json!([]), "string"),
        &named(json!(["a"]), "string"),
    );
    breaks(
        Draft4,
        &named(json!([]), "string"),
        &named(json!([]), "boolean"),
    );

    let generic = |kind: &str| {
        json!({"$ref": "#/definitions/Page<Order>", "definitions": {"Page<Order>": {"type": "object", "required": ["n"],
               "properties": {"n": {"type": kind}}}}})
    };
    is_safe(Draft7, &generic("integer"), &generic("number"));
    breaks(Draft7, &generic("number"), &generic("integer"));
}

/// Every break, and whether it is proved that there are no more.
fn all_breaks(writer: &Value, reader: &Value) -> (Vec<Witness>, bool) {
    let mut prover = Prover::default();
    let [written, read] =
        [writer, reader].map(|schema| prover.add(Source::alone(schema.clone(), Draft7)).unwrap());
    let Verdict::Incompatible(first) = prover.compare(written, read, View::Stream, None) else {
        panic!("{writer} {reader}");
    };
    let further = prover.further(written, read, View::Stream, None, &first);
    let all = std::iter::once(first).chain(further.breaks).collect();
    (all, further.unproved.is_none())
}

#[test]
fn one_cause_is_one_break() {
    let member = |schema: Value| json!({"type": "object", "properties": {"m": schema}});
    let closed = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": false});
    // A closed object is opened: any name would do.
    let text = json!({"x": {"type": "string"}});
    let opened = json!({"type": "object", "properties": text, "additionalProperties": true});
    let (breaks, is_all) = all_breaks(&member(opened), &member(closed(text.clone())));
    assert!(is_all && breaks.len() == 1, "{breaks:?}");
    assert_eq!(breaks[0].pointer, "/properties/m/additionalProperties");
    assert_eq!(breaks[0].member, None);
    // One that the writer names is a break of its own.
    let more = json!({"type": "object", "properties": {"x": {"type": "string"}, "y": {}}});
    let (breaks, _) = all_breaks(&member(more), &member(closed(text)));
    assert_eq!(breaks[0].member.as_deref(), Some("y"));
    // `.` does not match every character.
    let dots = json!({"type": "object", "patternProperties": {"^.*$": {"type": "string"}}, "additionalProperties": false});
    let all = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let (breaks, is_all) = all_breaks(&member(all), &member(dots));
    assert!(is_all && breaks.len() == 1, "{breaks:?}");
    // An alternative is gone, and another one asks for much.
    let required = |names: &[&str]| {
        let properties: Map<String, Value> = (names.iter())
            .map(|name| ((*name).to_owned(), json!({"type": "number"})))
            .collect();
        json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
    };
    let sums = required(&["min", "max", "sum", "count", "last"]);
    let text = required(&["data", "format"]);
    let (breaks, is_all) = all_breaks(
        &member(json!({"anyOf": [{"type": "integer"}, text, sums]})),
        &member(json!({"anyOf": [{"type": "integer"}, sums]})),
    );
    assert!(is_all && breaks.len() == 1, "{breaks:?}");
    assert_eq!(breaks[0].pointer, "/properties/m/anyOf");
}

/// Every kind that the union does not have is a break of its own, and telling them apart takes no more room each time.
#[test]
fn many_breaks_of_one_union() {
    let kind =
        |kind: String| json!({"properties": {"kind": {"const": kind}}, "required": ["kind"]});
    let union = |kinds: std::ops::Range<usize>| {
        let branches: Vec<Value> = kinds.map(|number| kind(format!("k{number}"))).collect();
        json!({"properties": {"p": {"oneOf": branches}}})
    };
    let mut prover = Prover::default();
    let mut add = |schema: Value| {
        let source = Source::alone(schema, Draft::Draft202012);
        prover.add(source).unwrap()
    };
    let (writer, reader) = (add(union(0..40)), add(union(0..3)));
    let Verdict::Incompatible(first) = prover.compare(writer, reader, View::Strict, None) else {
        panic!("the reader knows three kinds of forty");
    };
    let further = prover.further(writer, reader, View::Strict, None, &first);
    let mut broken: Vec<&Value> = further
        .breaks
        .iter()
        .map(|witness| &witness.value["p"]["kind"])
        .collect();
    broken.push(&first.value["p"]["kind"]);
    let count = broken.len();
    broken.sort_by_key(ToString::to_string);
    broken.dedup();
    assert_eq!((count, broken.len()), (MOST, MOST), "{broken:?}");
    assert!(further.unproved.is_some());
}

/// Pointers in the reader at which messages of the writer break it.
fn broken_places(writer: Value, reader: Value) -> Vec<String> {
    let mut prover = Prover::default();
    let mut add = |schema: Value| prover.add(Source::alone(schema, Draft202012)).unwrap();
    let (writer, reader) = (add(writer), add(reader));
    let Verdict::Incompatible(first) = prover.compare(writer, reader, View::Stream, None) else {
        panic!("it breaks");
    };
    let further = prover.further(writer, reader, View::Stream, None, &first);
    assert_eq!(further.unproved, None);
    let mut places = vec![first.pointer];
    places.extend(further.breaks.into_iter().map(|witness| witness.pointer));
    places.sort();
    places
}

/// A kind of a union: its name, and what else it has.
fn kind(name: &str, more: &Value) -> Value {
    let mut properties = json!({"kind": {"const": name}, "currency": {"enum": ["EUR"]}});
    for (name, schema) in more.as_object().unwrap() {
        properties[name] = schema.clone();
    }
    let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn one_of(kinds: &[Value]) -> Value {
    json!({"type": "object", "required": ["u"], "properties": {"u": {"oneOf": kinds}}})
}

/// What all kinds have alike tells none of them, and a new kind hides nothing that is wrong with the others.
#[test]
fn a_break_beside_a_new_kind() {
    let text = json!({"type": "string"});
    let reader = one_of(&[
        kind("a", &json!({"f": text})),
        kind("b", &json!({"g": text})),
    ]);
    let writer = one_of(&[
        kind("c", &json!({"h": text})),
        kind("a", &json!({"f": text})),
        kind("b", &json!({"g": {"type": "integer"}})),
    ]);
    assert_eq!(
        broken_places(writer, reader),
        [
            "/properties/u/oneOf",
            "/properties/u/oneOf/1/properties/g/type"
        ]
    );
}

#[test]
fn breaks_of_nested_unions_have_places_of_their_own() {
    let inner = |names: &[&str]| {
        let kinds: Vec<Value> = names.iter().map(|name| kind(name, &json!({}))).collect();
        json!({"in": {"oneOf": kinds}})
    };
    let reader = one_of(&[
        kind("a", &inner(&["p", "q"])),
        kind("b", &inner(&["p", "q"])),
    ]);
    let writer = one_of(&[
        kind("a", &inner(&["p", "q", "r"])),
        kind("b", &inner(&["p", "q", "s"])),
        kind("c", &inner(&["p"])),
    ]);
    assert_eq!(
        broken_places(writer, reader),
        [
            "/properties/u/oneOf",
            "/properties/u/oneOf/0/properties/in/oneOf",
            "/properties/u/oneOf/1/properties/in/oneOf"
        ]
    );
}

/// Messages that double at each level are never built, and it takes no time to say so.
#[test]
fn messages_that_double_at_each_level() {
    let mut lists = json!({"enum": [0, 1]});
    for _ in 0..30 {
        lists = json!({"type": "array", "minItems": 2, "uniqueItems": true, "items": lists});
    }
    let mut objects = json!({"x0": {"type": "string"}});
    for level in 0..40 {
        let below = json!({"$ref": format!("#/$defs/x{level}")});
        objects[format!("x{}", level + 1)] = json!({
            "type": "object", "required": ["a", "b"], "properties": {"a": below, "b": below}
        });
    }
    for writer in [lists, json!({"$ref": "#/$defs/x40", "$defs": objects})] {
        let verdict = ask(
            Draft202012,
            &writer,
            &json!({"type": "integer"}),
            View::Strict,
        );
        match verdict {
            Verdict::Unknown(unknown) => assert_eq!(unknown.keyword, "budget"),
            other => panic!("{other:?}"),
        }
    }
}
