//! Latest views: the newest row for each key, whatever order events arrive in.
//!
//! The state is `argMax` of the kept columns over (the manifest's `newest_by`, ts, dedupe_key), so the winner
//! is a property of the events and not of their arrival; an event that arrives again changes nothing.
use crate::registry::manifest::LatestView;
use crate::registry::views::ViewColumn;

use super::spec::{
    ColumnSpec, Definition, MaterializedViewSpec, Object, Output, Select, Source, Stage, TableName,
    TableSpec, Ttl, ViewSpec,
};
use super::{Context, DEDUPLICATION_WINDOW, sql};

/// Columns that break ties after `newest_by`.
const TIE_BREAKERS: [&str; 2] = ["ts", "dedupe_key"];
/// Target column with the state.
const NEWEST: &str = "newest";
/// Target column with the time of the last event, for the row's end of life.
const LAST_EVENT_AT: &str = "last_event_at";

/// Plans target, feed and reading view.
pub(super) fn build(view: &LatestView, context: &Context<'_>) -> Vec<Object> {
    let table = |name: String| TableName {
        database: context.database.to_owned(),
        table: name,
    };
    let state = table(format!("{}_state", view.name));
    let feed = table(format!("{}_mv", view.name));
    let read = table(view.name.clone());
    let pick = |names: &[String]| -> Vec<&ViewColumn> {
        names
            .iter()
            .filter_map(|name| context.fact.iter().find(|column| &column.name == name))
            .collect()
    };
    let keys = pick(&view.key);
    let kept = pick(&view.columns);
    let mut rank_names = view.newest_by.clone();
    rank_names.extend(
        TIE_BREAKERS
            .iter()
            .filter(|name| !view.newest_by.iter().any(|own| own == *name))
            .map(|name| (*name).to_owned()),
    );
    let rank = pick(&rank_names);
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
            Stage::State,
            Definition::Table(target(view, &state, &keys, &kept, &rank)),
        ),
        object(
            &feed,
            Stage::Feed,
            Definition::MaterializedView(MaterializedViewSpec {
                name: feed.clone(),
                refresh_minutes: None,
                target: state.clone(),
                select: Select {
                    columns: feed_columns(&keys, &kept, &rank),
                    from: Source::Table(table(context.fact_table.to_owned())),
                    alias: "event",
                    filter: sql::conditions("event", &view.filter),
                    group_by: qualified("event", &keys),
                    order_by: Vec::new(),
                    limit: None,
                },
                comment: format!("Feeds {} on every insert", state.table),
            }),
        ),
        object(
            &read,
            Stage::Read,
            Definition::View(ViewSpec {
                name: read.clone(),
                select: reading(&state, &keys, &kept),
                comment: view.description.clone(),
            }),
        ),
    ]
}

fn target(
    view: &LatestView,
    name: &TableName,
    keys: &[&ViewColumn],
    kept: &[&ViewColumn],
    rank: &[&ViewColumn],
) -> TableSpec {
    let mut columns: Vec<ColumnSpec> = keys
        .iter()
        .map(|column| ColumnSpec {
            name: column.name.clone(),
            sql_type: column.sql_type.clone(),
            codec: None,
            comment: column.description.clone(),
        })
        .collect();
    columns.push(ColumnSpec {
        name: NEWEST.to_owned(),
        sql_type: format!(
            "AggregateFunction(argMax, {}, {})",
            tuple_type(kept),
            tuple_type(rank)
        ),
        codec: None,
        comment: "The newest row".to_owned(),
    });
    columns.push(ColumnSpec {
        name: LAST_EVENT_AT.to_owned(),
        sql_type: "SimpleAggregateFunction(max, DateTime64(3, 'UTC'))".to_owned(),
        codec: None,
        comment: "Time of the latest event".to_owned(),
    });
    TableSpec {
        name: name.clone(),
        columns,
        engine: "AggregatingMergeTree".to_owned(),
        partition_by: None,
        order_by: view.key.clone(),
        ttl: Some(Ttl {
            date: format!("toDate({LAST_EVENT_AT})"),
            days: view.retention_days,
        }),
        settings: vec![
            ("non_replicated_deduplication_window", DEDUPLICATION_WINDOW),
            ("merge_with_ttl_timeout", "86400"),
        ],
        comment: format!("States of {}; read that view instead", view.name),
    }
}

fn feed_columns(keys: &[&ViewColumn], kept: &[&ViewColumn], rank: &[&ViewColumn]) -> Vec<Output> {
    let mut columns: Vec<Output> = keys
        .iter()
        .map(|column| Output {
            expression: sql::column("event", &column.name),
            name: column.name.clone(),
        })
        .collect();
    columns.push(Output {
        expression: format!(
            "argMaxState(tuple({}), tuple({}))",
            qualified("event", kept).join(", "),
            qualified("event", rank).join(", ")
        ),
        name: NEWEST.to_owned(),
    });
    columns.push(Output {
        expression: format!("max({})", sql::column("event", "ts")),
        name: LAST_EVENT_AT.to_owned(),
    });
    columns
}

fn reading(state: &TableName, keys: &[&ViewColumn], kept: &[&ViewColumn]) -> Select {
    let key_outputs = |alias: &str| {
        keys.iter()
            .map(|column| Output {
                expression: sql::column(alias, &column.name),
                name: column.name.clone(),
            })
            .collect::<Vec<_>>()
    };
    let mut merged = key_outputs("state");
    merged.push(Output {
        expression: format!("argMaxMerge({})", sql::column("state", NEWEST)),
        name: NEWEST.to_owned(),
    });
    let mut columns = key_outputs("merged");
    columns.extend(kept.iter().enumerate().map(|(position, column)| Output {
        expression: format!(
            "tupleElement({}, {})",
            sql::column("merged", NEWEST),
            position + 1
        ),
        name: column.name.clone(),
    }));
    Select {
        columns,
        from: Source::Query(Box::new(Select {
            columns: merged,
            from: Source::Table(state.clone()),
            alias: "state",
            filter: Vec::new(),
            group_by: qualified("state", keys),
            order_by: Vec::new(),
            limit: None,
        })),
        alias: "merged",
        filter: Vec::new(),
        group_by: Vec::new(),
        order_by: Vec::new(),
        limit: None,
    }
}

fn qualified(alias: &str, columns: &[&ViewColumn]) -> Vec<String> {
    columns
        .iter()
        .map(|column| sql::column(alias, &column.name))
        .collect()
}

fn tuple_type(columns: &[&ViewColumn]) -> String {
    let types: Vec<&str> = columns
        .iter()
        .map(|column| column.sql_type.as_str())
        .collect();
    format!("Tuple({})", types.join(", "))
}
