//! Questions over an aggregate view: what KPIs and rollups have in common.
//!
//! A question keeps what its closed days contribute, a few rows a day, and counts open days when it is asked. Where the
//! answer can be counted over the ledger's events at once, it is; otherwise over the rows of the view.
mod live;

use std::collections::BTreeSet;

use crate::clickhouse::{
    Aggregate, Closing, ClosingMethod, Definition, Expression, Integer, Object, Output, Select,
    Source, Stage, Table, Type,
};
use crate::registry::manifest::{AggregateView, Condition, Measure};
use crate::registry::views::{MeasureKind, ViewColumn};

use super::aggregate::{self, as_sum, closed, over_rows, plain};
use super::ledger;
use super::{Context, DayTest};

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
    /// A row a group and chunk: sets of this column's values, which are such numbers, as bitmaps.
    Sets(&'a ViewColumn, Integer),
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
                    .chain(Expression::conditions("source", self.filter))
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
                    let value = Expression::column("part", &measure.name);
                    let function = match kind {
                        MeasureKind::CountDistinct(_)
                        | MeasureKind::Sum(_)
                        | MeasureKind::Ratio(..) => Aggregate::Sum,
                        MeasureKind::Max(_) => Aggregate::Max,
                        MeasureKind::Min(_) => Aggregate::Min,
                    };
                    Output::new(&measure.name, Expression::aggregate(function, value))
                }));
                Select {
                    group_by: qualified("part", self.group_by),
                    ..Select::over(Source::All(self.parts(window)), "part", columns)
                }
            }
            Kept::Sets(..) => {
                let mut merged = plain("part", &self.group_names());
                let mut columns = plain("chunks", &self.group_names());
                for (measure, _) in self.measured() {
                    let set = Expression::column("part", &measure.name);
                    let size = Expression::aggregate(Aggregate::BitmapMerge, set);
                    merged.push(Output::new(&measure.name, size));
                    let size = Expression::column("chunks", &measure.name);
                    let sum = Expression::aggregate(Aggregate::Sum, size);
                    columns.push(Output::new(&measure.name, sum));
                }
                let mut groups = qualified("part", self.group_by);
                groups.push(Expression::column("part", CHUNK));
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
                    filter: Expression::conditions("source", self.filter),
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
        let (closed_filter, open_filter) =
            ledger::closed_and_open(self.context, &self.name, window);
        let closed_days = Select {
            filter: closed_filter,
            ..Select::over(
                Source::Table(self.context.table(&closed(&self.name))),
                "closed",
                plain("closed", &names),
            )
        };
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
        let column = fact.find(|column| column.name == name);
        match column.map(|column| (column, &column.kind)) {
            Some((column, Type::Integer(integer))) if is_small && !integer.is_signed() => {
                Kept::Sets(column, *integer)
            }
            _ => Kept::Nothing,
        }
    }

    /// Whether each group is of one day, so that nothing has to be put together over days.
    fn is_dated(&self) -> bool {
        self.group_by.iter().any(|name| name == "event_date")
    }

    fn table(&self) -> Option<Table> {
        let kind = self.kind();
        let column = |name: &str, kind: Type, description: &str| ViewColumn {
            name: name.to_owned(),
            kind,
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
                    let kind = match kind {
                        MeasureKind::CountDistinct(_) => Type::UINT64,
                        MeasureKind::Sum(_) | MeasureKind::Ratio(..) => Type::INT64,
                        MeasureKind::Max(name) | MeasureKind::Min(name) => {
                            let mut own = own.iter();
                            own.find(|column| column.name == name)
                                .map_or(Type::INT64, |column| column.kind.clone())
                        }
                    };
                    column(&measure.name, kind, &measure.description)
                }));
            }
            Kept::Sets(of, integer) => {
                order_by.push(CHUNK.to_owned());
                columns.push(column(
                    CHUNK,
                    of.kind.clone(),
                    &format!("{} / 65,536: each set has as many values at most", of.name),
                ));
                columns.extend(self.measured().map(|(measure, _)| {
                    column(
                        &measure.name,
                        Type::Bitmap(integer),
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
        if matches!(self.kind(), Kept::Sets(..)) {
            names.push(CHUNK);
        }
        names.extend(self.measured().map(|(measure, _)| measure.name.as_str()));
        names
    }

    /// Group expressions over the view's rows, the day among them.
    fn groups(&self, alias: &'static str) -> Vec<Expression> {
        let mut groups = qualified(alias, self.group_by);
        let date = Expression::column(alias, "event_date");
        if !groups.contains(&date) {
            groups.insert(0, date);
        }
        if let Kept::Sets(of, _) = self.kind() {
            groups.push(chunk(alias, of));
        }
        groups
    }

    /// These columns over the view's rows.
    fn of_rows(&self, alias: &'static str, names: &[&str]) -> Vec<Output> {
        let kind = self.kind();
        let value = |name: &str| {
            if let (Kept::Sets(of, _), CHUNK) = (&kind, name) {
                return Some(chunk(alias, of));
            }
            let measure = self.measured().find(|(measure, _)| measure.name == name);
            let Some((measure, stated)) = measure else {
                return Some(Expression::column(alias, name));
            };
            let over = |function, column: &str| {
                let of = Expression::column(alias, column);
                over_rows(function, Some(of), alias, &measure.filter)
            };
            match stated {
                MeasureKind::CountDistinct(column) => Some(match kind {
                    Kept::Sets(..) => over(Aggregate::Bitmap, column),
                    Kept::Numbers | Kept::Nothing => over(Aggregate::UniqExact, column),
                }),
                MeasureKind::Sum(column) => Some(as_sum(over(Aggregate::Sum, column))),
                MeasureKind::Max(column) => Some(over(Aggregate::Max, column)),
                MeasureKind::Min(column) => Some(over(Aggregate::Min, column)),
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
fn qualified(alias: &'static str, names: &[String]) -> Vec<Expression> {
    let names = names.iter();
    names.map(|name| Expression::column(alias, name)).collect()
}

/// Which bitmap a value is in.
fn chunk(alias: &'static str, of: &ViewColumn) -> Expression {
    let value = Expression::column(alias, &of.name);
    Expression::call("bitShiftRight", [value, Expression::number(16)])
}
