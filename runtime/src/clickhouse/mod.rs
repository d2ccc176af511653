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
