//! `partition-key-changed`: the table must be built anew.
use crate::clickhouse::{Table, print};
use crate::finding::{Plane, Severity};
use crate::rules::pair::TablePair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::{extent, name, places};

/// The rule.
pub static RULE: Rule = Rule {
    id: "partition-key-changed",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "a table's partition key changed, which needs a new table",
    doc: Doc {
        what: "The `PARTITION BY` expression of a table differs from the base. Manifests do not choose it today, \
               except by the kind of a view, so mostly a new release of the compiler brings this finding.",
        why: "Parts belong to partitions; ClickHouse cannot move rows between them in place. Deduplication of \
              retried inserts works within a partition, so old and new batches do not recognise each other.",
        example: "`toYYYYMM(event_date)` becomes `toMonday(event_date)`.",
        fix: "Keep the key, or create the new table beside the old one, copy, and exchange the two.",
    },
    check: Check::Table(check),
};

fn check(pair: &TablePair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.table.both() else {
        return Vec::new();
    };
    let [was, is] = [old, new].map(partition);
    if was == is {
        return Vec::new();
    }
    let (at, before) = places(pair, ("/clickhouse", "/kind"));
    vec![
        Problem::new(
            &at.file,
            at.pointer,
            format!(
                "{} was partitioned by {was}, is to be by {is}: the table must be built anew",
                name(new)
            ),
        )
        .old(&before.file, before.pointer)
        .evidence(format!("to copy: {}", extent(pair.around.old, old, None)))
        .fix("keep the key, or stop the workers, RENAME TABLE, `pipeline apply`, and copy with INSERT … SELECT"),
    ]
}

fn partition(table: &Table) -> String {
    let key = table.partition_by.as_ref();
    key.map_or_else(|| "nothing".to_owned(), print::expression)
}
