//! KPIs: a query with the parameter `as_of`, and a standing view of the same query as of now.
//!
//! The inner query measures over the finalised rows of the KPI's view; the outer one divides, filters and
//! orders the result, so its names can only mean results.
use crate::registry::manifest::KpiQuery;
use crate::registry::views::MeasureKind;

use super::rollup::{groups, measured};
use super::spec::{Definition, Object, Output, Select, Source, Stage, TableName, ViewSpec};
use super::{Context, sql};

/// The moment asked about, as a query parameter.
const AS_OF: &str = "{as_of:DateTime64(3, 'UTC')}";
/// The moment asked about, in a standing view.
const NOW: &str = "now64(3, 'UTC')";

/// The query with its parameter.
pub(super) fn query(kpi: &KpiQuery, context: &Context<'_>) -> Select {
    select(kpi, context, AS_OF)
}

/// The view `kpi_<name>`.
pub(super) fn standing_view(kpi: &KpiQuery, context: &Context<'_>) -> Object {
    let name = TableName {
        database: context.database.to_owned(),
        table: format!("kpi_{}", kpi.name),
    };
    Object {
        name: name.table.clone(),
        file: name.table.clone(),
        stage: Stage::Kpi,
        source: format!("the KPI {}", kpi.name),
        definition: Definition::View(ViewSpec {
            name,
            select: select(kpi, context, NOW),
            comment: format!("{}: {}", kpi.title, kpi.description),
        }),
    }
}

fn select(kpi: &KpiQuery, context: &Context<'_>, as_of: &str) -> Select {
    let mut inner = groups("source", &kpi.group_by);
    inner.extend(kpi.measures.iter().filter_map(|measure| {
        Some(Output {
            expression: measured("source", measure)?,
            name: measure.name.clone(),
        })
    }));
    let mut filter = Vec::new();
    if let Some(days) = kpi.window_days {
        let date = sql::column("source", "event_date");
        filter.push(format!("{date} > toDate({as_of}) - {days}"));
        filter.push(format!("{date} <= toDate({as_of})"));
    }
    filter.extend(sql::conditions("source", &kpi.filter));
    let outer = kpi
        .group_by
        .iter()
        .map(|name| Output {
            expression: sql::column("result", name),
            name: name.clone(),
        })
        .chain(kpi.measures.iter().map(|measure| Output {
            expression: outer_measure(measure.name.as_str(), MeasureKind::stated(measure)),
            name: measure.name.clone(),
        }))
        .collect();
    Select {
        columns: outer,
        from: Source::Query(Box::new(Select {
            columns: inner,
            from: Source::Table(TableName {
                database: context.database.to_owned(),
                table: kpi.from.clone(),
            }),
            alias: "source",
            filter,
            group_by: kpi
                .group_by
                .iter()
                .map(|name| sql::column("source", name))
                .collect(),
            order_by: Vec::new(),
            limit: None,
        })),
        alias: "result",
        filter: kpi
            .having
            .iter()
            .flat_map(|condition| having(kpi, condition))
            .collect(),
        group_by: Vec::new(),
        order_by: order(kpi),
        limit: kpi.limit,
    }
}

fn outer_measure(name: &str, kinds: Vec<MeasureKind<'_>>) -> String {
    match kinds.first() {
        Some(MeasureKind::Ratio(over, under)) => ratio(over, under),
        Some(
            MeasureKind::CountDistinct(_)
            | MeasureKind::Sum(_)
            | MeasureKind::Max(_)
            | MeasureKind::Min(_),
        )
        | None => sql::column("result", name),
    }
}

fn ratio(over: &str, under: &str) -> String {
    format!(
        "{} / nullIf({}, 0)",
        sql::column("result", over),
        sql::column("result", under)
    )
}

/// A condition on the result; on a ratio it repeats the quotient, because the inner query has no such column.
fn having(kpi: &KpiQuery, condition: &crate::registry::manifest::Condition) -> Vec<String> {
    let quotient = kpi
        .measures
        .iter()
        .find(|measure| measure.name == condition.column)
        .and_then(|measure| measure.ratio.as_ref());
    let tests = sql::condition("result", condition);
    match quotient {
        Some([over, under]) => {
            let column = sql::column("result", &condition.column);
            tests
                .into_iter()
                .map(|test| match test.strip_prefix(&column) {
                    Some(rest) => format!("({}){rest}", ratio(over, under)),
                    None => test,
                })
                .collect()
        }
        None => tests,
    }
}

/// The manifest's order, then the group columns, so that no two rows are equal in it. Nulls come last
/// both ways.
fn order(kpi: &KpiQuery) -> Vec<String> {
    let stated = kpi
        .order_by
        .iter()
        .map(|entry| match entry.strip_prefix('-') {
            Some(name) => (name.to_owned(), "DESC"),
            None => (entry.clone(), "ASC"),
        });
    let mut keys: Vec<(String, &str)> = stated.collect();
    for group in &kpi.group_by {
        if !keys.iter().any(|(name, _)| name == group) {
            keys.push((group.clone(), "ASC"));
        }
    }
    keys.into_iter()
        .map(|(name, direction)| format!("{} {direction} NULLS LAST", sql::name(&name)))
        .collect()
}
