//! Rules on topics and their settings.
pub mod cleanup_policy_changed;
pub mod compression_changed;
pub mod message_size_reduced;
pub mod partition_count_changed;
pub mod record_key_changed;
pub mod retention_shortened;

use super::Rule;
use crate::gate::side::Side;
use crate::registry::Topic;

/// This folder's rules, by id.
pub static RULES: &[&Rule] = &[
    &cleanup_policy_changed::RULE,
    &compression_changed::RULE,
    &message_size_reduced::RULE,
    &partition_count_changed::RULE,
    &record_key_changed::RULE,
    &retention_shortened::RULE,
];

/// A topic's setting as Kafka names it.
fn setting(side: &Side, topic: &Topic, name: &str) -> Option<String> {
    crate::topic_settings::settings(&side.registry, topic)
        .into_iter()
        .find(|(setting, _)| setting == name)
        .map(|(_, value)| value)
}

/// Where a topic's setting is written: its own manifest, or the registry's defaults.
fn written(topic: &Topic, own: bool, name: &str) -> (String, String) {
    if own {
        (topic.path.clone(), format!("/{name}"))
    } else {
        ("registry.toml".to_owned(), format!("/kafka/{name}"))
    }
}
