//! `dedupe-key-changed`: which events count as one changes.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "dedupe-key-changed",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "the template of a topic's deduplication key changed",
    doc: Doc {
        what: "`dedupe_key` of a topic differs from the base. The same fields under the names that a rename \
               declares are no change.",
        why: "An event that was stored under its old key and arrives again (a retry, a replay, a second \
              producer) gets another key and counts twice. Producers and workers of the old and the new template \
              disagree while both run.",
        example: "`{/type}:{/data/order_id}` becomes `{/id}`.",
        fix: "Keep the template. If it was wrong, drain the topic, stop producers and worker, change it, and never \
              replay what was stored before.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    // The template is resolved to each version's names, so a declared rename changes none of the old ones.
    let moved = new.versions.iter().find(|version| {
        old.versions.iter().any(|before| {
            before.number == version.number && before.dedupe_key != version.dedupe_key
        })
    });
    let Some(version) = moved else {
        return Vec::new();
    };
    vec![
        Problem::new(
            &new.path,
            "/dedupe_key",
            format!(
                "the deduplication key of {} was `{}`, is now `{}`: what is stored and arrives again counts twice",
                new.name, old.manifest.dedupe_key, new.manifest.dedupe_key
            ),
        )
        .old(&old.path, "/dedupe_key")
        .evidence(format!(
            "every retained event of v{}, and every replay from up to {} days of stored ones",
            version.number, pair.around.new.registry.manifest.clickhouse.retention_days
        ))
        .fix(format!("keep dedupe_key = \"{}\"", old.manifest.dedupe_key)),
    ]
}
