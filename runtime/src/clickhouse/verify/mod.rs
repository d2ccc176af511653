//! The start-up check: everything on the server that exactly-once rests on, all problems at once.
//!
//! Checked are the version, that every setting of an insert may be set, that the tables are what the registry
//! wants, and that the fact table and the target of every view that it feeds remember deduplication tokens.
mod drift;
mod windows;

use std::collections::BTreeMap;

use super::apply::object::{self, Object};
use super::client::{Client, exception_code};
use super::quoted;
use crate::error::{Error, Result};
use crate::registry::{EventRegistry, FactBlock as _};
use drift::drift;
use windows::windows;

/// The oldest server whose JSON type is ready for production.
const OLDEST: (u32, u32) = (25, 3);

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
    let version = answer.rows.first().and_then(|row| row.first()?.as_str());
    let version = version.unwrap_or_default().to_owned();
    problems.extend(too_old(&version));
    Ok(version)
}

fn too_old(version: &str) -> Option<String> {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let mut next = || numbers.next().flatten().unwrap_or(0);
    let found = (next(), next());
    let (year, month) = OLDEST;
    (found < OLDEST).then(|| {
        format!(
            "the server is {version}; {year}.{month} is the oldest whose JSON type and deduplication in views are fit for this: upgrade it",
        )
    })
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

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn old_servers_are_refused() {
        for version in ["24.12.6.70", "25.2.1.1", "25", ""] {
            let said = too_old(version);
            assert!(said.is_some_and(|said| said.contains("25.3")), "{version}");
        }
        for version in ["25.3.1.1", "25.10", "26.7.2.1", "26.1.1.1-lts"] {
            assert_eq!(too_old(version), None, "{version}");
        }
    }
}
