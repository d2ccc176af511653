//! `rust-item-removed`: a type, field or variant of a version that still exists is gone.
use crate::finding::{Plane, Severity};
use crate::gate::api::Kind;
use crate::rules::pair::ApiPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "rust-item-removed",
    plane: Plane::Rust,
    severity: Severity::Error,
    purpose: "a public item of a released version's module is gone",
    doc: Doc {
        what: "The module of a version that is there before and after has lost a type, field, variant, method or \
               trait implementation. Items that go because their version or topic is deleted are the business of \
               `released-version-deleted` and `topic-deleted`.",
        why: "Code that was written against the version no longer compiles, although the version still lives.",
        example: "`topics::order_placed::v1::OrderPlaced.promised_at` is gone because v1.json was edited.",
        fix: "Take the edit of the released version back; make it in a new one.",
    },
    check: Check::Api(check),
};

fn check(pair: &ApiPair<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for change in pair.changes {
        let (Kind::Removed, Some((topic, number))) = (&change.kind, &change.version) else {
            continue;
        };
        let still = pair.around.new.topic(topic).and_then(|topic| {
            topic
                .versions
                .iter()
                .find(|version| version.number == *number)
        });
        if let Some(version) =
            still.filter(|_| !carries_over_a_deleted_version(pair, topic, &change.path))
        {
            problems.push(
                Problem::new(
                    &version.path,
                    "",
                    format!(
                        "`{}` is gone, and v{number} of {topic} still lives: code that uses it no longer compiles",
                        change.path
                    ),
                )
                .of(topic)
                .old(&version.path, "")
                .fix("take the edit back and make it in a new version"),
            );
        }
    }
    problems
}

/// Whether it is the conversion from a version that is deleted, which goes with that version.
fn carries_over_a_deleted_version(pair: &ApiPair<'_>, topic: &str, path: &str) -> bool {
    let number = path
        .split_once("impl From<super::v")
        .and_then(|(_, rest)| rest.split(':').next()?.parse::<u32>().ok());
    number.is_some_and(|number| pair.around.new.hash(topic, number).is_none())
}
