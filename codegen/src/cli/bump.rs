//! `topicwright bump`: starts the next version of a topic.
use std::process::ExitCode;

use super::outcome;
use super::registry_folder::RegistryFolder;
use crate::scaffold;

/// Starts the next version of a topic from its newest one, examples included.
#[derive(Debug, clap::Args)]
pub struct Bump {
    /// Topic, e.g. shop.purchase.
    topic: String,
    #[command(flatten)]
    registry: RegistryFolder,
}

impl Bump {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let made = match self.registry.read() {
            Ok(files) => scaffold::bump(&files, &self.topic),
            Err(problem) => return outcome::failure(&problem),
        };
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
                    "next: edit the schema and its examples, then `topicwright generate`",
                );
                ExitCode::SUCCESS
            }
        }
    }
}
