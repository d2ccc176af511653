//! `old-example-rejected`: an example of an older version fails against the newest.
use crate::finding::{Plane, Severity};
use crate::registry::load::validator;
use crate::registry::manifest::CompatibilityLevel;
use crate::rules::pair::SuccessorPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "old-example-rejected",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "an example of an older version fails against the newest",
    doc: Doc {
        what: "Where the level promises that new readers read old messages, every example of the versions before \
               is held against the newest one with an independent validator: of all of them with \
               `_TRANSITIVE`, of the last one else.",
        why: "Examples are real messages. They also hold what no proof looks at: members that the old schema \
              never declared and that the new one now gives another type.",
        example: "`express_v1.json` has an undeclared `\"gift\": \"yes\"`; v3 declares `gift` as a boolean.",
        fix: "Accept the example, or correct it if no producer writes such messages.",
    },
    check: Check::Successor(check),
};

fn check(pair: &SuccessorPair<'_>) -> Vec<Problem> {
    let topic = pair.topic;
    let newest = topic.versions.last().map(|version| version.number);
    let transitive = match topic.manifest.compatibility {
        CompatibilityLevel::Backward | CompatibilityLevel::Full => false,
        CompatibilityLevel::BackwardTransitive | CompatibilityLevel::FullTransitive => true,
        CompatibilityLevel::None
        | CompatibilityLevel::Forward
        | CompatibilityLevel::ForwardTransitive => return Vec::new(),
    };
    if newest != Some(pair.new.number) {
        return Vec::new();
    }
    let Some(validator) = validator(&pair.around.new.documents, &pair.new.path) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let older = topic.versions.iter().rev().skip(1);
    for version in older.take(if transitive { usize::MAX } else { 1 }) {
        for example in &version.examples {
            let Some(error) = validator.iter_errors(&example.payload).next() else {
                continue;
            };
            let schema = error.schema_path().to_string();
            let at = pair.around.new.follow(&pair.new.path, &schema);
            let place = error.instance_path().to_string();
            // The payload itself has no pointer to show.
            let shown = match place.as_str() {
                "" => String::new(),
                place => format!(" at `{place}`"),
            };
            problems.push(
                Problem::new(
                    &at.file,
                    at.pointer,
                    format!(
                        "v{} rejects the v{} example {}{shown}: {error}",
                        pair.new.number, version.number, example.name,
                    ),
                )
                .old(&example.path, place)
                .evidence(example.payload.to_string())
                .fix("accept it, or correct the example if nobody writes such messages"),
            );
        }
    }
    problems
}
