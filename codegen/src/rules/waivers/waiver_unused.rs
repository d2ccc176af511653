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
               once its change is merged. Waivers that have expired are `waiver-expired`'s.",
        why: "A waiver with a mistyped pointer accepts nothing now, and one left lying around accepts the next \
              break at its place unseen.",
        example: "`rule = \"reader-breaks\"` for `/properties/price`, while the finding is about \
                  `/properties/price_cents`.",
        fix: "Copy rule, topic and pointer from the finding. Remove the waiver once the change is merged.",
    },
    check: Check::Waiver,
};

/// What to report about the waiver at `index`.
#[must_use]
pub fn problem(index: usize, waiver: &Waiver, severity: Severity) -> Problem {
    let pointer = format!("/waivers/{index}");
    let about = waiver
        .topic
        .as_deref()
        .map_or_else(String::new, |topic| format!(" of {topic}"));
    let place = match waiver.pointer.as_str() {
        "" => "of a whole file".to_owned(),
        pointer => format!("at `{pointer}`"),
    };
    let message = format!("no finding of `{}`{about} {place}", waiver.rule);
    Problem::new(waivers::PATH, pointer, message)
        .severity(severity)
        .fix("remove it, or copy rule, topic and pointer from the finding")
}
