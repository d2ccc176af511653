//! `released-version-edited`: a version that is out means something else now.
use crate::compat::Verdict;
use crate::finding::{Plane, Severity};
use crate::rules::pair::VersionPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "released-version-edited",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "the meaning of a released version changed",
    doc: Doc {
        what: "A version that the base has means something else now: its canonical form, whose hash stands in \
               `registry.lock`, differs. Descriptions, titles, examples, comments, `x-column` and `x-pii`, the \
               order of keys and the split over files are not part of it. An edit of a shared definition in \
               `common/` edits every version that refers to it.",
        why: "Messages say which version they were written in. If \"v2\" means one thing to the producer that was \
              built last week and another to the consumer built today, the number says nothing, even where the \
              edit itself would be compatible.",
        example: "`\"maximum\": 100` becomes `\"maximum\": 200` in v2.json.",
        fix: "Take the edit back and make it in a new version: `topicwright bump TOPIC`.",
    },
    check: Check::Version(check),
};

fn check(pair: &VersionPair<'_>) -> Vec<Problem> {
    let Some((was, is)) = pair.version.both() else {
        return Vec::new();
    };
    let name = &pair.topic.1.name;
    let (old, new) = (pair.around.old, pair.around.new);
    if new.hash(name, is.number) == old.hash(name, is.number) {
        return Vec::new();
    }
    let pointer = first_difference(&was.document.value, &is.document.value).unwrap_or_default();
    let at = new.follow(&is.path, &pointer);
    let mut problem = Problem::new(
        &at.file,
        at.pointer,
        format!(
            "v{} of {name} is released, and its meaning changed{}",
            is.number,
            from_to(&was.document.value, &is.document.value, &pointer)
        ),
    )
    .old(&was.path, pointer)
    .fix(format!(
        "take the edit back and make it in the next version: topicwright bump {name}"
    ));
    if let Some((backward, forward)) = pair.edited {
        problem = problem.evidence(format!(
            "messages of before, readers of now: {}; messages of now, readers of before: {}",
            words(backward),
            words(forward)
        ));
    }
    vec![problem]
}

/// `: 64 is now 32`, where the difference is one of plain values.
fn from_to(old: &serde_json::Value, new: &serde_json::Value, pointer: &str) -> String {
    let plain = |value: &&serde_json::Value| !value.is_object() && !value.is_array();
    match (
        old.pointer(pointer).filter(plain),
        new.pointer(pointer).filter(plain),
    ) {
        (Some(was), Some(is)) => format!(": {was} is now {is}"),
        (None, Some(is)) if old.pointer(pointer).is_none() => format!(": {is} is new"),
        _ => String::new(),
    }
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Compatible(_) => "all accepted".to_owned(),
        Verdict::Incompatible(witness) => format!("{} is rejected", witness.value),
        Verdict::Unknown(unknown) => format!("unknown ({})", unknown.reason),
    }
}

/// Pointer of the first value that differs; `None` where the difference is in another file.
fn first_difference(old: &serde_json::Value, new: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    /// Edits of these do not change a meaning, so they are not what is looked for.
    const SILENT: &[&str] = &["title", "description", "$comment", "examples"];
    match (old, new) {
        _ if old == new => None,
        (Value::Object(was), Value::Object(is)) => {
            let changed = is
                .iter()
                .filter(|(name, _)| !SILENT.contains(&name.as_str()));
            for (name, value) in changed {
                let token = crate::model::escape(name);
                match was.get(name) {
                    None => return Some(format!("/{token}")),
                    Some(before) => {
                        if let Some(rest) = first_difference(before, value) {
                            return Some(format!("/{token}{rest}"));
                        }
                    }
                }
            }
            was.keys()
                .any(|name| !is.contains_key(name) && !SILENT.contains(&name.as_str()))
                .then(String::new)
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => was
            .iter()
            .zip(is)
            .enumerate()
            .find_map(|(index, (was, is))| {
                first_difference(was, is).map(|rest| format!("/{index}{rest}"))
            }),
        _ => Some(String::new()),
    }
}
