//! What changed from one version of a topic to the next, in sentences a reader of events cares for; Markdown.
use indexmap::IndexMap;

use super::fields::{FieldFact, Presence};
use super::markdown::{code, text};

/// Sentences, in the order of the newer version's fields, removals last. `renames` maps new names to old.
#[must_use]
pub fn changes(
    old: &[FieldFact],
    new: &[FieldFact],
    renames: &IndexMap<String, String>,
) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut matched: Vec<&str> = Vec::new();
    for field in new {
        let before = former_path(field, renames);
        let name = code(&field.path);
        let Some(former) = old.iter().find(|old| old.path == before) else {
            sentences.push(format!("new field {name} ({})", field.presence.words()));
            continue;
        };
        matched.push(&former.path);
        if before != field.path && field.path == field.top {
            sentences.push(format!("{} is now called {name}", code(&former.path)));
        }
        if former.presence != field.presence {
            sentences.push(match field.presence {
                Presence::Always => format!("{name} is now always there"),
                Presence::Optional => format!("{name} is now optional"),
                Presence::InSomeForms => format!("{name} is now only there in some forms"),
            });
        }
        if former.kind != field.kind {
            sentences.push(format!(
                "{name} was: {}; is now: {}",
                former.kind, field.kind
            ));
        }
        if let (None, Some(deprecated)) = (&former.deprecated, &field.deprecated) {
            let mut sentence = format!("{name} is on its way out");
            if !deprecated.since.is_empty() {
                sentence.push_str(&format!(" since {}", text(&deprecated.since)));
            }
            if !deprecated.reason.is_empty() {
                sentence.push_str(&format!(": {}", text(&deprecated.reason)));
            }
            sentences.push(sentence);
        }
    }
    for field in old {
        let parent_gone = old.iter().any(|parent| {
            parent.path != field.path
                && field.path.starts_with(&parent.path)
                && field.path[parent.path.len()..].starts_with(['.', '['])
                && !matched.contains(&parent.path.as_str())
        });
        if !matched.contains(&field.path.as_str()) && !parent_gone {
            sentences.push(format!("field {} is gone", code(&field.path)));
        }
    }
    sentences
}

/// The path that the older version had, by its top-level name.
fn former_path(field: &FieldFact, renames: &IndexMap<String, String>) -> String {
    match renames.get(&field.top) {
        Some(old) => format!("{old}{}", &field.path[field.top.len()..]),
        None => field.path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use serde_json::{Value, json};

    use super::changes;
    use crate::emit::docs::fields::{FieldFact, fields};
    use crate::model;

    fn facts(schema: &Value) -> Vec<FieldFact> {
        let documents = [("test:///s.json", schema)];
        let model =
            model::build_in(&documents, 0, "", referencing::Draft::Draft202012).expect("a schema");
        fields(&model, &[])
    }

    fn between(old: &Value, new: &Value, renames: &[(&str, &str)]) -> Vec<String> {
        let renames: IndexMap<String, String> = renames
            .iter()
            .map(|(new, old)| ((*new).to_owned(), (*old).to_owned()))
            .collect();
        changes(&facts(old), &facts(new), &renames)
    }

    #[test]
    fn each_change_is_told_once() {
        let text = json!({"type": "string"});
        let number = json!({"type": "integer"});
        let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
        let items = |inner: &Value| json!({"type": "array", "items": object(json!({"n": inner}), json!(["n"]))});
        type Case<'c> = (Value, Value, Vec<(&'c str, &'c str)>, Vec<&'c str>);
        let cases: Vec<Case<'_>> = vec![
            (
                object(json!({"a": text}), json!([])),
                object(json!({"a": text}), json!([])),
                vec![],
                vec![],
            ),
            (
                object(json!({"a": text}), json!([])),
                object(json!({"a": text, "b": number}), json!(["b"])),
                vec![],
                vec!["new field `b` (always)"],
            ),
            (
                object(json!({"a": text}), json!([])),
                object(json!({"b": text}), json!(["b"])),
                vec![("b", "a")],
                vec!["`a` is now called `b`", "`b` is now always there"],
            ),
            (
                object(
                    json!({"a": items(&text), "gone": object(json!({"x": text}), json!([]))}),
                    json!([]),
                ),
                object(json!({"a": items(&number)}), json!([])),
                vec![],
                vec![
                    "`a[].n` was: text; is now: whole number",
                    "field `gone` is gone",
                ],
            ),
            (
                object(json!({"old": items(&text)}), json!([])),
                object(json!({"new": items(&text)}), json!([])),
                vec![("new", "old")],
                vec!["`old` is now called `new`"],
            ),
            (
                object(json!({"a": text}), json!([])),
                object(
                    json!({"a": {"type": "string", "deprecated": true, "x-deprecated-since": "2026-01-31"}}),
                    json!([]),
                ),
                vec![],
                vec!["`a` is on its way out since 2026-01-31"],
            ),
        ];
        for (old, new, renames, expected) in cases {
            assert_eq!(between(&old, &new, &renames), expected, "{old} → {new}");
        }
    }

    #[test]
    fn fields_of_lists_maps_forms_and_circles() {
        let schema = json!({
            "type": "object",
            "required": ["kind"],
            "properties": {
                "kind": {"type": "string"},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
                "by_name": {"type": "object", "additionalProperties": {"type": "object", "properties": {"n": true}}},
                "next": {"$ref": "#"}
            },
            "oneOf": [
                {"properties": {"card": {"type": "object", "required": ["last4"], "properties": {"last4": {"type": "string"}}}}},
                {"properties": {"iban": {"type": "string"}}}
            ]
        });
        let found: Vec<(String, &str)> = facts(&schema)
            .into_iter()
            .map(|field| (field.path, field.presence.words()))
            .collect();
        let expected = [
            ("kind", "always"),
            ("pair", "optional"),
            ("pair[0]", "optional"),
            ("pair[1]", "optional"),
            ("by_name", "optional"),
            ("by_name.*.n", "optional"),
            ("next", "optional"),
            ("card", "in some forms"),
            ("card.last4", "always"),
            ("iban", "in some forms"),
        ];
        assert_eq!(
            found,
            expected.map(|(path, presence)| (path.to_owned(), presence))
        );
    }
}
