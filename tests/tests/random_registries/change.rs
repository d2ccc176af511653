//! Changes of a payload schema as pull requests bring them: some safe, some not.
use serde_json::{Map, Value, json};

use super::payload::Draw;

/// The schema with one change or two.
pub fn changed(draw: &mut Draw<'_>, schema: &Value) -> Value {
    let mut schema = schema.clone();
    for _ in 0..draw.random.usize(1..=2) {
        change(draw, &mut schema);
    }
    schema
}

/// Pointers to every schema inside of one.
fn places(schema: &Value, pointer: &str, found: &mut Vec<String>) {
    let Some(members) = schema.as_object() else {
        return;
    };
    found.push(pointer.to_owned());
    for (keyword, value) in members {
        let inside = format!("{pointer}/{keyword}");
        match (keyword.as_str(), value) {
            (
                "properties" | "$defs" | "definitions" | "patternProperties",
                Value::Object(named),
            ) => {
                for (name, schema) in named {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    places(schema, &format!("{inside}/{name}"), found);
                }
            }
            ("items" | "prefixItems" | "anyOf" | "oneOf" | "allOf", Value::Array(schemas)) => {
                for (number, schema) in schemas.iter().enumerate() {
                    places(schema, &format!("{inside}/{number}"), found);
                }
            }
            ("items" | "additionalProperties" | "additionalItems" | "if" | "then" | "not", _) => {
                places(value, &inside, found);
            }
            _ => {}
        }
    }
}

fn change(draw: &mut Draw<'_>, schema: &mut Value) {
    let mut found = Vec::new();
    places(schema, "", &mut found);
    // Half of all changes are of the payload's own members.
    let pointer = match draw.one_in(2) {
        true => String::new(),
        false => draw.pick(&found),
    };
    let is_top = pointer.is_empty();
    let is_member = pointer.starts_with("/properties/") && pointer.matches('/').count() == 2;
    let Some(Value::Object(members)) = schema.pointer_mut(&pointer) else {
        return;
    };
    if members.contains_key("properties") {
        object(draw, members, is_top);
        return;
    }
    match draw.random.u8(0..8) {
        0 => {
            let other = draw.value(1, is_member);
            *schema.pointer_mut(&pointer).expect("just found") = other;
        }
        1 => nullable(members),
        2 => column(draw, members, is_member),
        3 => {
            let names: Vec<String> = members.keys().cloned().collect();
            if !names.is_empty() {
                members.shift_remove(&draw.pick(&names));
            }
        }
        _ => narrowed_or_widened(draw, members),
    }
}

fn object(draw: &mut Draw<'_>, members: &mut Map<String, Value>, is_top: bool) {
    let names: Vec<String> = members["properties"]
        .as_object()
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    let mut required: Vec<Value> = members
        .get("required")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    match draw.random.u8(0..12) {
        0..=4 => {
            let name = draw.name();
            if !names.contains(&name) {
                members["properties"][&name] = draw.value(1, is_top);
                if draw.one_in(5) {
                    required.push(name.into());
                    members.insert("required".to_owned(), required.into());
                }
            }
        }
        5 if !names.is_empty() => {
            let name = draw.pick(&names);
            if let Some(properties) = members["properties"].as_object_mut() {
                properties.shift_remove(&name);
            }
            required.retain(|needed| *needed != name);
            members.insert("required".to_owned(), required.into());
        }
        6 | 7 if !names.is_empty() => {
            let name = Value::from(draw.pick(&names));
            match required.iter().position(|needed| *needed == name) {
                Some(place) => drop(required.remove(place)),
                None => required.push(name),
            }
            members.insert("required".to_owned(), required.into());
        }
        8 => {
            let closing = draw.pick(&[json!(false), json!(true), json!({"type": "string"})]);
            members.insert("additionalProperties".to_owned(), closing);
        }
        9 => drop(members.shift_remove("additionalProperties")),
        10 if !names.is_empty() => {
            // A member under another name, said to be the same.
            let (old, new) = (draw.pick(&names), draw.name());
            if !names.contains(&new)
                && let Some(properties) = members["properties"].as_object_mut()
                && let Some(mut schema) = properties.shift_remove(&old)
            {
                if schema.is_object() {
                    schema["x-renamed-from"] = old.clone().into();
                }
                properties.insert(new.clone(), schema);
                for needed in &mut required {
                    if *needed == old {
                        *needed = new.clone().into();
                    }
                }
                members.insert("required".to_owned(), required.into());
            }
        }
        _ => draw.rule(members),
    }
}

fn nullable(members: &mut Map<String, Value>) {
    match members.get_mut("type") {
        Some(Value::Array(kinds)) => kinds.retain(|kind| kind != "null"),
        Some(kind) => *kind = json!([kind.clone(), "null"]),
        None => {}
    }
}

/// Another column, one more, or one less.
fn column(draw: &mut Draw<'_>, members: &mut Map<String, Value>, may_fill: bool) {
    members.shift_remove("x-column");
    let types: &[&str] = match (members.get("type").and_then(Value::as_str), draw.one_in(2)) {
        (Some("string"), true) => &["DateTime64(3)"],
        (Some("string"), false) => &["String", "LowCardinality(String)"],
        (Some("boolean"), _) => &["Bool"],
        (Some("number"), _) => &["Float64"],
        (Some("integer"), _) => &["Int64", "UInt64", "UInt32"],
        _ => return,
    };
    let mut schema = Value::Object(std::mem::take(members));
    draw.fill(&mut schema, may_fill, types);
    if let Value::Object(filled) = schema {
        *members = filled;
    }
}

fn narrowed_or_widened(draw: &mut Draw<'_>, members: &mut Map<String, Value>) {
    let bounded = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
    ];
    let there: Vec<&str> = bounded
        .into_iter()
        .filter(|keyword| members.get(*keyword).is_some_and(Value::is_i64))
        .collect();
    if !there.is_empty() && !draw.one_in(4) {
        let keyword = draw.pick(&there);
        let step = draw.pick(&[-1_i64, 1, 10, -10, 1000]);
        let bound = members[keyword].as_i64().unwrap_or_default();
        let moved = bound.saturating_add(step);
        let moved = if keyword.ends_with("imum") {
            moved
        } else {
            moved.max(0)
        };
        members.insert(keyword.to_owned(), moved.into());
        return;
    }
    if let Some(Value::Array(words)) = members.get_mut("enum") {
        match draw.one_in(2) {
            true => words.push("more".into()),
            false if words.len() > 1 => drop(words.pop()),
            false => {}
        }
        return;
    }
    match members.get("type").and_then(Value::as_str) {
        Some("string") => match draw.random.u8(0..5) {
            0 => drop(members.shift_remove("format")),
            1 => drop(members.shift_remove("pattern")),
            2 => drop(members.insert("format".to_owned(), "date-time".into())),
            3 => drop(members.insert("pattern".to_owned(), "^[a-z]".into())),
            _ => drop(members.insert("maxLength".to_owned(), draw.random.u16(0..300).into())),
        },
        Some("integer") => match draw.random.u8(0..3) {
            0 => drop(members.insert("type".to_owned(), "number".into())),
            1 => drop(members.insert("minimum".to_owned(), (-1).into())),
            _ => drop(members.insert("multipleOf".to_owned(), 1.into())),
        },
        Some("number") => match draw.one_in(2) {
            true => drop(members.insert("type".to_owned(), "integer".into())),
            false => drop(members.insert("minimum".to_owned(), json!(-0.5))),
        },
        Some("array") => drop(members.insert("uniqueItems".to_owned(), draw.one_in(2).into())),
        _ => {}
    }
}
