//! Carries events from a backend through Kafka into ClickHouse, exactly as a generated registry says.
//!
//! Generated code implements [`registry::EventRegistry`]; nothing here knows a topic by name.
pub mod check;
pub mod cli;
pub mod clickhouse;
pub mod closing;
pub mod column;
pub mod config;
#[cfg(feature = "embedded")]
pub mod demo;
pub mod dlq;
#[cfg(feature = "embedded")]
pub mod engine;
pub mod error;
pub mod fallback;
pub mod ingest;
pub mod json;
pub mod kafka;
pub mod metrics;
pub mod outbox;
#[cfg(feature = "embedded")]
pub mod plan;
pub mod produce;
pub mod registry;
pub mod row;
