//! `cleanup-policy-changed`: Kafka throws other records away than before.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::setting;

/// The rule.
pub static RULE: Rule = Rule {
    id: "cleanup-policy-changed",
    plane: Plane::Kafka,
    severity: Severity::Error,
    purpose: "a topic's `cleanup.policy` changed",
    doc: Doc {
        what: "The `cleanup.policy` that a topic is created with differs from the base. Topics of events are made \
               with `delete`, and no manifest can say otherwise today, so only a new release of the compiler can \
               bring this finding.",
        why: "With `compact` the broker keeps one record a key and throws every earlier event away; with `delete` \
              it keeps all of them for a time. Going from one to the other loses records.",
        example: "`delete` becomes `compact`.",
        fix: "Keep the policy. For a compacted topic make a new one.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let [was, is] = [(pair.around.old, old), (pair.around.new, new)]
        .map(|(side, topic)| setting(side, topic, "cleanup.policy").unwrap_or_default());
    judge(&new.name, &new.path, &was, &is).into_iter().collect()
}

fn judge(topic: &str, file: &str, was: &str, is: &str) -> Option<Problem> {
    (was != is).then(|| {
        Problem::new(
            file,
            "",
            format!("{topic} goes from cleanup.policy {was} to {is}: records are thrown away by another rule"),
        )
        .fix(format!("keep {was}, or make a new topic"))
    })
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn only_a_change_is_found() {
        assert!(judge("a", "topics/a/topic.toml", "delete", "delete").is_none());
        let problem = judge("a", "topics/a/topic.toml", "delete", "compact");
        assert!(problem.is_some_and(|problem| problem.message.contains("delete to compact")));
    }
}
