//! Aggregate views: measures over events by group, each event counted once.
//!
//! Days up to the view's watermark are kept as plain totals, a partition a day; later ones are counted in the ledger
//! when the view is read. A day is closed by replacing its partition and then moving the watermark, so a reader sees
//! each day from one side or the other.
use crate::clickhouse::{
    Aggregate, Closing, ClosingMethod, Codec, Column, Definition, Engine, Expression, Object,
    Order, Output, Select, Setting, Source, Stage, Table, TableName, Ttl, View,
};
use crate::registry::manifest::{AggregateView, Condition, Measure, ViewManifest};
use crate::registry::views::{MeasureKind, ViewColumn, columns_of};

use super::ledger::{self, EVENTS, Ledger};
use super::{Context, DayTest, REMEMBERED_TOKENS};

/// Plans the table of closed days and the view.
pub(super) fn build(view: &AggregateView, context: &Context<'_>) -> Vec<Object> {
    let columns = columns(view, context);
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    vec![
        Object {
            name: closed(&view.name),
            file: closed(&view.name),
            stage: Stage::Closed,
            view: Some(view.name.clone()),
            source: format!("the view {}", view.name),
            definition: Definition::Table(closed_days(
                context.table(&closed(&view.name)),
                &columns,
                &view.group_by,
                Some(view.retention_days),
                format!("Closed days of {}; read that view instead", view.name),
            )),
        },
        Object {
            name: view.name.clone(),
            file: view.name.clone(),
            stage: Stage::Read,
            view: Some(view.name.clone()),
            source: format!("the view {}", view.name),
            definition: Definition::View(View {
                name: context.table(&view.name),
                select: rows(view, context, &names, &[]),
                comment: view.description.clone(),
            }),
        },
    ]
}

/// How its days are closed.
pub(super) fn closing(view: &AggregateView, context: &Context<'_>) -> Closing {
    let columns = columns(view, context);
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    Closing {
        view: view.name.clone(),
        source: format!("the view {}", view.name),
        target: context.table(&closed(&view.name)),
        select: Select {
            order_by: view
                .group_by
                .iter()
                .map(|name| Order::by(Expression::own(name)))
                .collect(),
            ..counted(view, context, &names, vec![ledger::among_days("event")])
        },
        method: ClosingMethod::ReplacePartition,
    }
}

/// Name of the table with a view's closed days.
pub(super) fn closed(view: &str) -> String {
    format!("{view}_closed")
}

/// Groups, then measures.
pub(super) fn columns(view: &AggregateView, context: &Context<'_>) -> Vec<ViewColumn> {
    let view = ViewManifest::Aggregate(view.clone());
    columns_of(&view, &context.fact, context.views)
}

/// A table with a partition a day, for rows that are computed once.
pub(super) fn closed_days(
    name: TableName,
    columns: &[ViewColumn],
    order_by: &[String],
    retention_days: Option<u32>,
    comment: String,
) -> Table {
    Table {
        name,
        columns: columns
            .iter()
            .map(|column| {
                let codec = closed_codec(column, order_by);
                Column::new(
                    &column.name,
                    column.kind.clone(),
                    codec,
                    &column.description,
                )
            })
            .collect(),
        engine: Engine::MergeTree,
        partition_by: Some(Expression::own("event_date")),
        order_by: order_by.to_vec(),
        ttl: retention_days.map(|days| Ttl {
            date: Expression::own("event_date"),
            days,
        }),
        settings: vec![
            REMEMBERED_TOKENS,
            Setting {
                name: "ttl_only_drop_parts",
                value: "1",
                why: "a day past its retention goes at once",
            },
        ],
        comment: match retention_days {
            Some(days) => format!("{comment}. Kept for {days} days (retention_days of the view)"),
            None => format!("{comment}. Kept for ever: the view states no retention_days"),
        },
    }
}

/// What rows are sorted by is alike in neighbours; of the rest most are small numbers or none.
fn closed_codec(column: &ViewColumn, order_by: &[String]) -> Option<Codec> {
    if order_by.contains(&column.name) {
        ledger::sorted_codec(&column.kind)
    } else {
        ledger::value_codec(&column.kind)
    }
}

/// The view's rows: closed days, and open ones counted now.
///
/// Shape: the columns of `names`, in this order. `window` are conditions on `event_date`, as a function of the alias.
pub(super) fn rows(
    view: &AggregateView,
    context: &Context<'_>,
    names: &[&str],
    window: &[DayTest],
) -> Select {
    let (closed_filter, open_filter) = ledger::closed_and_open(context, &view.name, window);
    let closed_rows = Select {
        filter: closed_filter,
        ..Select::over(
            Source::Table(context.table(&closed(&view.name))),
            "closed",
            plain("closed", names),
        )
    };
    let open_rows = counted(view, context, names, open_filter);
    Select::over(
        Source::All(vec![closed_rows, open_rows]),
        "source",
        plain("source", names),
    )
}

/// The view's rows, counted in the ledger.
///
/// Shape: the columns of `names`, in this order, a row a group of the view.
pub(super) fn counted(
    view: &AggregateView,
    context: &Context<'_>,
    names: &[&str],
    mut filter: Vec<Expression>,
) -> Select {
    filter.extend(Expression::conditions("event", &view.filter));
    filter.push(Expression::column("event", "is_copy").negated());
    let columns = names
        .iter()
        .filter_map(|name| {
            if view.group_by.iter().any(|group| group == name) {
                return Some(Output::plain("event", name));
            }
            let measure = view.measures.iter().find(|measure| measure.name == *name)?;
            Some(Output::new(name, of_events(measure, &context.fact)?))
        })
        .collect();
    Select {
        filter,
        group_by: view
            .group_by
            .iter()
            .map(|name| Expression::column("event", name))
            .collect(),
        ..Select::over(
            Source::FinalByPartition(Ledger::name(context)),
            "event",
            columns,
        )
    }
}

/// A measure over the ledger's rows, each of which is one event.
fn of_events(measure: &Measure, fact: &[ViewColumn]) -> Option<Expression> {
    let over = |function, name: &str| {
        let column = fact.iter().find(|column| column.name == name)?;
        let of = Expression::column("event", &column.name);
        Some(over_rows(function, Some(of), "event", &measure.filter))
    };
    match *MeasureKind::stated(measure).first()? {
        MeasureKind::CountDistinct(EVENTS) => {
            Some(over_rows(Aggregate::Count, None, "event", &measure.filter))
        }
        MeasureKind::CountDistinct(name) => over(Aggregate::UniqExact, name),
        MeasureKind::Sum(name) => Some(as_sum(over(Aggregate::Sum, name)?)),
        MeasureKind::Max(name) => over(Aggregate::Max, name),
        MeasureKind::Min(name) => over(Aggregate::Min, name),
        MeasureKind::Ratio(..) => None,
    }
}

/// Columns of a source under their own names.
pub(super) fn plain(alias: &'static str, names: &[&str]) -> Vec<Output> {
    names
        .iter()
        .map(|name| Output::plain(alias, name))
        .collect()
}

/// A function of those rows of a source that pass conditions.
pub(super) fn over_rows(
    function: Aggregate,
    of: Option<Expression>,
    alias: &'static str,
    conditions: &[Condition],
) -> Expression {
    Expression::aggregate_if(function, of, Expression::conditions(alias, conditions))
}

/// A sum in the one type that sums have.
pub(super) fn as_sum(sum: Expression) -> Expression {
    Expression::call("toInt64", [sum])
}
