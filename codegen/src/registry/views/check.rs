//! What is wrong with the views of a registry, seen against the columns they read and against each other.
//!
//! Emitters print what passes here without looking again, so a rule that lets something slip shows up as SQL
//! that the server refuses.
mod conditions;
mod kpi;
mod measures;

use std::collections::BTreeMap;

use crate::fact::{Column, Origin};
use crate::registry::dates;
use crate::registry::manifest::ViewManifest;
use crate::registry::shape::nearest;

use super::{ViewColumn, fact_columns, source_columns};

/// A problem in a view's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Rule id.
    pub rule: &'static str,
    /// JSON pointer into the manifest.
    pub pointer: String,
    /// What is wrong and why.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

/// What views are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The fact table's name.
    pub fact_table: &'a str,
    /// The fact table's columns.
    pub fact: &'a [Column],
    /// Every view of the registry that could be read.
    pub views: &'a [ViewManifest],
    /// Names of views that could not be read; what refers to them is not blamed.
    pub unread: &'a [String],
    /// Names of the topics, which are the values of `event_type`.
    pub topics: &'a [String],
}

/// Names that generated tables use for columns of their own.
const RESERVED: &[&str] = &["newest", "last_event_on", "event_hour", "is_copy", "chunk"];

/// Problems of one of the views in `around`.
#[must_use]
pub fn check_view(view: &ViewManifest, around: &Surroundings<'_>) -> Vec<Problem> {
    let fact = fact_columns(around.fact);
    let source = source_columns(view, &fact, around.views);
    let mut checker = Checker {
        source: &source,
        around,
        problems: Vec::new(),
    };
    checker.name(view);
    match view {
        ViewManifest::Aggregate(view) => {
            checker.groups("/group_by", &view.group_by);
            checker.day_first(&view.group_by, "an aggregate view expires by day");
            checker.conditions("", "where", &view.filter);
            checker.measures(&view.measures, &view.group_by, false);
            checker.retention(view.retention_days);
        }
        ViewManifest::Latest(view) => {
            if view.key.is_empty() {
                checker.report(
                    "/key",
                    "a latest view needs a key",
                    "name the fact columns that identify a row",
                );
            }
            if view.columns.is_empty() {
                checker.report(
                    "/columns",
                    "a latest view keeps at least one column of the newest row",
                    "name the fact columns to keep",
                );
            }
            checker.groups("/key", &view.key);
            checker.kept("/columns", &view.columns);
            for (index, name) in view.columns.iter().enumerate() {
                if view.key.contains(name) {
                    checker.report(
                        &format!("/columns/{index}"),
                        &format!("`{name}` is in key already, and a row shows a column once"),
                        "remove it here",
                    );
                }
            }
            checker.kept("/newest_by", &view.newest_by);
            checker.conditions("", "where", &view.filter);
            checker.retention(view.retention_days);
        }
        ViewManifest::Rollup(view) => {
            if checker.source_view(&view.from) {
                checker.groups("/group_by", &view.group_by);
                checker.day_first(&view.group_by, "a rollup is closed by day");
                checker.measures(&view.measures, &view.group_by, false);
            }
            if let Some(days) = view.retention_days {
                checker.retention(days);
            }
        }
        ViewManifest::Kpi(kpi) => checker.kpi(kpi, view, &fact),
    }
    checker.problems
}

struct Checker<'a> {
    source: &'a [ViewColumn],
    around: &'a Surroundings<'a>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// A rule of one view's own shape.
    fn report(&mut self, pointer: &str, message: &str, fix: &str) {
        self.report_as("invalid-view", pointer, message, fix);
    }

    fn report_as(&mut self, rule: &'static str, pointer: &str, message: &str, fix: &str) {
        self.problems.push(Problem {
            rule,
            pointer: pointer.to_owned(),
            message: message.to_owned(),
            fix: fix.to_owned(),
        });
    }

    fn name(&mut self, view: &ViewManifest) {
        let name = view.name();
        if !is_identifier(name) {
            self.report(
                "/name",
                &format!("`{name}` becomes the name of a table and of a file"),
                "use lower-case letters, digits and _, a letter first",
            );
        }
        let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
        taken
            .entry(self.around.fact_table.to_owned())
            .or_default()
            .push("the fact table".to_owned());
        for own in crate::emit::clickhouse::OWN_TABLES {
            taken
                .entry(own.to_owned())
                .or_default()
                .push("every registry".to_owned());
        }
        let others = self.around.views.iter();
        for other in others.filter(|other| !std::ptr::eq(*other, view)) {
            for object in objects(other) {
                taken
                    .entry(object)
                    .or_default()
                    .push(format!("the view `{}`", other.name()));
            }
        }
        for object in objects(view) {
            if let Some(owner) = taken.get(&object).and_then(|owners| owners.first()) {
                self.report_as(
                    "name-taken",
                    "/name",
                    &format!("`{name}` makes an object `{object}`, and so does {owner}"),
                    "rename one of them",
                );
            }
        }
    }

    fn day_first(&mut self, group_by: &[String], why: &str) {
        if group_by.first().map(String::as_str) != Some("event_date") {
            self.report(
                if group_by.is_empty() {
                    "/group_by"
                } else {
                    "/group_by/0"
                },
                &format!("{why}, so `event_date` comes first"),
                "put \"event_date\" first in group_by",
            );
        }
    }

    fn retention(&mut self, days: u32) {
        if days == 0 {
            self.report(
                "/retention_days",
                "rows kept for 0 days are never seen",
                "write a number of days, 400 say",
            );
        }
    }

    /// Whether the view to read is there.
    fn source_view(&mut self, from: &str) -> bool {
        let aggregates: Vec<String> = self
            .around
            .views
            .iter()
            .filter(|view| matches!(view, ViewManifest::Aggregate(_)))
            .map(|view| view.name().to_owned())
            .collect();
        if aggregates.iter().any(|name| name == from) {
            return true;
        }
        if self.around.unread.iter().any(|name| name == from) {
            return false;
        }
        if self.around.views.iter().any(|view| view.name() == from) {
            self.report_as(
                "unknown-view",
                "/from",
                &format!("`{from}` is not an aggregate view, and only those can be read; rollups and KPIs never read each other"),
                &listed(&aggregates),
            );
        } else {
            self.report_as(
                "unknown-view",
                "/from",
                &format!("there is no view `{from}`"),
                &suggestion(from, &aggregates),
            );
        }
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
        let hidden = self.around.fact.iter().find(|column| {
            column.name == name
                && matches!(
                    column.origin,
                    Origin::ReceivedAt
                        | Origin::KafkaTopic
                        | Origin::KafkaPartition
                        | Origin::KafkaOffset
                )
        });
        let message = match hidden {
            Some(_) if self.source.iter().any(|column| column.name == "ts") => format!(
                "`{name}` tells how an event arrived, which differs between two arrivals of one event"
            ),
            _ => format!("there is no column `{name}` here"),
        };
        self.report_as(
            "unknown-column",
            pointer,
            &message,
            &suggestion(name, &names),
        );
        None
    }

    /// Columns that identify a row.
    fn groups(&mut self, pointer: &str, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            if let Some(column) = self.kept_column(pointer, names, index)
                && column.kind.is_fraction()
            {
                self.report(
                    &format!("{pointer}/{index}"),
                    &format!(
                        "`{name}` is a fraction, and equal fractions may differ in their last bit"
                    ),
                    "use an integer or text column",
                );
            }
        }
    }

    /// Columns, each once.
    fn kept(&mut self, pointer: &str, names: &[String]) {
        for index in 0..names.len() {
            self.kept_column(pointer, names, index);
        }
    }

    fn kept_column(&mut self, pointer: &str, names: &[String], index: usize) -> Option<ViewColumn> {
        let name = names.get(index)?;
        let at = format!("{pointer}/{index}");
        if names.iter().take(index).any(|before| before == name) {
            self.report(&at, &format!("`{name}` stands here twice"), "remove one");
            return None;
        }
        if RESERVED.contains(&name.as_str()) {
            self.report(
                &at,
                &format!("generated tables have a column `{name}` of their own"),
                "rename the fact column",
            );
        }
        self.column(&at, name)
    }
}

/// The database objects that a view becomes.
fn objects(view: &ViewManifest) -> Vec<String> {
    let name = view.name();
    match view {
        ViewManifest::Kpi(_) => vec![format!("kpi_{name}"), format!("kpi_{name}_closed")],
        ViewManifest::Aggregate(_) | ViewManifest::Latest(_) | ViewManifest::Rollup(_) => {
            vec![name.to_owned(), format!("{name}_closed")]
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
        })
}

fn names(columns: &[ViewColumn]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

fn suggestion(name: &str, known: &[String]) -> String {
    nearest(name, known).map_or_else(|| listed(known), |near| format!("did you mean `{near}`?"))
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        "there is none to name yet; add one first".to_owned()
    } else {
        format!("use one of: {}", known.join(", "))
    }
}

/// Whether a text is a day.
fn is_day(text: &str) -> bool {
    dates::day_number(text).is_some()
}
