//! The deprecation calendar: versions and fields on their way out, by date; Markdown cells.
use super::fields::FieldFact;
use super::markdown::{code, text};
use crate::registry::Topic;

/// A row, sorted by its dates.
pub struct Entry {
    /// Since when nothing new should use it.
    pub since: String,
    /// When it stops being read; empty where it only stays unused.
    pub removal: String,
    /// Link to the topic.
    pub topic: String,
    /// What.
    pub what: String,
    /// Why, and what to use.
    pub reason: String,
}

/// Entries of a topic: its versions, then the fields of its newest version.
#[must_use]
pub fn entries(topic: &Topic, link: &str, newest: &[FieldFact]) -> Vec<Entry> {
    let versions = topic.manifest.deprecations.iter().map(|deprecation| Entry {
        since: text(&deprecation.since),
        removal: text(&deprecation.removal),
        topic: link.to_owned(),
        what: format!("version {}", deprecation.version),
        reason: text(&deprecation.reason),
    });
    let fields = newest.iter().filter_map(|field| {
        let deprecated = field.deprecated.as_ref()?;
        Some(Entry {
            since: text(&deprecated.since),
            removal: String::new(),
            topic: link.to_owned(),
            what: format!("field {}", code(&field.path)),
            reason: text(&deprecated.reason),
        })
    });
    versions.chain(fields).collect()
}
