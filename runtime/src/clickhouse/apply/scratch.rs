//! A scratch database in which the server itself says what the generated statements mean.
//!
//! The statements are created there under another database name, read back, and dropped. A statement knows where it
//! names its database, so a text like `'game.session'` stays as it is.
use crate::clickhouse::{Client, literal, quoted};
use crate::error::Result;
use crate::registry::Statement;

/// Between a database's name and what makes a scratch database of it.
const MARK: &str = "__topicwright_plan_";

/// A scratch database older than this belonged to a process that is gone.
const ABANDONED_SECONDS: u32 = 600;

/// A name that no other process uses.
pub(super) fn name(database: &str) -> String {
    format!("{database}{MARK}{}", uuid::Uuid::now_v7().simple())
}

/// Creates the objects in the scratch database.
pub(super) async fn create(client: &Client, scratch: &str, tables: &[Statement]) -> Result<()> {
    for statement in tables {
        client
            .execute(&statement.in_database(&quoted(scratch)))
            .await
            .map_err(|error| error.at("object", statement.name).at("database", scratch))?;
    }
    Ok(())
}

/// Drops the scratch database.
pub(super) async fn drop(client: &Client, scratch: &str) -> Result<()> {
    client
        .execute(&format!("DROP DATABASE IF EXISTS {} SYNC", quoted(scratch)))
        .await
}

/// Drops scratch databases that a crash left behind.
pub(super) async fn drop_abandoned(client: &Client, database: &str) -> Result<()> {
    let found = client
        .query_json(
            &format!(
                "SELECT database FROM system.tables WHERE startsWith(database, {}) GROUP BY database \
                 HAVING max(metadata_modification_time) < now() - {ABANDONED_SECONDS}",
                literal(&format!("{database}{MARK}"))
            ),
            &[],
        )
        .await?;
    for row in found.rows {
        if let Some(name) = row.first().and_then(serde_json::Value::as_str) {
            drop(client, name).await?;
        }
    }
    Ok(())
}
