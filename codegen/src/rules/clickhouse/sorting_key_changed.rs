//! `sorting-key-changed`: the table must be built anew.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TablePair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::{extent, name, places};

/// The rule.
pub static RULE: Rule = Rule {
    id: "sorting-key-changed",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "a table's sorting key changed, which needs a new table",
    doc: Doc {
        what: "`order_by` of the fact table, or the grouping columns or key of a view's table, differ from the base. \
               The ledger of open days follows the fact table, and is a finding of its own.",
        why: "Parts are sorted by the key, and rows with one key are one row. ClickHouse cannot change it in place \
              (only append a column that is added in the same statement), so the statement that creates the table \
              changes nothing, and table and registry disagree from then on. Its columns also tell events of the \
              fact table apart: one that arrives again after the change may count twice.",
        example: "`order_by = [\"event_type\", \"customer\"]` becomes `[\"customer\", \"event_type\"]`.",
        fix: "Keep the key. Otherwise create the new table beside the old one, copy, exchange the two, and waive \
              this for the change that does it.",
    },
    check: Check::Table(check),
};

fn check(pair: &TablePair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.table.both() else {
        return Vec::new();
    };
    if old.order_by == new.order_by {
        return Vec::new();
    }
    let (at, before) = places(pair, ("/clickhouse/order_by", "/group_by"));
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "{} was sorted by ({}), is to be by ({}): the table must be built anew",
                name(new),
                old.order_by.join(", "),
                new.order_by.join(", ")
            ),
        )
        .old(&before.file, before.pointer)
        .evidence(format!("to copy: {}", extent(pair.around.old, old, None)))
        .fix("keep the key, or stop the workers, RENAME TABLE, `pipeline apply`, and copy with INSERT … SELECT"),
    ]
}
