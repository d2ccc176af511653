//! Keywords that validators read in more than one way: a proof holds for every reading, a broken message is confirmed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use referencing::Draft::{self, Draft4, Draft6, Draft7, Draft201909, Draft202012};
use serde_json::{Value, json};
use topicwright::compat::{Source, Verdict, View, compat};

fn ask(draft: Draft, writer: &Value, reader: &Value) -> Verdict {
    let source = |schema: &Value| Source::alone(schema.clone(), draft);
    compat(source(writer), source(reader), View::Strict)
        .unwrap_or_else(|error| panic!("{error}: {draft:?} {writer} {reader}"))
}

fn is_safe(draft: Draft, writer: &Value, reader: &Value) {
    let verdict = ask(draft, writer, reader);
    assert!(
        matches!(verdict, Verdict::Compatible(_)),
        "{draft:?} {writer} {reader}: {verdict:?}"
    );
}

fn breaks(draft: Draft, writer: &Value, reader: &Value) {
    let verdict = ask(draft, writer, reader);
    assert!(
        matches!(verdict, Verdict::Incompatible(_)),
        "{draft:?} {writer} {reader}: {verdict:?}"
    );
}

/// Unknown, with the keyword's name and what to do.
fn is_unknown(draft: Draft, writer: &Value, reader: &Value, keyword: &str, says: &str) {
    let verdict = ask(draft, writer, reader);
    let Verdict::Unknown(unknown) = &verdict else {
        panic!("{draft:?} {writer} {reader}: {verdict:?}");
    };
    assert_eq!(unknown.keyword, keyword, "{unknown:?}");
    assert!(unknown.reason.contains(says), "{unknown:?}");
}

#[test]
fn content_is_looked_into_by_some() {
    let text = json!({"type": "string"});
    for draft in [Draft6, Draft7] {
        for content in [
            json!({"contentEncoding": "base64"}),
            json!({"contentMediaType": "application/json"}),
            json!({"contentEncoding": "base64", "contentMediaType": "application/json"}),
        ] {
            breaks(draft, &text, &content);
            breaks(
                draft,
                &json!({"type": "object", "properties": {"a": text}}),
                &json!({"properties": {"a": content}}),
            );
            // The same on both sides is the same to everyone.
            let mut narrower = content.clone();
            narrower["type"] = json!("string");
            narrower["maxLength"] = json!(9);
            is_safe(draft, &narrower, &content);
            // A writer with it may write any text all the same.
            breaks(draft, &content, &json!({"maxLength": 3}));
            is_safe(draft, &content, &json!({}));
            is_safe(draft, &json!({"type": "integer"}), &content);
        }
        let encoded = json!({"type": "string", "contentEncoding": "base64"});
        is_unknown(
            draft,
            &encoded,
            &json!({"not": {"const": "not base64!"}}),
            "contentEncoding",
            "2019-09",
        );
        breaks(draft, &encoded, &json!({"contentEncoding": "base16"}));
        // What others look into, nobody here knows.
        is_unknown(
            draft,
            &text,
            &json!({"contentMediaType": "text/html"}),
            "contentMediaType",
            "annotation",
        );
    }
    for draft in [Draft4, Draft201909, Draft202012] {
        is_safe(draft, &text, &json!({"contentEncoding": "base64"}));
    }
}

#[test]
fn old_dependencies_need_not_be_read() {
    let old = json!({"dependencies": {"a": ["b"]}});
    for draft in [Draft201909, Draft202012] {
        is_unknown(
            draft,
            &old,
            &json!({"dependentRequired": {"a": ["b"]}}),
            "dependencies",
            "dependentRequired",
        );
        // A message that breaks who reads them is one that breaks.
        breaks(draft, &json!({"dependentRequired": {"a": ["c"]}}), &old);
        // Who reads them accepts these, and so does who does not.
        is_safe(draft, &json!({"dependentRequired": {"a": ["b"]}}), &old);
        is_safe(draft, &old, &json!({}));
        let mut narrower = old.clone();
        narrower["maxProperties"] = json!(5);
        is_safe(draft, &narrower, &old);
        let schema = json!({"dependencies": {"a": {"required": ["b"]}}});
        is_unknown(
            draft,
            &schema,
            &json!({"dependentSchemas": {"a": {"required": ["b"]}}}),
            "dependencies",
            "dependentSchemas",
        );
        is_safe(
            draft,
            &json!({"dependentSchemas": {"a": {"required": ["b"]}}}),
            &schema,
        );
        // Inside of a negation, too.
        is_unknown(
            draft,
            &json!({"type": "object", "not": {"dependentRequired": {"a": ["b"]}}}),
            &json!({"not": old}),
            "dependencies",
            "dependentRequired",
        );
        is_safe(
            draft,
            &json!({"type": "object", "not": old}),
            &json!({"required": ["a"]}),
        );
    }
    for draft in [Draft4, Draft6, Draft7] {
        is_safe(
            draft,
            &json!({"type": "object", "dependencies": {"a": ["b"]}, "required": ["a"]}),
            &json!({"required": ["b"]}),
        );
    }
}

/// A reader with a keyword that its draft does not know: to some validators it says something.
#[test]
fn keywords_of_other_drafts_are_read_by_some() {
    let rows: &[(&[Draft], &str, Value)] = &[
        (&[Draft4], "const", json!({"const": 1})),
        (&[Draft4], "contains", json!({"contains": {"type": "null"}})),
        (
            &[Draft4],
            "propertyNames",
            json!({"propertyNames": {"maxLength": 1}}),
        ),
        (
            &[Draft4, Draft6],
            "if",
            json!({"if": {"type": "string"}, "then": {"maxLength": 1}}),
        ),
        (
            &[Draft6, Draft7],
            "minContains",
            json!({"contains": {"type": "null"}, "minContains": 2}),
        ),
        (
            &[Draft4, Draft6, Draft7],
            "unevaluatedProperties",
            json!({"properties": {"a": {}}, "unevaluatedProperties": false}),
        ),
        (
            &[Draft4, Draft6, Draft7],
            "unevaluatedItems",
            json!({"unevaluatedItems": false}),
        ),
        (
            &[Draft4, Draft6, Draft7],
            "dependentSchemas",
            json!({"dependentSchemas": {"a": {"required": ["b"]}}}),
        ),
        (
            &[Draft4, Draft6, Draft7],
            "dependentRequired",
            json!({"dependentRequired": {"a": ["b"]}}),
        ),
        (
            &[Draft4, Draft6, Draft7, Draft201909],
            "prefixItems",
            json!({"prefixItems": [{"type": "null"}]}),
        ),
        (
            &[Draft202012],
            "additionalItems",
            json!({"prefixItems": [{}], "additionalItems": false}),
        ),
        (
            &[Draft7, Draft202012],
            "$recursiveRef",
            json!({"properties": {"a": {"$recursiveRef": "#"}}, "maxProperties": 3}),
        ),
        (
            &[Draft7, Draft201909],
            "$dynamicRef",
            json!({"items": {"$dynamicRef": "#"}, "maxItems": 3}),
        ),
        (
            &[Draft4, Draft202012],
            "divisibleBy",
            json!({"divisibleBy": 2}),
        ),
        (&[Draft4, Draft7], "disallow", json!({"disallow": "string"})),
        (
            &[Draft4, Draft202012],
            "extends",
            json!({"extends": {"type": "string"}}),
        ),
    ];
    for (drafts, keyword, reader) in rows {
        for draft in *drafts {
            let mut without = reader.clone();
            without.as_object_mut().unwrap().remove(*keyword);
            if let Some(a) = without.pointer_mut("/properties/a") {
                *a = json!({});
            }
            if let Some(items) = without.get_mut("items") {
                *items = json!({});
            }
            is_unknown(*draft, &without, reader, keyword, "does not know");
            // As a writer's it says nothing, and the rest is what it was.
            is_safe(*draft, reader, &without);
        }
    }
    // The same on both sides is the same to everyone, but not where it depends on what stands beside it.
    let closed = |names: &[&str], most: u64| {
        let members: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({})))
            .collect();
        json!({"allOf": [{"properties": members, "unevaluatedProperties": false}], "maxProperties": most})
    };
    is_safe(Draft7, &closed(&["a"], 3), &closed(&["a"], 4));
    is_unknown(
        Draft7,
        &closed(&["a", "b"], 3),
        &closed(&["a"], 4),
        "unevaluatedProperties",
        "draft 07",
    );
}

#[test]
fn what_stands_beside_a_reference_is_read_by_some() {
    let beside = |rest: Value| {
        let mut schema =
            json!({"$ref": "#/definitions/a", "definitions": {"a": {"type": "integer"}}});
        for (name, value) in rest.as_object().unwrap() {
            schema[name] = value.clone();
        }
        schema
    };
    for draft in [Draft4, Draft6, Draft7] {
        let integer = json!({"type": "integer"});
        let bounded = beside(json!({"minimum": 3}));
        is_unknown(draft, &integer, &bounded, "$ref", "allOf");
        breaks(draft, &bounded, &json!({"minimum": 3}));
        is_safe(draft, &bounded, &integer);
        is_safe(
            draft,
            &json!({"allOf": [bounded["definitions"]["a"], {"maximum": 9}]}),
            &beside(json!({"description": "said of it", "default": 3, "title": "x"})),
        );
        // What is the same on both sides.
        let mut narrower = bounded.clone();
        narrower["definitions"]["a"]["multipleOf"] = json!(2);
        is_safe(draft, &narrower, &bounded);
    }
    // The same words, which look at what the reference leads to.
    let closed = |names: Value| {
        json!({"$ref": "#/definitions/a", "unevaluatedProperties": false,
            "definitions": {"a": {"type": "object", "properties": names}}})
    };
    is_unknown(
        Draft7,
        &closed(json!({"a": {}, "b": {}})),
        &closed(json!({"a": {}})),
        "$ref",
        "allOf",
    );
    is_safe(
        Draft201909,
        &json!({"type": "integer", "minimum": 4}),
        &beside(json!({"minimum": 3})),
    );
    // A writer that declares members beside is not closed by what it refers to.
    let writer = json!({"$ref": "#/definitions/a", "properties": {"b": {}}, "definitions": {"a": {"properties": {"a": {}}}}});
    let reader = json!({"propertyNames": {"enum": ["a"]}});
    let source = |schema: &Value| Source::alone(schema.clone(), Draft7);
    let verdict = compat(source(&writer), source(&reader), View::Stream).unwrap();
    assert!(!matches!(verdict, Verdict::Compatible(_)), "{verdict:?}");
}
