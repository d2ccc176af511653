//! The start-up check: everything on the server that exactly-once rests on, all problems at once.
//!
//! Checked are the version, that every setting of an insert may be set, that the tables are what the registry
//! wants, and that the fact table and the target of every view that it feeds remember deduplication tokens.
use std::collections::BTreeMap;

use super::apply::object::{self, Kind, Object};
use super::apply::{Plan, plan};
use super::client::{Client, exception_code};
use super::quoted;
use crate::error::{Error, Result};
use crate::registry::{EventRegistry, FactBlock as _};

/// The oldest server whose JSON type is ready for production.
const OLDEST: (u32, u32) = (25, 3);

/// Tokens that a table must remember: a batch leaves one a partition of the table, and a worker that died
/// may have its batch replayed only after others inserted theirs for a while.
const SMALLEST_WINDOW: u64 = 1000;

/// The server's own default where a table does not set it.
const DEFAULT_REPLICATED_WINDOW: u64 = 10_000;

/// A server that keeps the guarantees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its version.
    pub version: String,
    /// Columns of the fact table with their live types, for [`super::native::Encoder::for_columns`].
    pub columns: Vec<(String, String)>,
    /// Differences that harm nothing, worth a line in the log.
    pub warnings: Vec<String>,
}

/// Checks the server against a registry.
///
/// # Errors
/// [`crate::error::Kind::Config`] with every problem and what to change, or the server cannot be reached.
pub async fn verify<R: EventRegistry>(client: &Client) -> Result<Verified> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let version = version(client, &mut problems).await?;
    settings(client, &mut problems).await?;
    let database = R::PROJECT.database;
    let live = object::read(client, database, database).await?;
    drift::<R>(client, &live, &mut problems, &mut warnings).await?;
    let columns = fact_columns::<R>(&live, &mut problems);
    windows::<R>(client, &live, &mut problems).await?;
    grants::<R>(client, &mut problems).await;
    if problems.is_empty() {
        return Ok(Verified {
            version,
            columns,
            warnings,
        });
    }
    Err(
        Error::config("ClickHouse is not set up so that every event counts exactly once")
            .at("version", version)
            .at("problems", problems.len())
            .why(problems.join("\n       ")),
    )
}

async fn version(client: &Client, problems: &mut Vec<String>) -> Result<String> {
    let answer = client.query_json("SELECT version()", &[]).await?;
    let version = answer
        .rows
        .first()
        .and_then(|row| row.first())
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let found = (
        numbers.next().flatten().unwrap_or(0),
        numbers.next().flatten().unwrap_or(0),
    );
    if found < OLDEST {
        problems.push(format!(
            "the server is {version}; {}.{} is the oldest whose JSON type and deduplication in views are fit for this: upgrade it",
            OLDEST.0, OLDEST.1
        ));
    }
    Ok(version)
}

/// Sets each setting of an insert on a harmless query: the server itself knows its constraints.
async fn settings(client: &Client, problems: &mut Vec<String>) -> Result<()> {
    for (name, value) in Client::insert_settings() {
        let query = format!("SELECT 1 SETTINGS {name} = {value}");
        match client.query_json(&query, &[]).await {
            Ok(_) => {}
            Err(error) => match exception_code(&error) {
                // UNKNOWN_SETTING, READONLY, SETTING_CONSTRAINT_VIOLATION, READONLY_SETTING
                Some(115 | 164 | 452 | 472) => problems.push(format!(
                    "setting {name} cannot be set to {value} (code {}): lift its constraint, or the read-only mode, in this user's profile",
                    exception_code(&error).unwrap_or_default()
                )),
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

async fn drift<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let apply = "run `pipeline apply`";
    match plan::<R>(client).await {
        Ok(Plan {
            steps,
            refusals,
            notes,
        }) => {
            for step in steps {
                let text = format!("{}: {} ({apply})", step.object, step.words);
                if step.needed {
                    problems.push(text);
                } else {
                    warnings.push(text);
                }
            }
            problems.extend(
                refusals.into_iter().map(|refusal| {
                    format!("{}: {}; {}", refusal.object, refusal.words, refusal.fix)
                }),
            );
            warnings.extend(notes);
            Ok(())
        }
        // A worker's user need not be allowed to create databases: compare what can be read.
        Err(error) if exception_code(&error) == Some(497) => {
            for statement in R::PROJECT.tables.iter().skip(1) {
                if !live.contains_key(statement.name) {
                    problems.push(format!("{}: create ({apply})", statement.name));
                }
            }
            view_queries::<R>(client, live, problems).await?;
            warnings.push(
                "this user may not create the scratch database in which tables are compared in full; columns and view queries were compared".to_owned(),
            );
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The views' queries, brought into one spelling by the server.
async fn view_queries<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
) -> Result<()> {
    for statement in R::PROJECT.tables {
        let Some(Object {
            kind: Kind::MaterializedView { query: live, .. },
            ..
        }) = live.get(statement.name)
        else {
            continue;
        };
        let Some((_, wanted)) = statement.sql.split_once("\nAS\n") else {
            continue;
        };
        let wanted = wanted
            .rsplit_once("\nCOMMENT '")
            .map_or(wanted, |(query, _)| query);
        let answer = client
            .query_json(
                "SELECT formatQuerySingleLine({wanted:String}) = formatQuerySingleLine({live:String})",
                &[("wanted", wanted), ("live", live)],
            )
            .await?;
        let same = answer.rows.first().and_then(|row| row.first());
        if same.and_then(serde_json::Value::as_u64) != Some(1) {
            problems.push(format!(
                "{}: its query is not the registry's (run `pipeline apply`)",
                statement.name
            ));
        }
    }
    Ok(())
}

/// The columns that blocks carry, with their live types.
fn fact_columns<R: EventRegistry>(
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
) -> Vec<(String, String)> {
    let Some(table) = live.get(R::PROJECT.fact_table) else {
        return Vec::new();
    };
    let mut columns = Vec::new();
    for (name, sql_type) in R::Block::COLUMNS {
        match table.columns.iter().find(|column| column.name == *name) {
            // Wrong types are drift, reported before.
            Some(column) => columns.push((column.name.clone(), column.sql_type.clone())),
            None => problems.push(format!(
                "{}: column {name} {sql_type} is missing (run `pipeline apply`)",
                R::PROJECT.fact_table
            )),
        }
    }
    columns
}

/// Deduplication windows of the fact table and of every target that an insert reaches, in any database.
async fn windows<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
) -> Result<()> {
    let database = R::PROJECT.database;
    let mut waiting = vec![(database.to_owned(), R::PROJECT.fact_table.to_owned())];
    let mut seen = Vec::new();
    let mut foreign: BTreeMap<String, BTreeMap<String, Object>> = BTreeMap::new();
    while let Some((in_database, name)) = waiting.pop() {
        if seen.contains(&(in_database.clone(), name.clone())) {
            continue;
        }
        seen.push((in_database.clone(), name.clone()));
        if in_database != database && !foreign.contains_key(&in_database) {
            let objects = object::read(client, &in_database, &in_database).await?;
            foreign.insert(in_database.clone(), objects);
        }
        let objects = foreign.get(&in_database).unwrap_or(live);
        let Some(object) = objects.get(&name) else {
            continue;
        };
        match &object.kind {
            Kind::Table(engine) => {
                waiting.extend(object.feeds.iter().cloned());
                window(&in_database, &name, engine, problems);
            }
            Kind::MaterializedView {
                target, refresh, ..
            } if refresh.is_empty() => {
                if let Some((target_database, target_name)) = target.split_once('.') {
                    waiting.push((target_database.to_owned(), target_name.to_owned()));
                }
            }
            Kind::MaterializedView { .. } | Kind::View { .. } => {}
        }
    }
    Ok(())
}

fn window(database: &str, name: &str, engine: &object::Engine, problems: &mut Vec<String>) {
    let place = format!("{}.{}", quoted(database), quoted(name));
    let (setting, default) = if engine.engine.starts_with("Replicated")
        || engine.engine.starts_with("Shared")
    {
        ("replicated_deduplication_window", DEFAULT_REPLICATED_WINDOW)
    } else if engine.engine.contains("MergeTree") {
        ("non_replicated_deduplication_window", 0)
    } else {
        problems.push(format!(
            "{place}: engine {} does not remember tokens, so a replayed batch would count twice there; use a MergeTree engine, or feed it otherwise",
            engine.engine
        ));
        return;
    };
    let live = engine
        .settings
        .get(setting)
        .map_or(Some(default), |value| value.parse().ok());
    if live.is_none_or(|live| live < SMALLEST_WINDOW) {
        problems.push(format!(
            "{place}: {setting} is {}, so a replayed batch would count twice there; run `ALTER TABLE {place} MODIFY SETTING {setting} = 10000`",
            live.map_or_else(|| "unreadable".to_owned(), |live| live.to_string())
        ));
    }
}

/// Whether the user may insert; servers that cannot tell are believed.
async fn grants<R: EventRegistry>(client: &Client, problems: &mut Vec<String>) {
    let place = format!(
        "{}.{}",
        quoted(R::PROJECT.database),
        quoted(R::PROJECT.fact_table)
    );
    let Ok(answer) = client
        .query_json(&format!("CHECK GRANT INSERT ON {place}"), &[])
        .await
    else {
        return;
    };
    let granted = answer.rows.first().and_then(|row| row.first());
    if granted.and_then(serde_json::Value::as_u64) == Some(0) {
        problems.push(format!(
            "this user may not insert: run `GRANT INSERT ON {place} TO …`"
        ));
    }
}
