//! `message-size-reduced`: the broker refuses messages that it took before.
use crate::finding::{Plane, Severity};
use crate::rules::pair::RegistryPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "message-size-reduced",
    plane: Plane::Kafka,
    severity: Severity::Error,
    purpose: "the largest record that the broker takes is smaller",
    doc: Doc {
        what: "`kafka.max_message_bytes` of registry.toml is lower than in the base.",
        why: "A producer that writes a larger record gets an error, and an event in its outbox can never be sent. \
              Records that are already stored stay readable.",
        example: "`max_message_bytes = 1048576` becomes `max_message_bytes = 262144`.",
        fix: "Keep the limit, or look up the largest record that was produced lately and stay above it; then waive \
              this.",
    },
    check: Check::Registry(check),
};

fn check(pair: &RegistryPair<'_>) -> Vec<Problem> {
    let [was, is] = [pair.old, pair.new].map(|side| side.registry.manifest.kafka.max_message_bytes);
    if is >= was {
        return Vec::new();
    }
    vec![
        Problem::new(
            "registry.toml",
            "/kafka/max_message_bytes",
            format!("the broker takes records up to {is} bytes instead of {was}: producers of larger ones fail"),
        )
        .old("registry.toml", "/kafka/max_message_bytes")
        .evidence(format!("every record of {} to {was} bytes", u64::from(is) + 1))
        .fix("keep the limit, or show that no producer needs it"),
    ]
}
