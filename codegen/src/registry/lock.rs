//! `registry.lock`: what every released version means, as one hash each, for review and for the gate.
//!
//! Written by `topicwright generate`. A released version that changes its meaning shows as a changed line.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Registry, canonical};

/// Path below the registry folder.
pub const PATH: &str = "registry.lock";

/// Raised when the canonical form changes, so that hashes of another form are not compared.
pub const FORMAT: u32 = 1;

/// The file's contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// The envelope.
    pub envelope: String,
    /// Topic → `v1` → hash.
    pub topics: BTreeMap<String, BTreeMap<String, String>>,
}

impl Lock {
    /// What a registry means now.
    #[must_use]
    pub fn of(registry: &Registry) -> Self {
        let versions = |topic: &super::Topic| {
            let hashes = topic
                .versions
                .iter()
                .map(|version| (format!("v{}", version.number), version.meaning.clone()));
            hashes.collect()
        };
        Self {
            format: FORMAT,
            envelope: canonical::hash(&registry.envelope.model),
            topics: registry
                .topics
                .iter()
                .map(|topic| (topic.name.clone(), versions(topic)))
                .collect(),
        }
    }

    /// The hash of a topic's version.
    #[must_use]
    pub fn version(&self, topic: &str, number: u32) -> Option<&str> {
        self.topics
            .get(topic)?
            .get(&format!("v{number}"))
            .map(String::as_str)
    }

    /// As text.
    ///
    /// # Errors
    /// The TOML writer refuses, which nothing in a lock makes it do.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        let head = format!(
            "# Made by `{}`; do not edit. One SHA-256 of what each version means: descriptions, examples and\n\
             # formatting may change, a released version's line may not.\n",
            crate::emit::COMMAND
        );
        Ok(head + &toml::to_string(self)?)
    }
}
