//! `personal-data-unmarked`: a new field looks like personal data and is not marked.
use crate::finding::{Plane, Severity};
use crate::rules::pair::FieldPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::personal_data::{looks_like, mark};

/// The rule.
pub static RULE: Rule = Rule {
    id: "personal-data-unmarked",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a new field looks like personal data and has no `x-pii`",
    doc: Doc {
        what: "A field that is new in this change has a name such as `email`, `phone`, `nickname`, `ip` or \
               `birth_date` and no `x-pii`. Ids are taken to be pseudonyms and are not looked at.",
        why: "The mark is what masks values in messages and dead letters, keeps them out of shared tables, and \
              tells the docs. A field that slips in without it is stored in plain and found in an audit.",
        example: "v3 adds `\"email\": {\"type\": \"string\"}`.",
        fix: "Add `\"x-pii\": \"email\"` (what it is, in a word). If it is nobody's data, waive this and say so.",
    },
    check: Check::Field(check),
};

fn check(pair: &FieldPair<'_>) -> Vec<Problem> {
    let Some(field) = pair.field.added() else {
        return Vec::new();
    };
    let name = field.0.pointer.rsplit('/').next().unwrap_or_default();
    let (None, Some(what)) = (mark(field), looks_like(name)) else {
        return Vec::new();
    };
    let place = pair.place().into_iter();
    place
        .map(|place| {
            Problem::new(
                &place.file,
                place.pointer,
                format!("`{name}` is new, looks like {what}, and has no x-pii: it is stored and shown in plain"),
            )
            .fix(format!("add \"x-pii\": \"{name}\", or waive this if it is nobody's data"))
        })
        .collect()
}
