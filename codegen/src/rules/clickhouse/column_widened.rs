//! `column-widened`: a column takes a type that holds every old value.
use crate::finding::{Plane, Severity};
use crate::rules::pair::ColumnPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::column_type::{is_json, loss};
use super::{column_place, extent, name};

/// The rule.
pub static RULE: Rule = Rule {
    id: "column-widened",
    plane: Plane::ClickHouse,
    severity: Severity::Warning,
    purpose: "a column gets a wider type, which keeps every value",
    doc: Doc {
        what: "A column's type changes to one that holds every old value: `UInt32` to `UInt64` or `Int64`, \
               `String` to `LowCardinality(String)` and back. An error where the column is part of the sorting key, \
               since ClickHouse refuses to change that.",
        why: "Nothing is lost, but somebody has to act: `pipeline apply` changes no types, because the column is \
              rewritten in every part and workers of the old type must not run meanwhile.",
        example: "`revision` goes from `UInt32` to `UInt64`.",
        fix: "Stop the workers, run the statement that the finding shows, start workers of the new version. For a \
              key column, make a new table and copy.",
    },
    check: Check::Column(check),
};

fn check(pair: &ColumnPair<'_>) -> Vec<Problem> {
    let (Some((old, new)), Some((was, is))) = (pair.column.both(), pair.table.table.both()) else {
        return Vec::new();
    };
    let [from, to] = [&old.kind, &new.kind];
    if from == to || is_json(from) || is_json(to) || loss(from, to).is_some() {
        return Vec::new();
    }
    let at = column_place(pair.table.around.new, pair.table.view.new, &new.name);
    let before = column_place(pair.table.around.old, pair.table.view.old, &old.name);
    let mut problem = Problem::new(
        &at.file,
        at.pointer,
        format!(
            "`{}` of {} goes from {from} to {to}: every value survives",
            new.name,
            name(is)
        ),
    )
    .old(&before.file, before.pointer)
    .evidence(format!(
        "ALTER TABLE {} MODIFY COLUMN {} {to} rewrites the column in {}",
        name(is),
        crate::clickhouse::print::name(&new.name),
        extent(pair.table.around.old, was, Some(old))
    ))
    .fix("stop the workers, run the statement above, start workers of the new version");
    if was.order_by.contains(&old.name) {
        problem.message = format!(
            "`{}` is part of the sorting key of {} and goes from {from} to {to}: ClickHouse refuses that",
            new.name,
            name(is)
        );
        problem = problem
            .severity(Severity::Error)
            .fix("keep the type, or make a new table, copy, and exchange the two");
    }
    vec![problem]
}
