//! `topicwright schema`: the JSON Schemas of the manifests, for editors.
use std::process::ExitCode;

use super::outcome;
use crate::registry::manifest::{
    AggregateView, KpiQuery, LatestView, RegistryManifest, RollupView, Scenario, TopicManifest,
};
use crate::registry::shape::schema_of;
use crate::registry::waivers::Waivers;

/// Prints the JSON Schema of a manifest, for editors that complete TOML by schema.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// Which manifest.
    manifest: Manifest,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Manifest {
    /// registry.toml
    Registry,
    /// topics/<topic>/topic.toml
    Topic,
    /// views/*.toml with kind = "aggregate"
    AggregateView,
    /// views/*.toml with kind = "latest"
    LatestView,
    /// views/*.toml with kind = "rollup"
    RollupView,
    /// views/*.toml with kind = "kpi"
    Kpi,
    /// scenarios/*.toml
    Scenario,
    /// waivers.toml
    Waivers,
}

impl Schema {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let schema = match self.manifest {
            Manifest::Registry => schema_of::<RegistryManifest>(),
            Manifest::Topic => schema_of::<TopicManifest>(),
            Manifest::AggregateView => schema_of::<AggregateView>(),
            Manifest::LatestView => schema_of::<LatestView>(),
            Manifest::RollupView => schema_of::<RollupView>(),
            Manifest::Kpi => schema_of::<KpiQuery>(),
            Manifest::Scenario => schema_of::<Scenario>(),
            Manifest::Waivers => schema_of::<Waivers>(),
        };
        outcome::line(&format!("{schema:#}"));
        ExitCode::SUCCESS
    }
}
