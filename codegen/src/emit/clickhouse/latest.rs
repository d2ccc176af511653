//! Latest views: the newest row of each key, whatever order events arrive in.
//!
//! The newest is the highest tuple of the manifest's `newest_by`, `ts` and the kept columns, so the winner is a property
//! of the events and not of their arrival. Of closed days one row a key is kept; open ones are read from the fact table,
//! where of several copies of an event the first in Kafka counts.
use crate::clickhouse::{
    Aggregate, Closing, ClosingMethod, Codec, Column, Definition, Engine, Expression, Object,
    Operator, Order, Output, Select, Source, Stage, Table, Ttl, Type, View,
};
use crate::registry::manifest::{Condition, LatestView};
use crate::registry::views::ViewColumn;

use super::aggregate::{closed, plain};
use super::ledger::{self, Ledger};
use super::{Context, REMEMBERED_TOKENS};

/// Column that decides after `newest_by`.
const TIME: &str = "ts";
/// Table column with the newest row.
const NEWEST: &str = "newest";
/// Table column with the day of the last event, for the row's end of life.
const LAST_EVENT_ON: &str = "last_event_on";

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

    /// A column of the tuple that a source keeps as the newest row.
    fn element(&self, of: &'static str, name: &str) -> Option<Expression> {
        let mut columns = self.tuple.iter();
        let index = columns.position(|column| column.name == name)?;
        Some(Expression::column(of, NEWEST).element(index + 1))
    }

    /// The highest of a source's rows, as a tuple.
    fn newest(&self, of: &'static str) -> Expression {
        let columns = self.tuple.iter().map(|column| value(of, column));
        Expression::aggregate(Aggregate::Max, Expression::call("tuple", columns))
    }

    fn key_outputs(&self, of: &'static str) -> Vec<Output> {
        let keys = self.keys.iter();
        keys.map(|column| Output::plain(of, &column.name)).collect()
    }

    fn group_by(&self, of: &'static str) -> Vec<Expression> {
        let keys = self.keys.iter();
        keys.map(|column| Expression::column(of, &column.name))
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
            Definition::View(View {
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
    let in_the_key = ledger.key_columns();
    let mut needed = in_the_key.clone();
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
    filter.extend(Expression::conditions("event", &of_all_copies));
    // The key is a hash of all that the others are: numbers sort faster.
    let of_one_day = ["event_date", "event_key"].map(|name| Expression::column("event", name));
    let mut first: Vec<Order> = of_one_day.iter().cloned().map(Order::by).collect();
    first.push(Order::highest(Expression::column("event", "version")));
    first.push(Order::highest(ledger::hour_of("event")));
    let mut outputs = ledger.key_outputs("event");
    outputs.extend(plain("event", &needed[in_the_key.len()..]));
    let events = Select {
        filter,
        order_by: first,
        first_by: of_one_day.to_vec(),
        ..Select::over(
            Source::Table(context.table(context.fact_table)),
            "event",
            outputs,
        )
    };
    let copies = Select {
        filter: vec![
            ledger::among_days("copy"),
            Expression::column("copy", "is_copy"),
        ],
        ..Select::over(
            Source::Table(Ledger::name(context)),
            "copy",
            plain("copy", &in_the_key),
        )
    };
    let place = in_the_key
        .iter()
        .map(|name| Expression::column("event", name))
        .collect();
    let mut filter = Expression::conditions("event", &of_the_first);
    filter.push(Expression::Tuple(place).not_in_query(copies));
    let mut outputs = columns.key_outputs("event");
    outputs.push(Output::new(NEWEST, columns.newest("event")));
    outputs.push(Output::new(
        LAST_EVENT_ON,
        Expression::aggregate(Aggregate::Max, Expression::column("event", "event_date")),
    ));
    Closing {
        view: view.name.clone(),
        source: format!("the view {}", view.name),
        target: context.table(&closed(&view.name)),
        select: Select {
            filter,
            group_by: columns.group_by("event"),
            ..Select::over(Source::Query(Box::new(events)), "event", outputs)
        },
        method: ClosingMethod::Merge,
    }
}

fn table(view: &LatestView, context: &Context<'_>, columns: &Columns<'_>) -> Table {
    let mut specs: Vec<Column> = columns
        .keys
        .iter()
        .map(|of| {
            let codec = ledger::sorted_codec(&of.kind);
            Column::new(&of.name, of.kind.clone(), codec, &of.description)
        })
        .collect();
    let elements = columns.tuple.iter();
    let newest = Type::Tuple(
        elements
            .map(|column| (column.name.clone(), column.kind.plain()))
            .collect(),
    );
    specs.push(Column::new(
        NEWEST,
        Type::Highest(Box::new(newest)),
        Some(Codec::Zstd(1)),
        "The newest row",
    ));
    specs.push(Column::new(
        LAST_EVENT_ON,
        Type::Highest(Box::new(Type::Date)),
        Some(Codec::Zstd(1)),
        "Day of the latest event",
    ));
    Table {
        name: context.table(&closed(&view.name)),
        columns: specs,
        engine: Engine::Aggregating,
        partition_by: None,
        order_by: view.key.clone(),
        ttl: Some(Ttl {
            date: Expression::own(LAST_EVENT_ON),
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
        let element = columns.element("closed", &column.name)?;
        Some(Output::new(&column.name, element))
    }));
    let mut open_rows = columns.key_outputs("event");
    let tuple = columns.tuple.iter();
    open_rows.extend(tuple.map(|column| Output::new(&column.name, value("event", column))));
    let through = ledger::closed_through(context, &view.name);
    let mut filter =
        vec![Expression::column("event", "event_date").infix(Operator::Above, through)];
    filter.extend(Expression::conditions("event", &view.filter));
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
    merged.push(Output::new(NEWEST, columns.newest("candidate")));
    let mut outputs = columns.key_outputs("merged");
    outputs.extend(columns.kept.iter().filter_map(|column| {
        let element = columns.element("merged", &column.name)?;
        Some(Output::new(&column.name, element))
    }));
    let merged = Select {
        group_by: columns.group_by("candidate"),
        ..Select::over(Source::All(both), "candidate", merged)
    };
    Select::over(Source::Query(Box::new(merged)), "merged", outputs)
}

/// A value without its dictionary: tuples of closed days hold plain texts.
fn value(of: &'static str, column: &ViewColumn) -> Expression {
    let value = Expression::column(of, &column.name);
    if column.kind == column.kind.plain() {
        value
    } else {
        Expression::call("toString", [value])
    }
}
