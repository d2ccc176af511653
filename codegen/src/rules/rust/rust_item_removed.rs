//! `rust-item-removed`: a type, field or variant of a version that still exists is gone.
use std::collections::BTreeMap;

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
               `released-version-deleted` and `topic-deleted`. One finding a version names them all.",
        why: "Code that was written against the version no longer compiles, although the version still lives.",
        example: "`topics::order_placed::v1::OrderPlaced.promised_at` is gone because v1.json was edited.",
        fix: "Take the edit of the released version back; make it in a new one.",
    },
    check: Check::Api(check),
};

fn check(pair: &ApiPair<'_>) -> Vec<Problem> {
    let mut gone: BTreeMap<(&str, u32), Vec<&str>> = BTreeMap::new();
    for change in pair.changes {
        if let (Kind::Removed, Some((topic, number))) = (&change.kind, &change.version)
            && !carries_over_a_deleted_version(pair, topic, &change.path)
        {
            gone.entry((topic, *number)).or_default().push(&change.path);
        }
    }
    let problems = gone.into_iter().filter_map(|((topic, number), items)| {
        let mut versions = pair.around.new.topic(topic)?.versions.iter();
        let version = versions.find(|version| version.number == number)?;
        let names: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
        let (is, them) = if items.len() == 1 {
            ("is", "it")
        } else {
            ("are", "them")
        };
        let message = format!(
            "{} {is} gone, and v{number} of {topic} still lives: code that uses {them} no longer compiles",
            names.join(", ")
        );
        let problem = Problem::new(&version.path, "", message)
            .of(topic)
            .old(&version.path, "")
            .fix("take the edit back and make it in a new version");
        Some(problem)
    });
    problems.collect()
}

/// Whether it is the conversion from a version that is deleted, which goes with that version.
fn carries_over_a_deleted_version(pair: &ApiPair<'_>, topic: &str, path: &str) -> bool {
    let number = path
        .split_once("impl From<super::v")
        .and_then(|(_, rest)| rest.split(':').next()?.parse::<u32>().ok());
    number.is_some_and(|number| pair.around.new.hash(topic, number).is_none())
}
