//! `topicwright completions`: what a shell needs to complete the command line.
use std::process::ExitCode;

use clap_complete::Shell;

use super::outcome;

/// Prints the completions of a shell, for it to load.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Runs the command; `program` is the whole command line.
    #[must_use]
    pub fn run(&self, mut program: clap::Command) -> ExitCode {
        let name = program.get_name().to_owned();
        // Printed as a whole, since the crate takes a reader that went away for a bug.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        outcome::text(&String::from_utf8_lossy(&script));
        ExitCode::SUCCESS
    }
}
