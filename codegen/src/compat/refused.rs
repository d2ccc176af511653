//! Schemas that no validator takes: a verdict about them would be about nothing.
//!
//! Asked is whether anyone compiles the patterns, and whether the documents are schemas of their drafts; `circle` tells
//! schemas that validators take and never come to an end with.
use std::collections::HashSet;

use serde_json::Value;

use super::pattern::Patterns;
use super::{Source, Unknown};
use crate::model::{Model, SchemaId, escape, known_draft};

/// Deepest nesting of a document that is held against its meta-schema, which takes stack for each level.
const NESTING: usize = 256;

/// Why no validator takes the schema; `None` where there is no reason. Where the meta-schema is known to be kept, it
/// is not asked again.
pub(super) fn refused(
    source: &Source,
    model: &Model,
    patterns: &mut Patterns,
    is_checked: bool,
) -> Option<Unknown> {
    let malformed = || (!is_checked).then(|| malformed(source, model)).flatten();
    uncompiled(model, patterns).or_else(malformed)
}

/// A document that is used and is no schema of its draft.
fn malformed(source: &Source, model: &Model) -> Option<Unknown> {
    let used: HashSet<&str> = (model.nodes.iter())
        .map(|node| node.location.document.as_str())
        .collect();
    let documents = source.documents.iter().enumerate();
    documents
        .filter(|(index, (uri, _))| *index == 0 || used.contains(uri.as_str()))
        .find_map(|(_, (_, document))| {
            use jsonschema::{draft4, draft6, draft7, draft201909, draft202012};
            use referencing::Draft;
            if is_deep(document) {
                return Some(Unknown {
                    keyword: "budget".to_owned(),
                    pointer: String::new(),
                    reason: format!(
                        "the schema is nested deeper than {NESTING} levels, which validators need not read"
                    ),
                });
            }
            let kept = match known_draft(source.draft.detect(document)) {
                Draft::Draft4 => draft4::meta::validate(document),
                Draft::Draft6 => draft6::meta::validate(document),
                Draft::Draft7 => draft7::meta::validate(document),
                Draft::Draft201909 => draft201909::meta::validate(document),
                _ => draft202012::meta::validate(document),
            };
            let error = kept.err()?;
            let pointer = error.instance_path().to_string();
            Some(Unknown {
                keyword: pointer.rsplit('/').next().unwrap_or_default().to_owned(),
                reason: format!(
                    "validators refuse the schema, as its draft's meta-schema does: {}",
                    super::words(&error)
                ),
                pointer,
            })
        })
}

fn is_deep(document: &Value) -> bool {
    let mut open = vec![(document, 0)];
    while let Some((value, depth)) = open.pop() {
        if depth > NESTING {
            return true;
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(members) => {
                open.extend(members.values().map(|member| (member, depth + 1)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    false
}

/// A pattern that is no regular expression to anyone.
fn uncompiled(model: &Model, patterns: &mut Patterns) -> Option<Unknown> {
    (0..model.nodes.len()).find_map(|index| {
        let id = SchemaId(u32::try_from(index).ok()?);
        let keywords = model.keywords(id)?;
        let place = &model.node(id).location.pointer;
        let single = keywords.string.pattern.iter();
        let single = single.map(|source| ("pattern", source, format!("{place}/pattern")));
        let named = keywords.object.pattern_properties.keys();
        let named = named.map(|source| {
            let pointer = format!("{place}/patternProperties/{}", escape(source));
            ("patternProperties", source, pointer)
        });
        single.chain(named).find_map(|(keyword, source, pointer)| {
            let pattern = patterns.intern(source, &pointer);
            let doubt = patterns.doubt(pattern)?.to_owned();
            (!patterns.is_taken_elsewhere(pattern)).then(|| Unknown {
                keyword: keyword.to_owned(),
                pointer,
                reason: format!("validators refuse the schema: {doubt}"),
            })
        })
    })
}
