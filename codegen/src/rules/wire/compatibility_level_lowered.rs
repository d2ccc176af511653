//! `compatibility-level-lowered`: a promise to readers is taken back.
use crate::finding::{Plane, Severity};
use crate::registry::manifest::CompatibilityLevel;
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "compatibility-level-lowered",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a topic promises its readers less than before",
    doc: Doc {
        what: "The topic's `compatibility` no longer promises something that it promised: reading older messages, \
               being read by older readers, or either against every version.",
        why: "Consumers were built on the promise. Lowering the level is also the easiest way past \
              `reader-breaks`, so it is a decision of its own.",
        example: "`FULL_TRANSITIVE` becomes `BACKWARD` in the change that removes a property.",
        fix: "Keep the level. If the consumers agree, waive this and say who was asked.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let (was, is) = (old.manifest.compatibility, new.manifest.compatibility);
    let lost: Vec<&str> = promises(was)
        .into_iter()
        .filter(|promise| !promises(is).contains(promise))
        .collect();
    if lost.is_empty() {
        return Vec::new();
    }
    vec![
        Problem::new(
            &new.path,
            "/compatibility",
            format!("{} promised {}, now {}", new.name, was.name(), is.name()),
        )
        .old(&old.path, "/compatibility")
        .evidence(format!("no longer promised: {}", lost.join("; ")))
        .fix(format!("keep compatibility = \"{}\"", was.name())),
    ]
}

fn promises(level: CompatibilityLevel) -> Vec<&'static str> {
    const NEW_READS_LAST: &str = "new readers read the last version's messages";
    const NEW_READS_ALL: &str = "new readers read every version's messages";
    const LAST_READS_NEW: &str = "the last version's readers read new messages";
    const ALL_READ_NEW: &str = "every version's readers read new messages";
    match level {
        CompatibilityLevel::None => vec![],
        CompatibilityLevel::Backward => vec![NEW_READS_LAST],
        CompatibilityLevel::BackwardTransitive => vec![NEW_READS_LAST, NEW_READS_ALL],
        CompatibilityLevel::Forward => vec![LAST_READS_NEW],
        CompatibilityLevel::ForwardTransitive => vec![LAST_READS_NEW, ALL_READ_NEW],
        CompatibilityLevel::Full => vec![NEW_READS_LAST, LAST_READS_NEW],
        CompatibilityLevel::FullTransitive => {
            vec![NEW_READS_LAST, NEW_READS_ALL, LAST_READS_NEW, ALL_READ_NEW]
        }
    }
}
