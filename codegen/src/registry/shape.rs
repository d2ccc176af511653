//! Checks a manifest against the JSON Schema of its type and turns every violation into a finding.
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::error::ValidationErrorKind;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::Document;
use crate::finding::Finding;
use crate::model::escape;

/// The published JSON Schema of a manifest type.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Reads a manifest; every violation of its schema becomes a finding with its place.
///
/// A manifest whose only trouble is settings that do not exist is read without them, so that what
/// refers to it can be checked in the same run.
pub fn read<T: JsonSchema + DeserializeOwned + 'static>(
    document: &Document,
) -> (Option<T>, Vec<Finding>) {
    let mut findings = match &*shape_of::<T>() {
        Ok(shape) => violations(document, shape),
        Err(problem) => vec![document.finding("invalid-manifest", "", problem.clone())],
    };
    let mut known = Value::clone(&document.value);
    for finding in &findings {
        if finding.rule != UNKNOWN {
            return (None, findings);
        }
        remove(&mut known, &finding.pointer);
    }
    match serde_json::from_value(known) {
        Ok(manifest) => (Some(manifest), findings),
        // The schema and the type are made from one source, so this is a corner the schema cannot express.
        Err(error) => {
            findings.push(document.finding("invalid-manifest", "", error.to_string()));
            (None, findings)
        }
    }
}

/// The rule of a setting that does not exist.
const UNKNOWN: &str = "unknown-setting";

fn remove(value: &mut Value, pointer: &str) {
    if let Some((owner, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(members)) = value.pointer_mut(owner)
    {
        members.shift_remove(&crate::model::unescape(name));
    }
}

/// The schema of a type of manifest, compiled.
struct Shape {
    schema: Value,
    validator: jsonschema::Validator,
}

/// Compiled once a type: there is a manifest of the same type for every topic.
fn shape_of<T: JsonSchema + 'static>() -> Arc<Result<Shape, String>> {
    type Shapes = HashMap<TypeId, Arc<Result<Shape, String>>>;
    static SHAPES: LazyLock<Mutex<Shapes>> = LazyLock::new(Mutex::default);
    let mut shapes = SHAPES.lock().unwrap_or_else(PoisonError::into_inner);
    let shape = shapes.entry(TypeId::of::<T>()).or_insert_with(|| {
        let schema = schema_of::<T>();
        let compiled = jsonschema::options().build(&schema);
        Arc::new(match compiled {
            Ok(validator) => Ok(Shape { schema, validator }),
            Err(error) => Err(error.to_string()),
        })
    });
    Arc::clone(shape)
}

fn violations(document: &Document, shape: &Shape) -> Vec<Finding> {
    let Shape { schema, validator } = shape;
    validator
        .iter_errors(document.value.as_ref())
        .flat_map(|error| {
            let at = error.instance_path().to_string();
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
                    .iter()
                    .map(|name| {
                        let pointer = format!("{at}/{}", escape(name));
                        let known = known_names(schema, &error.schema_path().to_string());
                        let mut finding = document.finding(
                            UNKNOWN,
                            &pointer,
                            format!("`{name}` is not a setting here"),
                        );
                        finding.fix = Some(match nearest(name, &known) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("use one of: {}", known.join(", ")),
                        });
                        finding
                    })
                    .collect(),
                ValidationErrorKind::Required { property } => {
                    let name = property.as_str().unwrap_or_default();
                    let mut finding =
                        document.finding("missing-setting", &at, format!("`{name}` is missing"));
                    finding.fix = Some(
                        match describe(schema, &error.schema_path().to_string(), name) {
                            Some(text) => format!("add `{name}`: {text}"),
                            None => format!("add `{name}`"),
                        },
                    );
                    vec![finding]
                }
                _ => {
                    let allowed = choices(schema, &error.schema_path().to_string());
                    let mut finding = document.finding("invalid-setting", &at, error.to_string());
                    if !allowed.is_empty() {
                        finding.message = format!("{} is not a choice here", error.instance());
                        finding.fix = Some(format!("write one of: {}", allowed.join(", ")));
                    }
                    vec![finding]
                }
            }
        })
        .collect()
}

/// The schema that a violation's schema path ends in, its last keyword taken off.
fn owner<'s>(schema: &'s Value, schema_path: &str) -> Option<&'s Value> {
    let (owner, _keyword) = schema_path.rsplit_once('/')?;
    schema.pointer(owner)
}

/// The constants that the violated keyword chooses from.
fn choices(schema: &Value, schema_path: &str) -> Vec<String> {
    let Some(keyword) = schema.pointer(schema_path) else {
        return Vec::new();
    };
    let branches = keyword.as_array().into_iter().flatten();
    branches
        .flat_map(|branch| match (branch.get("const"), branch.get("enum")) {
            (Some(value), _) => vec![value.to_string()],
            (None, Some(Value::Array(values))) => values.iter().map(Value::to_string).collect(),
            (None, Some(_)) => Vec::new(),
            // A plain `enum` lists the values themselves.
            (None, None) if !branch.is_object() => vec![branch.to_string()],
            (None, None) => Vec::new(),
        })
        .collect()
}

fn known_names(schema: &Value, schema_path: &str) -> Vec<String> {
    owner(schema, schema_path)
        .and_then(|owner| owner.get("properties"))
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

fn describe(schema: &Value, schema_path: &str, name: &str) -> Option<String> {
    let property = owner(schema, schema_path)?.get("properties")?.get(name)?;
    property
        .get("description")
        .and_then(Value::as_str)
        .map(|text| text.replace('\n', " "))
}

/// The known name that was probably meant.
#[must_use]
pub fn nearest<'k>(name: &str, known: &'k [String]) -> Option<&'k str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.as_str())
}
