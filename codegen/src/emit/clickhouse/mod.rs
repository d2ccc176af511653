//! ClickHouse: the fact table, the tables and views that answer questions over it, and the questions.
//!
//! Built as a plan ([`spec`]) by one builder for each kind of object, printed last. Every statement may run
//! again and again: tables and materialized views are created where they do not exist, views replaced.
//! File names sort in the order in which statements must run.
mod aggregate;
mod fact_table;
mod kpi;
mod latest;
pub mod payload;
mod print;
mod rollup;
pub mod spec;
mod sql;

use crate::fact;
use crate::registry::Registry;
use crate::registry::manifest::ViewManifest;
use crate::registry::views::{ViewColumn, fact_columns};

use super::{COMMAND, EmittedFile};
use spec::Object;

pub use print::definition as sql_of;
pub use sql::{name as quoted_name, text as quoted_text};

/// Blocks whose deduplication hash a table remembers. A crashed worker re-sends only its last planned batch,
/// which is a few blocks for each month it touches; late events touch more months.
const DEDUPLICATION_WINDOW: &str = "10000";

/// A statement in the order to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Database, table, view or KPI.
    pub name: String,
    /// Path below the workspace root.
    pub path: String,
    /// What it is made from, for the header.
    pub source: String,
    /// The statement, without a closing semicolon or newline.
    pub sql: String,
}

/// What builders of views need to know.
struct Context<'a> {
    database: &'a str,
    fact_table: &'a str,
    fact: Vec<ViewColumn>,
    views: &'a [ViewManifest],
}

/// Every object of the database, the database first; what statements are printed from.
#[must_use]
pub fn plan(registry: &Registry) -> Vec<Object> {
    let clickhouse = &registry.manifest.clickhouse;
    let context = Context {
        database: &clickhouse.database,
        fact_table: &clickhouse.table,
        fact: fact_columns(&fact::columns(registry)),
        views: &registry.views,
    };
    let mut objects = vec![
        Object::database(&clickhouse.database),
        fact_table::build(registry),
    ];
    for view in &registry.views {
        match view {
            ViewManifest::Aggregate(view) => objects.extend(aggregate::build(view, &context)),
            ViewManifest::Latest(view) => objects.extend(latest::build(view, &context)),
            ViewManifest::Rollup(view) => objects.extend(rollup::build(view, &context)),
            ViewManifest::Kpi(view) => objects.push(kpi::standing_view(view, &context)),
        }
    }
    objects
}

/// Every `CREATE` in the order to run; the database comes first.
#[must_use]
pub fn statements(registry: &Registry) -> Vec<Statement> {
    let mut statements: Vec<Statement> = plan(registry)
        .into_iter()
        .map(|object| Statement {
            path: format!(
                "generated/clickhouse/{:02}_{}.sql",
                object.stage.number(),
                object.file
            ),
            sql: print::definition(&object.definition),
            name: object.name,
            source: object.source,
        })
        .collect();
    statements.sort_by(|left, right| left.path.cmp(&right.path));
    statements
}

/// The KPIs as queries with the parameter `as_of`, by name.
#[must_use]
pub fn kpis(registry: &Registry) -> Vec<Statement> {
    let clickhouse = &registry.manifest.clickhouse;
    let context = Context {
        database: &clickhouse.database,
        fact_table: &clickhouse.table,
        fact: Vec::new(),
        views: &registry.views,
    };
    registry
        .views
        .iter()
        .filter_map(|view| match view {
            ViewManifest::Kpi(kpi) => Some(Statement {
                name: kpi.name.clone(),
                path: format!("generated/clickhouse/kpi/{}.sql", kpi.name),
                source: format!("the KPI {}", kpi.name),
                sql: print::select(&kpi::query(kpi, &context), 0),
            }),
            ViewManifest::Aggregate(_) | ViewManifest::Latest(_) | ViewManifest::Rollup(_) => None,
        })
        .collect()
}

/// One file for each statement and KPI.
#[must_use]
pub fn emit(registry: &Registry) -> Vec<EmittedFile> {
    statements(registry)
        .into_iter()
        .chain(kpis(registry))
        .map(|statement| EmittedFile {
            contents: format!(
                "-- Made by `{COMMAND}` from {}; do not edit.\n{}\n",
                statement.source, statement.sql
            ),
            path: statement.path,
        })
        .collect()
}
