//! Keywords that a draft leaves out or open, and validators read each in their own way.
//!
//! Most validators do not keep the drafts apart for every keyword: some read `unevaluatedProperties` in draft 07, some
//! what stands beside `$ref`. By the draft it says nothing, and so says the model; that it is there is noted here, for
//! a proof that is to hold with every validator.
use referencing::Draft;
use serde_json::{Map, Value};

use super::{ModelError, Reader};
use crate::model::{Content, Disputed, LeftOut};

/// Keywords that some drafts do not know, with the first and the last that does.
const KEYWORDS: &[(&str, Option<(Draft, Draft)>)] = &[
    ("const", Some((Draft::Draft6, Draft::Draft202012))),
    ("contains", Some((Draft::Draft6, Draft::Draft202012))),
    ("propertyNames", Some((Draft::Draft6, Draft::Draft202012))),
    ("if", Some((Draft::Draft7, Draft::Draft202012))),
    (
        "minContains",
        Some((Draft::Draft201909, Draft::Draft202012)),
    ),
    (
        "maxContains",
        Some((Draft::Draft201909, Draft::Draft202012)),
    ),
    (
        "dependentRequired",
        Some((Draft::Draft201909, Draft::Draft202012)),
    ),
    (
        "dependentSchemas",
        Some((Draft::Draft201909, Draft::Draft202012)),
    ),
    (
        "unevaluatedItems",
        Some((Draft::Draft201909, Draft::Draft202012)),
    ),
    (
        "unevaluatedProperties",
        Some((Draft::Draft201909, Draft::Draft202012)),
    ),
    (
        "prefixItems",
        Some((Draft::Draft202012, Draft::Draft202012)),
    ),
    (
        "$dynamicRef",
        Some((Draft::Draft202012, Draft::Draft202012)),
    ),
    (
        "$recursiveRef",
        Some((Draft::Draft201909, Draft::Draft201909)),
    ),
    ("additionalItems", Some((Draft::Draft4, Draft::Draft201909))),
    // Of draft 03.
    ("divisibleBy", None),
    ("disallow", None),
    ("extends", None),
];

/// Keywords that say nothing about a value, beside a `$ref` or elsewhere.
const SILENT: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "default",
    "definitions",
    "deprecated",
    "description",
    "example",
    "examples",
    "format",
    "id",
    "readOnly",
    "title",
    "writeOnly",
];

/// Keywords that assert in some draft, beyond those above.
const ASSERTING: &[&str] = &[
    "additionalProperties",
    "allOf",
    "anyOf",
    "contentEncoding",
    "contentMediaType",
    "dependencies",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "properties",
    "required",
    "type",
    "uniqueItems",
];

impl Reader<'_, '_, '_> {
    /// What this schema says that validators differ about, but for `dependencies`.
    ///
    /// # Errors
    /// A keyword takes a text and has none.
    pub(super) fn disputed(&self) -> Result<Disputed, ModelError> {
        let draft = self.task.draft;
        let mut disputed = Disputed::default();
        if matches!(draft, Draft::Draft6 | Draft::Draft7) {
            let encoding = self.optional_text("contentEncoding")?;
            let media_type = self.optional_text("contentMediaType")?;
            if encoding.is_some() || media_type.is_some() {
                disputed.content = Some(Content {
                    encoding,
                    media_type,
                });
            }
        }
        for name in self.task.value.keys() {
            let unknown = KEYWORDS.iter().find(|(keyword, drafts)| {
                *keyword == name
                    && !drafts.is_some_and(|(first, last)| (first..=last).contains(&draft))
            });
            if let Some((keyword, _)) = unknown {
                disputed.left_out.push(LeftOut {
                    keyword,
                    reason: format!(
                        "{} does not know `{keyword}`, and validators differ on whether they read it all the same; leave it out, or name the draft that has it in `$schema`",
                        words(draft)
                    ),
                    alike: alike(draft, self.task.value, |_| true),
                    declares: false,
                });
            }
        }
        Ok(disputed)
    }

    /// What stands beside a `$ref` in the drafts that ignore it.
    pub(super) fn beside_reference(&self) -> Option<Box<Disputed>> {
        let asserts = |name: &str| {
            ASSERTING.contains(&name) || KEYWORDS.iter().any(|(keyword, _)| *keyword == name)
        };
        let members = self.task.value;
        let keyword = members.keys().find(|name| asserts(name))?;
        // What is unevaluated depends on what the `$ref` leads to.
        let looks_around = ["unevaluatedItems", "unevaluatedProperties"]
            .iter()
            .any(|name| members.contains_key(*name));
        let alike = alike(self.task.draft, members, |name| !SILENT.contains(&name));
        let left_out = LeftOut {
            keyword: "$ref",
            reason: format!(
                "{} ignores what stands beside `$ref`, as `{keyword}` does here, and validators differ on whether they read it all the same; write `allOf` with the `$ref` and the rest",
                words(self.task.draft)
            ),
            alike: alike.filter(|_| !looks_around),
            declares: [
                "properties",
                "patternProperties",
                "additionalProperties",
                "allOf",
                "anyOf",
                "oneOf",
                "dependencies",
                "if",
            ]
            .iter()
            .any(|name| members.contains_key(*name)),
        };
        Some(Box::new(Disputed {
            left_out: vec![left_out],
            ..Disputed::default()
        }))
    }
}

fn words(draft: Draft) -> &'static str {
    match draft {
        Draft::Draft4 => "draft 04",
        Draft::Draft6 => "draft 06",
        Draft::Draft7 => "draft 07",
        Draft::Draft201909 => "draft 2019-09",
        Draft::Draft202012 => "draft 2020-12",
        _ => "the draft",
    }
}

/// What is in doubt, spelled out: alike in two schemas where it is the same. Not where it refers to something.
fn alike(
    draft: Draft,
    members: &Map<String, Value>,
    counts: impl Fn(&str) -> bool,
) -> Option<String> {
    let own: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| counts(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let text = Value::Object(own).to_string();
    let refers = ["$ref\"", "$dynamicRef\"", "$recursiveRef\""];
    let refers = refers.iter().any(|name| text.contains(name));
    (!refers).then(|| format!("{} {text}", words(draft)))
}
