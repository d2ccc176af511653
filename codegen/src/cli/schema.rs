//! `topicwright schema`: the JSON Schemas of the manifests, for editors.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::outcome;
use crate::registry::published::Manifest;

/// Prints the JSON Schema of a manifest, or writes all of them, for editors that complete TOML by schema.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// Which manifest.
    #[arg(required_unless_present = "all")]
    manifest: Option<Manifest>,
    /// Write the schema of every manifest into this folder, a file each.
    #[arg(long, value_name = "DIR", conflicts_with = "manifest")]
    all: Option<PathBuf>,
}

impl Schema {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        if let Some(folder) = &self.all {
            return match write_all(folder) {
                Ok(()) => ExitCode::SUCCESS,
                Err(problem) => outcome::failure(&problem),
            };
        }
        if let Some(manifest) = self.manifest {
            outcome::line(manifest.text().trim_end());
        }
        ExitCode::SUCCESS
    }
}

fn write_all(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for manifest in Manifest::ALL {
        let path = folder.join(manifest.file_name());
        let text = manifest.text();
        if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        std::fs::write(&path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        outcome::line(&format!("{}: written", path.display()));
    }
    Ok(())
}
