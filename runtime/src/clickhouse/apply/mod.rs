//! Creates what the registry wants on the server, and says where the server differs.
//!
//! The generated statements run in a scratch database first; the server's own description of the result is
//! compared with what is live, so spelling never counts as a difference. What cannot be altered safely is
//! refused in words, and then nothing is done. A second run finds nothing to do.
mod compare;
pub(in crate::clickhouse) mod object;
mod scratch;

use std::collections::BTreeMap;

use object::Object;

use super::{Client, quoted};
use crate::error::{Error, Result};
use crate::registry::{Days, EventRegistry, Statement};

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order to do it.
    pub steps: Vec<Step>,
    /// Differences that only a person may resolve; while there are any, nothing is done.
    pub refusals: Vec<Refusal>,
    /// Differences that harm nothing.
    pub notes: Vec<String>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Table or view.
    pub object: String,
    /// What it does, in words.
    pub words: String,
    /// The statement.
    pub sql: String,
    /// Whether it creates something new; everything else alters what is there.
    pub creates: bool,
    /// Whether rows cannot be ingested rightly without it.
    pub needed: bool,
    /// Whether a table gets a column, in which rows that are there have nothing.
    pub adds_column: bool,
}

/// A difference that is not resolved by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Table or view.
    pub object: String,
    /// What differs.
    pub words: String,
    /// What a person can do.
    pub fix: String,
}

impl Plan {
    /// Whether there is nothing to do and nothing to decide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.refusals.is_empty()
    }

    /// Whether something that exists is altered.
    #[must_use]
    pub fn alters(&self) -> bool {
        self.steps.iter().any(|step| !step.creates)
    }
}

/// Compares the server with a registry.
///
/// # Errors
/// The server cannot be reached or refuses; for lack of rights on the scratch database
/// (`<database>__topicwright_plan_…`), among others.
pub async fn plan<R: EventRegistry>(client: &Client) -> Result<Plan> {
    let mut plan = plan_tables(client, R::PROJECT.database, R::PROJECT.tables).await?;
    if let Some(days) = R::PROJECT.days {
        fill_what_is_added(&mut plan, R::PROJECT.database, &days);
    }
    Ok(plan)
}

/// Rows of the ledger have nothing in a column that it gets, and views of open days would count that: they are written
/// again from the fact table, after all else is as it should be.
fn fill_what_is_added(plan: &mut Plan, database: &str, days: &Days) {
    let mut steps = plan.steps.iter();
    if !steps.any(|step| step.adds_column && step.object == days.ledger) {
        return;
    }
    let ledger = format!("{}.{}", quoted(database), quoted(days.ledger));
    plan.steps.push(Step {
        object: days.ledger.to_owned(),
        words: "write its rows again, with what the fact table has for the added columns"
            .to_owned(),
        sql: format!(
            "{} AND event.event_date IN (SELECT DISTINCT event_date FROM {ledger}) \
             SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0",
            days.fill
        ),
        creates: false,
        needed: true,
        adds_column: false,
    });
}

/// Compares the server with statements; the database comes first among them.
///
/// # Errors
/// As [`plan`].
pub async fn plan_tables(client: &Client, database: &str, tables: &[Statement]) -> Result<Plan> {
    let live = object::read(client, database, database).await?;
    if live.is_empty() {
        // Nothing to compare with.
        let wanted = BTreeMap::new();
        return Ok(differences(database, tables, &wanted, &live));
    }
    let wanted = wanted(client, database, tables).await?;
    Ok(differences(database, tables, &wanted, &live))
}

/// The statements' objects, as the server describes them.
async fn wanted(
    client: &Client,
    database: &str,
    tables: &[Statement],
) -> Result<BTreeMap<String, Object>> {
    scratch::drop_abandoned(client, database).await?;
    let scratch = scratch::name(database);
    let read = async {
        scratch::create(client, &scratch, tables).await?;
        object::read(client, &scratch, database).await
    };
    let read = read.await;
    let dropped = scratch::drop(client, &scratch).await;
    let read = read?;
    dropped?;
    Ok(read)
}

fn differences(
    database: &str,
    tables: &[Statement],
    wanted: &BTreeMap<String, Object>,
    live: &BTreeMap<String, Object>,
) -> Plan {
    let mut plan = Plan::default();
    for statement in tables.iter().filter(|statement| statement.name != database) {
        match (wanted.get(statement.name), live.get(statement.name)) {
            (Some(wanted_object), Some(live_object)) => compare::compare(
                &compare::Place {
                    database,
                    name: statement.name,
                },
                statement.sql,
                wanted_object,
                live_object,
                wanted,
                &mut plan,
            ),
            (_, None) => plan.steps.push(Step {
                object: statement.name.to_owned(),
                words: "create".to_owned(),
                sql: statement.sql.to_owned(),
                creates: true,
                needed: true,
                adds_column: false,
            }),
            (None, Some(_)) => {}
        }
    }
    if live.is_empty()
        && let Some(statement) = tables.iter().find(|statement| statement.name == database)
    {
        plan.steps.insert(
            0,
            Step {
                object: statement.name.to_owned(),
                words: "create the database".to_owned(),
                sql: statement.sql.to_owned(),
                creates: true,
                needed: true,
                adds_column: false,
            },
        );
    }
    for name in live.keys() {
        let is_known = tables.iter().any(|statement| statement.name == name);
        if !is_known && !crate::closing::is_at_work(name) {
            plan.notes.push(format!(
                "{name}: not in the registry; it stays as it is (a materialized view among such objects still runs on every insert)"
            ));
        }
    }
    plan
}

/// Does what a plan says.
///
/// # Errors
/// The plan holds refusals, or the server refuses a step; earlier steps stay done, and a new plan holds the rest.
pub async fn run(client: &Client, plan: &Plan) -> Result<()> {
    if let Some(refusal) = plan.refusals.first() {
        return Err(
            Error::config("the live tables differ in a way that is not altered by itself")
                .at("object", &refusal.object)
                .at("differences", plan.refusals.len())
                .why(&refusal.words)
                .fix(&refusal.fix),
        );
    }
    for step in &plan.steps {
        client
            .execute(&step.sql)
            .await
            .map_err(|error| error.at("object", &step.object).at("step", &step.words))?;
    }
    Ok(())
}

/// Plans, does it, and makes sure that nothing is left to do; returns what was done.
///
/// # Errors
/// As [`plan`] and [`run`].
pub async fn apply<R: EventRegistry>(client: &Client) -> Result<Plan> {
    let plan = plan::<R>(client).await?;
    carry_out(client, plan, R::PROJECT.database, R::PROJECT.tables).await
}

/// As [`apply`], for statements.
///
/// # Errors
/// As [`plan`] and [`run`].
pub async fn apply_tables(client: &Client, database: &str, tables: &[Statement]) -> Result<Plan> {
    let plan = plan_tables(client, database, tables).await?;
    carry_out(client, plan, database, tables).await
}

async fn carry_out(
    client: &Client,
    plan: Plan,
    database: &str,
    tables: &[Statement],
) -> Result<Plan> {
    run(client, &plan).await?;
    if !plan.steps.is_empty() {
        let rest = plan_tables(client, database, tables).await?;
        if let Some(step) = rest.steps.first() {
            return Err(Error::bug("after applying, something is still to be done")
                .at("object", &step.object)
                .why(&step.words));
        }
    }
    Ok(plan)
}
