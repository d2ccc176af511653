//! `topicwright generate`: writes what is made from the registry, or checks that it is up to date.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::outcome;
use super::registry_folder::RegistryFolder;
use crate::output::Change;
use crate::{generate, output};

/// Writes everything that is made from the registry.
#[derive(Debug, clap::Args)]
pub struct Generate {
    #[command(flatten)]
    registry: RegistryFolder,
    /// Project root that holds `generated/` and `schema_registry.md`; the registry's parent where left out.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Write nothing; exit with 100 where something is not up to date.
    #[arg(long)]
    check: bool,
}

impl Generate {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let files = match self.registry.read() {
            Ok(files) => files,
            Err(problem) => return outcome::failure(&problem),
        };
        let compiled = match generate::compile(&files) {
            Ok(compiled) => compiled,
            Err(findings) => {
                outcome::print_findings(&findings, &self.registry.path);
                return outcome::failure(&format!(
                    "nothing generated: {} to correct",
                    outcome::count(findings.len(), "problem")
                ));
            }
        };
        outcome::print_findings(&compiled.notes, &self.registry.path);
        let parent = self
            .registry
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let root = self.root.as_deref().unwrap_or(parent);
        let apply = if self.check {
            output::changes
        } else {
            output::write
        };
        let lock = [compiled.lock];
        let result = apply(&compiled.files, root)
            .and_then(|changes| Ok((changes, apply(&lock, &self.registry.path)?)));
        match result {
            Err(error) => outcome::failure(&error.to_string()),
            Ok((mut changes, lock)) => {
                changes.extend(lock.into_iter().map(|(path, change)| {
                    let path = self.registry.path.join(path).display().to_string();
                    (path, change)
                }));
                self.report(&changes, compiled.files.len() + 1)
            }
        }
    }

    fn report(&self, changes: &[(String, Change)], total: usize) -> ExitCode {
        for (path, change) in changes {
            let text = match (self.check, change) {
                (true, Change::Missing) => "is missing".to_owned(),
                (true, Change::Different { line }) => {
                    format!("is not up to date, from line {line} on")
                }
                (true, Change::Obsolete) => "is made from nothing any more".to_owned(),
                (false, Change::Missing) => "added".to_owned(),
                (false, Change::Different { .. }) => "changed".to_owned(),
                (false, Change::Obsolete) => "removed".to_owned(),
            };
            outcome::line(&format!("{path}: {text}"));
        }
        if self.check && !changes.is_empty() {
            outcome::line("run `cargo run -p topicwright -- generate` and commit the result");
            return ExitCode::from(outcome::FINDINGS);
        }
        outcome::line(&format!(
            "{}, {}",
            outcome::count(total, "file"),
            if changes.is_empty() {
                "all up to date"
            } else {
                "now up to date"
            }
        ));
        ExitCode::SUCCESS
    }
}
