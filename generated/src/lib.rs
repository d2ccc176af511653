//! Typed events, checks and column writers of the `game` registry.
//!
//! Made from `schema_registry/` by `topicwright generate`; do not edit.
#[rustfmt::skip]
mod envelope;
#[rustfmt::skip]
pub mod fact;
#[rustfmt::skip]
pub mod registry;
#[rustfmt::skip]
pub mod topics;

pub use registry::GameEvents;
pub use topics::Event;

/// The same under a name that every generated crate has.
pub use registry::GameEvents as Registry;
