//! `retention-shortened`: records are deleted sooner.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::written;

/// The rule.
pub static RULE: Rule = Rule {
    id: "retention-shortened",
    plane: Plane::Kafka,
    severity: Severity::Warning,
    purpose: "a topic keeps its records for fewer days",
    doc: Doc {
        what: "`retention_days` of a topic, its own or the registry's default, is lower than in the base.",
        why: "The broker deletes what is older within minutes. A consumer that lags by more, or a replay that \
              reaches back further, finds nothing.",
        example: "`retention_days = 14` becomes `retention_days = 7`.",
        fix: "Check that no consumer lags by more than the new retention, and that no replay needs the older \
              records.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let (was, is) = (old.retention_days, new.retention_days);
    if is >= was {
        return Vec::new();
    }
    let (file, pointer) = written(new, new.manifest.retention_days.is_some(), "retention_days");
    let (old_file, old_pointer) =
        written(old, old.manifest.retention_days.is_some(), "retention_days");
    vec![
        Problem::new(
            &file,
            pointer,
            format!(
                "{} keeps records for {is} days instead of {was}: older ones are deleted when this is applied",
                new.name
            ),
        )
        .old(&old_file, old_pointer)
        .evidence(format!("{} of {was} days of records", was - is))
        .fix("check that no consumer lags by more and that no replay needs them"),
    ]
}
