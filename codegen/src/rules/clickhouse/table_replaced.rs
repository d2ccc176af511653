//! `table-replaced`: the fact table has another name, and starts empty.
use crate::finding::{Plane, Severity};
use crate::rules::pair::RegistryPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::fact_extent;

/// The rule.
pub static RULE: Rule = Rule {
    id: "table-replaced",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "database or fact table have another name",
    doc: Doc {
        what: "`database` or `table` of `[clickhouse]` in registry.toml differs from the base.",
        why: "To ClickHouse the new name is a new, empty table. Everything stored stays in the old one, and every \
              view, KPI and dashboard starts from nothing.",
        example: "`table = \"events_raw\"` becomes `table = \"events\"`.",
        fix: "Keep the name. Otherwise `RENAME TABLE` or `RENAME DATABASE` before this is applied, recreate the \
              views, and waive this.",
    },
    check: Check::Registry(check),
};

fn check(pair: &RegistryPair<'_>) -> Vec<Problem> {
    let [old, new] = [pair.old, pair.new].map(|side| &side.registry.manifest.clickhouse);
    let mut problems = Vec::new();
    for (setting, was, is) in [
        ("database", &old.database, &new.database),
        ("table", &old.table, &new.table),
    ] {
        if was != is {
            let pointer = format!("/clickhouse/{setting}");
            problems.push(
                Problem::new(
                    "registry.toml",
                    pointer.clone(),
                    format!("the {setting} was `{was}`, is now `{is}`: a new, empty one; what is stored stays behind"),
                )
                .old("registry.toml", pointer)
                .evidence(fact_extent(pair.old))
                .fix(format!("keep {setting} = \"{was}\", or rename it on the server first")),
            );
        }
    }
    problems
}
