//! `dedupe-key-changed`: which events count as one changes.
use crate::finding::{Plane, Severity};
use crate::model::escape;
use crate::registry::{TemplatePart, TopicVersion};
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
              producer) gets another key and counts twice. Where a part is taken out, events that only it told \
              apart are copies of one another, and all but the first are dropped. Producers and workers of the old \
              and the new template disagree while both run.",
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
    let moved: Vec<(&TopicVersion, &TopicVersion)> = old
        .versions
        .iter()
        .filter_map(|before| {
            let mut versions = new.versions.iter();
            let after = versions.find(|after| after.number == before.number)?;
            (before.dedupe_key != after.dedupe_key).then_some((before, after))
        })
        .collect();
    let Some((before, after)) = moved.first() else {
        return Vec::new();
    };
    // Type and record key tell events apart whatever the template says.
    let event_type = format!(
        "/{}",
        escape(&pair.around.old.registry.envelope.fields.event_type)
    );
    let gone: Vec<String> = before
        .dedupe_key
        .iter()
        .filter(|part| !after.dedupe_key.contains(part))
        .filter_map(|part| match part {
            TemplatePart::Pointer(pointer) if *pointer != event_type && *pointer != before.key => {
                Some(format!("`{pointer}`"))
            }
            TemplatePart::Pointer(_) | TemplatePart::Text(_) => None,
        })
        .collect();
    let merged = match gone.as_slice() {
        [] => String::new(),
        gone => format!(
            ", and of events that differ in {} alone all but the first are dropped as copies",
            gone.join(" and ")
        ),
    };
    let versions: Vec<String> = moved
        .iter()
        .map(|(_, after)| format!("v{}", after.number))
        .collect();
    vec![
        Problem::new(
            &new.path,
            "/dedupe_key",
            format!(
                "the deduplication key of {} was `{}`, is now `{}`: what is stored and arrives again counts twice{merged}",
                new.name, old.manifest.dedupe_key, new.manifest.dedupe_key
            ),
        )
        .old(&old.path, "/dedupe_key")
        .evidence(format!(
            "every retained event of {}, and every replay from up to {} days of stored ones",
            versions.join(", "), pair.around.new.registry.manifest.clickhouse.retention_days
        ))
        .fix(format!("keep dedupe_key = \"{}\"", old.manifest.dedupe_key)),
    ]
}
