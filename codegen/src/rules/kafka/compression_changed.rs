//! `compression-changed`: records are stored in another compression.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::{setting, written};

/// The rule.
pub static RULE: Rule = Rule {
    id: "compression-changed",
    plane: Plane::Kafka,
    severity: Severity::Note,
    purpose: "a topic's records are compressed in another way",
    doc: Doc {
        what: "`compression` of a topic, its own or the registry's default, differs from the base.",
        why: "Nothing breaks: batches name their compression, and old ones stay as they are. Where broker and \
              producer differ, the broker compresses every batch again, which costs it time.",
        example: "`compression = \"lz4\"` becomes `compression = \"zstd\"`.",
        fix: "Give producers the same setting.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let [was, is] = [(pair.around.old, old), (pair.around.new, new)]
        .map(|(side, topic)| setting(side, topic, "compression.type").unwrap_or_default());
    if was == is {
        return Vec::new();
    }
    let (file, pointer) = written(new, new.manifest.compression.is_some(), "compression");
    vec![
        Problem::new(
            &file,
            pointer,
            format!(
                "new records of {} are compressed with {is} instead of {was}",
                new.name
            ),
        )
        .fix("give producers the same setting, so that the broker need not compress again"),
    ]
}
