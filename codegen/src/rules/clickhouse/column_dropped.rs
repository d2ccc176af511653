//! `column-dropped`: stored values are deleted.
use crate::clickhouse::print::type_and_default;
use crate::finding::{Plane, Severity};
use crate::rules::pair::ColumnPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::{column_place, extent, name, places};

/// The rule.
pub static RULE: Rule = Rule {
    id: "column-dropped",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "a table loses a column and every value in it",
    doc: Doc {
        what: "A column of a table that is there before and after is gone. A column that was renamed is one that is \
               gone and one that is new: no registry can declare a rename of a column.",
        why: "Nothing fills the column any more, and `pipeline apply` leaves it to a person to drop. `DROP COLUMN` \
              deletes the column's files in every part at once; there is no way back but a backup or \
              a replay of what Kafka still has. Queries and views that name the column fail.",
        example: "`[[clickhouse.columns]] name = \"weight_kg\"` is removed from registry.toml.",
        fix: "Keep the column; a column that nothing fills costs next to nothing. To rename, add the new one, fill \
              it from the old, move queries over, and drop the old one with a waiver.",
    },
    check: Check::Column(check),
};

fn check(pair: &ColumnPair<'_>) -> Vec<Problem> {
    let (Some(column), Some((was, is))) = (pair.column.removed(), pair.table.table.both()) else {
        return Vec::new();
    };
    let (at, _) = places(&pair.table, ("/clickhouse/columns", "/measures"));
    let old = column_place(pair.table.around.old, pair.table.view.old, &column.name);
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "{} loses `{}` ({})",
                name(is),
                column.name,
                type_and_default(column)
            ),
        )
        .old(&old.file, old.pointer)
        .evidence(format!(
            "ALTER TABLE {} DROP COLUMN {} deletes its value in {}",
            name(was),
            crate::clickhouse::print::name(&column.name),
            extent(pair.table.around.old, was, Some(column))
        ))
        .fix(
            "keep the column, empty if need be; a column that nothing fills costs next to nothing",
        ),
    ]
}
