//! `topicwright check`: the gate of a pull request.
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use super::base::{self, Against, Base};
use super::outcome;
use super::registry_folder::RegistryFolder;
use crate::gate::day::Day;
use crate::gate::side::Side;
use crate::gate::{self, Outcome, lock_fit};
use crate::registry::files::Files;
use crate::registry::lock;
use crate::report::{Report, github, human, json, junit, markdown, sarif};

/// Compares the registry with the one this change started from, and says what would break.
///
/// Exit codes: 0 nothing stands against the change, 100 something does, 1 it could not be checked, 2 wrong usage.
#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    registry: RegistryFolder,
    /// What to compare with: git:REF, git:REF:DIR where the registry was in another folder, a registry folder, or none
    /// where the registry is a new one; the merge base with the default branch where left out.
    #[arg(long, value_name = "git:REF[:DIR]|DIR|none")]
    against: Option<Against>,
    /// How to print what was found.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Print into this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The day that waivers and removals are held against; today where left out.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    today: Option<Day>,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a terminal or a log.
    Human,
    /// For programs.
    Json,
    /// Annotations, for GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML.
    Junit,
    /// A comment for the pull request.
    Markdown,
}

/// Reads `--today`.
pub(super) fn day(text: &str) -> Result<Day, String> {
    Day::read(text).ok_or_else(|| "write a day as YYYY-MM-DD".to_owned())
}

impl Check {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self.checked() {
            Ok(stops) => ExitCode::from(if stops { outcome::FINDINGS } else { 0 }),
            Err(problem) => outcome::failure(&problem),
        }
    }

    /// Whether something stands against the change.
    fn checked(&self) -> Result<bool, String> {
        let files = self.registry.read()?;
        let today = self.today.unwrap_or_else(today);
        let against = self.against.as_ref().unwrap_or(&Against::MergeBase);
        let (outcome, base) = match Side::load(&files) {
            // What cannot be loaded cannot be compared; its problems are what there is to say.
            Err(findings) => (
                Outcome::unloadable(findings),
                "nothing yet: the registry has problems of its own, and they come first".to_owned(),
            ),
            Ok(new) => {
                let base = base::read(against, &self.registry.path, &files)?;
                let old = loaded_base(&base, &new)?;
                let mut outcome = gate::check(old.as_ref(), &new, today);
                let lock = |files: &'_ Files| files.0.get(lock::PATH).cloned();
                let (now, before) = (lock(&files), base.files.as_ref().and_then(lock));
                let before = before.as_deref().zip(old.as_ref().map(|old| &old.meaning));
                outcome.hold_against_lock(lock_fit::since(now.as_deref(), &new.meaning, before));
                // The process is about to end: taking two registries apart piece by piece helps nobody.
                std::mem::forget((old, new));
                (outcome, base.name)
            }
        };
        let report = Report {
            outcome: &outcome,
            base: &base,
            folder: &self.folder(),
            texts: &files.0,
        };
        let text = self.print(&report)?;
        match &self.output {
            Some(path) => std::fs::write(path, text)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?,
            None => outcome::text(&text),
        }
        Ok(outcome.stops())
    }

    /// Files are called alike in every format and wherever it is run: from the repository's root, or as the
    /// folder is named where there is no repository.
    fn folder(&self) -> String {
        base::prefix(&self.registry.path).unwrap_or_else(|| {
            let path: PathBuf = self.registry.path.components().collect();
            match path.display().to_string().as_str() {
                "" | "." => String::new(),
                "/" => "/".to_owned(),
                path => format!("{}/", path.trim_start_matches("./")),
            }
        })
    }

    fn print(&self, report: &Report<'_>) -> Result<String, String> {
        match self.format {
            Format::Human => {
                let colour = self.output.is_none()
                    && std::io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                Ok(human::print(report, colour))
            }
            Format::Json => json::print(report).map_err(|error| error.to_string()),
            Format::Github => Ok(github::print(report)),
            Format::Sarif => sarif::print(report).map_err(|error| error.to_string()),
            Format::Junit => junit::print(report).map_err(|error| error.to_string()),
            Format::Markdown => Ok(markdown::print(report)),
        }
    }
}

/// The registry to compare with, where there was one.
fn loaded_base(base: &Base, new: &Side) -> Result<Option<Side>, String> {
    let files = base.files.as_ref();
    let side = files.map(|files| new.load_other(files));
    side.transpose()
        .map_err(|findings| unreadable_base(&base.name, &findings))
}

/// Why a base that has problems of its own is of no use.
pub(super) fn unreadable_base(name: &str, findings: &[crate::finding::Finding]) -> String {
    let listed: Vec<String> = findings.iter().map(ToString::to_string).collect();
    format!(
        "the registry of {name} has problems of its own, so nothing can be compared with it\n\n{}\n\n  \
         fix: compare with a commit whose registry loads: --against git:REF",
        listed.join("\n\n")
    )
}

/// Today, in UTC.
pub(super) fn today() -> Day {
    let date = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    Day::read(&date.to_string()).unwrap_or(Day(0))
}

/// Loads a registry that has to be free of problems.
pub(super) fn load(files: &crate::registry::files::Files) -> Result<Side, String> {
    Side::load(files).map_err(|findings| {
        let listed: Vec<String> = findings.iter().map(ToString::to_string).collect();
        format!("the registry has problems\n\n{}", listed.join("\n\n"))
    })
}
