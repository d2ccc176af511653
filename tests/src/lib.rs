//! What the tests share: engines of the whole test binary, and a plain way to ask ClickHouse.
//!
//! Nothing here goes through the code under test: SQL travels over a bare HTTP connection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub mod sql;
