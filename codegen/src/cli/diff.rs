//! `topicwright diff`: what changed in meaning, without judging it.
use std::process::ExitCode;

use super::base::{self, Against};
use super::check::{day, load, today, unreadable_base};
use super::outcome;
use super::registry_folder::RegistryFolder;
use super::version_name::VersionName;
use crate::gate::day::Day;
use crate::gate::difference::{self, Difference, Located};
use crate::gate::side::Side;
use crate::report::difference as report;

/// Shows what changed in meaning: between two versions of a topic, or since another state of the registry.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// Two versions, TOPIC@N each; what changed since --against where left out.
    #[arg(value_name = "TOPIC@N", num_args = 2, conflicts_with = "against")]
    versions: Vec<Name>,
    #[command(flatten)]
    registry: RegistryFolder,
    /// What to compare with: git:REF, git:REF:DIR where the registry was in another folder, a registry folder, or none
    /// where the registry is a new one; the merge base with the default branch where left out.
    #[arg(long, value_name = "git:REF[:DIR]|DIR|none")]
    against: Option<Against>,
    /// How to print.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The day that removals are held against; today where left out.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, hide = true)]
    today: Option<Day>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For a terminal.
    Human,
    /// For programs.
    Json,
    /// For a comment.
    Markdown,
}

/// A version whose number is named: there is no newest of two.
#[derive(Clone, Debug)]
struct Name(VersionName);

impl std::str::FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name: VersionName = text.parse()?;
        if name.number.is_none() {
            return Err("write TOPIC@N, as in shop.purchase@2".to_owned());
        }
        Ok(Self(name))
    }
}

impl Diff {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self.printed() {
            Ok(text) => {
                outcome::text(&text);
                ExitCode::SUCCESS
            }
            Err(problem) => outcome::failure(&problem),
        }
    }

    fn printed(&self) -> Result<String, String> {
        let files = self.registry.read()?;
        let new = load(&files)?;
        let (difference, base) = match self.versions.as_slice() {
            [old, is] => (of_two(&new, old, is)?, String::new()),
            _ => {
                let against = self.against.as_ref().unwrap_or(&Against::MergeBase);
                let base = base::read(against, &self.registry.path, &files)?;
                let old = base
                    .files
                    .map(|files| new.load_other(&files))
                    .transpose()
                    .map_err(|findings| unreadable_base(&base.name, &findings))?;
                let day = self.today.unwrap_or_else(today);
                (difference::between(old.as_ref(), &new, day), base.name)
            }
        };
        match self.format {
            Format::Human => Ok(report::print(&difference, &base, false)),
            Format::Markdown => Ok(report::print(&difference, &base, true)),
            Format::Json => report::json(&difference, &base).map_err(|error| error.to_string()),
        }
    }
}

fn of_two(side: &Side, Name(old): &Name, Name(new): &Name) -> Result<Difference, String> {
    if old.topic != new.topic {
        return Err(format!(
            "{} and {} are two topics; name two versions of one",
            old.topic, new.topic
        ));
    }
    let (topic, old) = old.find(&side.registry)?;
    let (_, new) = new.find(&side.registry)?;
    let [old, new] = [old, new].map(|version| Located { side, version });
    Ok(Difference {
        versions: vec![difference::of_versions(&topic.name, old, new, false)],
        ..Difference::default()
    })
}
