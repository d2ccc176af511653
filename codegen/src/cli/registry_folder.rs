//! The registry folder, named the same way by every command.
use std::path::PathBuf;

use crate::registry::files::Files;

/// Where the registry is.
#[derive(Debug, clap::Args)]
pub struct RegistryFolder {
    /// Registry folder.
    #[arg(
        long = "registry",
        value_name = "DIR",
        default_value = "schema_registry",
        env = "TOPICWRIGHT_REGISTRY"
    )]
    pub path: PathBuf,
}

impl RegistryFolder {
    /// Its texts.
    ///
    /// # Errors
    /// What to say and do where it cannot be read.
    pub fn read(&self) -> Result<Files, String> {
        Files::read(&self.path).map_err(|error| {
            let fix = match error.fix() {
                // The registry is there; the folder is no help.
                Some(fix) if error.path != self.path => fix,
                _ => "run in the project's root, or name the folder with --registry DIR",
            };
            format!("{error}\n  fix: {fix}")
        })
    }
}
