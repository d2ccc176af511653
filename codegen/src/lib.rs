//! The topicwright compiler: loads a schema registry, proves changes safe and emits everything else.
//!
//! Data flows one way: `registry` (text with positions) → `model` (resolved, dialect-free)
//! → checks → `emit`. Nothing here touches the network.
pub mod emit;
pub mod fact;
pub mod finding;
pub mod model;
pub mod registry;
pub mod topic_settings;
