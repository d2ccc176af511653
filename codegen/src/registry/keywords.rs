//! Finds misspelt keywords: JSON Schema ignores what it does not know, which loses rules in silence.
use std::sync::LazyLock;

use referencing::Draft;
use serde_json::Value;

use super::dialect::stranger;
use super::document::Document;
use super::shape::nearest;
use crate::finding::{Finding, Severity};
use crate::model::{escape, known_draft};

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
    let mut walk = Walk {
        document,
        findings: Vec::new(),
    };
    walk.schema(&document.value, Draft::Draft202012, &mut String::new());
    walk.findings
}

/// Whether a keyword or annotation is known.
fn is_known(name: &str) -> bool {
    static SORTED: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names = [KEYWORDS, ANNOTATIONS].concat();
        names.sort_unstable();
        names
    });
    SORTED.binary_search(&name).is_ok()
}

struct Walk<'d> {
    document: &'d Document,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    /// `pointer` leads to `value`, and is the same afterwards.
    fn schema(&mut self, value: &Value, draft: Draft, pointer: &mut String) {
        let Some(members) = value.as_object() else {
            return;
        };
        let draft = if members.contains_key("$schema") {
            known_draft(draft.detect(value))
        } else {
            draft
        };
        for (name, member) in members {
            let start = pointer.len();
            if let Some(era) = stranger(name, draft) {
                push(pointer, name);
                self.findings
                    .push(era.finding(self.document, draft, pointer));
                pointer.truncate(start);
            }
            match name.as_str() {
                "properties" | "patternProperties" | "$defs" | "definitions"
                | "dependentSchemas" | "dependencies" => {
                    push(pointer, name);
                    let end = pointer.len();
                    for (key, child) in member.as_object().into_iter().flatten() {
                        push(pointer, key);
                        self.schema(child, draft, pointer);
                        pointer.truncate(end);
                    }
                }
                "items" | "allOf" | "anyOf" | "oneOf" | "prefixItems" if member.is_array() => {
                    push(pointer, name);
                    let end = pointer.len();
                    for (index, child) in member.as_array().into_iter().flatten().enumerate() {
                        push(pointer, &index.to_string());
                        self.schema(child, draft, pointer);
                        pointer.truncate(end);
                    }
                }
                "items"
                | "additionalItems"
                | "contains"
                | "unevaluatedItems"
                | "additionalProperties"
                | "propertyNames"
                | "unevaluatedProperties"
                | "not"
                | "if"
                | "then"
                | "else" => {
                    push(pointer, name);
                    self.schema(member, draft, pointer);
                }
                known if is_known(known) => {}
                unknown => {
                    push(pointer, name);
                    self.findings
                        .extend(report(self.document, unknown, pointer));
                }
            }
            pointer.truncate(start);
        }
    }
}

fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    if name.contains(['~', '/']) {
        pointer.push_str(&escape(name));
    } else {
        pointer.push_str(name);
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
