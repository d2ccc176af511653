//! `view-changed`: a view computes something else from now on.
use crate::emit::clickhouse::spec::{Closing, Output, Select, Source, TableName};
use crate::finding::{Plane, Severity};
use crate::registry::Registry;
use crate::rules::pair::ViewPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "view-changed",
    plane: Plane::ClickHouse,
    severity: Severity::Warning,
    purpose: "a view computes something else, and closed days need to be counted again",
    doc: Doc {
        what: "How a view's days are counted differs from the base: a measure is new or counted in another way, a \
               condition changed.",
        why: "Open days are counted when the view is read, the new way from the moment on when the view is \
              replaced. Closed days are totals that were counted the old way.",
        example: "`largest_cents` counts returns too.",
        fix: "Apply the registry, then run `pipeline close --again`: it counts closed days anew from the raw events, \
              a day at a time, while queries go on. Days whose raw events are gone keep what they were counted as.",
    },
    check: Check::View(check),
};

fn check(pair: &ViewPair<'_>) -> Vec<Problem> {
    let (Some((was, is)), Some((_, view))) = (pair.closing.both(), pair.view.both()) else {
        return Vec::new();
    };
    // That the fact table has another name is told once, by `table-replaced`.
    let [before, after] = [pair.around.old, pair.around.new].map(|side| &side.registry);
    if of_any_table(was, before).select == of_any_table(is, after).select && was.method == is.method
    {
        return Vec::new();
    }
    let changes = outputs(was, is);
    let changes = if changes.is_empty() {
        "other rows are counted".to_owned()
    } else {
        changes.join("; ")
    };
    let clickhouse = &after.manifest.clickhouse;
    vec![
        Problem::new(
            &pair.around.new.view_file(view.name()),
            "",
            format!(
                "{} computes something else: {changes}; closed days were counted the old way",
                is.view
            ),
        )
        .old(&pair.around.old.view_file(view.name()), "")
        .evidence(format!(
            "to count again: up to {} days of {}",
            clickhouse.retention_days, clickhouse.table
        ))
        .fix("`pipeline apply`, then `pipeline close --again`"),
    ]
}

/// A closing whose fact table has no name.
fn of_any_table(closing: &Closing, registry: &Registry) -> Closing {
    fn rename(select: &mut Select, fact: &TableName) {
        match &mut select.from {
            Source::Table(table) | Source::Final(table) | Source::FinalByPartition(table) => {
                if table == fact {
                    table.table.clear();
                }
            }
            Source::Query(query) => rename(query, fact),
            Source::All(queries) => queries.iter_mut().for_each(|query| rename(query, fact)),
        }
    }
    let clickhouse = &registry.manifest.clickhouse;
    let fact = TableName {
        database: clickhouse.database.clone(),
        table: clickhouse.table.clone(),
    };
    let mut closing = closing.clone();
    rename(&mut closing.select, &fact);
    closing
}

fn outputs(was: &Closing, is: &Closing) -> Vec<String> {
    let find = |columns: &[Output], name: &str| {
        let column = columns.iter().find(|column| column.name == name);
        column.map(|column| column.expression.clone())
    };
    let mut changes = Vec::new();
    for column in &is.select.columns {
        match find(&was.select.columns, &column.name) {
            None => changes.push(format!("`{}` is new", column.name)),
            Some(before) if before != column.expression => {
                changes.push(format!(
                    "`{}` was {before}, is {}",
                    column.name, column.expression
                ));
            }
            Some(_) => {}
        }
    }
    for column in &was.select.columns {
        if find(&is.select.columns, &column.name).is_none() {
            changes.push(format!("`{}` is gone", column.name));
        }
    }
    changes
}
