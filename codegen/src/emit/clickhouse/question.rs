//! Questions over an aggregate view: what KPIs and rollups have in common.
//!
//! A question keeps what its closed days contribute, a few rows a day, and counts open days when it is asked. Where the
//! answer can be counted over the ledger's events at once, it is; otherwise over the rows of the view.
mod live;

use std::collections::BTreeSet;

use crate::registry::manifest::{AggregateView, Condition, Measure};
use crate::registry::views::{MeasureKind, ViewColumn};

use super::aggregate::{self, closed, plain};
use super::ledger;
use super::spec::{
    Closing, ClosingMethod, Definition, Object, Output, Select, Source, Stage, TableSpec,
};
use super::{Context, DayTest, sql};

/// Column that divides the values of a set into bitmaps of 65,536.
const CHUNK: &str = "chunk";

/// A KPI or rollup.
pub(super) struct Question<'a> {
    /// Its view's name: `kpi_dau`, `daily`.
    pub(super) name: String,
    /// What it is made from, for headers.
    pub(super) source: String,
    /// The aggregate view that it asks.
    pub(super) view: &'a AggregateView,
    /// Only rows of the view for which all hold.
    pub(super) filter: &'a [Condition],
    /// Columns of the view.
    pub(super) group_by: &'a [String],
    /// What is measured; ratios are left to who asks.
    pub(super) measures: &'a [Measure],
    /// Days until a closed day is forgotten; never where absent.
    pub(super) retention_days: Option<u32>,
    pub(super) context: &'a Context<'a>,
}

/// What is kept of a closed day.
enum Kept<'a> {
    /// A row a group: numbers that add up over days, or that stand for one day.
    Numbers,
    /// A row a group and chunk: sets of this column's values, as bitmaps.
    Sets(&'a ViewColumn),
    /// Nothing beside the view's own rows: sets of another kind.
    Nothing,
}

impl<'a> Question<'a> {
    /// Table and closing; neither where nothing is kept.
    pub(super) fn kept(&self) -> Option<(Object, Closing)> {
        let table = self.table()?;
        let columns: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let closing = Closing {
            view: self.name.clone(),
            source: self.source.clone(),
            target: table.name.clone(),
            select: Select {
                filter: [ledger::among_days("source")]
                    .into_iter()
                    .chain(sql::conditions("source", self.filter))
                    .collect(),
                group_by: self.groups("source"),
                ..Select::over(
                    Source::Table(self.context.table(&closed(&self.view.name))),
                    "source",
                    self.of_rows("source", &columns),
                )
            },
            method: ClosingMethod::ReplacePartition,
        };
        let object = Object {
            name: closed(&self.name),
            file: closed(&self.name),
            stage: Stage::Closed,
            view: Some(self.name.clone()),
            source: self.source.clone(),
            definition: Definition::Table(table),
        };
        Some((object, closing))
    }

    /// The answer: `group_by`, then the measures that are not ratios.
    pub(super) fn answer(&self, window: &[DayTest]) -> Select {
        match self.kind() {
            Kept::Numbers => {
                let mut columns = plain("part", &self.group_names());
                columns.extend(self.measured().map(|(measure, kind)| {
                    let value = sql::column("part", &measure.name);
                    let function = match kind {
                        MeasureKind::CountDistinct(_)
                        | MeasureKind::Sum(_)
                        | MeasureKind::Ratio(..) => "sum",
                        MeasureKind::Max(_) => "max",
                        MeasureKind::Min(_) => "min",
                    };
                    Output::new(&measure.name, format!("{function}({value})"))
                }));
                Select {
                    group_by: qualified("part", self.group_by),
                    ..Select::over(Source::All(self.parts(window)), "part", columns)
                }
            }
            Kept::Sets(_) => {
                let mut merged = plain("part", &self.group_names());
                let mut columns = plain("chunks", &self.group_names());
                for (measure, _) in self.measured() {
                    let set = sql::column("part", &measure.name);
                    merged.push(Output::new(
                        &measure.name,
                        format!("groupBitmapMerge({set})"),
                    ));
                    let size = sql::column("chunks", &measure.name);
                    columns.push(Output::new(&measure.name, format!("sum({size})")));
                }
                let mut groups = qualified("part", self.group_by);
                groups.push(sql::column("part", CHUNK));
                let merged = Select {
                    group_by: groups,
                    ..Select::over(Source::All(self.parts(window)), "part", merged)
                };
                Select {
                    group_by: qualified("chunks", self.group_by),
                    ..Select::over(Source::Query(Box::new(merged)), "chunks", columns)
                }
            }
            Kept::Nothing => {
                let needed = self.needed();
                let rows = aggregate::rows(self.view, self.context, &needed, window);
                let columns: Vec<&str> = self.result_names();
                Select {
                    filter: sql::conditions("source", self.filter),
                    group_by: qualified("source", self.group_by),
                    ..Select::over(
                        Source::Query(Box::new(rows)),
                        "source",
                        self.of_rows("source", &columns),
                    )
                }
            }
        }
    }

    /// What closed days contribute, and what open ones do.
    fn parts(&self, window: &[DayTest]) -> Vec<Select> {
        let names = self.part_names();
        let through = ledger::closed_through(self.context, &self.name);
        let within =
            |alias: &str| -> Vec<String> { window.iter().map(|test| test.sql(alias)).collect() };
        let date = |alias: &str| sql::column(alias, "event_date");
        let mut closed_filter = vec![format!("{} <= {through}", date("closed"))];
        closed_filter.extend(within("closed"));
        let closed_days = Select {
            filter: closed_filter,
            ..Select::over(
                Source::Table(self.context.table(&closed(&self.name))),
                "closed",
                plain("closed", &names),
            )
        };
        let mut open_filter = vec![format!("{} > {through}", date("event"))];
        open_filter.extend(within("event"));
        let mut parts = vec![closed_days];
        parts.extend(self.open_days(&names, open_filter));
        parts
    }

    fn kind(&self) -> Kept<'a> {
        // A day on which no row passes has 0, which is not what an extreme over all days is of.
        let is_filtered_extreme = |(measure, kind): (&Measure, MeasureKind<'_>)| {
            matches!(kind, MeasureKind::Min(_) | MeasureKind::Max(_)) && !measure.filter.is_empty()
        };
        if !self.is_dated() && self.measured().any(is_filtered_extreme) {
            return Kept::Nothing;
        }
        let mut distinct = BTreeSet::new();
        let mut others = 0;
        for (_, kind) in self.measured() {
            match kind {
                MeasureKind::CountDistinct(name) => {
                    distinct.insert(name);
                }
                MeasureKind::Sum(_)
                | MeasureKind::Max(_)
                | MeasureKind::Min(_)
                | MeasureKind::Ratio(..) => others += 1,
            }
        }
        if self.is_dated() || distinct.is_empty() {
            return Kept::Numbers;
        }
        let mut distinct = distinct.into_iter();
        let (Some(name), None, 0) = (distinct.next(), distinct.next(), others) else {
            return Kept::Nothing;
        };
        let is_small = self.context.dense.contains(name)
            && self.view.group_by.iter().any(|group| group == name)
            && !self.group_by.iter().any(|group| group == name);
        let mut fact = self.context.fact.iter();
        match fact.find(|column| column.name == name) {
            Some(column) if is_small && column.sql_type.starts_with("UInt") => Kept::Sets(column),
            _ => Kept::Nothing,
        }
    }

    /// Whether each group is of one day, so that nothing has to be put together over days.
    fn is_dated(&self) -> bool {
        self.group_by.iter().any(|name| name == "event_date")
    }

    fn table(&self) -> Option<TableSpec> {
        let kind = self.kind();
        let column = |name: &str, sql_type: &str, description: &str| ViewColumn {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            description: description.to_owned(),
        };
        let own = aggregate::columns(self.view, self.context);
        let mut order_by: Vec<String> = vec!["event_date".to_owned()];
        order_by.extend(
            self.group_by
                .iter()
                .filter(|name| *name != "event_date")
                .cloned(),
        );
        let mut columns: Vec<ViewColumn> = order_by
            .iter()
            .filter_map(|name| own.iter().find(|column| &column.name == name).cloned())
            .collect();
        match kind {
            Kept::Nothing => return None,
            Kept::Numbers => {
                columns.extend(self.measured().map(|(measure, kind)| {
                    let sql_type = match kind {
                        MeasureKind::CountDistinct(_) => "UInt64".to_owned(),
                        MeasureKind::Sum(_) | MeasureKind::Ratio(..) => "Int64".to_owned(),
                        MeasureKind::Max(name) | MeasureKind::Min(name) => {
                            let mut own = own.iter();
                            own.find(|column| column.name == name).map_or_else(
                                || "Int64".to_owned(),
                                |column| column.sql_type.clone(),
                            )
                        }
                    };
                    column(&measure.name, &sql_type, &measure.description)
                }));
            }
            Kept::Sets(of) => {
                order_by.push(CHUNK.to_owned());
                columns.push(column(
                    CHUNK,
                    &of.sql_type,
                    &format!("{} / 65,536: each set has as many values at most", of.name),
                ));
                let sql_type = format!("AggregateFunction(groupBitmap, {})", of.sql_type);
                columns.extend(self.measured().map(|(measure, _)| {
                    column(
                        &measure.name,
                        &sql_type,
                        &match measure.description.as_str() {
                            "" => format!("Set of {}", of.name),
                            meaning => format!("{meaning}, as a set of {}", of.name),
                        },
                    )
                }));
            }
        }
        Some(aggregate::closed_days(
            self.context.table(&closed(&self.name)),
            &columns,
            &order_by,
            self.retention_days,
            format!(
                "What closed days contribute to {}; read that view instead",
                self.name
            ),
        ))
    }

    /// Measures that are not ratios.
    fn measured(&self) -> impl Iterator<Item = (&'a Measure, MeasureKind<'a>)> + use<'a> {
        self.measures.iter().filter_map(|measure| {
            let kind = *MeasureKind::stated(measure).first()?;
            (!matches!(kind, MeasureKind::Ratio(..))).then_some((measure, kind))
        })
    }

    fn group_names(&self) -> Vec<&'a str> {
        self.group_by.iter().map(String::as_str).collect()
    }

    fn result_names(&self) -> Vec<&'a str> {
        let mut names = self.group_names();
        names.extend(self.measured().map(|(measure, _)| measure.name.as_str()));
        names
    }

    /// Columns of what days contribute, without the day where the answer does not ask for it.
    fn part_names(&self) -> Vec<&'a str> {
        let mut names = self.group_names();
        if matches!(self.kind(), Kept::Sets(_)) {
            names.push(CHUNK);
        }
        names.extend(self.measured().map(|(measure, _)| measure.name.as_str()));
        names
    }

    /// Group expressions over the view's rows, the day among them.
    fn groups(&self, alias: &str) -> Vec<String> {
        let mut groups = qualified(alias, self.group_by);
        let date = sql::column(alias, "event_date");
        if !groups.contains(&date) {
            groups.insert(0, date);
        }
        if let Kept::Sets(of) = self.kind() {
            groups.push(chunk(alias, of));
        }
        groups
    }

    /// These columns over the view's rows.
    fn of_rows(&self, alias: &str, names: &[&str]) -> Vec<Output> {
        let kind = self.kind();
        let value = |name: &str| {
            if let (Kept::Sets(of), CHUNK) = (&kind, name) {
                return Some(chunk(alias, of));
            }
            let measure = self.measured().find(|(measure, _)| measure.name == name);
            let Some((measure, stated)) = measure else {
                return Some(sql::column(alias, name));
            };
            let filter = sql::conditions(alias, &measure.filter);
            let over = |function: &str, column: &str| {
                sql::aggregate(function, &sql::column(alias, column), &filter)
            };
            match stated {
                MeasureKind::CountDistinct(column) => Some(match kind {
                    Kept::Sets(_) => over("groupBitmapState", column),
                    Kept::Numbers | Kept::Nothing => over("uniqExact", column),
                }),
                MeasureKind::Sum(column) => Some(format!("toInt64({})", over("sum", column))),
                MeasureKind::Max(column) => Some(over("max", column)),
                MeasureKind::Min(column) => Some(over("min", column)),
                MeasureKind::Ratio(..) => None,
            }
        };
        names
            .iter()
            .filter_map(|name| Some(Output::new(name, value(name)?)))
            .collect()
    }

    /// Columns of the view that the question looks at.
    fn needed(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = self.group_names();
        let mut add = |name: &'a str| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        for condition in self.filter {
            add(&condition.column);
        }
        for (measure, kind) in self.measured() {
            match kind {
                MeasureKind::CountDistinct(name)
                | MeasureKind::Sum(name)
                | MeasureKind::Max(name)
                | MeasureKind::Min(name) => add(name),
                MeasureKind::Ratio(..) => {}
            }
            for condition in &measure.filter {
                add(&condition.column);
            }
        }
        names
    }
}

/// `alias.column` of each.
fn qualified(alias: &str, names: &[String]) -> Vec<String> {
    names.iter().map(|name| sql::column(alias, name)).collect()
}

/// Which bitmap a value is in.
fn chunk(alias: &str, of: &ViewColumn) -> String {
    format!("bitShiftRight({}, 16)", sql::column(alias, &of.name))
}
