//! `topic-renamed`: a topic lives on under another name.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "topic-renamed",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a topic reappears under another name",
    doc: Doc {
        what: "A topic of the base is gone, and a new topic has versions of exactly the same meaning.",
        why: "Kafka cannot rename: the new name is a new, empty topic. The event type is the topic's name, so \
              stored events keep the old type, and every view and query that asks for it misses the new ones. \
              Events in the old topic are no longer ingested.",
        example: "`topics/cart.updated` becomes `topics/cart.changed`.",
        fix: "Keep the old name. Where the new one is worth it, add the new topic beside the old one, produce to \
              both names' consumers, let both views and consumers know both types, and delete the old topic when \
              it is empty.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let (Some(gone), Some(twin)) = (pair.topic.removed(), pair.renamed_to) else {
        return Vec::new();
    };
    vec![
        Problem::new(
            &twin.path,
            "",
            format!(
                "{} is now called {}: a new, empty topic to Kafka, another event type to views",
                gone.name, twin.name
            ),
        )
        .old(&gone.path, "")
        .evidence(format!(
            "{} version(s) of the same meaning; read by {}",
            twin.versions.len(),
            gone.manifest.consumers.join(", ")
        ))
        .fix(format!(
            "keep the name {}, or keep both topics until the old one is empty",
            gone.name
        )),
    ]
}
