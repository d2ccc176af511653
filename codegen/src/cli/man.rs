//! `topicwright man`: manual pages.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::outcome;

/// Prints the manual page, or writes one for each command into a folder.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write all pages into this folder, as topicwright-check.1 and so on.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    /// Runs the command; `program` is the whole command line.
    #[must_use]
    pub fn run(&self, program: clap::Command) -> ExitCode {
        let done = match &self.dir {
            Some(folder) => write(folder, program),
            None => print(program),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => outcome::failure(&problem),
        }
    }
}

fn print(program: clap::Command) -> Result<(), String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(program)
        .render(&mut page)
        .map_err(|error| format!("cannot make the page: {error}"))?;
    outcome::text(&String::from_utf8_lossy(&page));
    Ok(())
}

fn write(folder: &Path, program: clap::Command) -> Result<(), String> {
    let refused =
        |error: std::io::Error| format!("cannot write into {}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(refused)?;
    clap_mangen::generate_to(program, folder).map_err(refused)
}
