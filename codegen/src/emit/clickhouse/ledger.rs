//! The ledger: one narrow row an event with what aggregate views ask for, a partition an hour.
//!
//! Views read the days that are still open here, as if the parts of each partition were merged, so that of several
//! copies of an event the first in Kafka counts. Copies have one sorting key: `event_key` is made of all that makes two
//! records one event. An hour that is over is soon one part, which is read as it is; only the hour that events come
//! for is merged by the reader. A copy stamped with another hour is in another partition; it is looked for in the
//! fact table, and a row that wins over it says `is_copy`. Once a day is closed, its rows are needed no more.
mod copies;

use std::collections::BTreeSet;

use crate::clickhouse::{
    Aggregate, Among, Codec, Column, Default, Definition, Engine, Expression, Integer,
    MaterializedView, Object, Operator, Output, Select, Setting, Source, Stage, Table, TableName,
    Type,
};
use crate::registry::manifest::{AggregateView, Condition, ViewManifest};
use crate::registry::views::{MeasureKind, ViewColumn};

use super::{Context, DayTest, REMEMBERED_TOKENS};

/// The ledger's table.
pub(crate) const TABLE: &str = "event_ledger";
/// The materialized view that fills it.
pub(crate) const FEED: &str = "event_ledger_mv";
/// The table that says how far each view is closed.
pub(crate) const WATERMARKS: &str = "view_watermarks";

/// The column that tells the partition within a day.
pub(super) const HOUR: &str = "event_hour";

/// The hour of events that came long after their time: they are few and of any hour, and an insert writes a file for
/// each partition that it touches.
const LATE: u8 = 24;

/// How many hours after its own an event may come and still be in the partition of its hour.
const HOURS_TO_COME: u8 = 2;

/// The fact column whose distinct values are events.
pub(super) const EVENTS: &str = "dedupe_key";

/// The test for the days that are being closed.
pub(super) fn among_days(alias: &'static str) -> Expression {
    let days = Expression::Parameter {
        name: "days",
        kind: "Array(Date)",
    };
    Expression::column(alias, "event_date").among(Among::Parameter(Box::new(days)))
}

/// A column of the ledger that views ask for.
struct Asked<'c> {
    column: &'c ViewColumn,
    /// Only its distinct values are counted, so that a hash of a text does.
    is_counted_only: bool,
    /// Types of the events whose value matters; all where absent.
    types: Option<BTreeSet<String>>,
}

/// The registry's ledger; absent where nothing reads it.
pub(super) struct Ledger<'c> {
    context: &'c Context<'c>,
    asked: Vec<Asked<'c>>,
    /// Types of the events that it holds; all where absent.
    types: Option<BTreeSet<String>>,
}

impl<'c> Ledger<'c> {
    /// The ledger that the views of a registry need.
    pub(super) fn of(context: &'c Context<'c>) -> Option<Self> {
        let mut views = Vec::new();
        let mut filters = Vec::new();
        for view in context.views {
            match view {
                ViewManifest::Aggregate(view) => {
                    filters.push(&view.filter);
                    views.push(view);
                }
                // It reads the fact table, but days are closed by what the ledger holds of them.
                ViewManifest::Latest(view) => filters.push(&view.filter),
                ViewManifest::Rollup(_) | ViewManifest::Kpi(_) => {}
            }
        }
        if filters.is_empty() {
            return None;
        }
        let asked = context
            .fact
            .iter()
            .filter(|column| !is_of_the_key(context, &column.name))
            .filter_map(|column| asked(column, &views))
            .collect();
        let types = filters.into_iter().map(|filter| event_types(filter));
        Some(Self {
            context,
            asked,
            types: union(types),
        })
    }

    /// Its name.
    pub(super) fn name(context: &Context<'_>) -> TableName {
        context.table(TABLE)
    }

    /// Table, feed, and the table of watermarks.
    pub(super) fn objects(&self) -> Vec<Object> {
        let object = |name: &str, stage, definition| Object {
            name: name.to_owned(),
            file: name.to_owned(),
            stage,
            view: None,
            source: "the columns that aggregate views ask for".to_owned(),
            definition,
        };
        vec![
            object(TABLE, Stage::Ledger, Definition::Table(self.table())),
            object(
                FEED,
                Stage::LedgerFeed,
                Definition::MaterializedView(MaterializedView {
                    name: self.context.table(FEED),
                    target: self.context.table(TABLE),
                    select: self.feed(),
                    comment: format!("Feeds {TABLE} on every insert"),
                }),
            ),
        ]
    }

    /// What the ledger holds of the fact table's rows; filters may be added.
    pub(super) fn feed(&self) -> Select {
        let mut columns = self.key_outputs("event");
        columns.push(Output::plain("event", "version"));
        columns.extend(self.asked.iter().map(|asked| {
            let value = Expression::column("event", &asked.column.name);
            let value = if asked.is_hashed() {
                Expression::call("sipHash64", [value])
            } else {
                value
            };
            let value = match &asked.types {
                Some(types) if !asked.is_mapped_only_by(self.context, types) => {
                    let is_of_types = of_types("event", types);
                    Expression::call("if", [is_of_types, value, asked.nothing()])
                }
                _ => value,
            };
            Output::new(&asked.column.name, value)
        }));
        Select {
            filter: self
                .types
                .iter()
                .map(|types| of_types("event", types))
                .collect(),
            ..Select::over(
                Source::Table(self.context.table(self.context.fact_table)),
                "event",
                columns,
            )
        }
    }

    /// As [`Self::feed`], ending in a filter, so that ` AND …` can follow.
    pub(super) fn fill(&self) -> Select {
        let mut feed = self.feed();
        if feed.filter.is_empty() {
            feed.filter.push(Expression::Literal(true.into()));
        }
        feed
    }

    /// As [`Self::feed`], of those rows of some days that the ledger has not got: a row is one by its key and version.
    pub(super) fn complete(&self) -> Select {
        let row = |alias| {
            let key = Expression::column(alias, "event_key");
            key.infix(Operator::Plus, Expression::column(alias, "version"))
        };
        let held = Select {
            filter: vec![
                among_days("own"),
                Expression::column("own", "is_copy").negated(),
            ],
            ..Select::over(
                Source::Table(self.context.table(TABLE)),
                "own",
                vec![Output::new("record", row("own"))],
            )
        };
        let mut filter = vec![among_days("event")];
        let feed = self.feed();
        filter.extend(feed.filter.iter().cloned());
        filter.push(row("event").not_in_query(held));
        Select { filter, ..feed }
    }

    /// Where a row is, and what it is: the columns of the partition, then those of the fact table's sorting key.
    pub(super) fn key_columns(&self) -> Vec<&'c str> {
        let mut names = vec!["event_date", HOUR];
        names.extend(
            self.sorting_columns()
                .into_iter()
                .filter(|name| *name != "event_date"),
        );
        names
    }

    /// [`Self::key_columns`] of the fact table's rows.
    pub(super) fn key_outputs(&self, alias: &'static str) -> Vec<Output> {
        let names = self.key_columns().into_iter();
        names
            .map(|name| {
                if name == HOUR {
                    Output::new(name, hour_of(alias))
                } else {
                    Output::plain(alias, name)
                }
            })
            .collect()
    }

    /// The columns of the fact table's sorting key.
    pub(super) fn sorting_columns(&self) -> Vec<&'c str> {
        let order_by = self.context.order_by.iter().map(String::as_str);
        order_by.chain(["event_key"]).collect()
    }

    /// The day closes the key, so that rows of two days never replace each other, however they are read.
    fn table_order(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .sorting_columns()
            .into_iter()
            .map(str::to_owned)
            .collect();
        if !names.iter().any(|name| name == "event_date") {
            names.push("event_date".to_owned());
        }
        names
    }

    fn table(&self) -> Table {
        let of_fact = |name: &str| {
            let mut columns = self.context.fact.iter();
            columns.find(|column| column.name == name)
        };
        let mut columns: Vec<Column> = self
            .key_columns()
            .into_iter()
            .map(|name| match of_fact(name) {
                Some(column) => Column::new(
                    name,
                    column.kind.clone(),
                    sorted_codec(&column.kind),
                    &column.description,
                ),
                None if name == HOUR => Column::new(
                    name,
                    Type::Integer(Integer::UInt8),
                    None,
                    &format!(
                        "Hour of the event, UTC; {LATE} for one that came more than {HOURS_TO_COME} hours after its own"
                    ),
                ),
                // The one column of the sorting key that views cannot ask for.
                None => Column::new(
                    name,
                    Type::UINT64,
                    Some(Codec::None),
                    "What copies of one event share",
                ),
            })
            .collect();
        columns.push(Column::new(
            "version",
            Type::UINT64,
            Some(Codec::T64(1)),
            "Of copies the highest counts: the first in Kafka",
        ));
        columns.push(Column {
            default: Default::Stored(Expression::Literal(false.into())),
            ..Column::new(
                "is_copy",
                Type::Bool,
                None,
                "Whether the event counts in another partition",
            )
        });
        columns.extend(self.asked.iter().map(|asked| {
            let (name, meaning) = (&asked.column.name, &asked.column.description);
            if asked.is_hashed() {
                let codec = value_codec(&Type::UINT64);
                return Column::new(name, Type::UINT64, codec, &format!("Hash of: {meaning}"));
            }
            let kind = asked.column.kind.clone();
            let codec = value_codec(&kind);
            Column::new(name, kind, codec, meaning)
        }));
        Table {
            name: self.context.table(TABLE),
            columns,
            engine: Engine::Replacing("version".to_owned()),
            partition_by: Some(Expression::Tuple(vec![
                Expression::own("event_date"),
                Expression::own(HOUR),
            ])),
            order_by: self.table_order(),
            ttl: None,
            settings: vec![
                REMEMBERED_TOKENS,
                Setting {
                    name: "min_bytes_for_wide_part",
                    value: "134217728",
                    why: "an insert writes one file for each hour it touches, not one a column",
                },
                Setting {
                    name: "min_age_to_force_merge_seconds",
                    value: "300",
                    why: "an hour that nothing comes for any more becomes one part, which is read without merging",
                },
                Setting {
                    name: "min_age_to_force_merge_on_partition_only",
                    value: "1",
                    why: "an hour that events still come for is left to the usual merges",
                },
            ],
            comment: "One row an event of the days that are not closed yet; views read it. Rows of closed days go once they are counted, so it has no retention of its own".to_owned(),
        }
    }
}

/// The table of watermarks, planned where any view keeps closed days.
pub(super) fn watermarks(context: &Context<'_>) -> Object {
    let column = |name: &str, kind, comment: &str| Column::new(name, kind, None, comment);
    Object {
        name: WATERMARKS.to_owned(),
        file: WATERMARKS.to_owned(),
        stage: Stage::Ledger,
        view: None,
        source: "the views that keep closed days".to_owned(),
        definition: Definition::Table(Table {
            name: context.table(WATERMARKS),
            columns: vec![
                column("view", Type::LowCardinality, "Name of the view"),
                column(
                    "closed_through",
                    Type::Date,
                    "Days up to this one are read from the view's closed days, later ones from what is open",
                ),
                Column {
                    default: Default::Stored(super::now()),
                    ..column("closed_at", Type::DateTime64, "When it was written")
                },
            ],
            engine: Engine::Replacing("closed_through".to_owned()),
            partition_by: None,
            order_by: vec!["view".to_owned()],
            ttl: None,
            settings: vec![REMEMBERED_TOKENS],
            comment: "How far each view is closed: the highest day of a view counts. Kept for ever, one row a view"
                .to_owned(),
        }),
    }
}

/// The partition within a day of a row of the fact table.
pub(super) fn hour_of(alias: &'static str) -> Expression {
    let time = || Expression::column(alias, "ts");
    let received = Expression::column(alias, "received_at");
    let delay = Expression::call("dateDiff", [Expression::text("hour"), time(), received]);
    Expression::call(
        "if",
        [
            delay.infix(Operator::Above, Expression::number(HOURS_TO_COME)),
            Expression::number(LATE),
            Expression::call("toHour", [time()]),
        ],
    )
}

/// The last closed day of a view, as a scalar.
pub(super) fn closed_through(context: &Context<'_>, view: &str) -> Expression {
    let mark = |name: &str| Expression::column("mark", name);
    let highest = Expression::aggregate(Aggregate::Max, mark("closed_through"));
    Expression::Scalar(Box::new(Select {
        filter: vec![mark("view").equals(Expression::text(view))],
        ..Select::over(
            Source::Table(context.table(WATERMARKS)),
            "mark",
            vec![Output::new("closed_through", highest)],
        )
    }))
}

/// The tests that part a view's days of a window: closed ones as `closed`, open ones as `event`.
pub(super) fn closed_and_open(
    context: &Context<'_>,
    view: &str,
    window: &[DayTest],
) -> (Vec<Expression>, Vec<Expression>) {
    let through = closed_through(context, view);
    let tests = |alias, operator| {
        let side = DayTest {
            operator,
            day: through.clone(),
        };
        let window = window.iter().map(|test| test.of(alias));
        std::iter::once(side.of(alias)).chain(window).collect()
    };
    (
        tests("closed", Operator::AtMost),
        tests("event", Operator::Above),
    )
}

impl Asked<'_> {
    fn is_hashed(&self) -> bool {
        self.is_counted_only && self.column.kind == Type::String
    }

    /// Whether no other topic puts anything into the column.
    fn is_mapped_only_by(&self, context: &Context<'_>, types: &BTreeSet<String>) -> bool {
        let mut others = context
            .mapped
            .iter()
            .filter(|(topic, _)| !types.contains(topic));
        !others.any(|(_, columns)| columns.contains(&self.column.name))
    }

    fn nothing(&self) -> Expression {
        if self.column.kind.is_text() && !self.is_hashed() {
            Expression::text("")
        } else {
            Expression::number(0)
        }
    }
}

fn is_of_the_key(context: &Context<'_>, name: &str) -> bool {
    name == "event_date" || context.order_by.iter().any(|own| own == name)
}

/// What views ask of a fact column; nothing where none does. Counting events needs no column.
fn asked<'c>(column: &'c ViewColumn, views: &[&AggregateView]) -> Option<Asked<'c>> {
    let mut found: Vec<Option<BTreeSet<String>>> = Vec::new();
    let mut is_counted_only = true;
    let tested = |conditions: &[Condition]| {
        conditions
            .iter()
            .any(|condition| condition.column == column.name)
    };
    for view in views {
        let of_view = event_types(&view.filter);
        if view.group_by.contains(&column.name) || tested(&view.filter) {
            is_counted_only = false;
            found.push(of_view.clone());
        }
        for measure in &view.measures {
            let types = both(of_view.clone(), event_types(&measure.filter));
            if tested(&measure.filter) {
                is_counted_only = false;
                found.push(types.clone());
            }
            for kind in MeasureKind::stated(measure) {
                let name = match kind {
                    MeasureKind::CountDistinct(EVENTS) | MeasureKind::Ratio(..) => continue,
                    MeasureKind::CountDistinct(name) => name,
                    MeasureKind::Sum(name) | MeasureKind::Max(name) | MeasureKind::Min(name) => {
                        is_counted_only &= name != column.name;
                        name
                    }
                };
                if name == column.name {
                    found.push(types.clone());
                }
            }
        }
    }
    (!found.is_empty()).then(|| Asked {
        column,
        is_counted_only,
        types: union(found.into_iter()),
    })
}

/// The event types that conditions let through; all where absent.
pub(super) fn event_types(conditions: &[Condition]) -> Option<BTreeSet<String>> {
    conditions
        .iter()
        .filter(|condition| condition.column == "event_type")
        .map(|condition| {
            let values = match (&condition.equals, &condition.one_of) {
                (Some(value), _) => std::slice::from_ref(value),
                (None, Some(values)) => values.as_slice(),
                (None, None) => return None,
            };
            let texts = values.iter().filter_map(|value| value.as_str());
            Some(texts.map(str::to_owned).collect())
        })
        .fold(None, both)
}

/// Types in both, where absent means all.
fn both(
    left: Option<BTreeSet<String>>,
    right: Option<BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.intersection(&right).cloned().collect()),
        (Some(types), None) | (None, Some(types)) => Some(types),
        (None, None) => None,
    }
}

/// Types in any, where absent means all.
fn union(mut sets: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    sets.try_fold(BTreeSet::new(), |mut all, set| {
        all.extend(set?);
        Some(all)
    })
}

/// The test for these event types.
pub(super) fn of_types(alias: &'static str, types: &BTreeSet<String>) -> Expression {
    let column = Expression::column(alias, "event_type");
    let mut names: Vec<Expression> = types.iter().map(|name| Expression::text(name)).collect();
    match names.len() {
        1 => column.equals(names.remove(0)),
        _ => column.one_of(names),
    }
}

/// Codec of a column that rows are sorted by: neighbours are alike.
pub(super) const fn sorted_codec(kind: &Type) -> Option<Codec> {
    match kind {
        Type::String => Some(Codec::Zstd(1)),
        Type::Integer(_) | Type::DateTime64 => Some(Codec::Delta(1)),
        Type::Bool
        | Type::Float64
        | Type::LowCardinality
        | Type::Date
        | Type::Json(_)
        | Type::NullableFloat64
        | Type::Tuple(_)
        | Type::Highest(_)
        | Type::Bitmap(_) => None,
    }
}

/// Codec of a column whose neighbours are not alike.
pub(super) const fn value_codec(kind: &Type) -> Option<Codec> {
    match kind {
        Type::String | Type::Float64 => Some(Codec::Zstd(1)),
        Type::DateTime64 => Some(Codec::Delta(1)),
        Type::Integer(_) => Some(Codec::T64(1)),
        Type::Bool
        | Type::LowCardinality
        | Type::Date
        | Type::Json(_)
        | Type::NullableFloat64
        | Type::Tuple(_)
        | Type::Highest(_)
        | Type::Bitmap(_) => None,
    }
}
