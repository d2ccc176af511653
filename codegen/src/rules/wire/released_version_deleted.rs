//! `released-version-deleted`: a version is gone whose events may still be read.
use crate::finding::{Plane, Severity};
use crate::gate::day::Day;
use crate::rules::pair::VersionPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "released-version-deleted",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a released version was deleted before its removal date",
    doc: Doc {
        what: "The schema of a version that the base has is gone, and the base's `topic.toml` does not announce \
               its removal, or the removal date has not passed, or fewer than 14 days lie between the \
               announcement and the removal.",
        why: "Without its schema nobody can check or read a version: its messages go to the dead letter topic. \
              Producers need a date to move by, and messages need time to grow old.",
        example: "v1.json is deleted although `topic.toml` has no `[[deprecations]]` for version 1.",
        fix: "Put the file back, announce the removal in `[[deprecations]]` with at least 14 days between `since` \
              and `removal`, and delete the file after that date.",
    },
    check: Check::Version(check),
};

fn check(pair: &VersionPair<'_>) -> Vec<Problem> {
    let Some(gone) = pair.version.removed() else {
        return Vec::new();
    };
    let (before, after) = pair.topic;
    let number = gone.number;
    let announced = before
        .manifest
        .deprecations
        .iter()
        .find(|deprecation| deprecation.version == number);
    let today = pair.around.today;
    let (pointer, evidence) = match announced {
        None => (
            String::new(),
            format!(
                "the base's {} announces no removal of version {number}",
                before.path
            ),
        ),
        Some(deprecation) => match (
            Day::read(&deprecation.since),
            Day::read(&deprecation.removal),
        ) {
            (Some(since), Some(removal)) if removal < today && removal.0 - since.0 >= 14 => {
                return Vec::new();
            }
            _ => (
                "/deprecations".to_owned(),
                format!(
                    "announced for {}, since {}; today is {today}",
                    deprecation.removal, deprecation.since
                ),
            ),
        },
    };
    let names: Vec<String> = after.manifest.consumers.clone();
    let readers = if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    };
    vec![
        Problem::new(
            &after.path,
            pointer,
            format!(
                "v{number} of {} is deleted, and its events can no longer be read by anyone{readers}",
                after.name
            ),
        )
        .old(&gone.path, "")
        .evidence(evidence)
        .fix(format!(
            "put {} back and announce its removal in [[deprecations]], at least 14 days ahead",
            gone.path
        )),
    ]
}
