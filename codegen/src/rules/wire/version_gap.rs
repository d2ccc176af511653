//! `version-gap`: a version number is skipped, or comes back.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "version-gap",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a new version does not follow the last one",
    doc: Doc {
        what: "A new topic starts with another version than 1, or a topic gets a version that is not its newest \
               plus one: a number is skipped, or one that was there before is used again.",
        why: "A number names one meaning for ever. A gap looks like a lost file, and a number used twice reads old \
              messages as something they are not.",
        example: "v1 and v2 exist, and the change adds v4.json.",
        fix: "Rename the file to the next number.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some(topic) = pair.topic.new else {
        return Vec::new();
    };
    let known: Vec<u32> = pair.topic.old.map_or_else(Vec::new, |old| {
        old.versions.iter().map(|version| version.number).collect()
    });
    let mut newest = known.iter().max().copied().unwrap_or(0);
    let mut problems = Vec::new();
    for version in &topic.versions {
        if known.contains(&version.number) {
            continue;
        }
        let next = newest + 1;
        if version.number != next {
            let message = if version.number < next {
                format!(
                    "v{} of {} is added below the newest version, v{newest}",
                    version.number, topic.name
                )
            } else if newest == 0 {
                format!("{} is new and starts with v{}", topic.name, version.number)
            } else {
                format!("v{} of {} follows v{newest}", version.number, topic.name)
            };
            problems.push(Problem::new(&version.path, "", message).fix(format!(
                "name it v{next}.json, and its examples' folder v{next}"
            )));
        }
        newest = newest.max(version.number);
    }
    problems
}
