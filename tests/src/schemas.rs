//! The registry's schema files as they lie on disk, and an independent validator over them.
//!
//! Nothing here goes through the compiler. Validation resolves references itself; the inlined form only guides
//! mutations and tells which members a schema declares.
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// Schema files by path below `schema_registry/`.
pub struct Schemas {
    files: BTreeMap<String, Value>,
}

/// The envelope's file.
pub const ENVELOPE: &str = "envelope/v1.json";

/// The file of a topic's version.
#[must_use]
pub fn payload_file(topic: &str, version: u64) -> String {
    format!("topics/{topic}/v{version}.json")
}

fn uri(path: &str) -> String {
    format!("registry:///{path}")
}

impl Schemas {
    /// Reads the game's registry.
    ///
    /// # Panics
    /// A file cannot be read.
    #[must_use]
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap()
            .join("schema_registry");
        let mut files = BTreeMap::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("examples") {
                    open.push(path);
                } else if path.extension().is_some_and(|ending| ending == "json") {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                    let text = std::fs::read(&path).unwrap();
                    files.insert(name.to_owned(), serde_json::from_slice(&text).unwrap());
                }
            }
        }
        Self { files }
    }

    /// The independent validator of a file. Draft 2020-12 makes `format` an annotation, which the generated
    /// checks follow: a registry that means a format writes a pattern beside it.
    ///
    /// # Panics
    /// The file is not there or refers to one that is not.
    #[must_use]
    pub fn validator(&self, path: &str) -> jsonschema::Validator {
        let mut registry = jsonschema::Registry::new();
        for (name, contents) in &self.files {
            registry = registry.add(uri(name), contents.clone()).unwrap();
        }
        let registry = registry.prepare().unwrap();
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(false)
            .with_registry(&registry)
            .with_base_uri(uri(path))
            .build(&self.files[path])
            .unwrap()
    }

    /// The file with every reference replaced by what it leads to; keywords beside a reference win.
    ///
    /// # Panics
    /// A reference leads nowhere or in a circle.
    #[must_use]
    pub fn inlined(&self, path: &str) -> Value {
        self.inline(path, &self.files[path], 0)
    }

    fn inline(&self, path: &str, schema: &Value, depth: usize) -> Value {
        assert!(depth < 64, "{path}: references run in a circle");
        match schema {
            Value::Object(members) => {
                let mut result = serde_json::Map::new();
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
                    let file = joined(path, file);
                    let target = self.files[&file].pointer(fragment).unwrap();
                    if let Value::Object(target) = self.inline(&file, target, depth + 1) {
                        result = target;
                    }
                }
                for (name, member) in members {
                    if name != "$ref" {
                        result.insert(name.clone(), self.inline(path, member, depth + 1));
                    }
                }
                Value::Object(result)
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.inline(path, item, depth + 1))
                .collect(),
            other => other.clone(),
        }
    }
}

/// A relative reference from a file, as a path below the registry.
fn joined(from: &str, to: &str) -> String {
    if to.is_empty() {
        return from.to_owned();
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The schema of the value at a pointer, as far as `properties` and `items` of an inlined schema tell.
#[must_use]
pub fn at<'s>(schema: &'s Value, pointer: &str) -> Option<&'s Value> {
    pointer
        .split('/')
        .skip(1)
        .try_fold(schema, |schema, token| {
            let name = token.replace("~1", "/").replace("~0", "~");
            schema
                .get("properties")
                .and_then(|all| all.get(&name))
                .or_else(|| {
                    schema
                        .get("items")
                        .filter(|_| name.parse::<usize>().is_ok())
                })
        })
}

/// What is left of a value without the members that an inlined schema does not declare.
#[must_use]
pub fn declared(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(members) => match schema.get("properties") {
            None => value.clone(),
            Some(properties) => members
                .iter()
                .filter_map(|(name, member)| {
                    let schema = properties.get(name)?;
                    Some((name.clone(), declared(schema, member)))
                })
                .collect(),
        },
        Value::Array(items) => match schema.get("items") {
            None => value.clone(),
            Some(schema) => items.iter().map(|item| declared(schema, item)).collect(),
        },
        _ => value.clone(),
    }
}

/// Whether two values are equal as JSON Schema means it: 1 equals 1.0, member order does not matter.
#[must_use]
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (whole(left), whole(right)) {
            (None, None) => left.as_f64() == right.as_f64(),
            (left, right) => left == right,
        },
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, left)| right.get(name).is_some_and(|right| equal(left, right)))
        }
        _ => left == right,
    }
}

/// A number that is an integer, exactly; `None` for fractions and beyond 128 bits.
#[must_use]
pub fn whole(number: &serde_json::Number) -> Option<i128> {
    if let Some(number) = number.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = number.as_u64() {
        return Some(number.into());
    }
    #[allow(clippy::cast_possible_truncation)]
    number
        .as_f64()
        .filter(|float| float.fract() == 0.0 && float.abs() < 1e30)
        .map(|float| float as i128)
}
