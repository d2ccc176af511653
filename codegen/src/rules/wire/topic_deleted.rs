//! `topic-deleted`: a topic is gone.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "topic-deleted",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a topic was deleted",
    doc: Doc {
        what: "The folder of a topic that the base has is gone. A topic that reappears under another name is \
               `topic-renamed`'s.",
        why: "The ingest worker no longer subscribes to it, so events that are produced or not yet read are lost \
              when their retention ends; generated types disappear for producers and consumers.",
        example: "`topics/cart.updated/` is deleted.",
        fix: "Stop the producers, let consumers read to the end, and waive the finding when the lag is zero. Until \
              then keep the folder.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let (Some(gone), None) = (pair.topic.removed(), pair.renamed_to) else {
        return Vec::new();
    };
    let readers = if gone.manifest.consumers.is_empty() {
        "nobody is named as a reader".to_owned()
    } else {
        format!("read by {}", gone.manifest.consumers.join(", "))
    };
    vec![
        Problem::new(
            &gone.path,
            "",
            format!(
                "{} is deleted: nobody ingests or reads its events any more",
                gone.name
            ),
        )
        .old(&gone.path, "")
        .evidence(format!(
            "owned by {}; {readers}; retained {} days",
            gone.manifest.owner, gone.retention_days
        ))
        .fix("stop its producers and let consumers read to the end first; then waive this"),
    ]
}
