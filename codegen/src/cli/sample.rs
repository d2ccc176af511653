//! `topicwright sample`: valid instances of a topic's version.
use std::io::{BufWriter, ErrorKind, Write as _};
use std::process::ExitCode;

use serde_json::Value;

use super::check::load;
use super::outcome;
use super::registry_folder::RegistryFolder;
use super::version_name::VersionName;
use crate::sample::{Dice, Events, Failure, Sampler};

/// Prints valid payloads or events of a topic, made up from its schema and examples.
///
/// Each is confirmed by an independent validator. The same seed prints the same on every machine. Exit codes:
/// 0 done, 100 no instance is valid (proved), 1 it could not be done, 2 wrong usage.
#[derive(Debug, clap::Args)]
pub struct Sample {
    /// The topic and its version, as in shop.purchase@2; the newest version where no number is given.
    #[arg(value_name = "TOPIC[@N]")]
    version: VersionName,
    /// How many.
    #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 5)]
    count: u64,
    /// Another seed, other samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print whole events instead of payloads.
    #[arg(long)]
    envelope: bool,
    /// Print over several lines each.
    #[arg(long)]
    pretty: bool,
    #[command(flatten)]
    registry: RegistryFolder,
}

/// What is made.
enum Maker<'r> {
    Payloads(Box<Sampler>),
    Events(Box<Events<'r>>),
}

impl Maker<'_> {
    fn next(&mut self, dice: &mut Dice) -> Result<Value, Failure> {
        match self {
            Self::Payloads(sampler) => sampler.sample(dice).map(|(payload, _)| payload),
            Self::Events(events) => events.sample(dice),
        }
    }
}

impl Sample {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self.print() {
            Ok(None) => ExitCode::SUCCESS,
            Ok(Some(failure)) => {
                let name = &self.version.topic;
                let code = outcome::failure(&format!("{name}: {failure}"));
                match failure {
                    Failure::Empty => ExitCode::from(outcome::FINDINGS),
                    Failure::NotFound(_) => code,
                }
            }
            Err(problem) => outcome::failure(&problem),
        }
    }

    /// Why there were no more, where there were too few.
    fn print(&self) -> Result<Option<Failure>, String> {
        let side = load(&self.registry.read()?)?;
        let (registry, documents) = (&side.registry, &side.read);
        let (topic, version) = self.version.find(registry)?;
        let mut maker = if self.envelope {
            Maker::Events(Box::new(Events::new(registry, documents, topic, version)?))
        } else {
            Maker::Payloads(Box::new(Sampler::of_payloads(documents, topic, version)?))
        };
        let mut dice = Dice::new(self.seed);
        let mut output = BufWriter::new(std::io::stdout().lock());
        for _ in 0..self.count {
            let value = match maker.next(&mut dice) {
                Ok(value) => value,
                Err(failure) => {
                    let _ = output.flush();
                    return Ok(Some(failure));
                }
            };
            let written = if self.pretty {
                writeln!(output, "{value:#}")
            } else {
                writeln!(output, "{value}")
            };
            if let Err(error) = written {
                return ended(&error);
            }
        }
        output
            .flush()
            .map_or_else(|error| ended(&error), |()| Ok(None))
    }
}

/// A reader that has seen enough is no error.
fn ended(error: &std::io::Error) -> Result<Option<Failure>, String> {
    if error.kind() == ErrorKind::BrokenPipe {
        return Ok(None);
    }
    Err(format!("cannot print: {error}"))
}
