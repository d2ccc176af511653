//! `topicwright new`: starts a topic.
use std::process::ExitCode;

use super::outcome;
use super::registry_folder::RegistryFolder;
use crate::registry::{envelope, load};
use crate::scaffold;

/// Starts a topic: manifest, first schema and examples, to be edited.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Topic, lower-case words joined by dots, e.g. shop.purchase.
    topic: String,
    /// Team that owns it.
    #[arg(long, default_value = "unowned")]
    owner: String,
    #[command(flatten)]
    registry: RegistryFolder,
}

impl New {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let files = match self.registry.read() {
            Ok(files) => files,
            Err(problem) => return outcome::failure(&problem),
        };
        let loaded = load::load(&files);
        let fields = match loaded.registry {
            Some(registry) => Some(registry.envelope.fields),
            // A registry without topics does not load, and this is how it gets its first.
            None if !files.0.keys().any(|path| path.starts_with("topics/")) => {
                envelope::roles(&loaded.documents)
            }
            None => None,
        };
        let Some(fields) = fields else {
            outcome::print_findings(&loaded.findings, &self.registry.path);
            return outcome::failure("the registry has problems; correct them first");
        };
        let roles = (fields.event_type.as_str(), fields.payload.as_str());
        let made = scaffold::new_topic(&files, &self.topic, &self.owner, roles);
        if let Ok(made) = &made {
            let mut files = files;
            let made = made.iter();
            files
                .0
                .extend(made.map(|file| (file.path.clone(), file.contents.clone())));
            let loaded = load::load(&files);
            if loaded.registry.is_none() {
                outcome::print_findings(&loaded.findings, &self.registry.path);
                return outcome::failure(
                    "nothing written: the registry would have these problems; correct them first",
                );
            }
        }
        match made.and_then(|made| scaffold::write(&made, &self.registry.path).map(|()| made)) {
            Err(error) => outcome::failure(&error.to_string()),
            Ok(made) => {
                for file in &made {
                    outcome::line(&format!(
                        "{}: added",
                        self.registry.path.join(&file.path).display()
                    ));
                }
                outcome::line(
                    "next: say what it is in topic.toml and v1.json, then `topicwright generate`",
                );
                ExitCode::SUCCESS
            }
        }
    }
}
