//! Aggregate views: a table of states, a materialized view that feeds it on every insert, a view that reads it.
//!
//! The states are idempotent: an event that arrives again, in any block and at any time, changes nothing.
//! - distinct counts keep the set of values (`uniqExact`; for events, of hashes of their deduplication key);
//! - a sum keeps a map from the key's hash to the event's value, merged by `maxMap`, and adds up on reading;
//! - max and min are idempotent by nature. They are kept as states, because a plain value would start at 0
//!   in a block where no row passes, and 0 would beat every negative maximum and every positive minimum.
use crate::registry::manifest::{AggregateView, Measure};
use crate::registry::views::{MeasureKind, ViewColumn};

use super::spec::{
    ColumnSpec, Definition, MaterializedViewSpec, Object, Output, Select, Source, Stage, TableName,
    TableSpec, Ttl, ViewSpec,
};
use super::{Context, DEDUPLICATION_WINDOW, sql};

/// The column whose distinct values are events.
const EVENT_KEY: &str = "dedupe_key";

/// How a measure is stored, fed and read.
struct Stored {
    /// Type in the target table.
    sql_type: String,
    /// Expression of the materialized view over `event`.
    feed: String,
    /// Expression of the reading view over `state`.
    read: String,
}

/// Plans target, feed and reading view.
pub(super) fn build(view: &AggregateView, context: &Context<'_>) -> Vec<Object> {
    let table = |name: String| TableName {
        database: context.database.to_owned(),
        table: name,
    };
    let state = table(format!("{}_state", view.name));
    let feed = table(format!("{}_mv", view.name));
    let read = table(view.name.clone());
    let groups: Vec<&ViewColumn> = view
        .group_by
        .iter()
        .filter_map(|name| context.fact.iter().find(|column| &column.name == name))
        .collect();
    let measures: Vec<(&Measure, Stored)> = view
        .measures
        .iter()
        .filter_map(|measure| stored(measure, &context.fact).map(|stored| (measure, stored)))
        .collect();
    let mut columns: Vec<ColumnSpec> = groups
        .iter()
        .map(|column| ColumnSpec {
            name: column.name.clone(),
            sql_type: column.sql_type.clone(),
            codec: None,
            comment: column.description.clone(),
        })
        .collect();
    columns.extend(measures.iter().map(|(measure, stored)| ColumnSpec {
        name: measure.name.clone(),
        sql_type: stored.sql_type.clone(),
        codec: None,
        comment: measure.description.clone(),
    }));
    let outputs = |alias: &str, expression: fn(&Stored) -> &String| -> Vec<Output> {
        let groups = groups.iter().map(|column| Output {
            expression: sql::column(alias, &column.name),
            name: column.name.clone(),
        });
        let measures = measures.iter().map(|(measure, stored)| Output {
            expression: expression(stored).clone(),
            name: measure.name.clone(),
        });
        groups.chain(measures).collect()
    };
    let group_by = |alias: &str| -> Vec<String> {
        groups
            .iter()
            .map(|column| sql::column(alias, &column.name))
            .collect()
    };
    let dated = view.group_by.iter().any(|name| name == "event_date");
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
            Definition::Table(TableSpec {
                name: state.clone(),
                columns,
                engine: "AggregatingMergeTree".to_owned(),
                partition_by: dated.then(|| "toYYYYMM(event_date)".to_owned()),
                order_by: view.group_by.clone(),
                ttl: dated.then(|| Ttl {
                    date: "event_date".to_owned(),
                    days: view.retention_days,
                }),
                settings: vec![
                    ("non_replicated_deduplication_window", DEDUPLICATION_WINDOW),
                    ("merge_with_ttl_timeout", "86400"),
                ],
                comment: format!("States of {}; read that view instead", view.name),
            }),
        ),
        object(
            &feed,
            Stage::Feed,
            Definition::MaterializedView(MaterializedViewSpec {
                name: feed.clone(),
                refresh_minutes: None,
                target: state.clone(),
                select: Select {
                    columns: outputs("event", |stored| &stored.feed),
                    from: Source::Table(table(context.fact_table.to_owned())),
                    alias: "event",
                    filter: sql::conditions("event", &view.filter),
                    group_by: group_by("event"),
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
                select: Select {
                    columns: outputs("state", |stored| &stored.read),
                    from: Source::Table(state.clone()),
                    alias: "state",
                    filter: Vec::new(),
                    group_by: group_by("state"),
                    order_by: Vec::new(),
                    limit: None,
                },
                comment: view.description.clone(),
            }),
        ),
    ]
}

fn stored(measure: &Measure, fact: &[ViewColumn]) -> Option<Stored> {
    let filter = sql::conditions("event", &measure.filter);
    let column = |name: &str| fact.iter().find(|column| column.name == name);
    let event = |name: &str| sql::column("event", name);
    let state = sql::column("state", &measure.name);
    let event_hash = format!("sipHash64({})", event(EVENT_KEY));
    let merged_state = |function: &str, argument: &str, sql_type: &str| Stored {
        sql_type: format!("AggregateFunction({function}, {sql_type})"),
        feed: sql::aggregate(&format!("{function}State"), argument, &filter),
        read: format!("{function}Merge({state})"),
    };
    Some(match *MeasureKind::stated(measure).first()? {
        MeasureKind::CountDistinct(EVENT_KEY) => merged_state("uniqExact", &event_hash, "UInt64"),
        MeasureKind::CountDistinct(name) => {
            let (argument, sql_type) = plain(&event(name), column(name)?);
            merged_state("uniqExact", &argument, &sql_type)
        }
        MeasureKind::Sum(name) => {
            column(name)?;
            Stored {
                sql_type: "SimpleAggregateFunction(maxMap, Map(UInt64, Int64))".to_owned(),
                feed: sql::aggregate(
                    "maxMap",
                    &format!("map({event_hash}, toInt64({}))", event(name)),
                    &filter,
                ),
                read: format!("arraySum(mapValues(maxMap({state})))"),
            }
        }
        MeasureKind::Max(name) => {
            let (argument, sql_type) = plain(&event(name), column(name)?);
            merged_state("max", &argument, &sql_type)
        }
        MeasureKind::Min(name) => {
            let (argument, sql_type) = plain(&event(name), column(name)?);
            merged_state("min", &argument, &sql_type)
        }
        MeasureKind::Ratio(..) => return None,
    })
}

/// The column without its dictionary: aggregate states of LowCardinality are states of the plain type.
fn plain(expression: &str, column: &ViewColumn) -> (String, String) {
    if column.sql_type == "LowCardinality(String)" {
        (format!("toString({expression})"), "String".to_owned())
    } else {
        (expression.to_owned(), column.sql_type.clone())
    }
}
