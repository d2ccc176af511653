//! The topicwright compiler: loads a schema registry, proves changes safe and emits everything else.
//!
//! Data flows one way: `registry` (text with positions) → `model` (resolved, dialect-free)
//! → checks → `emit`. Nothing here touches the network.
#[cfg(feature = "cli")]
pub mod cli;
pub mod clickhouse;
pub mod compat;
mod cores;
pub mod emit;
pub mod fact;
pub mod finding;
pub mod gate;
mod generate;
pub mod model;
pub mod output;
pub mod registry;
#[cfg(feature = "cli")]
pub mod report;
pub mod rules;
pub mod sample;
pub mod scaffold;
pub mod topic_settings;
pub mod validate;
pub mod visible;

pub use generate::{Compiled, GenerateError, compile, emit as emit_files, generate};
