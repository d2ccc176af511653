//! `envelope-role-moved`: a part that every event has stands in another member of the envelope.
use crate::finding::{Plane, Severity};
use crate::model::escape;
use crate::rules::pair::RegistryPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "envelope-role-moved",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "time, payload, version, id or deduplication key stands in another member of the envelope",
    doc: Doc {
        what: "An `x-role` of the envelope moved to another member: `timestamp`, `payload`, `schema-version`, \
               `event-id` or `dedupe-key`. The event's type has its own rule, `event-type-changed`.",
        why: "Every retained message, and every producer not yet rebuilt, has the part under its old name. A new \
              worker rejects them, or reads a version 1 where there was a 2.",
        example: "The member `at` becomes `occurred_at`.",
        fix: "Keep the member.",
    },
    check: Check::Registry(check),
};

fn check(pair: &RegistryPair<'_>) -> Vec<Problem> {
    let [old, new] = [pair.old, pair.new].map(|side| &side.registry.envelope.fields);
    [
        ("schema-version", &old.schema_version, &new.schema_version),
        ("event-id", &old.event_id, &new.event_id),
        ("timestamp", &old.timestamp, &new.timestamp),
        ("payload", &old.payload, &new.payload),
        ("dedupe-key", &old.dedupe_key, &new.dedupe_key),
    ]
    .into_iter()
    .filter_map(|(role, old, new)| moved(pair, role, old, new))
    .collect()
}

/// The problem of a role whose member has another name now.
pub(super) fn moved(pair: &RegistryPair<'_>, role: &str, old: &str, new: &str) -> Option<Problem> {
    let [before, after] = [pair.old, pair.new].map(|side| &side.registry.envelope.path);
    // A closed envelope without a member for a role: no message of before has it.
    let stays = old == new || old.is_empty();
    let now = if new.is_empty() {
        "now no member has it".to_owned()
    } else {
        format!("now in `{new}`")
    };
    (!stays).then(|| {
        Problem::new(
            after,
            format!("/properties/{}", escape(new)),
            format!("the {role} stood in `{old}`, {now}: no retained message has it there"),
        )
        .old(before, format!("/properties/{}", escape(old)))
        .evidence(format!(
            "{} topics, each with its retained messages",
            pair.old.registry.topics.len()
        ))
        .fix(format!("keep \"x-role\": \"{role}\" on `{old}`"))
    })
}
