//! `column-source-changed`: a fact column is filled from something else.
use super::column_source::{declared, words};
use crate::finding::{Plane, Severity};
use crate::rules::pair::VersionPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "column-source-changed",
    plane: Plane::ClickHouse,
    severity: Severity::Warning,
    purpose: "a released version fills a fact column from another field, under another condition, or not at all",
    doc: Doc {
        what: "For a version that is there before and after, a fact column has another source: another field, \
               another condition, another sign, or none. A column that a version newly fills is no finding: stored \
               rows of it hold the default, which `column-added` says of new columns.",
        why: "Stored rows hold what the old source gave, new rows what the new one gives, and nothing in the row \
              tells which. Measures over the column mix both. Where the column is in the fact table's sorting key, \
              an event that arrives again may count twice.",
        example: "`[columns.amount_cents] from = \"/data/refund_cents\"` loses its `negate = true`.",
        fix: "Fill a new column instead, or replay what is stored after the change.",
    },
    check: Check::Version(check),
};

fn check(pair: &VersionPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.version.both() else {
        return Vec::new();
    };
    let (before, after) = pair.topic;
    let mut problems = Vec::new();
    for was in &old.columns {
        let is = new.columns.iter().find(|is| is.column == was.column);
        if is.is_some_and(|is| words(is) == words(was)) {
            continue;
        }
        let now = is.map_or_else(|| "nothing".to_owned(), words);
        // A column that is gone altogether is `column-dropped`'s.
        let known = crate::fact::layout(&pair.around.new.registry.manifest);
        if !known.iter().any(|column| column.name == was.column) {
            continue;
        }
        let pointer = format!("/columns/{}", crate::model::escape(&was.column));
        let by_manifest = after.manifest.columns.contains_key(&was.column)
            || before.manifest.columns.contains_key(&was.column);
        let (file, pointer, old_file) = if by_manifest {
            (&after.path, pointer, &before.path)
        } else {
            (&new.path, declared(was), &old.path)
        };
        problems.push(
            Problem::new(
                file,
                pointer.clone(),
                format!(
                    "v{} of {} filled `{}` from {}, now from {now}: stored and new rows disagree",
                    new.number,
                    after.name,
                    was.column,
                    words(was)
                ),
            )
            .old(old_file, pointer)
            .evidence(format!(
                "all stored rows of {} v{} (up to {} days)",
                after.name, new.number, pair.around.old.registry.manifest.clickhouse.retention_days
            ))
            .fix("fill a new column instead, or replay what is stored"),
        );
    }
    problems
}
