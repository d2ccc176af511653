//! Loads a registry folder: text with positions, every problem reported at once.
//!
//! [`Registry`] is what emitters and rules see: manifests, models and the derived facts that several of
//! them need (effective topic settings, where each fact column comes from in each version).
pub mod beside;
pub mod canonical;
pub(crate) mod columns;
pub mod dates;
pub mod demands;
mod dialect;
pub mod document;
pub mod envelope;
mod examples;
pub mod files;
pub mod keywords;
pub mod load;
pub mod lock;
pub mod manifest;
mod meta;
mod operations;
pub mod payload_paths;
mod project;
pub mod published;
pub mod references;
mod scenarios;
pub mod shape;
pub mod template;
mod topics;
pub mod views;
pub mod waivers;

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::model::Model;
use demands::Demands;
use document::Document;
use manifest::{
    ColumnSource, Compression, RegistryManifest, Scenario, TopicManifest, ViewManifest,
};
use payload_paths::PayloadPaths;
use waivers::Waiver;

/// A loaded registry without findings that would stop an emitter.
#[derive(Clone, Debug)]
pub struct Registry {
    /// `registry.toml`.
    pub manifest: RegistryManifest,
    /// The envelope.
    pub envelope: Envelope,
    /// Topics, sorted by name. Two registries share those that are made from the same texts.
    pub topics: Vec<Arc<Topic>>,
    /// Views and KPIs: aggregates and latest tables first, then rollups, then KPIs, each sorted by name.
    pub views: Vec<ViewManifest>,
    /// Scenarios, sorted by name.
    pub scenarios: Vec<Scenario>,
    /// Accepted findings.
    pub waivers: Vec<Waiver>,
}

impl Registry {
    /// A topic by name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.shared_topic(name).map(Arc::as_ref)
    }

    /// A topic by name, to share it with another registry.
    #[must_use]
    pub fn shared_topic(&self, name: &str) -> Option<&Arc<Topic>> {
        let index = self
            .topics
            .binary_search_by(|topic| topic.name.as_str().cmp(name));
        Some(&self.topics[index.ok()?])
    }
}

/// The event envelope.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Path below the registry folder: `envelope/v1.json`.
    pub path: String,
    /// The schema as written.
    pub document: Arc<Document>,
    /// Its model.
    pub model: Model,
    /// Member names by role.
    pub fields: EnvelopeFields,
    /// Envelope fields that land in fact columns (`x-column`).
    pub columns: Vec<ColumnMapping>,
    /// What those columns demand of their fields.
    pub demands: Demands,
}

impl Envelope {
    /// Members that every event must have, by name.
    #[must_use]
    pub fn required(&self) -> Vec<String> {
        let properties = self.model.properties(&[self.model.root]);
        let required = properties
            .into_iter()
            .filter(|(_, property)| property.required);
        required.map(|(name, _)| name).collect()
    }
}

/// Member names of the envelope by `x-role`. Absent optional roles keep the role's usual name; it is empty where the
/// envelope is closed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeFields {
    /// `event-type`
    pub event_type: String,
    /// `schema-version`
    pub schema_version: String,
    /// `event-id`
    pub event_id: String,
    /// `timestamp`
    pub timestamp: String,
    /// `payload`
    pub payload: String,
    /// `dedupe-key`
    pub dedupe_key: String,
}

impl EnvelopeFields {
    /// Whether a member has a role, so that its value follows from the event.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        let Self {
            event_type,
            schema_version,
            event_id,
            timestamp,
            payload,
            dedupe_key,
        } = self;
        [
            event_type,
            schema_version,
            event_id,
            timestamp,
            payload,
            dedupe_key,
        ]
        .iter()
        .any(|role| *role == name)
    }
}

/// A topic with its versions.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Name, the folder's name.
    pub name: String,
    /// Path of the manifest below the registry folder.
    pub path: String,
    /// The manifest.
    pub manifest: TopicManifest,
    /// Partitions, defaults applied.
    pub partitions: u32,
    /// Retention in days, defaults applied.
    pub retention_days: u32,
    /// Compression, defaults applied.
    pub compression: Compression,
    /// Versions, ascending, at least one.
    pub versions: Vec<TopicVersion>,
    /// What their payloads hold where.
    pub payload_paths: PayloadPaths,
}

impl Topic {
    /// The dead letter topic.
    #[must_use]
    pub fn dlq(&self) -> String {
        format!("{}.dlq", self.name)
    }
}

/// One version of a topic's payload schema.
#[derive(Clone, Debug)]
pub struct TopicVersion {
    /// Number, from 1.
    pub number: u32,
    /// Path below the registry folder: `topics/shop.purchase/v2.json`.
    pub path: String,
    /// The schema as written.
    pub document: Arc<Document>,
    /// Its model; the same texts have one, in both registries and for the prover.
    pub model: Arc<Model>,
    /// Hash of its canonical form, see [`canonical`].
    pub meaning: String,
    /// `x-renamed-from`: this version's top-level property → the previous version's.
    pub renames: IndexMap<String, String>,
    /// Fact columns this version fills, sorted by column; sources resolved to this version's names.
    pub columns: Vec<ColumnMapping>,
    /// What those columns demand of the payload's fields.
    pub demands: Demands,
    /// JSON pointer into the event of the record key, in this version's names.
    pub key: String,
    /// Deduplication key template, in this version's names.
    pub dedupe_key: Vec<TemplatePart>,
    /// Valid payloads.
    pub examples: Vec<Example>,
    /// Payloads that must fail.
    pub invalid: Vec<InvalidExample>,
}

/// A fact column and where its value comes from.
#[derive(Clone, Debug)]
pub struct ColumnMapping {
    /// Fact column.
    pub column: String,
    /// Pointer into the event, with conditions.
    pub source: ColumnSource,
}

/// A piece of a deduplication key template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text as it stands.
    Text(String),
    /// The scalar behind a JSON pointer into the event.
    Pointer(String),
}

/// A valid payload.
#[derive(Clone, Debug)]
pub struct Example {
    /// File stem.
    pub name: String,
    /// Path below the registry folder.
    pub path: String,
    /// The payload.
    pub payload: Value,
}

/// A payload that must fail: `{"pointer": "/price_cents", "why": "…", "payload": {…}}`.
#[derive(Clone, Debug)]
pub struct InvalidExample {
    /// File stem.
    pub name: String,
    /// Path below the registry folder.
    pub path: String,
    /// JSON pointer into the payload at which it must fail.
    pub pointer: String,
    /// What the example shows.
    pub why: String,
    /// The payload.
    pub payload: Value,
}
