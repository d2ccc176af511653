//! `column-default-changed`: the server computes a column in another way.
use crate::finding::{Plane, Severity};
use crate::rules::pair::ColumnPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::column_type::declared;
use super::{column_place, extent, name};

/// The rule.
pub static RULE: Rule = Rule {
    id: "column-default-changed",
    plane: Plane::ClickHouse,
    severity: Severity::Warning,
    purpose: "a column that the server computes is computed in another way",
    doc: Doc {
        what: "The `DEFAULT` or `ALIAS` expression of a column differs from the base. `version`, which decides \
               which of two rows with one sorting key stays, follows `version_column` of registry.toml.",
        why: "Stored rows keep what the old expression gave, new rows get the new one; where both meet under one \
              key, the wrong one may win.",
        example: "`version_column = \"revision\"` is added: stored rows have version 0, and lose to any new row.",
        fix: "Decide whether stored rows need the new value: \
              `ALTER TABLE … MATERIALIZE COLUMN …` rewrites them.",
    },
    check: Check::Column(check),
};

fn check(pair: &ColumnPair<'_>) -> Vec<Problem> {
    let (Some((old, new)), Some((was, is))) = (pair.column.both(), pair.table.table.both()) else {
        return Vec::new();
    };
    let [from, to] = [old, new].map(|column| declared(&column.sql_type));
    if from.default == to.default {
        return Vec::new();
    }
    let words = |default: &str| {
        if default.is_empty() {
            "no default".to_owned()
        } else {
            format!("`{default}`")
        }
    };
    let mut at = column_place(pair.table.around.new, pair.table.view.new, &new.name);
    let mut before = column_place(pair.table.around.old, pair.table.view.old, &old.name);
    if new.name == "version" && at.pointer == "/clickhouse" {
        at.pointer = "/clickhouse/version_column".to_owned();
        before.pointer.clone_from(&at.pointer);
    }
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "`{}` of {} had {}, now has {}: stored rows keep the old value",
                new.name,
                name(is),
                words(from.default),
                words(to.default)
            ),
        )
        .old(&before.file, before.pointer)
        .evidence(extent(pair.table.around.old, was, Some(old)))
        .fix(format!(
            "ALTER TABLE {} MATERIALIZE COLUMN {} where stored rows need the new value",
            name(is),
            crate::emit::clickhouse::quoted_name(&new.name)
        )),
    ]
}
