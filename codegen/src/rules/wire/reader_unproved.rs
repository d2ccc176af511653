//! `reader-unproved`: nobody knows whether a message breaks a reader.
use crate::finding::{Plane, Severity};
use crate::rules::pair::Reading;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::reader::{other_place, place, promise};

/// The rule.
pub static RULE: Rule = Rule {
    id: "reader-unproved",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "whether every message is readable could not be proved",
    doc: Doc {
        what: "The comparison that `reader-breaks` needs ended without an answer: no message was found that \
               breaks the reader, and no proof that there is none. The finding names the keyword, or the limit \
               that was reached.",
        why: "A gate that lets through what it does not understand is no gate; the safe reading of \"unknown\" is \
              \"breaks\".",
        example: "Two `pattern`s whose languages are too large to compare within the budget.",
        fix: "Write the schema with plainer keywords at that place, or keep the place as it was. Where you have \
              convinced yourself otherwise, waive the finding and say how.",
    },
    check: Check::Reading(check),
};

fn check(reading: &Reading<'_>) -> Vec<Problem> {
    let Some(unknown) = reading.unproved() else {
        return Vec::new();
    };
    let (writer, reader) = (reading.writer.name(), reading.reader.name());
    let at = place(reading, &unknown.pointer, None);
    let old = other_place(reading, &unknown.pointer, None);
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "nobody knows whether readers of {reader} accept all {}that {writer} allows; {}",
                if reading.breaks().next().is_some() {
                    "else "
                } else {
                    ""
                },
                promise(reading)
            ),
        )
        .old(&old.file, old.pointer)
        .evidence(format!("`{}`: {}", unknown.keyword, unknown.reason))
        .fix(if reading.breaks().next().is_some() {
            "mend the places that are named, and check again"
        } else {
            "write this place with plainer keywords, or keep it as it was"
        }),
    ]
}
