//! `engine-changed`: rows with one key are merged by another rule.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TablePair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::{extent, name, places};

/// The rule.
pub static RULE: Rule = Rule {
    id: "engine-changed",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "a table's engine changed, which needs a new table",
    doc: Doc {
        what: "The engine of a table, or its arguments, differ from the base: a latest view became a view of another \
               kind, or the other way round. Tables of all other kinds have one engine.",
        why: "The engine decides what becomes of rows with one sorting key. ClickHouse cannot change it in place, \
              so the statement that creates the table changes nothing.",
        example: "`kind = \"latest\"` becomes `kind = \"aggregate\"`: the newest row of each key becomes totals by \
                  day.",
        fix: "Keep it, or create the new table beside the old one, copy, and exchange the two.",
    },
    check: Check::Table(check),
};

fn check(pair: &TablePair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.table.both() else {
        return Vec::new();
    };
    if old.engine == new.engine {
        return Vec::new();
    }
    let (at, before) = places(pair, ("/clickhouse/table", "/kind"));
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "{} goes from {} to {}: the table must be built anew",
                name(new),
                old.engine,
                new.engine
            ),
        )
        .old(&before.file, before.pointer)
        .evidence(format!("to copy: {}", extent(pair.around.old, old, None)))
        .fix("keep the engine, or stop the workers, RENAME TABLE, `pipeline apply`, and copy with INSERT … SELECT"),
    ]
}
