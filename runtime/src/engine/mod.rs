//! Engines for the demo and the tests: ClickHouse, Kafka and PostgreSQL as child processes of this one.
//!
//! Every engine listens on 127.0.0.1 on free ports, keeps its data in one folder, can be killed and
//! started again on the same data, and dies with the process that started it. What is downloaded goes
//! once into a cache folder ([`cache`]) and is verified. Nothing here is used in production.
pub mod cache;
mod chdb;
pub mod clickhouse;
mod host;
pub mod kafka;
pub mod kafka_mock;
pub mod maven;
pub mod postgres;
mod process;

pub use host::host_if_asked;
pub use process::WorkDir;

use std::path::PathBuf;

/// Why an engine is not running.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A program is not installed.
    #[error("`{program}` is missing: install the Debian package `{package}`")]
    Missing {
        /// What was looked for.
        program: String,
        /// What to install.
        package: &'static str,
    },
    /// A program ran and failed.
    #[error("`{program}` failed: {detail}")]
    Failed {
        /// Which program.
        program: String,
        /// The end of what it said.
        detail: String,
    },
    /// This machine's kind has no build of it.
    #[error("{what} is to be had for {available} only")]
    Unavailable {
        /// What was looked for.
        what: &'static str,
        /// Kinds of machine that have it.
        available: &'static str,
    },
    /// An engine did not answer in time, or stopped while starting.
    #[error("{engine} did not become ready: {detail}")]
    NotReady {
        /// Which engine.
        engine: &'static str,
        /// The end of its log.
        detail: String,
    },
    /// A download is not what it should be.
    #[error("{what} has the wrong checksum: expected {expected}, got {actual}; it was not used")]
    Checksum {
        /// Which download.
        what: &'static str,
        /// The checked-in sum.
        expected: &'static str,
        /// Of what came.
        actual: String,
    },
    /// Files.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// The mock cluster.
    #[error("mock Kafka: {0}")]
    Mock(String),
}

/// Names the file in an I/O error.
fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> EngineError {
    let path = path.into();
    move |source| EngineError::File { path, source }
}
