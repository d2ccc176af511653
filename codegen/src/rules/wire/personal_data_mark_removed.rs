//! `personal-data-mark-removed`: a field stops being treated as personal data.
use crate::finding::{Plane, Severity};
use crate::rules::pair::FieldPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::personal_data::mark;

/// The rule.
pub static RULE: Rule = Rule {
    id: "personal-data-mark-removed",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a field that was marked as personal data no longer is",
    doc: Doc {
        what: "A field had `x-pii` in the base, or in the version before, and has none now. A declared rename is \
               followed; a field that is gone is no finding.",
        why: "Its values are no longer masked in messages and dead letters, in old events too.",
        example: "v3 repeats `customer` without `\"x-pii\": \"pseudonym\"`.",
        fix: "Put the mark back.",
    },
    check: Check::Field(check),
};

fn check(pair: &FieldPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.field.both() else {
        return Vec::new();
    };
    let (Some(was), None) = (mark(old), mark(new)) else {
        return Vec::new();
    };
    let Some(place) = pair.place() else {
        return Vec::new();
    };
    let mut problem = Problem::new(
        &place.file,
        place.pointer,
        format!(
            "`{}` was personal data (`{was}`) and no longer is: its values appear in plain",
            new.0.pointer
        ),
    )
    .fix(format!("put \"x-pii\": \"{was}\" back"));
    if let Some(old) = pair.old_place() {
        problem = problem.old(&old.file, old.pointer);
    }
    vec![problem]
}
