//! What occurs widely and keeps no meta-schema: written as validators that take it read it.
//!
//! Draft 04 asks for at least one name in `required`; generators write an empty list all the same. And a `$ref` names a
//! definition by its name as it is, `#/definitions/Page<Order>`, where an address would have `%3C`.
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use referencing::Draft;
use serde_json::Value;

use crate::model::DATA;

/// The document as it is meant. Places in it stay what they are.
pub(super) fn as_meant(document: &Arc<Value>, draft: Draft) -> Arc<Value> {
    let is_draft_4 = draft.detect(document) == Draft::Draft4;
    if !is_lenient(document, is_draft_4) {
        return Arc::clone(document);
    }
    let mut document = Value::clone(document);
    settle(&mut document, is_draft_4);
    Arc::new(document)
}

fn is_empty_list(name: &str, value: &Value, is_draft_4: bool) -> bool {
    is_draft_4 && name == "required" && value.as_array().is_some_and(Vec::is_empty)
}

fn is_lenient(document: &Value, is_draft_4: bool) -> bool {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let is_address = name == "$ref"
                        && (member.as_str())
                            .is_some_and(|text| matches!(address(text), Cow::Owned(_)));
                    if is_address || is_empty_list(name, member, is_draft_4) {
                        return true;
                    }
                    if !DATA.contains(&name.as_str()) {
                        open.push(member);
                    }
                }
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    false
}

fn settle(document: &mut Value, is_draft_4: bool) {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                members.retain(|name, member| !is_empty_list(name, member, is_draft_4));
                for (name, member) in members {
                    if name == "$ref"
                        && let Value::String(text) = member
                    {
                        *text = address(text).into_owned();
                    } else if !DATA.contains(&name.as_str()) {
                        open.push(member);
                    }
                }
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A reference as an address: what no address has is escaped.
fn address(reference: &str) -> Cow<'_, str> {
    let fragment = reference.find('#').unwrap_or(reference.len());
    let is_foreign = |(at, character): (usize, char)| match character {
        '<' | '>' | '"' | '{' | '}' | '|' | '\\' | '^' | '`' | ' ' => true,
        '[' | ']' => at > fragment,
        '#' => at > fragment,
        '%' => {
            let code = reference.as_bytes().get(at + 1..at + 3);
            !code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
        }
        other => other.is_control() || !other.is_ascii(),
    };
    if !reference.char_indices().any(is_foreign) {
        return Cow::Borrowed(reference);
    }
    let mut escaped = String::with_capacity(reference.len() + 8);
    for (at, character) in reference.char_indices() {
        if is_foreign((at, character)) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                // Writing into a text does not fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_become_addresses() {
        for (reference, meant) in [
            ("#/definitions/a", "#/definitions/a"),
            ("#/definitions/Page<Order>", "#/definitions/Page%3COrder%3E"),
            ("#/definitions/a%20b", "#/definitions/a%20b"),
            ("#/definitions/100%", "#/definitions/100%25"),
            ("#/definitions/ä[0]", "#/definitions/%C3%A4%5B0%5D"),
            ("other.json#/a b", "other.json#/a%20b"),
        ] {
            assert_eq!(address(reference), meant);
        }
    }

    #[test]
    fn data_and_later_drafts_are_left_alone() {
        let schema = |draft: &str| {
            json!({
                "$schema": draft, "required": [],
                "properties": {"required": {"enum": [{"$ref": "#/<"}], "required": []}},
            })
        };
        let later = Arc::new(schema("http://json-schema.org/draft-07/schema#"));
        assert!(Arc::ptr_eq(&as_meant(&later, Draft::Draft7), &later));
        let earlier = schema("http://json-schema.org/draft-04/schema#");
        assert_eq!(
            *as_meant(&Arc::new(earlier), Draft::Draft7),
            json!({
                "$schema": "http://json-schema.org/draft-04/schema#",
                "properties": {"required": {"enum": [{"$ref": "#/<"}]}},
            })
        );
    }
}
