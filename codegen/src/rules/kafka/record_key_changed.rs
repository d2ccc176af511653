//! `record-key-changed`: records of one thing move to other partitions.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "record-key-changed",
    plane: Plane::Kafka,
    severity: Severity::Error,
    purpose: "the record key of a topic changed",
    doc: Doc {
        what: "`key` of a topic leads to another field. The same field under the name that a rename declares is no \
               change.",
        why: "The key chooses the partition, and order holds within a partition only. Events of one player that \
              were in one partition are in two while old records are retained, so consumers see them out of order, \
              and consumers that keep state by partition lose it. An event that was stored under its old key and \
              arrives again counts twice, since copies of one event have one record key.",
        example: "`key = \"/customer\"` becomes `key = \"/data/order_id\"`.",
        fix: "Keep the key. If it was wrong, make a new topic with the right key and move consumers over.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let moved = new.versions.iter().find(|version| {
        old.versions
            .iter()
            .any(|before| before.number == version.number && before.key != version.key)
    });
    if moved.is_none() {
        return Vec::new();
    }
    vec![
        Problem::new(
            &new.path,
            "/key",
            format!(
                "the record key of {} was `{}`, is now `{}`: records of one thing move to other partitions",
                new.name, old.manifest.key, new.manifest.key
            ),
        )
        .old(&old.path, "/key")
        .evidence(format!(
            "{} partitions, {} days of records in the old order",
            new.partitions, new.retention_days
        ))
        .fix(format!("keep key = \"{}\", or make a new topic", old.manifest.key)),
    ]
}
