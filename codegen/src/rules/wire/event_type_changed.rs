//! `event-type-changed`: the envelope's member that names the event's type is another one.
use crate::finding::{Plane, Severity};
use crate::rules::pair::RegistryPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::envelope_role_moved::moved;

/// The rule.
pub static RULE: Rule = Rule {
    id: "event-type-changed",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "the event's type stands in another member of the envelope",
    doc: Doc {
        what: "`x-role: event-type` moved to another member of the envelope. That a topic, and with it its event \
               type, gets another name is `topic-renamed`'s.",
        why: "Readers choose the schema by the event's type. Every retained message has it under the old name, so \
              a new worker finds no type in any of them and an old one finds none in new messages.",
        example: "The member `type` becomes `event_type`.",
        fix: "Keep the member. A new one can be added beside it.",
    },
    check: Check::Registry(check),
};

fn check(pair: &RegistryPair<'_>) -> Vec<Problem> {
    let [old, new] = [pair.old, pair.new].map(|side| &side.registry.envelope.fields.event_type);
    moved(pair, "event-type", old, new).into_iter().collect()
}
