//! `ttl-shortened`: rows are deleted that were to be kept.
use crate::finding::{Plane, Severity};
use crate::gate::size;
use crate::rules::pair::TablePair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::{name, places};

/// The rule.
pub static RULE: Rule = Rule {
    id: "ttl-shortened",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "a table keeps its rows for fewer days, and deletes what is older",
    doc: Doc {
        what: "`retention_days` of the fact table or of a view is lower than in the base, or a view that kept its \
               rows for ever gets one.",
        why: "When the new TTL is applied, ClickHouse deletes older rows with the next merges. A KPI over a longer \
              window is wrong from then on, and a rollup that has not yet read the rows never will.",
        example: "`retention_days = 400` becomes `retention_days = 90`.",
        fix: "Keep the retention, or see that rollups have taken the rows and that nothing reads further back; \
              then waive this.",
    },
    check: Check::Table(check),
};

fn check(pair: &TablePair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.table.both() else {
        return Vec::new();
    };
    let [was, is] = [old, new].map(|table| table.ttl.as_ref().map(|ttl| ttl.days));
    let Some(days) = is.filter(|is| was.is_none_or(|was| *is < was)) else {
        return Vec::new();
    };
    let before = was.map_or_else(|| "for ever".to_owned(), |was| format!("for {was} days"));
    let (at, place) = places(pair, ("/clickhouse/retention_days", "/retention_days"));
    let deleted = was.map_or_else(
        || format!("every row older than {days} days"),
        |was| format!("{} of {was} days of rows", was - days),
    );
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "{} kept rows {before}, now for {days} days: what is older than {days} days is deleted",
                name(new)
            ),
        )
        .old(&place.file, place.pointer)
        .evidence(format!(
            "{deleted}, {}\nrows: SELECT count() FROM {} WHERE {} < today() - {days}",
            size::a_row(pair.around.old, old),
            name(old),
            new.ttl
                .as_ref()
                .map_or_else(String::new, |ttl| crate::clickhouse::print::expression(&ttl.date))
        ))
        .fix("keep the retention, or see that rollups have the rows and nothing reads further back"),
    ]
}
