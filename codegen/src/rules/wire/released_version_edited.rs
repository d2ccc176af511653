//! `released-version-edited`: a version that is out means something else now.
use crate::compat::Verdict;
use crate::finding::{Plane, Severity};
use crate::registry::document::Document;
use crate::rules::pair::VersionPair;
use crate::rules::problem::{Place, Problem};
use crate::rules::{Check, Doc, Rule};

use super::edits::{Edit, edits};

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
               `common/` edits every version that refers to it. Each place that differs is a finding of its own.",
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
    let evidence = pair.edited.map(|(backward, forward)| {
        format!(
            "messages of before, readers of now: {}; messages of now, readers of before: {}",
            words(backward),
            words(forward)
        )
    });
    let mut edits = edits((old, &was.path), (new, &is.path));
    if edits.is_empty() {
        // No keyword says something else: it is read by the rules of another draft.
        let dialect = |document: &Document| document.value.get("$schema").cloned();
        let words = match (dialect(&was.document), dialect(&is.document)) {
            (Some(was), Some(is)) if was != is => format!("{was} is now {is}"),
            (None, Some(is)) => format!("{is} is new"),
            _ => String::new(),
        };
        let pointer = if words.is_empty() { "" } else { "/$schema" };
        edits.push(Edit {
            at: Place::new(&is.path, pointer),
            old: Place::new(&was.path, pointer),
            words,
        });
    }
    edits
        .into_iter()
        .map(|edit| {
            let colon = if edit.words.is_empty() { "" } else { ": " };
            let mut problem = Problem::new(
                &edit.at.file,
                edit.at.pointer,
                format!(
                    "v{} of {name} is released, and its meaning changed{colon}{}",
                    is.number, edit.words
                ),
            )
            .old(&edit.old.file, edit.old.pointer)
            .fix(if edit.at.file == is.path {
                format!("take the edit back and make it in the next version: topicwright bump {name}")
            } else {
                // The next version would refer to the same definition.
                format!(
                    "take the edit back; make it in a definition of another name, and refer to that from the next version alone: topicwright bump {name}"
                )
            });
            problem.evidence = evidence.clone();
            problem
        })
        .collect()
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Compatible(_) => "all accepted".to_owned(),
        Verdict::Incompatible(witness) => format!("{} is rejected", witness.value),
        Verdict::Unknown(unknown) => format!("unknown ({})", unknown.reason),
    }
}
