//! What changed from one version of a topic to the next, in sentences a reader of events cares for; Markdown.
use indexmap::IndexMap;

use super::fields::{FieldFact, Presence};
use super::markdown::{code, text};

/// Sentences, in the order of the newer version's fields, removals last. `renames` maps new names to old.
#[must_use]
pub fn changes(
    old: &[FieldFact],
    new: &[FieldFact],
    renames: &IndexMap<String, String>,
) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut matched: Vec<&str> = Vec::new();
    for field in new {
        let before = former_path(field, renames);
        let name = code(&field.path);
        let Some(former) = old.iter().find(|old| old.path == before) else {
            sentences.push(format!("new field {name} ({})", field.presence.words()));
            continue;
        };
        matched.push(&former.path);
        if before != field.path && field.path == field.top {
            sentences.push(format!("{} is now called {name}", code(&former.path)));
        }
        if former.presence != field.presence {
            sentences.push(match field.presence {
                Presence::Always => format!("{name} is now always there"),
                Presence::Optional => format!("{name} is now optional"),
                Presence::InSomeForms => format!("{name} is now only there in some forms"),
            });
        }
        if former.kind != field.kind {
            sentences.push(format!(
                "{name} was: {}; is now: {}",
                former.kind, field.kind
            ));
        }
        if let (None, Some(deprecated)) = (&former.deprecated, &field.deprecated) {
            let mut sentence = format!("{name} is on its way out");
            if !deprecated.since.is_empty() {
                sentence.push_str(&format!(" since {}", text(&deprecated.since)));
            }
            if !deprecated.reason.is_empty() {
                sentence.push_str(&format!(": {}", text(&deprecated.reason)));
            }
            sentences.push(sentence);
        }
    }
    for field in old {
        let parent_gone = old.iter().any(|parent| {
            parent.path != field.path
                && field.path.starts_with(&parent.path)
                && field.path[parent.path.len()..].starts_with(['.', '['])
                && !matched.contains(&parent.path.as_str())
        });
        if !matched.contains(&field.path.as_str()) && !parent_gone {
            sentences.push(format!("field {} is gone", code(&field.path)));
        }
    }
    sentences
}

/// The path that the older version had, by its top-level name.
fn former_path(field: &FieldFact, renames: &IndexMap<String, String>) -> String {
    match renames.get(&field.top) {
        Some(old) => format!("{old}{}", &field.path[field.top.len()..]),
        None => field.path.clone(),
    }
}
