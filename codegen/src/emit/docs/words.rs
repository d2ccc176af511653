//! What a schema accepts, in words a product manager reads; Markdown.
//!
//! Words are a summary: what they cannot say (conditions between fields, exact patterns) is the schema's.
use serde_json::{Number, Value};

use super::markdown::{code, text};
use crate::model::fields::Range;
use crate::model::{Keywords, Model, NodeKind, SchemaId, TypeSet};

/// Listed values shown before the rest is only counted.
const MAX_VALUES: usize = 24;
/// Longer patterns tell a reader nothing.
const MAX_PATTERN: usize = 60;
/// Lists in lists deeper than this are summed up.
const MAX_DEPTH: usize = 4;

/// The type in words.
#[must_use]
pub fn kind(model: &Model, schemas: &[SchemaId]) -> String {
    within(model, schemas, 0)
}

fn within(model: &Model, schemas: &[SchemaId], depth: usize) -> String {
    let range = model.range(schemas);
    if let Some(values) = &range.values {
        return listed(values);
    }
    let types = range.types;
    let known = TypeSet(127);
    if types == known || types.0 == known.0 & !TypeSet::INTEGER.0 {
        return "anything".to_owned();
    }
    let keywords: Vec<&Keywords> = model
        .conjuncts(schemas)
        .into_iter()
        .filter_map(|id| model.keywords(id))
        .collect();
    let has = |bit: TypeSet| types.0 & bit.0 != 0;
    let mut parts: Vec<String> = Vec::new();
    if has(TypeSet::BOOLEAN) {
        parts.push("yes or no".to_owned());
    }
    if has(TypeSet::NUMBER) {
        parts.push(number("number", &range, &keywords));
    } else if has(TypeSet::INTEGER) {
        parts.push(number("whole number", &range, &keywords));
    }
    if has(TypeSet::STRING) {
        parts.push(string(&keywords));
    }
    if has(TypeSet::ARRAY) {
        parts.push(list(model, &keywords, depth));
    }
    if has(TypeSet::OBJECT) {
        parts.push(object(model, schemas, &keywords, depth));
    }
    if has(TypeSet::NULL) {
        parts.push("empty (`null`)".to_owned());
    }
    if parts.is_empty() {
        return "nothing; no value is accepted".to_owned();
    }
    parts.join(" or ")
}

fn listed(values: &[Value]) -> String {
    match values {
        [] => "nothing; no value is accepted".to_owned(),
        [only] => format!("always {}", value(only)),
        several => {
            let mut shown: Vec<String> = several.iter().take(MAX_VALUES).map(value).collect();
            if several.len() > MAX_VALUES {
                shown.push(format!("{} more", several.len() - MAX_VALUES));
            }
            format!("one of {}", shown.join(", "))
        }
    }
}

/// A text without its quotes, everything else as JSON.
#[must_use]
pub fn value(value: &Value) -> String {
    match value {
        Value::String(string) if !string.trim().is_empty() => code(string),
        other => code(&other.to_string()),
    }
}

fn number(noun: &str, range: &Range, keywords: &[&Keywords]) -> String {
    let mut words = noun.to_owned();
    let mut bounds = |least: Option<String>, most: Option<String>| match (least, most) {
        (Some(least), Some(most)) => words.push_str(&format!(", {least} to {most}")),
        (Some(least), None) => words.push_str(&format!(", {least} or more")),
        (None, Some(most)) => words.push_str(&format!(", {most} or less")),
        (None, None) => {}
    };
    if noun == "whole number" {
        bounds(
            range.minimum.map(|least| grouped(&least.to_string())),
            range.maximum.map(|most| grouped(&most.to_string())),
        );
    } else {
        // The tightest would need exact comparison; where several schemas speak, the schema tells.
        let pick = |of: fn(&Keywords) -> Option<&Number>| {
            keywords
                .iter()
                .find_map(|keywords| of(keywords))
                .map(|number| grouped(&number.to_string()))
        };
        bounds(
            pick(|keywords| keywords.number.minimum.as_ref()),
            pick(|keywords| keywords.number.maximum.as_ref()),
        );
        if let Some(above) = pick(|keywords| keywords.number.exclusive_minimum.as_ref()) {
            words.push_str(&format!(", above {above}"));
        }
        if let Some(below) = pick(|keywords| keywords.number.exclusive_maximum.as_ref()) {
            words.push_str(&format!(", below {below}"));
        }
    }
    if let Some(multiple) = keywords
        .iter()
        .find_map(|keywords| keywords.number.multiple_of.as_ref())
        .filter(|multiple| multiple.as_f64() != Some(1.0))
    {
        words.push_str(&format!(", a multiple of {multiple}"));
    }
    words
}

/// `9007199254740991` → `9,007,199,254,740,991`; fractions as they stand.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |rest| ("-", rest));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{sign}{digits}");
    }
    let mut grouped = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn string(keywords: &[&Keywords]) -> String {
    let format = keywords
        .iter()
        .find_map(|keywords| keywords.string.format.as_deref());
    let mut words = match format {
        None => "text".to_owned(),
        Some("date-time") => return "date and time (RFC 3339)".to_owned(),
        Some("date") => return "date (YYYY-MM-DD)".to_owned(),
        Some("time") => "time of day".to_owned(),
        Some("duration") => "duration (ISO 8601)".to_owned(),
        Some("email" | "idn-email") => "e-mail address".to_owned(),
        Some("uuid") => "UUID".to_owned(),
        Some("uri" | "uri-reference" | "iri" | "iri-reference") => "web address".to_owned(),
        Some("hostname" | "idn-hostname") => "host name".to_owned(),
        Some("ipv4" | "ipv6") => "IP address".to_owned(),
        Some(other) => format!("text in the format {}", code(other)),
    };
    let least = keywords
        .iter()
        .filter_map(|keywords| keywords.string.min_length)
        .max()
        .filter(|least| *least > 0);
    let most = keywords
        .iter()
        .filter_map(|keywords| keywords.string.max_length)
        .min();
    match (least, most) {
        (Some(least), Some(most)) if least == most => {
            words.push_str(&format!(", {least} characters"));
        }
        (Some(least), Some(most)) => words.push_str(&format!(", {least} to {most} characters")),
        (None, Some(most)) => words.push_str(&format!(", up to {most} characters")),
        (Some(1), None) => words.push_str(", not empty"),
        (Some(least), None) => words.push_str(&format!(", at least {least} characters")),
        (None, None) => {}
    }
    for pattern in keywords
        .iter()
        .filter_map(|keywords| keywords.string.pattern.as_deref())
    {
        if pattern.len() <= MAX_PATTERN {
            words.push_str(&format!(", as {}", code(pattern)));
        } else {
            words.push_str(", in a fixed form");
        }
    }
    words
}

fn list(model: &Model, keywords: &[&Keywords], depth: usize) -> String {
    let count =
        |least: Option<u64>, most: Option<u64>| match (least.filter(|least| *least > 0), most) {
            (Some(least), Some(most)) if least == most => format!(" of {least}"),
            (Some(least), Some(most)) => format!(" of {least} to {most}"),
            (Some(least), None) => format!(" of {least} or more"),
            (None, Some(most)) => format!(" of up to {most}"),
            (None, None) => String::new(),
        };
    let least = keywords
        .iter()
        .filter_map(|keywords| keywords.array.min_items)
        .max();
    let most = keywords
        .iter()
        .filter_map(|keywords| keywords.array.max_items)
        .min();
    let items: Vec<SchemaId> = keywords
        .iter()
        .filter_map(|keywords| keywords.array.items)
        .collect();
    let fixed = keywords
        .iter()
        .any(|keywords| !keywords.array.prefix_items.is_empty());
    let mut words = format!("list{}", count(least, most));
    if keywords.iter().any(|keywords| keywords.array.unique_items) {
        words.push_str(", none twice");
    }
    if fixed {
        words.push_str(", each place with its own meaning");
    } else if !items.is_empty() && depth < MAX_DEPTH {
        words.push_str(&format!("; each: {}", within(model, &items, depth + 1)));
    }
    words
}

fn object(model: &Model, schemas: &[SchemaId], keywords: &[&Keywords], depth: usize) -> String {
    let named = !model.properties(schemas).is_empty();
    let values: Vec<SchemaId> = keywords
        .iter()
        .flat_map(|keywords| {
            keywords
                .object
                .additional_properties
                .into_iter()
                .chain(keywords.object.pattern_properties.values().copied())
        })
        .filter(|id| matches!(model.node(*id).kind, NodeKind::Keywords(_)))
        .collect();
    match (named, values.as_slice()) {
        (false, [first, ..]) if depth < MAX_DEPTH => {
            format!(
                "values by name; each: {}",
                within(model, &[*first], depth + 1)
            )
        }
        _ => "group of fields".to_owned(),
    }
}

/// The unit of a number, where the schema names one.
#[must_use]
pub fn unit(model: &Model, schemas: &[SchemaId]) -> Option<String> {
    model.extension(schemas, "x-unit").map(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::kind;
    use crate::model;

    fn words(schema: &Value) -> String {
        let model = model::build_in(
            &[("test:///s.json", schema)],
            0,
            "",
            referencing::Draft::Draft202012,
        )
        .expect("a schema");
        kind(&model, &[model.root])
    }

    #[test]
    fn types_in_words() {
        for (schema, expected) in [
            (json!(true), "anything"),
            (json!({"type": "boolean"}), "yes or no"),
            (
                json!({"type": "integer", "minimum": 1, "maximum": 9_007_199_254_740_991_u64}),
                "whole number, 1 to 9,007,199,254,740,991",
            ),
            (
                json!({"type": "integer", "minimum": -1000}),
                "whole number, -1,000 or more",
            ),
            (
                json!({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}),
                "number, above 0, a multiple of 0.5",
            ),
            (json!({"enum": ["a", "b|c"]}), "one of `a`, `b\\|c`"),
            (json!({"const": 3}), "always `3`"),
            (
                json!({"type": ["string", "null"], "maxLength": 5}),
                "text, up to 5 characters or empty (`null`)",
            ),
            (
                json!({"type": "string", "format": "date-time"}),
                "date and time (RFC 3339)",
            ),
            (
                json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3}),
                "list of 1 to 3; each: text",
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "integer"}}),
                "values by name; each: whole number",
            ),
            (
                json!({"type": "object", "properties": {"a": true}}),
                "group of fields",
            ),
            (json!(false), "nothing; no value is accepted"),
        ] {
            assert_eq!(words(&schema), expected, "{schema}");
        }
    }
}
