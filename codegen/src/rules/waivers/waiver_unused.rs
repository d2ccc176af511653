//! `waiver-unused`: a waiver that accepts nothing.
use crate::finding::{Plane, Severity};
use crate::registry::waivers::{self, Waiver};
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "waiver-unused",
    plane: Plane::Registry,
    severity: Severity::Error,
    purpose: "a waiver matches no finding of this change",
    doc: Doc {
        what: "An entry of `waivers.toml` whose rule, topic and pointer match no finding. An error where this \
               change adds the waiver; a warning where it was there before, since a waiver has done its work \
               once its change is merged: a waiver is about the change that brings it, and the same place can break \
               again. Only one that names the `file` of a version that did not exist yet waits for it. Waivers \
               that have expired are `waiver-expired`'s.",
        why: "A waiver with a mistyped pointer accepts nothing now, and one left lying around accepts the next \
              break at its place unseen.",
        example: "`rule = \"reader-breaks\"` for `/properties/price`, while the finding is about \
                  `/properties/price_cents`.",
        fix: "Copy rule, topic and pointer from the finding. Remove the waiver once the change is merged.",
    },
    check: Check::Waiver,
};

/// What to report about the waiver at `index`; `late` where there is such a finding, and the waiver came with an
/// earlier change.
#[must_use]
pub fn problem(index: usize, waiver: &Waiver, severity: Severity, late: bool) -> Problem {
    let pointer = format!("/waivers/{index}");
    let about = waiver
        .topic
        .as_deref()
        .map_or_else(String::new, |topic| format!(" of {topic}"));
    let place = match waiver.pointer.as_str() {
        "" => "of a whole file".to_owned(),
        pointer => format!("at `{pointer}`"),
    };
    let rule = &waiver.rule;
    let (message, fix) = if late {
        (
            format!(
                "it came with an earlier change, and accepts no finding of `{rule}`{about} {place} in this one"
            ),
            "remove it; where the finding is to be accepted again, write a new one with today's reason",
        )
    } else {
        (
            format!("no finding of `{rule}`{about} {place}"),
            "remove it, or copy rule, topic and pointer from the finding",
        )
    };
    Problem::new(waivers::PATH, pointer, message)
        .severity(severity)
        .fix(fix)
}
