//! `view-changed`: a view computes something else from now on.
use crate::clickhouse::{Closing, Output, print};
use crate::emit::clickhouse::closings;
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
    // That database or fact table have other names is told once, by `table-replaced`.
    let [before, after] = [pair.around.old, pair.around.new].map(|side| &side.registry);
    let renamed = under_the_names_of(after, before);
    let closings = renamed.as_ref().map(closings);
    let same = closings
        .iter()
        .flatten()
        .find(|closing| closing.view == is.view);
    let is_now = same.unwrap_or(is);
    if is_now.select == was.select && is_now.method == was.method {
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

/// A registry with the database and fact table of another, where they differ.
fn under_the_names_of(registry: &Registry, other: &Registry) -> Option<Registry> {
    let (own, others) = (&registry.manifest.clickhouse, &other.manifest.clickhouse);
    if (&own.database, &own.table) == (&others.database, &others.table) {
        return None;
    }
    let mut renamed = registry.clone();
    renamed
        .manifest
        .clickhouse
        .database
        .clone_from(&others.database);
    renamed.manifest.clickhouse.table.clone_from(&others.table);
    Some(renamed)
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
                    "`{}` was {}, is {}",
                    column.name,
                    print::expression(&before),
                    print::expression(&column.expression)
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
