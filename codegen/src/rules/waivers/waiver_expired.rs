//! `waiver-expired`: a waiver past its last day.
use crate::finding::{Plane, Severity};
use crate::registry::waivers::{self, Waiver};
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "waiver-expired",
    plane: Plane::Registry,
    severity: Severity::Error,
    purpose: "a waiver is past its last day",
    doc: Doc {
        what: "An entry of `waivers.toml` whose `expires` lies before today. What it accepted is a finding \
               again. A warning where it was there before and this change has nothing for it to accept.",
        why: "Accepting a break is a decision for a time. Whoever took it should look again.",
        example: "`expires = \"2026-01-31\"`, checked in February.",
        fix: "Remove the waiver, or have its approver choose a later day.",
    },
    check: Check::Waiver,
};

/// What to report about the waiver at `index`.
#[must_use]
pub fn problem(index: usize, waiver: &Waiver, severity: Severity) -> Problem {
    let pointer = format!("/waivers/{index}/expires");
    let message = format!(
        "the waiver of `{}` by {} ended on {}",
        waiver.rule, waiver.approver, waiver.expires
    );
    Problem::new(waivers::PATH, pointer, message)
        .severity(severity)
        .evidence(format!("it was accepted because: {}", waiver.reason))
        .fix("remove it, or have its approver choose a later day")
}
