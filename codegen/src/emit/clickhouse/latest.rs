//! Latest views: the newest row of each key, whatever order events arrive in.
//!
//! The newest is the highest tuple of the manifest's `newest_by`, `ts` and the kept columns, so the winner is a property
//! of the events and not of their arrival. Of closed days one row a key is kept; open ones are read from the fact table,
//! where of several copies of an event the first in Kafka counts.
use crate::registry::manifest::{Condition, LatestView};
use crate::registry::views::ViewColumn;

use super::aggregate::closed;
use super::ledger::{self, Ledger};
use super::spec::{
    Closing, ClosingMethod, ColumnSpec, Definition, Object, Output, Select, Source, Stage,
    TableSpec, Ttl, ViewSpec,
};
use super::{Context, REMEMBERED_TOKENS, sql};

/// Column that decides after `newest_by`.
const TIME: &str = "ts";
/// Table column with the newest row.
const NEWEST: &str = "newest";
/// Table column with the time of the last event, for the row's end of life.
const LAST_EVENT_AT: &str = "last_event_at";

/// Columns of a latest view.
struct Columns<'c> {
    keys: Vec<&'c ViewColumn>,
    /// What the newest row is the highest of: `newest_by`, the time, what else is kept.
    tuple: Vec<&'c ViewColumn>,
    kept: Vec<&'c ViewColumn>,
}

impl<'c> Columns<'c> {
    fn of(view: &LatestView, context: &'c Context<'_>) -> Self {
        let pick = |name: &str| context.fact.iter().find(|column| column.name == name);
        let mut tuple: Vec<&ViewColumn> = Vec::new();
        let names = view.newest_by.iter().map(String::as_str);
        let kept = view.columns.iter().map(String::as_str);
        for column in names.chain([TIME]).chain(kept).filter_map(pick) {
            if !tuple.iter().any(|known| known.name == column.name) {
                tuple.push(column);
            }
        }
        Self {
            keys: view.key.iter().filter_map(|name| pick(name)).collect(),
            kept: view.columns.iter().filter_map(|name| pick(name)).collect(),
            tuple,
        }
    }

    /// `tupleElement(…, n)` of a column.
    fn element(&self, tuple: &str, name: &str) -> Option<String> {
        let mut columns = self.tuple.iter();
        let index = columns.position(|column| column.name == name)?;
        Some(format!("tupleElement({tuple}, {})", index + 1))
    }

    /// The tuple's columns of an alias.
    fn ranked(&self, alias: &str) -> String {
        let columns: Vec<String> = self
            .tuple
            .iter()
            .map(|column| plain(&sql::column(alias, &column.name), column))
            .collect();
        format!("tuple({})", columns.join(", "))
    }

    fn key_outputs(&self, alias: &str) -> Vec<Output> {
        let keys = self.keys.iter();
        keys.map(|column| Output::new(&column.name, sql::column(alias, &column.name)))
            .collect()
    }

    fn group_by(&self, alias: &str) -> Vec<String> {
        let keys = self.keys.iter();
        keys.map(|column| sql::column(alias, &column.name))
            .collect()
    }
}

/// Plans the table of closed days and the view.
pub(super) fn build(view: &LatestView, context: &Context<'_>) -> Vec<Object> {
    let columns = Columns::of(view, context);
    let object = |name: String, stage, definition| Object {
        file: name.clone(),
        name,
        stage,
        view: Some(view.name.clone()),
        source: format!("the view {}", view.name),
        definition,
    };
    vec![
        object(
            closed(&view.name),
            Stage::Closed,
            Definition::Table(table(view, context, &columns)),
        ),
        object(
            view.name.clone(),
            Stage::Read,
            Definition::View(ViewSpec {
                name: context.table(&view.name),
                select: reading(view, context, &columns),
                comment: view.description.clone(),
            }),
        ),
    ]
}

/// How its days are closed: the newest rows of a day are merged with those of the days before.
pub(super) fn closing(view: &LatestView, context: &Context<'_>, ledger: &Ledger<'_>) -> Closing {
    let columns = Columns::of(view, context);
    let sorting = |alias: &str| -> Vec<String> {
        let names = ledger.key_columns().into_iter();
        names.map(|name| sql::column(alias, name)).collect()
    };
    let mut needed: Vec<&str> = ledger.key_columns();
    for column in columns.keys.iter().chain(&columns.tuple) {
        if !needed.contains(&column.name.as_str()) {
            needed.push(&column.name);
        }
    }
    // Copies agree in sorting columns and type; what else is asked of a row is asked of the one that counts.
    let sorting_columns = ledger.sorting_columns();
    let (of_all_copies, of_the_first): (Vec<Condition>, Vec<Condition>) =
        view.filter.iter().cloned().partition(|condition| {
            condition.column == "event_type" || sorting_columns.contains(&condition.column.as_str())
        });
    for condition in &view.filter {
        if !needed.contains(&condition.column.as_str()) {
            needed.push(&condition.column);
        }
    }
    let mut filter = vec![ledger::among_days("event")];
    filter.extend(sql::conditions("event", &of_all_copies));
    let mut first: Vec<String> = sorting("event");
    first.push(format!("{} DESC", sql::column("event", "version")));
    let events = Select {
        filter,
        order_by: first,
        first_by: sorting("event"),
        ..Select::over(
            Source::Table(context.table(context.fact_table)),
            "event",
            super::aggregate::plain("event", &needed),
        )
    };
    let copies = Select {
        filter: vec![ledger::among_days("copy"), sql::column("copy", "is_copy")],
        ..Select::over(
            Source::Table(Ledger::name(context)),
            "copy",
            super::aggregate::plain("copy", &ledger.key_columns()),
        )
    };
    let mut outputs = columns.key_outputs("event");
    outputs.push(Output::new(
        NEWEST,
        format!("max({})", columns.ranked("event")),
    ));
    outputs.push(Output::new(
        LAST_EVENT_AT,
        format!("max({})", sql::column("event", TIME)),
    ));
    Closing {
        view: view.name.clone(),
        source: format!("the view {}", view.name),
        target: context.table(&closed(&view.name)),
        select: Select {
            filter: sql::conditions("event", &of_the_first)
                .into_iter()
                .chain([super::print::among(
                    &format!("({})", sorting("event").join(", ")),
                    "NOT IN",
                    &copies,
                )])
                .collect(),
            group_by: columns.group_by("event"),
            ..Select::over(Source::Query(Box::new(events)), "event", outputs)
        },
        method: ClosingMethod::Merge,
    }
}

fn table(view: &LatestView, context: &Context<'_>, columns: &Columns<'_>) -> TableSpec {
    let mut specs: Vec<ColumnSpec> = columns
        .keys
        .iter()
        .map(|column| ColumnSpec {
            name: column.name.clone(),
            sql_type: column.sql_type.clone(),
            codec: ledger::sorted_codec(&column.sql_type),
            comment: column.description.clone(),
        })
        .collect();
    let elements: Vec<String> = columns
        .tuple
        .iter()
        .map(|column| format!("{} {}", sql::name(&column.name), plain_type(column)))
        .collect();
    specs.push(ColumnSpec {
        name: NEWEST.to_owned(),
        sql_type: format!(
            "SimpleAggregateFunction(max, Tuple({}))",
            elements.join(", ")
        ),
        codec: Some("ZSTD(1)".to_owned()),
        comment: "The newest row".to_owned(),
    });
    specs.push(ColumnSpec {
        name: LAST_EVENT_AT.to_owned(),
        sql_type: "SimpleAggregateFunction(max, DateTime64(3, 'UTC'))".to_owned(),
        codec: Some("Delta, ZSTD(1)".to_owned()),
        comment: "Time of the latest event".to_owned(),
    });
    TableSpec {
        name: context.table(&closed(&view.name)),
        columns: specs,
        engine: "AggregatingMergeTree".to_owned(),
        partition_by: None,
        order_by: view.key.clone(),
        ttl: Some(Ttl {
            date: format!("toDate({LAST_EVENT_AT})"),
            days: view.retention_days,
        }),
        settings: vec![REMEMBERED_TOKENS],
        comment: format!(
            "The newest row of each key of {} up to its last closed day; read that view instead. Kept for {} days \
             after the last event (retention_days of the view)",
            view.name, view.retention_days
        ),
    }
}

fn reading(view: &LatestView, context: &Context<'_>, columns: &Columns<'_>) -> Select {
    let mut closed_rows = columns.key_outputs("closed");
    closed_rows.extend(columns.tuple.iter().filter_map(|column| {
        let element = columns.element(&sql::column("closed", NEWEST), &column.name)?;
        Some(Output::new(&column.name, element))
    }));
    let mut open_rows = columns.key_outputs("event");
    open_rows.extend(columns.tuple.iter().map(|column| {
        let value = plain(&sql::column("event", &column.name), column);
        Output::new(&column.name, value)
    }));
    let mut filter = vec![format!(
        "{} > {}",
        sql::column("event", "event_date"),
        ledger::closed_through(context, &view.name)
    )];
    filter.extend(sql::conditions("event", &view.filter));
    let both = vec![
        Select::over(
            Source::Table(context.table(&closed(&view.name))),
            "closed",
            closed_rows,
        ),
        Select {
            filter,
            ..Select::over(
                Source::Final(context.table(context.fact_table)),
                "event",
                open_rows,
            )
        },
    ];
    let mut merged = columns.key_outputs("candidate");
    merged.push(Output::new(
        NEWEST,
        format!("max({})", columns.ranked("candidate")),
    ));
    let mut outputs = columns.key_outputs("merged");
    outputs.extend(columns.kept.iter().filter_map(|column| {
        let element = columns.element(&sql::column("merged", NEWEST), &column.name)?;
        Some(Output::new(&column.name, element))
    }));
    let merged = Select {
        group_by: columns.group_by("candidate"),
        ..Select::over(Source::All(both), "candidate", merged)
    };
    Select::over(Source::Query(Box::new(merged)), "merged", outputs)
}

/// A value without its dictionary: tuples of closed days hold plain texts.
fn plain(value: &str, column: &ViewColumn) -> String {
    if column.sql_type == "LowCardinality(String)" {
        format!("toString({value})")
    } else {
        value.to_owned()
    }
}

fn plain_type(column: &ViewColumn) -> &str {
    if column.sql_type == "LowCardinality(String)" {
        "String"
    } else {
        &column.sql_type
    }
}
