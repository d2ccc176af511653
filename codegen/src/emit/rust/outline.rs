//! The public types of a version as its structure tells them, before any Rust is written.
//!
//! The generator of types writes them; this says what they will be, without it. Only what is plain is told:
//! members and texts beyond ASCII, recursion and everything else out of the ordinary is `None`, and then
//! the generated code has to be read. A test holds both against each other (`codegen/tests/outlined_types.rs`).
use std::collections::{BTreeMap, BTreeSet};

use heck::{ToPascalCase as _, ToSnakeCase as _};
use serde_json::Value;

use super::nulls;
use super::shared::shared_names;
use super::structure::{Structure, UNBOUNDED_INTEGER};

/// The payload type of a version, as the next version and conversions need to know it.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The payload type's name.
    pub root: String,
    /// Its fields, in the order they are written in.
    pub fields: Vec<FieldType>,
    /// Types taken over unchanged from the version before.
    pub shared: Vec<String>,
    /// The structure that the types stand for, to compare the next version with.
    pub structure: Structure,
}

/// A field of the payload type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldType {
    /// Member name in JSON.
    pub member: String,
    /// Field name in Rust.
    pub field: String,
    /// Type as people write it: `Option<Vec<String>>`.
    pub kind: String,
}

/// The types of a version.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    pub(super) payload: Payload,
    /// By name; without those that are shared with the version before.
    pub(super) types: BTreeMap<String, Kind>,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A struct; `empty` where a value without members is one, which makes it `Default`.
    Struct { fields: Vec<FieldType>, empty: bool },
    /// The payload without declared members, around this type.
    Around(String),
    /// An enum over texts.
    Enum { variants: Vec<String> },
}

/// The types of `structure`; those equal to the version `before`'s are shared with it.
pub(super) fn of(structure: Structure, before: Option<&Payload>) -> Option<Outline> {
    let shared = before.map_or_else(Vec::new, |before| {
        shared_names(&structure, &before.structure)
    });
    let mut types = BTreeMap::new();
    let mut contained: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, schema) in &structure.definitions {
        if name == UNBOUNDED_INTEGER || shared.contains(name) {
            continue;
        }
        let kind = match schema.get("enum").and_then(Value::as_array) {
            Some(texts) => Kind::Enum {
                variants: variants(texts)?,
            },
            None => fields(schema, *name == structure.root)?,
        };
        contained.insert(name, containing(schema));
        types.insert(name.clone(), kind);
    }
    if contains_itself(contained) {
        return None;
    }
    let fields = match types.get(&structure.root)? {
        Kind::Struct { fields, .. } => fields.clone(),
        Kind::Around(_) => Vec::new(),
        Kind::Enum { .. } => return None,
    };
    Some(Outline {
        payload: Payload {
            root: structure.root.clone(),
            fields,
            shared,
            structure,
        },
        types,
    })
}

/// Whether a name has an outline.
pub(super) fn is_ascii(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn variants(texts: &[Value]) -> Option<Vec<String>> {
    let names: Option<Vec<String>> = texts
        .iter()
        .map(|text| text.as_str().filter(|text| is_ascii(text)).map(type_name))
        .collect();
    names.filter(|names| all_differ(names.iter()))
}

fn fields(schema: &Value, is_payload: bool) -> Option<Kind> {
    let properties = schema.get("properties")?.as_object()?;
    let required: BTreeSet<&str> = schema
        .get("required")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if properties.is_empty() {
        // Only the payload is a type of its own without members; elsewhere it is a map.
        let map = "serde_json::Map<String, serde_json::Value>".to_owned();
        return is_payload.then_some(Kind::Around(map));
    }
    let mut members: Vec<(&String, &Value)> = properties.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    let mut fields = members
        .into_iter()
        .map(|(member, schema)| {
            if !is_ascii(member) {
                return None;
            }
            let kind = rust_type(schema)?;
            let is_whole = required.contains(member.as_str()) || kind.starts_with("Option<");
            let kind = if is_whole {
                kind
            } else {
                format!("Option<{kind}>")
            };
            Some(FieldType {
                member: member.clone(),
                field: field_name(member),
                kind: if nulls::is_marked(schema) {
                    nulls::widened(&kind)
                } else {
                    kind
                },
            })
        })
        .collect::<Option<Vec<FieldType>>>()?;
    fields.sort_by(|left, right| left.field.cmp(&right.field));
    all_differ(fields.iter().map(|field| &field.field)).then_some(Kind::Struct {
        fields,
        empty: required.is_empty(),
    })
}

fn all_differ<'a>(mut names: impl Iterator<Item = &'a String>) -> bool {
    let mut seen = BTreeSet::new();
    names.all(|name| seen.insert(name))
}

/// The Rust type of a member, item or value; `None` for what a structure never has.
fn rust_type(schema: &Value) -> Option<String> {
    let members = match schema {
        Value::Bool(true) => return Some("serde_json::Value".to_owned()),
        Value::Object(members) => members,
        Value::Null
        | Value::Bool(false)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_) => {
            return None;
        }
    };
    if let Some(target) = members.get("$ref") {
        let name = target.as_str()?.strip_prefix("#/definitions/")?;
        let is_number = name == UNBOUNDED_INTEGER;
        return Some(
            if is_number {
                "serde_json::Number"
            } else {
                name
            }
            .to_owned(),
        );
    }
    if let Some(Value::Array(only)) = members.get("allOf") {
        return rust_type(only.first()?);
    }
    if let Some(Value::Array(branches)) = members.get("oneOf") {
        let inner = rust_type(branches.first()?)?;
        return (!inner.starts_with("Option<")).then(|| format!("Option<{inner}>"));
    }
    let (name, nullable) = match members.get("type") {
        None => return Some("serde_json::Value".to_owned()),
        Some(Value::String(name)) => (name.as_str(), false),
        Some(Value::Array(names)) => (names.first()?.as_str()?, true),
        Some(_) => return None,
    };
    let plain = match name {
        "boolean" => "bool".to_owned(),
        "number" => "f64".to_owned(),
        "string" => "String".to_owned(),
        "integer" => match members.get("format")?.as_str()? {
            "uint64" => "u64".to_owned(),
            "int64" => "i64".to_owned(),
            _ => return None,
        },
        "array" => format!("Vec<{}>", rust_type(members.get("items")?)?),
        "object" => match members.get("additionalProperties") {
            None | Some(Value::Bool(true)) => {
                "serde_json::Map<String, serde_json::Value>".to_owned()
            }
            Some(value) => format!("BTreeMap<String, {}>", rust_type(value)?),
        },
        _ => return None,
    };
    Some(if nullable {
        format!("Option<{plain}>")
    } else {
        plain
    })
}

/// Definitions that a struct's values have inside, not behind a pointer as in lists and maps.
fn containing(schema: &Value) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let members = properties.into_iter().flat_map(|members| members.values());
    members
        .filter_map(|member| {
            let branches = ["allOf", "oneOf"].into_iter().find_map(|of| member.get(of));
            let inner = branches.and_then(|branches| branches.get(0));
            let target = inner.unwrap_or(member).get("$ref")?.as_str()?;
            target.strip_prefix("#/definitions/")
        })
        .collect()
}

/// Whether a type has values of itself inside, which takes a `Box` somewhere.
fn contains_itself(contained: BTreeMap<&str, Vec<&str>>) -> bool {
    let mut open = contained;
    // What contains nothing that is left cannot be in a circle.
    loop {
        let before = open.len();
        let names: BTreeSet<&str> = open.keys().copied().collect();
        open.retain(|_, targets| targets.iter().any(|target| names.contains(target)));
        if open.is_empty() || open.len() == before {
            return !open.is_empty();
        }
    }
}

/// As the generator of types names types and variants.
fn type_name(text: &str) -> String {
    identifier(text, |text| text.to_pascal_case())
}

/// As the generator of types names fields.
pub(super) fn field_name(text: &str) -> String {
    identifier(text, |text| text.to_snake_case())
}

fn identifier(text: &str, case: fn(&str) -> String) -> String {
    let name = match text {
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
        _ => {
            let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
            case(
                &text
                    .replace('\'', "")
                    .replace(|character| !is_word(character), "-"),
            )
        }
    };
    let name = if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name
    } else {
        format!("{}{name}", case("x"))
    };
    if TAKEN.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// Words of Rust that name nothing else, as the generator of types knows them.
const TAKEN: &[&str] = &[
    "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "Self", "self", "static", "struct", "super", "trait", "true", "try", "type",
    "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::super::names::{pascal, unique};
    use super::{field_name, type_name};

    #[test]
    fn names_of_definitions_are_those_of_their_types() {
        let letters: Vec<char> = "aabcXYZ019._- ü한".chars().collect();
        fastrand::seed(1);
        for _ in 0..50_000 {
            let length = fastrand::usize(..9);
            let text: String = (0..length)
                .map(|_| letters[fastrand::usize(..letters.len())])
                .collect();
            let name = pascal(&text);
            assert_eq!(type_name(&name), name, "{text}");
            assert_eq!(pascal(&name), name, "{text}");
            let other = unique(&name, |taken| taken == name);
            assert_eq!(type_name(&other), other, "{text}");
            // A member's type is called after its owner's.
            let inner = pascal(&format!("{name}_{text}"));
            assert_eq!(type_name(&inner), inner, "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_type_generator() {
        let cases = [
            ("userId", "user_id", "UserId"),
            ("HTTPStatus", "http_status", "HttpStatus"),
            ("3d", "x3d", "X3d"),
            ("type", "type_", "Type"),
            ("+1", "plus1", "plus1"),
            ("it's", "its", "Its"),
            ("a.b c", "a_b_c", "ABC"),
            ("$", "x", "X"),
        ];
        for (text, field, name) in cases {
            assert_eq!(field_name(text), field, "{text}");
            assert_eq!(type_name(text), name, "{text}");
        }
    }
}
