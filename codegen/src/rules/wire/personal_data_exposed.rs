//! `personal-data-exposed`: a personal field newly lands in a column that everybody may query.
use crate::finding::{Plane, Severity};
use crate::rules::pair::FieldPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::personal_data::mark;

/// The rule.
pub static RULE: Rule = Rule {
    id: "personal-data-exposed",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "a field marked as personal data newly fills a fact column that has no hash",
    doc: Doc {
        what: "A field with `x-pii` fills a column of the fact table (`x-column`, or `[columns]` of the topic's \
               manifest) that no `[[privacy.hash]]` covers, and did not before.",
        why: "The fact table is what analysts query and views copy. Queries that leave the team need a hash \
              column to use instead.",
        example: "`\"email\": {\"x-pii\": \"email\", \"x-column\": \"contact\"}` without a hash of `contact`.",
        fix: "Add `[[privacy.hash]]` for the column to registry.toml, or leave the field in the payload.",
    },
    check: Check::Field(check),
};

fn check(pair: &FieldPair<'_>) -> Vec<Problem> {
    let Some(field) = pair.field.new else {
        return Vec::new();
    };
    let Some(what) = mark(field) else {
        return Vec::new();
    };
    let Some(place) = pair.place() else {
        return Vec::new();
    };
    let hashed = &pair.around.new.registry.manifest.privacy.hash;
    let was_marked = pair.field.old.is_some_and(|field| mark(field).is_some());
    let before = if was_marked {
        pair.columns_before()
    } else {
        Vec::new()
    };
    pair.columns_now()
        .into_iter()
        .filter(|column| !hashed.iter().any(|hash| hash.column == *column))
        .filter(|column| !before.contains(column))
        .map(|column| {
            Problem::new(
                &place.file,
                place.pointer.clone(),
                format!(
                    "`{}` is personal data (`{what}`) and fills the fact column `{column}` in plain",
                    field.0.pointer
                ),
            )
            .fix(format!(
                "add [[privacy.hash]] column = \"{column}\", into = \"{column}_hash\" to registry.toml, or leave \
                 the field in the payload"
            ))
        })
        .collect()
}
