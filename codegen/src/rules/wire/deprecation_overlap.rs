//! `deprecation-overlap`: a removal is announced for too soon.
use crate::finding::{Plane, Severity};
use crate::gate::day::Day;
use crate::registry::dates::MIN_OVERLAP_DAYS;
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "deprecation-overlap",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a version's removal is announced for less than 14 days from now",
    doc: Doc {
        what: "A `[[deprecations]]` entry that this change adds, or whose `removal` it brings forward, ends less \
               than 14 days from today. (That `since` and `removal` lie 14 days apart is checked when the \
               registry is loaded; this is about the calendar.)",
        why: "Two versions overlap for at least 14 days so that producers can move and messages can grow old. An \
              announcement dated back gives nobody that time.",
        example: "On 10 March, `since = \"2026-02-01\"` and `removal = \"2026-03-12\"`.",
        fix: "Choose a removal date at least 14 days ahead.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let earliest = pair.around.today.plus(MIN_OVERLAP_DAYS);
    let mut problems = Vec::new();
    for (index, deprecation) in new.manifest.deprecations.iter().enumerate() {
        let Some(removal) = Day::read(&deprecation.removal) else {
            continue;
        };
        let before = old
            .manifest
            .deprecations
            .iter()
            .find(|before| before.version == deprecation.version)
            .and_then(|before| Day::read(&before.removal));
        if removal >= earliest || before.is_some_and(|before| before <= removal) {
            continue;
        }
        let message = match before {
            None => format!(
                "v{} of {} is to be removed on {removal}, announced only now",
                deprecation.version, new.name
            ),
            Some(before) => format!(
                "the removal of v{} of {} moves from {before} to {removal}",
                deprecation.version, new.name
            ),
        };
        let pointer = format!("/deprecations/{index}/removal");
        problems.push(
            Problem::new(&new.path, pointer, message)
                .evidence(format!("today is {}", pair.around.today))
                .fix(format!("choose {earliest} or later")),
        );
    }
    problems
}
