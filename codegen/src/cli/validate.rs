//! `topicwright validate`: lines of JSON held against a topic's version.
use std::io::{BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::check::load;
use super::outcome;
use super::registry_folder::RegistryFolder;
use super::version_name::VersionName;
use crate::validate::lines::{LONGEST, Line, Lines, Unreadable};
use crate::validate::{Envelopes, Refusal, Schema, Unnamed};

/// Reads so much at once.
const READ: usize = 1 << 20;

/// Checks JSON lines against a topic's schema, and tells everything that is wrong with each.
///
/// Lines are read one by one, so a file may have any size. Exit codes: 0 every line is valid, 100 one is not,
/// 1 it could not be done, 2 wrong usage.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// The topic and its version, as in shop.purchase@2; the newest version where no number is given.
    #[arg(value_name = "TOPIC[@N]")]
    version: VersionName,
    /// Payloads, one JSON value a line; `-` is standard input.
    file: PathBuf,
    /// Lines are whole events. Payloads are checked by the version that their event names; where it names none, by
    /// @N, or by version 1 as the pipeline does.
    #[arg(long)]
    envelope: bool,
    /// Print so many findings at most; the summary counts all lines.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// How to print findings.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    registry: RegistryFolder,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON object a finding and line.
    Json,
}

/// What each line is held against.
enum Judge<'r> {
    Payloads(Schema<'r>),
    Events(Envelopes<'r>),
}

impl Validate {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self.validated() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(outcome::FINDINGS),
            Err(problem) => outcome::failure(&problem),
        }
    }

    /// Whether every line is valid.
    fn validated(&self) -> Result<bool, String> {
        let side = load(&self.registry.read()?)?;
        let (topic, version) = self.version.find(&side.registry)?;
        let judge = if self.envelope {
            let unnamed = self.version.number.map_or(Unnamed::First, Unnamed::Version);
            Judge::Events(Envelopes::new(&side.registry, &side.read, topic, unnamed)?)
        } else {
            Judge::Payloads(Schema::new(&side.read, &version.path)?)
        };
        let (input, name): (Box<dyn std::io::Read>, String) = if self.file == Path::new("-") {
            (Box::new(std::io::stdin()), "standard input".to_owned())
        } else {
            let name = self.file.display().to_string();
            let file = std::fs::File::open(&self.file)
                .map_err(|error| format!("cannot read {name}: {error}"))?;
            (Box::new(file), name)
        };
        let mut lines = Lines::new(BufReader::with_capacity(READ, input), LONGEST);
        let mut printer = Printer {
            output: std::io::stdout().lock(),
            name: &name,
            folder: &self.registry.path,
            format: self.format,
            left: self.limit.unwrap_or(u64::MAX),
        };
        let (mut all, mut invalid) = (0_u64, 0_u64);
        while let Some(line) = lines
            .next_line()
            .map_err(|error| format!("cannot read {name}: {error}"))?
        {
            all += 1;
            match printer.line(&line, &judge) {
                Ok(is_valid) => invalid += u64::from(!is_valid),
                // The reader has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(false),
                Err(error) => return Err(format!("cannot print: {error}")),
            }
        }
        let noun = if all == 1 { "line" } else { "lines" };
        let _ = writeln!(std::io::stderr(), "{all} {noun}, {invalid} invalid");
        Ok(invalid == 0)
    }
}

struct Printer<'a, W> {
    output: W,
    name: &'a str,
    folder: &'a Path,
    format: Format,
    /// Findings that may still be printed.
    left: u64,
}

impl<W: Write> Printer<'_, W> {
    /// Prints what is wrong with a line, and tells whether nothing is.
    fn line(&mut self, line: &Line, judge: &Judge<'_>) -> std::io::Result<bool> {
        let number = line.number;
        let value = match &line.instance {
            Ok(value) => value,
            Err(unreadable) => {
                self.unreadable(number, unreadable)?;
                return Ok(false);
            }
        };
        let mut is_valid = true;
        match judge {
            Judge::Payloads(schema) => {
                // Most lines are valid, and that is told faster than what is wrong.
                if schema.accepts(value) {
                    return Ok(true);
                }
                for refusal in schema.refusals(value, "") {
                    is_valid = false;
                    self.refusal(number, &refusal)?;
                }
            }
            Judge::Events(envelopes) => {
                for refusal in envelopes.refusals(value) {
                    is_valid = false;
                    self.refusal(number, &refusal)?;
                }
            }
        }
        Ok(is_valid)
    }

    fn may_print(&mut self) -> bool {
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    fn unreadable(&mut self, line: u64, unreadable: &Unreadable) -> std::io::Result<()> {
        if !self.may_print() {
            return Ok(());
        }
        let Unreadable {
            column,
            pointer,
            reason,
        } = unreadable;
        match self.format {
            Format::Json => {
                let finding = json!({"line": line, "column": column, "pointer": pointer, "keyword": null, "schema": null, "reason": reason});
                writeln!(self.output, "{finding}")
            }
            Format::Human => {
                let column = column.map_or_else(String::new, |column| format!(":{column}"));
                let at = if pointer.is_empty() {
                    String::new()
                } else {
                    format!(" (at {})", printable(pointer))
                };
                let name = self.name;
                writeln!(
                    self.output,
                    "{name}:{line}{column}  {}{at}",
                    printable(reason)
                )
            }
        }
    }

    fn refusal(&mut self, line: u64, refusal: &Refusal) -> std::io::Result<()> {
        if !self.may_print() {
            return Ok(());
        }
        let keyword = refusal.keyword.as_ref();
        let place = keyword.map(|keyword| {
            let file = self.folder.join(&keyword.file);
            let position = keyword.position;
            format!("{}:{}:{}", file.display(), position.line, position.column)
        });
        let pointer = keyword.map(|keyword| keyword.pointer.as_str());
        match self.format {
            Format::Json => {
                let finding = json!({
                    "line": line,
                    "column": Value::Null,
                    "pointer": refusal.pointer,
                    "keyword": pointer,
                    "schema": place,
                    "reason": refusal.reason,
                });
                writeln!(self.output, "{finding}")
            }
            Format::Human => {
                let at = if refusal.pointer.is_empty() {
                    "(root)".to_owned()
                } else {
                    printable(&refusal.pointer)
                };
                writeln!(
                    self.output,
                    "{}:{line}  {at}: {}",
                    self.name,
                    printable(&refusal.reason)
                )?;
                match place.zip(pointer) {
                    Some((place, pointer)) => {
                        writeln!(self.output, "  by {place} {}", printable(pointer))
                    }
                    None => Ok(()),
                }
            }
        }
    }
}

/// On one line, whatever members are called.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
