//! `reader-breaks`: a message that one version allows and another one's readers refuse.
use crate::compat::Witness;
use crate::finding::{Plane, Severity};
use crate::rules::pair::{Direction, Reading};
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};
use crate::visible::on_one_line;

use super::reader::{is_undeclared, other_place, place, promise};

/// The rule.
pub static RULE: Rule = Rule {
    id: "reader-breaks",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a message breaks a reader that the compatibility level protects",
    doc: Doc {
        what: "Each new or changed version is held against the topic's live versions, as its `compatibility` \
               asks, before the change or after it: `BACKWARD` (new readers read old messages), `FORWARD` (old readers read new messages), \
               `FULL` (both), each against the neighbour or, with `_TRANSITIVE`, against every version. A \
               changed envelope is held against the old one both ways. Each place that breaks a reader is a finding of \
               its own, with its own message. Writers are taken to write only what \
               they declare, so a new optional property breaks nobody. Versions past their removal date no \
               longer count. What cannot be decided is `reader-unproved`.",
        why: "Producers and consumers are never deployed in the same second, and messages of every version lie \
              in the topic until they are too old. The finding shows the message: an independent validator \
              accepts it on the writer's side and rejects it on the reader's.",
        example: "v3 makes `price_cents` required. `{\"tx_id\": 991, \"status\": \"success\"}` is a v2 message, and \
                  v3 readers refuse it.",
        fix: "For new readers: keep the property optional, or the type, range and list of values as wide as they \
              were. For old readers: add no value and no wider range to a property that they check. Where the \
              break is wanted, start a new topic, or waive the finding once no old message is retained.",
    },
    check: Check::Reading(check),
};

fn check(reading: &Reading<'_>) -> Vec<Problem> {
    reading
        .breaks()
        .map(|witness| problem(reading, witness))
        .collect()
}

fn problem(reading: &Reading<'_>, witness: &Witness) -> Problem {
    let (writer, reader) = (reading.writer.name(), reading.reader.name());
    let at = place(reading, &witness.pointer, Some(witness));
    let instance = if witness.instance.is_empty() {
        String::new()
    } else {
        format!(", at `{}`", witness.instance)
    };
    let fix = match reading.direction {
        Direction::Backward => format!(
            "let {reader} accept what {writer} allows (keep it optional, keep types, ranges and values as wide), \
             or waive this once no message of {writer} is retained"
        ),
        Direction::Forward => format!(
            "let {writer} write only what {reader} accepts, or waive this once every consumer reads {writer}"
        ),
    };
    let fix = if is_undeclared(reading, witness) {
        format!(
            "declare in {writer} what it writes there, and leave out the `additionalProperties` that lets it write \
             members of any name (a writer is taken to write only what it declares); or {fix}"
        )
    } else {
        fix
    };
    let old = other_place(reading, &witness.pointer, Some(witness));
    Problem::new(
        &at.file,
        at.pointer,
        format!(
            "readers of {reader} reject what {writer} allows{instance}: {}; {}",
            on_one_line(&witness.reason),
            promise(reading)
        ),
    )
    .old(&old.file, old.pointer)
    .evidence(format!(
        "{} (allowed by {writer}, rejected by {reader}; checked by an independent validator)",
        witness.value
    ))
    .fix(fix)
}
