//! Rollups: a small table that a scheduled view recomputes from an aggregate view and that outlives it.
//!
//! Each refresh appends every day that the aggregate view still holds in full; the newest copy of a row wins.
//! Days about to reach the end of their retention are left as they are, so a day that is half deleted never
//! overwrites its finished row.
//!
//! The server refreshes once at creation and then on its schedule; `SYSTEM REFRESH VIEW <name>_mv` and
//! `SYSTEM WAIT VIEW <name>_mv` do it at once, which a demo or a test needs and a production server does not.
use crate::registry::manifest::{Measure, RollupView, ViewManifest};
use crate::registry::views::{MeasureKind, columns_of};

use super::spec::{
    ColumnSpec, Definition, MaterializedViewSpec, Object, Output, Select, Source, Stage, TableName,
    TableSpec, Ttl, ViewSpec,
};
use super::{Context, DEDUPLICATION_WINDOW, sql};

/// Days before the end of retention that are no longer recomputed: one for the server's time zone, one for
/// a refresh that runs while rows are being deleted.
const SAFETY_DAYS: u32 = 2;

/// Target column that says which copy of a row is newest.
const REFRESHED_AT: &str = "refreshed_at";

/// Plans target, refreshable view and reading view.
pub(super) fn build(view: &RollupView, context: &Context<'_>) -> Vec<Object> {
    let table = |name: String| TableName {
        database: context.database.to_owned(),
        table: name,
    };
    let state = table(format!("{}_state", view.name));
    let feed = table(format!("{}_mv", view.name));
    let read = table(view.name.clone());
    let columns = columns_of(
        &ViewManifest::Rollup(view.clone()),
        &context.fact,
        context.views,
    );
    let dated = view.group_by.iter().any(|name| name == "event_date");
    let mut table_columns: Vec<ColumnSpec> = columns
        .iter()
        .map(|column| ColumnSpec {
            name: column.name.clone(),
            sql_type: column.sql_type.clone(),
            codec: None,
            comment: column.description.clone(),
        })
        .collect();
    table_columns.push(ColumnSpec {
        name: REFRESHED_AT.to_owned(),
        sql_type: "DateTime64(3, 'UTC')".to_owned(),
        codec: None,
        comment: "When the row was computed".to_owned(),
    });
    let object = |name: &TableName, stage, definition| Object {
        name: name.table.clone(),
        file: name.table.clone(),
        stage,
        source: format!("the view {}", view.name),
        definition,
    };
    vec![
        object(
            &state,
            Stage::RollupState,
            Definition::Table(TableSpec {
                name: state.clone(),
                columns: table_columns,
                engine: format!("ReplacingMergeTree({REFRESHED_AT})"),
                partition_by: None,
                order_by: view.group_by.clone(),
                ttl: view.retention_days.filter(|_| dated).map(|days| Ttl {
                    date: "event_date".to_owned(),
                    days,
                }),
                settings: vec![("non_replicated_deduplication_window", DEDUPLICATION_WINDOW)],
                comment: format!(
                    "Every computed copy of {}; read that view instead",
                    view.name
                ),
            }),
        ),
        object(
            &feed,
            Stage::RollupFeed,
            Definition::MaterializedView(MaterializedViewSpec {
                name: feed.clone(),
                refresh_minutes: Some(view.refresh_minutes),
                target: state.clone(),
                select: recompute(view, context, table(view.from.clone())),
                comment: format!("Recomputes {}", state.table),
            }),
        ),
        object(
            &read,
            Stage::RollupRead,
            Definition::View(ViewSpec {
                name: read.clone(),
                select: Select {
                    columns: columns
                        .iter()
                        .map(|column| Output {
                            expression: sql::column("state", &column.name),
                            name: column.name.clone(),
                        })
                        .collect(),
                    from: Source::Final(state.clone()),
                    alias: "state",
                    filter: Vec::new(),
                    group_by: Vec::new(),
                    order_by: Vec::new(),
                    limit: None,
                },
                comment: view.description.clone(),
            }),
        ),
    ]
}

fn recompute(view: &RollupView, context: &Context<'_>, from: TableName) -> Select {
    let mut columns = groups("source", &view.group_by);
    columns.extend(view.measures.iter().filter_map(|measure| {
        Some(Output {
            expression: measured("source", measure)?,
            name: measure.name.clone(),
        })
    }));
    columns.push(Output {
        expression: "now64(3, 'UTC')".to_owned(),
        name: REFRESHED_AT.to_owned(),
    });
    let retention = context.views.iter().find_map(|other| match other {
        ViewManifest::Aggregate(source) if source.name == view.from => Some(source.retention_days),
        ViewManifest::Aggregate(_)
        | ViewManifest::Latest(_)
        | ViewManifest::Rollup(_)
        | ViewManifest::Kpi(_) => None,
    });
    let complete = retention.map(|days| {
        format!(
            "{} > toDate(now64(3, 'UTC')) - {}",
            sql::column("source", "event_date"),
            days.saturating_sub(SAFETY_DAYS).max(1)
        )
    });
    Select {
        columns,
        from: Source::Table(from),
        alias: "source",
        filter: complete.into_iter().collect(),
        group_by: view
            .group_by
            .iter()
            .map(|name| sql::column("source", name))
            .collect(),
        order_by: Vec::new(),
        limit: None,
    }
}

/// Group columns of a query over a finalised view.
pub(super) fn groups(alias: &str, group_by: &[String]) -> Vec<Output> {
    group_by
        .iter()
        .map(|name| Output {
            expression: sql::column(alias, name),
            name: name.clone(),
        })
        .collect()
}

/// A measure over the rows of a finalised view; `None` for a ratio, which is over measures.
pub(super) fn measured(alias: &str, measure: &Measure) -> Option<String> {
    let filter = sql::conditions(alias, &measure.filter);
    let over = |function: &str, column: &str| {
        sql::aggregate(function, &sql::column(alias, column), &filter)
    };
    match *MeasureKind::stated(measure).first()? {
        MeasureKind::CountDistinct(column) => Some(over("uniqExact", column)),
        MeasureKind::Sum(column) => Some(format!("toInt64({})", over("sum", column))),
        MeasureKind::Max(column) => Some(over("max", column)),
        MeasureKind::Min(column) => Some(over("min", column)),
        MeasureKind::Ratio(..) => None,
    }
}
