//! A scratch database in which the server itself says what the generated statements mean.
//!
//! The statements are created there under another database name, read back, and dropped. Names are replaced
//! only where a statement names an object, so a text like `'game.session'` stays as it is.
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
pub(super) async fn create(
    client: &Client,
    database: &str,
    scratch: &str,
    tables: &[Statement],
) -> Result<()> {
    for statement in tables {
        client
            .execute(&renamed(statement.sql, database, scratch))
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

/// Words after which a statement names an object.
const BEFORE_OBJECTS: &[&str] = &["EXISTS", "VIEW", "TABLE", "TO", "FROM", "JOIN", "DATABASE"];

/// The statement with its objects in another database.
fn renamed(sql: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut before = String::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = token_end(rest, first);
        let (token, next) = rest.split_at(end);
        let name = token
            .strip_prefix('`')
            .and_then(|token| token.strip_suffix('`'))
            .unwrap_or(token);
        if name == from && BEFORE_OBJECTS.contains(&before.as_str()) {
            out.push_str(&quoted(to));
        } else {
            out.push_str(token);
        }
        if !(first.is_whitespace() || token.starts_with("--")) {
            before = token.to_ascii_uppercase();
        }
        rest = next;
    }
    out
}

/// Where the first token ends: a word, a quoted text or name, a comment, or one character.
fn token_end(text: &str, first: char) -> usize {
    match first {
        '\'' | '`' | '"' => {
            let mut escaped = false;
            for (index, character) in text.char_indices().skip(1) {
                match character {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    _ if character == first => return index + 1,
                    _ => {}
                }
            }
            text.len()
        }
        '-' if text.starts_with("--") => text.find('\n').unwrap_or(text.len()),
        _ if is_word(first) => text
            .find(|character| !is_word(character))
            .unwrap_or(text.len()),
        _ => first.len_utf8(),
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_renamed() {
        for (sql, expected) in [
            (
                "-- from game.toml\nCREATE VIEW IF NOT EXISTS game.v TO game.t AS SELECT game.a FROM game.s AS game WHERE x = 'from game.session'",
                "-- from game.toml\nCREATE VIEW IF NOT EXISTS `x`.v TO `x`.t AS SELECT game.a FROM `x`.s AS game WHERE x = 'from game.session'",
            ),
            (
                "CREATE DATABASE IF NOT EXISTS game",
                "CREATE DATABASE IF NOT EXISTS `x`",
            ),
            (
                "SELECT 'it\\'s' FROM `game`.t",
                "SELECT 'it\\'s' FROM `x`.t",
            ),
        ] {
            assert_eq!(renamed(sql, "game", "x"), expected);
        }
    }
}
