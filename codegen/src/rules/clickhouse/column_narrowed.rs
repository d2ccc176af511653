//! `column-narrowed`: a column takes a type that does not hold every old value.
use crate::finding::{Plane, Severity};
use crate::rules::pair::ColumnPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::column_type::{is_json, is_state, loss};
use super::{column_place, extent, name};

/// The rule.
pub static RULE: Rule = Rule {
    id: "column-narrowed",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "a column gets a type that loses or changes values",
    doc: Doc {
        what: "A column's type changes to one that does not hold every old value, or whose values mean something \
               else to queries. Changes that keep every value are `column-widened`.",
        why: "ClickHouse casts without complaint: what does not fit wraps around, and sums are wrong from then on. \
              The old values cannot be had back.",
        example: "`amount_cents` goes from `Int64` to `Int32`: 2147483648 becomes -2147483648.",
        fix: "Add a column of the new type beside the old one, fill both for a while, move queries over.",
    },
    check: Check::Column(check),
};

fn check(pair: &ColumnPair<'_>) -> Vec<Problem> {
    let (Some((old, new)), Some((was, is))) = (pair.column.both(), pair.table.table.both()) else {
        return Vec::new();
    };
    let [from, to] = [&old.kind, &new.kind];
    if is_json(from) || is_json(to) {
        return Vec::new();
    }
    let Some(loss) = loss(from, to) else {
        return Vec::new();
    };
    let at = column_place(pair.table.around.new, pair.table.view.new, &new.name);
    let before = column_place(pair.table.around.old, pair.table.view.old, &old.name);
    let states = is_state(from) || is_state(to);
    let (touched, fix) = if states {
        (
            format!(
                "to compute anew: {}",
                extent(pair.table.around.old, was, Some(old))
            ),
            "keep the type of what is measured, or give the view another name and backfill it",
        )
    } else {
        let column = crate::clickhouse::print::name(&new.name);
        let rows = extent(pair.table.around.old, was, Some(old));
        (
            format!(
                "ALTER TABLE {} MODIFY COLUMN {column} {to} casts {rows}",
                name(is)
            ),
            "add a column of the new type beside this one and move queries over",
        )
    };
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "`{}` of {} goes from {from} to {to}: {loss}",
                new.name,
                name(is)
            ),
        )
        .old(&before.file, before.pointer)
        .evidence(touched)
        .fix(fix),
    ]
}
