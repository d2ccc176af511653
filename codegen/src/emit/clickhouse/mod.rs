//! ClickHouse: the fact table, the ledger of open days, what is kept of closed ones, and the questions.
//!
//! Built as values ([`crate::clickhouse`]) by one builder for each kind of object, printed last. Every statement may run
//! again and again: tables and materialized views are created where they do not exist, views replaced.
//! File names sort in the order in which statements must run.
mod aggregate;
mod fact_table;
mod kpi;
mod latest;
mod ledger;
pub mod payload;
mod question;
mod rollup;

use std::collections::BTreeSet;

use crate::clickhouse::print::{self, Printed};
use crate::clickhouse::{
    Closing, Definition, Expression, Object, Operator, Select, Setting, TableName,
};
use crate::fact;
use crate::registry::Registry;
use crate::registry::manifest::{AggregateView, ColumnType, ViewManifest};
use crate::registry::views::{ViewColumn, fact_columns};

use super::{COMMAND, EmittedFile};
use ledger::Ledger;
use question::Question;

/// Names that the database's own objects take.
pub const OWN_TABLES: [&str; 3] = [ledger::TABLE, ledger::FEED, ledger::WATERMARKS];

/// Tokens that a table remembers. A crashed worker re-sends only its last planned batch, which is a few blocks for
/// each partition it touches; late events touch more of them.
const REMEMBERED_TOKENS: Setting = Setting {
    name: "non_replicated_deduplication_window",
    value: "10000",
    why: "inserts remembered by their tokens, so that one sent again after a crash counts once",
};

/// A statement in the order to run.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Database, table, view or KPI.
    pub name: String,
    /// Path below the workspace root.
    pub path: String,
    /// What it is made from, for the header.
    pub source: String,
    /// The statement, without a closing semicolon or newline.
    pub printed: Printed,
    /// The object that it creates; nothing for a query.
    pub definition: Option<Definition>,
}

impl Statement {
    /// The comment above the statement in its file, with its line break.
    #[must_use]
    pub fn header(&self) -> String {
        format!(
            "-- Made by `{COMMAND}` from {}; do not edit.\n",
            self.source
        )
    }
}

/// What builders of views need to know.
struct Context<'a> {
    database: &'a str,
    fact_table: &'a str,
    order_by: &'a [String],
    fact: Vec<ViewColumn>,
    views: &'a [ViewManifest],
    /// The fact columns that each topic's fields land in.
    mapped: Vec<(String, BTreeSet<String>)>,
    /// Columns without values below 0.
    nonnegative: BTreeSet<String>,
    /// Columns of numbers given out one after the other.
    dense: BTreeSet<String>,
}

impl<'a> Context<'a> {
    fn of(registry: &'a Registry) -> Self {
        let clickhouse = &registry.manifest.clickhouse;
        let columns = clickhouse.columns.iter();
        Self {
            database: &clickhouse.database,
            fact_table: &clickhouse.table,
            order_by: &clickhouse.order_by,
            fact: fact_columns(&fact::columns(registry)),
            views: &registry.views,
            mapped: registry
                .topics
                .iter()
                .map(|topic| (topic.name.clone(), mapped(registry, topic)))
                .collect(),
            nonnegative: columns
                .clone()
                .filter(|column| is_nonnegative(registry, &column.name, column.kind))
                .map(|column| column.name.clone())
                .collect(),
            dense: columns
                .filter(|column| column.dense)
                .map(|column| column.name.clone())
                .collect(),
        }
    }

    /// A table of the registry's database.
    fn table(&self, name: &str) -> TableName {
        TableName {
            database: self.database.to_owned(),
            table: name.to_owned(),
        }
    }

    /// An aggregate view by name.
    fn aggregate(&self, name: &str) -> Option<&'a AggregateView> {
        self.views.iter().find_map(|view| match view {
            ViewManifest::Aggregate(view) if view.name == name => Some(view),
            ViewManifest::Aggregate(_)
            | ViewManifest::Latest(_)
            | ViewManifest::Rollup(_)
            | ViewManifest::Kpi(_) => None,
        })
    }

    /// KPIs and rollups.
    fn questions(&'a self) -> impl Iterator<Item = (&'a ViewManifest, Question<'a>)> {
        self.views.iter().filter_map(|view| {
            let question = match view {
                ViewManifest::Rollup(rollup) => rollup::question(rollup, self),
                ViewManifest::Kpi(kpi) => kpi::question(kpi, self),
                ViewManifest::Aggregate(_) | ViewManifest::Latest(_) => None,
            };
            Some((view, question?))
        })
    }
}

/// The fact columns that a topic's fields land in.
fn mapped(registry: &Registry, topic: &crate::registry::Topic) -> BTreeSet<String> {
    let of_envelope = registry.envelope.columns.iter();
    let of_versions = topic.versions.iter().flat_map(|version| &version.columns);
    let mappings = of_envelope.chain(of_versions);
    mappings.map(|mapping| mapping.column.clone()).collect()
}

/// Whether a column has no value below 0: by its type, or by the schemas of all fields that land in it.
fn is_nonnegative(registry: &Registry, column: &str, kind: ColumnType) -> bool {
    match kind {
        ColumnType::UInt8 | ColumnType::UInt16 | ColumnType::UInt32 | ColumnType::UInt64 => true,
        ColumnType::Int8 | ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => {
            let mut versions = registry.topics.iter().flat_map(|topic| &topic.versions);
            versions.all(|version| {
                let mappings = registry.envelope.columns.iter().chain(&version.columns);
                let mut mappings = mappings.filter(|mapping| mapping.column == column);
                mappings.all(|mapping| {
                    let (envelope, payload) = (&registry.envelope, &version.model);
                    let source = &mapping.source;
                    let field = crate::registry::columns::field(&source.from, envelope, payload);
                    let minimum = field
                        .and_then(|(field, model)| model.range(&field.property.schemas).minimum);
                    !source.negate && minimum.is_some_and(|least| least >= 0)
                })
            })
        }
        ColumnType::Bool
        | ColumnType::Float64
        | ColumnType::String
        | ColumnType::LowCardinalityString
        | ColumnType::DateTime64 => false,
    }
}

/// A test of a day.
struct DayTest {
    operator: Operator,
    day: Expression,
}

impl DayTest {
    const fn after(day: Expression) -> Self {
        Self {
            operator: Operator::Above,
            day,
        }
    }

    const fn through(day: Expression) -> Self {
        Self {
            operator: Operator::AtMost,
            day,
        }
    }

    /// The test of a source's `event_date`.
    fn of(&self, alias: &'static str) -> Expression {
        let date = Expression::column(alias, "event_date");
        date.infix(self.operator, self.day.clone())
    }
}

/// This moment, UTC.
fn now() -> Expression {
    let arguments = [Expression::number(3), Expression::text("UTC")];
    Expression::call("now64", arguments)
}

/// Every object of the database, the database first; what statements are printed from.
#[must_use]
pub fn plan(registry: &Registry) -> Vec<Object> {
    let context = Context::of(registry);
    let mut objects = vec![
        Object::database(context.database),
        fact_table::build(registry),
    ];
    if let Some(ledger) = Ledger::of(&context) {
        objects.extend(ledger.objects());
        objects.push(ledger::watermarks(&context));
    }
    for view in &registry.views {
        match view {
            ViewManifest::Aggregate(view) => objects.extend(aggregate::build(view, &context)),
            ViewManifest::Latest(view) => objects.extend(latest::build(view, &context)),
            ViewManifest::Rollup(_) | ViewManifest::Kpi(_) => {}
        }
    }
    for (view, question) in context.questions() {
        objects.extend(question.kept().map(|(table, _)| table));
        match view {
            ViewManifest::Rollup(view) => {
                objects.push(rollup::reading(&question, &view.description))
            }
            ViewManifest::Kpi(kpi) => objects.push(kpi::standing_view(kpi, &question)),
            ViewManifest::Aggregate(_) | ViewManifest::Latest(_) => {}
        }
    }
    objects
}

/// How each view's days are closed; what others read comes first.
#[must_use]
pub fn closings(registry: &Registry) -> Vec<Closing> {
    let context = Context::of(registry);
    let Some(ledger) = Ledger::of(&context) else {
        return Vec::new();
    };
    let mut closings = Vec::new();
    for view in &registry.views {
        match view {
            ViewManifest::Aggregate(view) => closings.push(aggregate::closing(view, &context)),
            ViewManifest::Latest(view) => closings.push(latest::closing(view, &context, &ledger)),
            ViewManifest::Rollup(_) | ViewManifest::Kpi(_) => {}
        }
    }
    let questions = context.questions();
    closings.extend(questions.filter_map(|(_, question)| Some(question.kept()?.1)));
    closings
}

/// What the runtime needs of the ledger, as SQL; absent where there is none.
#[derive(Clone, Debug)]
pub struct LedgerSql {
    /// `INSERT INTO … SELECT … FROM` the fact table, to which a condition on `event` is added.
    pub fill: Statement,
    /// Adds the rows of some days that it has not got, with the parameter `days`.
    pub complete: Statement,
    /// Marks the copies of a day, with parameters `day`, `late_days`, `passes` and `pass`.
    pub mark_copies: Statement,
}

/// The statements that fill the ledger and mark copies in it.
#[must_use]
pub fn ledger_sql(registry: &Registry) -> Option<LedgerSql> {
    let context = Context::of(registry);
    let ledger = Ledger::of(&context)?;
    let statement = |name: &str, select: &Select| Statement {
        name: name.to_owned(),
        path: format!("generated/clickhouse/ledger/{name}.sql"),
        source: "the columns that views ask for".to_owned(),
        printed: print::insert(&Ledger::name(&context), select),
        definition: None,
    };
    Some(LedgerSql {
        fill: statement("fill_ledger", &ledger.fill()),
        complete: statement("complete_ledger", &ledger.complete()),
        mark_copies: statement("mark_copies", &ledger.copies()),
    })
}

/// The queries that close a day, in the order to run.
#[must_use]
pub fn closing_statements(registry: &Registry) -> Vec<(Closing, Statement)> {
    let closings = closings(registry).into_iter();
    closings
        .map(|closing| {
            let statement = Statement {
                name: closing.view.clone(),
                path: format!("generated/clickhouse/closing/{}.sql", closing.view),
                source: closing.source.clone(),
                printed: print::select(&closing.select),
                definition: None,
            };
            (closing, statement)
        })
        .collect()
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
            printed: print::definition(&object.definition),
            definition: Some(object.definition),
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
    let context = Context::of(registry);
    let questions = context.questions();
    questions
        .filter_map(|(view, question)| match view {
            ViewManifest::Kpi(kpi) => Some(Statement {
                name: kpi.name.clone(),
                path: format!("generated/clickhouse/kpi/{}.sql", kpi.name),
                source: format!("the KPI {}", kpi.name),
                printed: print::select(&kpi::query(kpi, &question)),
                definition: None,
            }),
            ViewManifest::Aggregate(_) | ViewManifest::Latest(_) | ViewManifest::Rollup(_) => None,
        })
        .collect()
}

/// One file for each statement and KPI.
#[must_use]
pub fn emit(registry: &Registry) -> Vec<EmittedFile> {
    let ledger = ledger_sql(registry).into_iter();
    let closing = closing_statements(registry).into_iter();
    statements(registry)
        .into_iter()
        .chain(kpis(registry))
        .chain(ledger.flat_map(|ledger| [ledger.fill, ledger.complete, ledger.mark_copies]))
        .chain(closing.map(|(_, statement)| statement))
        .map(|statement| EmittedFile {
            contents: format!("{}{}\n", statement.header(), statement.printed.sql),
            path: statement.path,
        })
        .collect()
}
