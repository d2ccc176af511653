//! `view-changed`: a view computes something else from now on.
use crate::emit::clickhouse::spec::{Definition, MaterializedViewSpec, Object, Output, TableName};
use crate::emit::clickhouse::sql_of;
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
    purpose: "a materialized view computes something else, and what is stored needs a backfill",
    doc: Doc {
        what: "The query that fills a view's table differs from the base: a measure is new or counted in another \
               way, a condition changed. KPIs and plain views are computed when they are read and need nothing.",
        why: "A materialized view sees new rows only. What is stored was counted the old way, and the statement that \
              creates the view changes nothing where it exists.",
        example: "`largest_cents` counts returns too.",
        fix: "Drop and create the view, and backfill with the statement that the finding shows. Measures are \
              states that ignore repeated events, so rows that the new view has already seen do no harm; rows that \
              the old way counted and the new one does not must be deleted first.",
    },
    check: Check::View(check),
};

fn check(pair: &ViewPair<'_>) -> Vec<Problem> {
    let (Some((old, new)), Some((_, view))) = (pair.feed.both(), pair.view.both()) else {
        return Vec::new();
    };
    let (Some(was), Some(is)) = (spec(old), spec(new)) else {
        return Vec::new();
    };
    // That the fact table has another name is told once, by `table-replaced`.
    let [fact_before, fact_after] =
        [pair.around.old, pair.around.new].map(|side| fact_table(&side.registry));
    if query(old).replace(&fact_before, &fact_after) == query(new)
        && was.refresh_minutes.is_some() == is.refresh_minutes.is_some()
    {
        return Vec::new();
    }
    let changes = outputs(was, is);
    let changes = if changes.is_empty() {
        "other rows are counted".to_owned()
    } else {
        changes.join("; ")
    };
    let file = pair.around.new.view_file(view.name());
    let name = crate::gate::table_name(&is.name);
    let target = crate::gate::table_name(&is.target);
    let backfill = if is.refresh_minutes.is_some() {
        format!("SYSTEM REFRESH VIEW {name}")
    } else {
        let select = query(new).split_whitespace().collect::<Vec<_>>().join(" ");
        format!("INSERT INTO {target} {select}")
    };
    vec![
        Problem::new(
            &file,
            "",
            format!(
                "{name} computes something else: {changes}; what is stored was counted the old way"
            ),
        )
        .old(&pair.around.old.view_file(view.name()), "")
        .evidence(format!(
            "{} is computed anew: {backfill}",
            source_extent(pair)
        ))
        .fix(format!(
            "DROP VIEW {name}, create it anew, then backfill with the statement above"
        )),
    ]
}

fn fact_table(registry: &Registry) -> String {
    let clickhouse = &registry.manifest.clickhouse;
    crate::gate::table_name(&TableName {
        database: clickhouse.database.clone(),
        table: clickhouse.table.clone(),
    })
}

fn spec(object: &Object) -> Option<&MaterializedViewSpec> {
    match &object.definition {
        Definition::MaterializedView(view) => Some(view),
        Definition::Database(_) | Definition::Table(_) | Definition::View(_) => None,
    }
}

/// The query alone; the comment may change.
fn query(object: &Object) -> String {
    let sql = sql_of(&object.definition);
    let query = sql.split_once("\nAS\n").map_or("", |(_, query)| query);
    query
        .rsplit_once("\nCOMMENT ")
        .map_or(query, |(query, _)| query)
        .to_owned()
}

fn outputs(was: &MaterializedViewSpec, is: &MaterializedViewSpec) -> Vec<String> {
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

fn source_extent(pair: &ViewPair<'_>) -> String {
    let clickhouse = &pair.around.new.registry.manifest.clickhouse;
    format!(
        "up to {} days of {}",
        clickhouse.retention_days, clickhouse.table
    )
}
