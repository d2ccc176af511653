//! `cleanup-policy-changed`: Kafka throws other records away than before.
use crate::finding::{Plane, Severity};
use crate::registry::Topic;
use crate::registry::manifest::CleanupPolicy;
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "cleanup-policy-changed",
    plane: Plane::Kafka,
    severity: Severity::Error,
    purpose: "a topic's `cleanup.policy` changed",
    doc: Doc {
        what: "A topic's `cleanup_policy` differs from the base: `delete` throws away every record once the \
               retention is over, `compact` only those that a later record of the same key follows.",
        why: "Going to `compact`, the broker forgets all but the last event of each key, for every consumer that \
              starts over or lags, and a replay finds holes. Going to `delete`, the last record of a key, which \
              was to stay for ever, goes with the rest.",
        example: "`cleanup_policy = \"compact\"` is added to the topic.toml of a topic that is keyed by customer: of a \
                  customer's orders only the last stays.",
        fix: "Keep the policy. For a compacted topic make a new one and move its readers.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let policy = |topic: &Topic| topic.manifest.cleanup_policy.unwrap_or_default();
    let (name, key, days) = (&new.name, &new.manifest.key, new.retention_days);
    let (from_to, lost) = match (policy(old), policy(new)) {
        (CleanupPolicy::Delete, CleanupPolicy::Delete)
        | (CleanupPolicy::Compact, CleanupPolicy::Compact) => return Vec::new(),
        (CleanupPolicy::Delete, CleanupPolicy::Compact) => (
            "delete to compact",
            format!("after {days} days, all records of one `{key}` but its last"),
        ),
        (CleanupPolicy::Compact, CleanupPolicy::Delete) => (
            "compact to delete",
            format!("after {days} days, every record, the last one of each `{key}` too"),
        ),
    };
    let pointer = |topic: &Topic| match topic.manifest.cleanup_policy {
        Some(_) => "/cleanup_policy",
        None => "",
    };
    vec![
        Problem::new(
            &new.path,
            pointer(new),
            format!("{name} goes from cleanup.policy {from_to}: other records are thrown away than before"),
        )
        .old(&old.path, pointer(old))
        .evidence(format!("thrown away now: {lost}"))
        .fix("keep the policy, or make a new topic and move its readers"),
    ]
}
