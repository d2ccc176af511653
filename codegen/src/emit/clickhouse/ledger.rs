//! The ledger: one narrow row an event with what aggregate views ask for, a partition a day.
//!
//! Views read the days that are still open here, as if all parts were merged, so that of several copies of an event
//! the first in Kafka counts. Copies have one sorting key: `event_key` is made of all that makes two records one
//! event. A copy on another day is in another partition; it is found by looking into the fact table, and a row that
//! wins over it says `is_copy`. Once a day is closed, its rows are needed no more.
use std::collections::BTreeSet;

use crate::registry::manifest::{AggregateView, Condition, ViewManifest};
use crate::registry::views::{MeasureKind, ViewColumn};

use super::spec::{
    ColumnSpec, Definition, MaterializedViewSpec, Object, Output, Select, Setting, Source, Stage,
    TableName, TableSpec,
};
use super::{Context, REMEMBERED_TOKENS, sql};

/// The ledger's table.
pub(crate) const TABLE: &str = "event_ledger";
/// The materialized view that fills it.
pub(crate) const FEED: &str = "event_ledger_mv";
/// The table that says how far each view is closed.
pub(crate) const WATERMARKS: &str = "view_watermarks";

/// The fact column whose distinct values are events.
pub(super) const EVENTS: &str = "dedupe_key";

/// The test for the days that are being closed.
pub(super) fn among_days(alias: &str) -> String {
    format!(
        "{} IN {{days:Array(Date)}}",
        sql::column(alias, "event_date")
    )
}

/// Version of a row that marks a copy: it wins over every row of an event.
const COPY_VERSION: &str = "18446744073709551615";

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
                Definition::MaterializedView(MaterializedViewSpec {
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
        let mut columns: Vec<Output> = self
            .key_columns()
            .into_iter()
            .chain(["version"])
            .map(|name| Output::new(name, sql::column("event", name)))
            .collect();
        columns.extend(self.asked.iter().map(|asked| {
            let value = sql::column("event", &asked.column.name);
            let value = if asked.is_hashed() {
                format!("sipHash64({value})")
            } else {
                value
            };
            let value = match &asked.types {
                Some(types) if !asked.is_mapped_only_by(self.context, types) => format!(
                    "if({}, {value}, {})",
                    of_types("event", types),
                    asked.nothing()
                ),
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
        Select {
            filter: vec![
                self.types
                    .as_ref()
                    .map_or_else(|| "true".to_owned(), |types| of_types("event", types)),
            ],
            ..self.feed()
        }
    }

    /// Rows that win over those of copies: of the events of one day whose first copy is of another day.
    ///
    /// Shape: the ledger's key columns, `version` and `is_copy`; `{day:Date}` is the day, `{late_days:UInt32}` how far
    /// around it other copies are looked for.
    pub(super) fn copies(&self) -> Select {
        let fact = Source::Table(self.context.table(self.context.fact_table));
        let around = |alias: &str| {
            format!(
                "{0} BETWEEN {{day:Date}} - {{late_days:UInt32}} AND {{day:Date}} + {{late_days:UInt32}}",
                sql::column(alias, "event_date")
            )
        };
        let own = Select {
            filter: vec![format!(
                "{} = {{day:Date}}",
                sql::column("own", "event_date")
            )],
            ..Select::over(
                Source::Table(self.context.table(TABLE)),
                "own",
                vec![Output::new("event_key", sql::column("own", "event_key"))],
            )
        };
        let elsewhere = Select {
            filter: vec![
                around("other"),
                format!("{} != {{day:Date}}", sql::column("other", "event_date")),
                super::print::among(&sql::column("other", "event_key"), "IN", &own),
            ],
            ..Select::over(
                fact.clone(),
                "other",
                vec![Output::new("event_key", sql::column("other", "event_key"))],
            )
        };
        let mut columns: Vec<Output> = self
            .sorting_columns()
            .into_iter()
            .map(|name| Output::new(name, sql::column("event", name)))
            .collect();
        columns.push(Output::new(
            "first_date",
            format!(
                "argMax({}, {})",
                sql::column("event", "event_date"),
                sql::column("event", "version")
            ),
        ));
        let found = Select {
            filter: vec![
                around("event"),
                super::print::among(&sql::column("event", "event_key"), "IN", &elsewhere),
            ],
            group_by: self
                .sorting_columns()
                .into_iter()
                .map(|name| sql::column("event", name))
                .collect(),
            ..Select::over(fact, "event", columns)
        };
        let mut columns = vec![Output::new("event_date", "{day:Date}")];
        columns.extend(
            self.key_columns()
                .into_iter()
                .skip(1)
                .map(|name| Output::new(name, sql::column("found", name))),
        );
        columns.push(Output::new("version", format!("toUInt64({COPY_VERSION})")));
        columns.push(Output::new("is_copy", "true"));
        Select {
            filter: vec![format!(
                "{} != {{day:Date}}",
                sql::column("found", "first_date")
            )],
            ..Select::over(Source::Query(Box::new(found)), "found", columns)
        }
    }

    /// `event_date`, then the columns of the fact table's sorting key.
    pub(super) fn key_columns(&self) -> Vec<&'c str> {
        let mut names = vec!["event_date"];
        names.extend(
            self.sorting_columns()
                .into_iter()
                .filter(|name| *name != "event_date"),
        );
        names
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

    fn table(&self) -> TableSpec {
        let of_fact = |name: &str| {
            let mut columns = self.context.fact.iter();
            columns.find(|column| column.name == name)
        };
        let mut columns: Vec<ColumnSpec> = self
            .key_columns()
            .into_iter()
            .map(|name| match of_fact(name) {
                Some(column) => ColumnSpec {
                    name: column.name.clone(),
                    sql_type: column.sql_type.clone(),
                    codec: sorted_codec(&column.sql_type),
                    comment: column.description.clone(),
                },
                // The one column of the key that views cannot ask for.
                None => ColumnSpec {
                    name: name.to_owned(),
                    sql_type: "UInt64".to_owned(),
                    codec: Some("NONE".to_owned()),
                    comment: "What copies of one event share".to_owned(),
                },
            })
            .collect();
        columns.push(ColumnSpec {
            name: "version".to_owned(),
            sql_type: "UInt64".to_owned(),
            codec: Some("T64, ZSTD(1)".to_owned()),
            comment: "Of copies the highest counts: the first in Kafka".to_owned(),
        });
        columns.push(ColumnSpec {
            name: "is_copy".to_owned(),
            sql_type: "Bool DEFAULT false".to_owned(),
            codec: None,
            comment: "Whether the event counts on another day".to_owned(),
        });
        columns.extend(self.asked.iter().map(|asked| {
            let sql_type = if asked.is_hashed() {
                "UInt64".to_owned()
            } else {
                asked.column.sql_type.clone()
            };
            ColumnSpec {
                name: asked.column.name.clone(),
                codec: value_codec(&sql_type),
                sql_type,
                comment: if asked.is_hashed() {
                    format!("Hash of: {}", asked.column.description)
                } else {
                    asked.column.description.clone()
                },
            }
        }));
        TableSpec {
            name: self.context.table(TABLE),
            columns,
            engine: "ReplacingMergeTree(version)".to_owned(),
            partition_by: Some("event_date".to_owned()),
            order_by: self.table_order(),
            ttl: None,
            settings: vec![
                REMEMBERED_TOKENS,
                Setting {
                    name: "min_bytes_for_wide_part",
                    value: "134217728",
                    why: "an insert writes one file for each day it touches, not one a column",
                },
            ],
            comment: "One row an event of the days that are not closed yet; views read it. Rows of closed days go once they are counted, so it has no retention of its own".to_owned(),
        }
    }
}

/// The table of watermarks, planned where any view keeps closed days.
pub(super) fn watermarks(context: &Context<'_>) -> Object {
    let column = |name: &str, sql_type: &str, comment: &str| ColumnSpec {
        name: name.to_owned(),
        sql_type: sql_type.to_owned(),
        codec: None,
        comment: comment.to_owned(),
    };
    Object {
        name: WATERMARKS.to_owned(),
        file: WATERMARKS.to_owned(),
        stage: Stage::Ledger,
        view: None,
        source: "the views that keep closed days".to_owned(),
        definition: Definition::Table(TableSpec {
            name: context.table(WATERMARKS),
            columns: vec![
                column("view", "LowCardinality(String)", "Name of the view"),
                column(
                    "closed_through",
                    "Date",
                    "Days up to this one are read from the view's closed days, later ones from what is open",
                ),
                column(
                    "closed_at",
                    "DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')",
                    "When it was written",
                ),
            ],
            engine: "ReplacingMergeTree(closed_through)".to_owned(),
            partition_by: None,
            order_by: vec!["view".to_owned()],
            ttl: None,
            settings: vec![REMEMBERED_TOKENS],
            comment: "How far each view is closed: the highest day of a view counts. Kept for ever, one row a view"
                .to_owned(),
        }),
    }
}

/// The last closed day of a view, as a scalar.
pub(super) fn closed_through(context: &Context<'_>, view: &str) -> String {
    let table = super::print::table_name(&context.table(WATERMARKS));
    format!(
        "(SELECT max(mark.closed_through) FROM {table} AS mark WHERE mark.view = {})",
        sql::text(view)
    )
}

impl Asked<'_> {
    fn is_hashed(&self) -> bool {
        self.is_counted_only && self.column.sql_type == "String"
    }

    /// Whether no other topic puts anything into the column.
    fn is_mapped_only_by(&self, context: &Context<'_>, types: &BTreeSet<String>) -> bool {
        let mut others = context
            .mapped
            .iter()
            .filter(|(topic, _)| !types.contains(topic));
        !others.any(|(_, columns)| columns.contains(&self.column.name))
    }

    fn nothing(&self) -> &'static str {
        if self.column.is_text() && !self.is_hashed() {
            "''"
        } else {
            "0"
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
pub(super) fn of_types(alias: &str, types: &BTreeSet<String>) -> String {
    let column = sql::column(alias, "event_type");
    let types: Vec<String> = types.iter().map(|name| sql::text(name)).collect();
    match types.as_slice() {
        [] => "false".to_owned(),
        [one] => format!("{column} = {one}"),
        more => format!("{column} IN ({})", more.join(", ")),
    }
}

/// Codec of a column that rows are sorted by: neighbours are alike.
pub(super) fn sorted_codec(sql_type: &str) -> Option<String> {
    let is_number = ["UInt", "Int", "DateTime64"]
        .iter()
        .any(|kind| sql_type.starts_with(kind));
    match sql_type {
        "String" => Some("ZSTD(1)".to_owned()),
        _ if is_number => Some("Delta, ZSTD(1)".to_owned()),
        _ => None,
    }
}

/// Codec of a column whose neighbours are not alike.
pub(super) fn value_codec(sql_type: &str) -> Option<String> {
    let is_number = ["UInt", "Int"]
        .iter()
        .any(|kind| sql_type.starts_with(kind));
    match sql_type {
        "String" | "Float64" => Some("ZSTD(1)".to_owned()),
        _ if sql_type.starts_with("DateTime64") => Some("Delta, ZSTD(1)".to_owned()),
        _ if is_number => Some("T64, ZSTD(1)".to_owned()),
        _ => None,
    }
}
