//! What the tests share: engines of the whole test binary, plain ways to ask ClickHouse and Kafka, events.
//!
//! Nothing here goes through the code under test: SQL travels over a bare HTTP connection, records through
//! plain librdkafka clients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub mod events;
pub mod faults;
pub mod kafka;
pub mod mutation;
pub mod outbox;
pub mod postgres;
pub mod program;
pub mod running;
pub mod schemas;
pub mod spelling;
pub mod sql;
