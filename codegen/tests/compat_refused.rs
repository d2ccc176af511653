//! No verdict about a schema that no validator takes: unknown, and why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use referencing::Draft::{self, Draft4, Draft7, Draft202012};
use serde_json::{Value, json};
use topicwright::compat::{Source, Verdict, View, compat};

/// On either side, against schemas that would make it a proof or a break, and against itself.
fn is_refused(draft: Draft, schema: &Value, says: &str) {
    let source = |schema: &Value| Source::alone(schema.clone(), draft);
    let other = json!({"not": {}});
    for (writer, reader) in [
        (schema, &json!({})),
        (schema, &other),
        (&other, schema),
        (&json!({"type": "object"}), schema),
        (schema, schema),
    ] {
        for view in [View::Strict, View::Stream] {
            let reason = match compat(source(writer), source(reader), view) {
                Ok(Verdict::Unknown(unknown)) => unknown.reason,
                Ok(other) => panic!("{draft:?} {writer} {reader}: {other:?}"),
                Err(error) => error.problem,
            };
            assert!(reason.contains(says), "{writer} {reader}: {reason}");
        }
    }
}

#[test]
fn patterns_that_nobody_compiles() {
    for draft in [Draft4, Draft7, Draft202012] {
        is_refused(draft, &json!({"patternProperties": {"(": {}}}), "");
        is_refused(draft, &json!({"pattern": "[z-a]"}), "");
        is_refused(
            draft,
            &json!({"properties": {"a": {"pattern": "a{2,1}"}}}),
            "",
        );
    }
    is_refused(
        Draft202012,
        &json!({"patternProperties": {"(": {}}}),
        "refuse",
    );
}

#[test]
fn keywords_that_are_malformed() {
    for schema in [
        json!({"$id": 5}),
        json!({"$anchor": 5}),
        json!({"$anchor": "not a name"}),
        json!({"uniqueItems": "yes"}),
        json!({"required": ["a", "a"]}),
        json!({"type": []}),
        json!({"type": ["string", "string"]}),
        json!({"anyOf": []}),
        json!({"title": 5}),
        json!({"$defs": {"a": {"type": "text"}}}),
        json!({"properties": {"a": {"$comment": 1}}}),
        json!({"minimum": "1"}),
        json!({"exclusiveMinimum": true, "minimum": 1}),
        json!({"items": [{}]}),
    ] {
        is_refused(Draft202012, &schema, "");
    }
    is_refused(Draft202012, &json!({"$id": 5}), "refuse");
    is_refused(Draft7, &json!({"$id": 5}), "refuse");
    is_refused(Draft4, &json!({"exclusiveMinimum": 1}), "refuse");
    is_refused(Draft4, &json!({"properties": {"a": true}}), "");
}

/// Nothing but themselves.
#[test]
fn schemas_that_are_nothing_but_a_circle() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"anyOf": [{"$ref": "#"}]}),
        json!({"allOf": [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}]}),
        json!({"oneOf": [{"$ref": "#"}]}),
        json!({"not": {"$ref": "#"}}),
        json!({"if": {"$ref": "#"}}),
        json!({"dependentSchemas": {"a": {"$ref": "#"}}}),
        json!({"$dynamicAnchor": "a", "allOf": [{"$dynamicRef": "#a"}]}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        json!({"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}),
    ] {
        is_refused(Draft202012, &schema, "do not come to an end");
    }
}

/// One alternative is the schema itself: everything to some validators, nothing to others.
#[test]
fn circles_of_alternatives_prove_nothing() {
    for schema in [
        json!({"anyOf": [{"$ref": "#"}, {"type": "string"}]}),
        json!({"oneOf": [{"type": "null"}, {"$ref": "#"}]}),
        json!({"if": {"type": "null"}, "else": {"$ref": "#"}}),
        json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"anyOf": [{"type": "null"}, {"allOf": [{"$ref": "#/$defs/a"}]}]}}}),
    ] {
        let source = |schema: &Value| Source::alone(schema.clone(), Draft202012);
        for (writer, reader) in [
            (&schema, &json!({})),
            (&json!({"type": "string"}), &schema),
            (&json!(false), &schema),
            (&schema, &schema),
        ] {
            let verdict = compat(source(writer), source(reader), View::Strict).unwrap();
            assert!(
                !matches!(verdict, Verdict::Compatible(_)),
                "{writer} {reader}: {verdict:?}"
            );
        }
    }
}

#[test]
fn recursion_that_comes_to_an_end_is_proved() {
    for tree in [
        json!({"anyOf": [{"type": "null"}, {"items": {"$ref": "#"}}], "$defs": {"unused": {"$ref": "#/$defs/unused"}}}),
        // Beside the rest it adds nothing, to whoever answers.
        json!({"allOf": [{"$ref": "#"}, {"type": "string"}]}),
    ] {
        let source = |schema: Value| Source::alone(schema, Draft202012);
        let verdict = compat(source(tree), source(json!({})), View::Strict).unwrap();
        assert!(matches!(verdict, Verdict::Compatible(_)), "{verdict:?}");
    }
}

/// Neither a stack overflow nor a proof.
#[test]
fn deep_documents() {
    let nested = |levels: usize| {
        (0..levels).fold(
            json!({"title": "in"}),
            |inner, _| json!({"properties": {"a": inner}}),
        )
    };
    let ask = |levels| {
        let source = |schema: Value| Source::alone(schema, Draft202012);
        compat(source(nested(levels)), source(json!({})), View::Strict).unwrap()
    };
    assert!(matches!(ask(100), Verdict::Compatible(_)));
    assert!(matches!(ask(300), Verdict::Unknown(_)));
}
