//! ClickHouse: the client, the Native blocks that carry rows, their order, and what must stand on the server.
//!
//! [`client`] speaks HTTP and turns answers into [`crate::error::Error`]; [`native`] encodes a block,
//! [`sort`] brings its rows into the table's order. [`apply`] creates and alters tables, [`verify`] checks at
//! start-up that they keep the guarantees.
pub mod apply;
pub mod client;
mod codes;
pub mod native;
pub mod sort;
mod verify;

pub use client::{Client, Param, QueryResult};
pub use verify::{Verified, verify};

/// A generated statement, or the end of one, without the comment that closes it.
pub(crate) fn without_comment(sql: &str) -> &str {
    sql.rsplit_once("\nCOMMENT '").map_or(sql, |(sql, _)| sql)
}

/// A generated materialized view: what stands before its target, the target, its query.
pub(crate) fn view_parts(sql: &str) -> Option<(&str, &str, &str)> {
    let (head, body) = sql.split_once("\nAS\n")?;
    let (create, target) = head.rsplit_once("\nTO ")?;
    Some((create, target, without_comment(body)))
}

/// An identifier in backquotes.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A text as a SQL literal.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
