//! `column-added`: what a new column costs.
use crate::clickhouse::print::type_and_default;
use crate::finding::{Plane, Severity};
use crate::gate::add_column;
use crate::rules::pair::ColumnPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::{column_place, name};

/// The rule.
pub static RULE: Rule = Rule {
    id: "column-added",
    plane: Plane::ClickHouse,
    severity: Severity::Note,
    purpose: "a table gets a column",
    doc: Doc {
        what: "A table that is there before and after has a new column. A note: it shows type, codec and the \
               statement.",
        why: "Adding a column changes metadata only; no part is rewritten, and rows that are already stored read \
              the type's default. The worker names its columns in every insert, so the table must have the column \
              before the worker writes it.",
        example: "A field gets `\"x-column\": \"voucher\"`, and registry.toml the column.",
        fix: "Nothing to fix. Apply the tables before the worker is deployed.",
    },
    check: Check::Column(check),
};

fn check(pair: &ColumnPair<'_>) -> Vec<Problem> {
    let (Some(column), Some(table)) = (pair.column.added(), pair.table.table.new) else {
        return Vec::new();
    };
    let at = column_place(pair.table.around.new, pair.table.view.new, &column.name);
    let position = table
        .columns
        .iter()
        .position(|other| other.name == column.name);
    let after = position
        .and_then(|index| index.checked_sub(1))
        .map(|index| &table.columns[index]);
    let codec = column
        .codec
        .as_ref()
        .map_or_else(String::new, |codec| format!(", codec {codec}"));
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "{} gets `{}` {}{codec}: metadata only, nothing is rewritten; stored rows read the default",
                name(table),
                column.name,
                type_and_default(column)
            ),
        )
        .evidence(add_column(&table.name, column, after)),
    ]
}
