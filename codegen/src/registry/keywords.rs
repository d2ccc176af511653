//! Finds misspelt keywords: JSON Schema ignores what it does not know, which loses rules in silence.
use serde_json::Value;

use super::document::Document;
use super::shape::nearest;
use crate::finding::{Finding, Severity};
use crate::model::escape;

/// Annotations of this registry format.
pub const ANNOTATIONS: &[&str] = &[
    "x-role",
    "x-column",
    "x-pii",
    "x-renamed-from",
    "x-deprecated-since",
    "x-deprecated-reason",
    "x-unit",
];

const KEYWORDS: &[&str] = &[
    "$schema",
    "$id",
    "id",
    "$ref",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
    "$comment",
    "$defs",
    "definitions",
    "type",
    "enum",
    "const",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "minContains",
    "maxContains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "unevaluatedItems",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "self",
];

/// Unknown keywords and annotations of a schema document.
#[must_use]
pub fn check(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    schema(document, &document.value, "", &mut findings);
    findings
}

fn schema(document: &Document, value: &Value, pointer: &str, findings: &mut Vec<Finding>) {
    let Some(members) = value.as_object() else {
        return;
    };
    for (name, member) in members {
        let at = format!("{pointer}/{}", escape(name));
        match name.as_str() {
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
            | "dependencies" => {
                for (key, child) in member.as_object().into_iter().flatten() {
                    schema(document, child, &format!("{at}/{}", escape(key)), findings);
                }
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                for (index, child) in member.as_array().into_iter().flatten().enumerate() {
                    schema(document, child, &format!("{at}/{index}"), findings);
                }
            }
            "items" => match member {
                Value::Array(children) => {
                    for (index, child) in children.iter().enumerate() {
                        schema(document, child, &format!("{at}/{index}"), findings);
                    }
                }
                _ => schema(document, member, &at, findings),
            },
            "additionalItems"
            | "contains"
            | "unevaluatedItems"
            | "additionalProperties"
            | "propertyNames"
            | "unevaluatedProperties"
            | "not"
            | "if"
            | "then"
            | "else" => schema(document, member, &at, findings),
            known if KEYWORDS.contains(&known) || ANNOTATIONS.contains(&known) => {}
            unknown => findings.extend(report(document, unknown, &at)),
        }
    }
}

fn report(document: &Document, name: &str, pointer: &str) -> Option<Finding> {
    let list = if name.starts_with("x-") {
        ANNOTATIONS
    } else {
        KEYWORDS
    };
    let known: Vec<String> = list.iter().map(|keyword| (*keyword).to_owned()).collect();
    let near = nearest(name, &known);
    // A foreign annotation says nothing to us; a near miss is a rule that would be lost.
    if near.is_none() && name.starts_with("x-") {
        return None;
    }
    let mut finding = document.finding(
        "unknown-keyword",
        pointer,
        format!("`{name}` is no keyword, so it would have no effect"),
    );
    match near {
        Some(near) => finding.fix = Some(format!("did you mean `{near}`?")),
        None => {
            finding.severity = Severity::Note;
            finding.fix =
                Some("remove it, or prefix it with `x-` to mark it as an annotation".to_owned());
        }
    }
    Some(finding)
}
