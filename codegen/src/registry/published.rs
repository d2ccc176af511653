//! The JSON Schemas of the manifests as editors get them: one a file that people write, self-contained.
//!
//! They are the schemas that the loader checks with, with what it has taken off before: a view's `kind`.
//! `docs/schemas/` holds them as files; a test keeps those current.
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::manifest::{
    AggregateView, KpiQuery, LatestView, RegistryManifest, RollupView, Scenario, TopicManifest,
};
use super::shape::schema_of;
use super::waivers::Waivers;

/// A manifest that has a published schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Manifest {
    /// `registry.toml`
    Registry,
    /// `topics/<topic>/topic.toml`
    Topic,
    /// `views/*.toml` of any kind
    View,
    /// `views/*.toml` with `kind = "aggregate"`
    AggregateView,
    /// `views/*.toml` with `kind = "latest"`
    LatestView,
    /// `views/*.toml` with `kind = "rollup"`
    RollupView,
    /// `views/*.toml` with `kind = "kpi"`
    Kpi,
    /// `scenarios/*.toml`
    Scenario,
    /// waivers.toml
    Waivers,
}

impl Manifest {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Registry,
        Self::Topic,
        Self::View,
        Self::AggregateView,
        Self::LatestView,
        Self::RollupView,
        Self::Kpi,
        Self::Scenario,
        Self::Waivers,
    ];

    /// Name of the published file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Registry => "registry.json",
            Self::Topic => "topic.json",
            Self::View => "view.json",
            Self::AggregateView => "aggregate-view.json",
            Self::LatestView => "latest-view.json",
            Self::RollupView => "rollup-view.json",
            Self::Kpi => "kpi.json",
            Self::Scenario => "scenario.json",
            Self::Waivers => "waivers.json",
        }
    }

    /// The schema.
    #[must_use]
    pub fn schema(self) -> Value {
        match self {
            Self::Registry => schema_of::<RegistryManifest>(),
            Self::Topic => schema_of::<TopicManifest>(),
            Self::View => any_view(),
            Self::AggregateView => of_kind(schema_of::<AggregateView>(), "aggregate"),
            Self::LatestView => of_kind(schema_of::<LatestView>(), "latest"),
            Self::RollupView => of_kind(schema_of::<RollupView>(), "rollup"),
            Self::Kpi => of_kind(schema_of::<KpiQuery>(), "kpi"),
            Self::Scenario => schema_of::<Scenario>(),
            Self::Waivers => schema_of::<Waivers>(),
        }
    }

    /// The published file's text.
    #[must_use]
    pub fn text(self) -> String {
        format!("{:#}\n", self.schema())
    }
}

/// An object's schema with the member that tells views apart, first.
fn of_kind(mut schema: Value, kind: &str) -> Value {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        let member = json!({"const": kind, "description": "Which kind of view."});
        properties.shift_insert(0, "kind".to_owned(), member);
    }
    let required = schema.get_mut("required").and_then(Value::as_array_mut);
    if let Some(required) = required {
        required.insert(0, "kind".into());
    }
    schema
}

/// One of the four kinds, for editors that choose a schema by the file's path.
fn any_view() -> Value {
    fn branch<T: JsonSchema>(generator: &mut schemars::SchemaGenerator, kind: &str) -> Value {
        // In place, because the kind is added to it; what it refers to goes to the shared definitions.
        of_kind(T::json_schema(generator).to_value(), kind)
    }
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let kinds = [
        branch::<AggregateView>(&mut generator, "aggregate"),
        branch::<LatestView>(&mut generator, "latest"),
        branch::<RollupView>(&mut generator, "rollup"),
        branch::<KpiQuery>(&mut generator, "kpi"),
    ];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ViewManifest",
        "description": "`views/*.toml`.",
        "oneOf": kinds,
        "$defs": generator.take_definitions(true),
    })
}
