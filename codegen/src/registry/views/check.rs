//! What is wrong with a view manifest, seen against the columns it reads and the other views.
use crate::fact::Column;
use crate::registry::manifest::{Condition, Measure, ViewManifest};
use crate::registry::shape::nearest;

use super::{MeasureKind, ViewColumn, columns_of, fact_columns, source_columns, stated_tests};

/// Problems as (JSON pointer into the manifest, message).
type Problems = Vec<(String, String)>;

/// Names that generated targets use themselves.
const RESERVED: &[&str] = &["newest", "last_event_at", "refreshed_at"];

/// Checks a view against the fact table's columns and every view of the registry (itself included or not).
///
/// Shape: (JSON pointer into the manifest, what is wrong, why, and what to write instead).
#[must_use]
pub fn check_view(
    view: &ViewManifest,
    fact: &[Column],
    views: &[ViewManifest],
) -> Vec<(String, String)> {
    let fact = fact_columns(fact);
    let source = source_columns(view, &fact, views);
    let mut checker = Checker {
        source: &source,
        problems: Problems::new(),
    };
    checker.name(view, views);
    match view {
        ViewManifest::Aggregate(view) => {
            checker.groups("/group_by", &view.group_by);
            if view.group_by.first().map(String::as_str) != Some("event_date") {
                checker.report("/group_by/0", "an aggregate view is partitioned and expires by day, so `event_date` must come first in group_by");
            }
            checker.conditions("", "where", &view.filter);
            checker.measures(&view.measures, &view.group_by, false);
            checker.retention(view.retention_days);
        }
        ViewManifest::Latest(view) => {
            if view.key.is_empty() {
                checker.report("/key", "a latest view needs at least one key column; name the fact columns that identify a row");
            }
            if view.columns.is_empty() {
                checker.report("/columns", "a latest view keeps at least one column of the newest row; name the fact columns to keep");
            }
            checker.groups("/key", &view.key);
            checker.groups("/columns", &view.columns);
            for (index, name) in view.columns.iter().enumerate() {
                if view.key.contains(name) {
                    checker.report(&format!("/columns/{index}"), &format!("`{name}` is in key already, and a column can stand in a row once; remove it here"));
                }
            }
            checker.groups("/newest_by", &view.newest_by);
            checker.conditions("", "where", &view.filter);
            checker.retention(view.retention_days);
        }
        ViewManifest::Rollup(view) => {
            if checker.source_view(&view.from, views) {
                checker.groups("/group_by", &view.group_by);
                if view.group_by.first().map(String::as_str) != Some("event_date") {
                    checker.report("/group_by/0", "a rollup is recomputed by day, so `event_date` must come first in group_by");
                }
                checker.measures(&view.measures, &view.group_by, false);
            }
            if view.refresh_minutes == 0 {
                checker.report(
                    "/refresh_minutes",
                    "a rollup cannot be recomputed every 0 minutes; write 60 for once an hour",
                );
            }
        }
        ViewManifest::Kpi(kpi) => {
            if checker.source_view(&kpi.from, views) {
                checker.groups("/group_by", &kpi.group_by);
                checker.conditions("", "where", &kpi.filter);
                checker.measures(&kpi.measures, &kpi.group_by, true);
                let result = columns_of(view, &fact, views);
                checker.result(kpi, &result);
            }
            if kpi.window_days == Some(0) {
                checker.report("/window_days", "a window of 0 days holds nothing; write 1 for today only, or leave it out for all days");
            }
        }
    }
    checker.problems
}

struct Checker<'a> {
    source: &'a [ViewColumn],
    problems: Problems,
}

impl Checker<'_> {
    fn report(&mut self, pointer: &str, message: &str) {
        self.problems.push((pointer.to_owned(), message.to_owned()));
    }

    fn name(&mut self, view: &ViewManifest, views: &[ViewManifest]) {
        let name = view.name();
        if !is_identifier(name) {
            self.report("/name", &format!("`{name}` becomes the name of a table and a file; use lower-case letters, digits and _, a letter first"));
        }
        if views
            .iter()
            .filter(|other| other.name() == name && same_space(view, other))
            .count()
            > 1
        {
            self.report(
                "/name",
                &format!("another view is called `{name}` too; rename one of them"),
            );
        }
    }

    fn retention(&mut self, days: u32) {
        if days == 0 {
            self.report("/retention_days", "rows kept for 0 days are never seen; write the number of days, 400 for the fact table's usual");
        }
    }

    fn source_view(&mut self, from: &str, views: &[ViewManifest]) -> bool {
        let aggregates: Vec<String> = views
            .iter()
            .filter(|view| matches!(view, ViewManifest::Aggregate(_)))
            .map(|view| view.name().to_owned())
            .collect();
        if aggregates.iter().any(|name| name == from) {
            return true;
        }
        let message = if views.iter().any(|view| view.name() == from) {
            format!(
                "`{from}` is not an aggregate view, and only those can be read; name one of: {}",
                aggregates.join(", ")
            )
        } else {
            format!(
                "there is no view `{from}`; {}",
                suggestion(from, &aggregates)
            )
        };
        self.report("/from", &message);
        false
    }

    /// The column, or a problem at `pointer`.
    fn column(&mut self, pointer: &str, name: &str) -> Option<ViewColumn> {
        if let Some(column) = self.source.iter().find(|column| column.name == name) {
            return Some(column.clone());
        }
        let names: Vec<String> = self
            .source
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let message = format!(
            "there is no column `{name}` here; {}",
            suggestion(name, &names)
        );
        self.report(pointer, &message);
        None
    }

    fn groups(&mut self, pointer: &str, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            let at = format!("{pointer}/{index}");
            if names.iter().take(index).any(|before| before == name) {
                self.report(&at, &format!("`{name}` stands here twice; remove one"));
                continue;
            }
            if let Some(column) = self.column(&at, name)
                && column.sql_type.contains("Float64")
            {
                self.report(&at, &format!("`{name}` is a fraction, and equal fractions may differ in their last bit; use an integer or text column"));
            }
        }
    }

    fn conditions(&mut self, base: &str, member: &str, conditions: &[Condition]) {
        for (index, condition) in conditions.iter().enumerate() {
            let at = format!("{base}/{member}/{index}");
            let Some(column) = self.column(&format!("{at}/column"), &condition.column) else {
                continue;
            };
            self.condition(&at, condition, &column);
        }
    }

    fn condition(&mut self, at: &str, condition: &Condition, column: &ViewColumn) {
        match stated_tests(condition) {
            1 => {}
            0 => self.report(at, "this condition tests nothing; add one of equals, not_equals, in, at_least, at_most"),
            _ => self.report(at, "this condition has several tests; write one condition for each, all of them must hold"),
        }
        let name = &column.name;
        if (condition.at_least.is_some() || condition.at_most.is_some())
            && !column.is_integer()
            && !column.sql_type.contains("Float64")
        {
            self.report(at, &format!("`{name}` is {}, which at_least and at_most cannot compare with a number; use equals or in", column.sql_type));
        }
        let negative = [condition.at_least, condition.at_most]
            .into_iter()
            .flatten()
            .any(|bound| bound < 0);
        if negative && column.sql_type.starts_with("UInt") {
            self.report(
                at,
                &format!(
                    "`{name}` is {}, never below 0; compare with 0 or more",
                    column.sql_type
                ),
            );
        }
        if condition.one_of.as_ref().is_some_and(Vec::is_empty) {
            self.report(
                &format!("{at}/in"),
                "an empty list lets no row pass; list the values, or remove the condition",
            );
        }
        let single = [
            ("equals", condition.equals.as_ref()),
            ("not_equals", condition.not_equals.as_ref()),
        ];
        let mut values: Vec<(String, &serde_json::Value)> = single
            .into_iter()
            .filter_map(|(test, value)| Some((format!("{at}/{test}"), value?)))
            .collect();
        for (index, value) in condition.one_of.iter().flatten().enumerate() {
            values.push((format!("{at}/in/{index}"), value));
        }
        for (pointer, value) in values {
            let fits = if column.is_integer() {
                value.is_i64() || value.is_u64()
            } else if column.sql_type == "Bool" {
                value.is_boolean()
            } else if column.sql_type.contains("Float64") {
                value.is_number()
            } else {
                value.is_string()
            };
            if !fits {
                self.report(
                    &pointer,
                    &format!(
                        "`{name}` is {}, so {value} never equals it; write a value of that type",
                        column.sql_type
                    ),
                );
            }
        }
    }

    fn measures(&mut self, measures: &[Measure], group_by: &[String], ratios: bool) {
        if measures.is_empty() {
            self.report("/measures", "there is nothing to measure; add a [[measures]] table with count_distinct, sum, max or min");
        }
        for (index, measure) in measures.iter().enumerate() {
            let at = format!("/measures/{index}");
            let name = &measure.name;
            if !is_identifier(name) || RESERVED.contains(&name.as_str()) {
                self.report(&format!("{at}/name"), &format!("`{name}` cannot name a column; use lower-case letters, digits and _, a letter first, and none of: {}", RESERVED.join(", ")));
            }
            if group_by.contains(name)
                || measures
                    .iter()
                    .take(index)
                    .any(|before| &before.name == name)
            {
                self.report(
                    &format!("{at}/name"),
                    &format!(
                        "a column called `{name}` is in the result already; rename this measure"
                    ),
                );
            }
            self.conditions(&at, "where", &measure.filter);
            let kinds = MeasureKind::stated(measure);
            match kinds.as_slice() {
                [kind] => self.measure(&at, measure, *kind, measures, ratios),
                [] => self.report(&at, "this measure computes nothing; add one of count_distinct, sum, max, min, or in a KPI ratio"),
                _ => self.report(&at, "this measure has several kinds; keep one and write another measure for each of the others"),
            }
        }
    }

    fn measure(
        &mut self,
        at: &str,
        measure: &Measure,
        kind: MeasureKind<'_>,
        measures: &[Measure],
        ratios: bool,
    ) {
        match kind {
            MeasureKind::CountDistinct(column) => {
                self.column(&format!("{at}/count_distinct"), column);
            }
            MeasureKind::Sum(name) => {
                let pointer = format!("{at}/sum");
                if let Some(column) = self.column(&pointer, name)
                    && !column.is_integer()
                {
                    self.report(&pointer, &format!("`{name}` is {}, and only whole numbers add up to the same sum in every order; sum an integer column (cents rather than a fraction of a dollar)", column.sql_type));
                }
            }
            MeasureKind::Max(name) => self.ordered(&format!("{at}/max"), name),
            MeasureKind::Min(name) => self.ordered(&format!("{at}/min"), name),
            MeasureKind::Ratio(over, under) => {
                if !ratios {
                    self.report(&format!("{at}/ratio"), "a ratio of two rows' ratios is not the ratio of their sums, so only a KPI may divide; keep the two measures here and divide in a KPI");
                }
                if !measure.filter.is_empty() {
                    self.report(
                        &format!("{at}/where"),
                        "a ratio divides two finished measures; put the condition on those",
                    );
                }
                for (index, operand) in [over, under].into_iter().enumerate() {
                    let found = measures.iter().find(|other| other.name == operand);
                    if found.is_none_or(|other| other.ratio.is_some()) {
                        let names: Vec<String> = measures
                            .iter()
                            .filter(|other| other.ratio.is_none())
                            .map(|other| other.name.clone())
                            .collect();
                        self.report(
                            &format!("{at}/ratio/{index}"),
                            &format!(
                                "there is no measure `{operand}` here to divide; {}",
                                suggestion(operand, &names)
                            ),
                        );
                    }
                }
            }
        }
    }

    fn ordered(&mut self, pointer: &str, name: &str) {
        if let Some(column) = self.column(pointer, name)
            && !column.is_integer()
            && !column.sql_type.contains("Float64")
        {
            self.report(pointer, &format!("`{name}` is {}, and max and min are of numbers; use a number column, or a latest view to keep the newest value", column.sql_type));
        }
    }

    /// `having` and `order_by` of a KPI, which speak of its result.
    fn result(&mut self, kpi: &crate::registry::manifest::KpiQuery, result: &[ViewColumn]) {
        let measured: Vec<ViewColumn> = result
            .iter()
            .filter(|column| !kpi.group_by.contains(&column.name))
            .cloned()
            .collect();
        let names = |columns: &[ViewColumn]| {
            columns
                .iter()
                .map(|column| column.name.clone())
                .collect::<Vec<_>>()
        };
        for (index, condition) in kpi.having.iter().enumerate() {
            let at = format!("/having/{index}");
            match measured
                .iter()
                .find(|column| column.name == condition.column)
            {
                Some(column) => self.condition(&at, condition, column),
                None => {
                    let message = format!(
                        "there is no measure `{}` here; {} Conditions on group columns belong in where.",
                        condition.column,
                        suggestion(&condition.column, &names(&measured))
                    );
                    self.report(&format!("{at}/column"), &message);
                }
            }
        }
        for (index, entry) in kpi.order_by.iter().enumerate() {
            let name = entry.strip_prefix('-').unwrap_or(entry);
            if !result.iter().any(|column| column.name == name) {
                let message = format!(
                    "the result has no column `{name}` to order by; {}",
                    suggestion(name, &names(result))
                );
                self.report(&format!("/order_by/{index}"), &message);
            }
        }
    }
}

/// Tables and KPIs have names of their own: a KPI's view is called `kpi_<name>`.
fn same_space(left: &ViewManifest, right: &ViewManifest) -> bool {
    matches!(left, ViewManifest::Kpi(_)) == matches!(right, ViewManifest::Kpi(_))
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
        })
}

fn suggestion(name: &str, known: &[String]) -> String {
    match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of: {}.", known.join(", ")),
    }
}
