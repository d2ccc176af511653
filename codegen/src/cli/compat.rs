//! `topicwright compat`: can every message of one schema be read with another?
mod dialect;
mod text;

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use referencing::Draft;
use serde_json::{Value, json};

use super::outcome;
use crate::compat::literal::first_inexact;
use crate::compat::{Prover, Source, Verdict, View};
use crate::finding::Position;
use crate::visible::{in_json, visible};
use text::{inexact, line_of, read, twice};

/// Proves that every message of a writer's schema is accepted by a reader's, or shows one that is not.
///
/// Exit code 0: proved for all; 100: a message breaks a reader, or it is unknown; 1: a schema cannot be read.
#[derive(Debug, clap::Args)]
pub struct Compat {
    /// The writer's JSON Schema.
    #[arg(required_unless_present = "batch", requires = "reader")]
    writer: Option<PathBuf>,
    /// The reader's JSON Schema.
    reader: Option<PathBuf>,
    /// Compare many: JSON lines {"id", "writer", "reader", "view", "draft"}; `-` is standard input.
    #[arg(long, value_name = "CASES", conflicts_with_all = ["writer", "reader"])]
    batch: Option<PathBuf>,
    /// How writer and reader are read; in a batch, where a line does not say.
    #[arg(long, value_enum, default_value_t)]
    view: ViewName,
    /// Dialect where a schema has no `$schema`, or one that names no draft; 2020-12, or an error, where left out.
    #[arg(long, value_enum)]
    draft: Option<DraftName>,
    /// Let `format` assert; it is an annotation otherwise.
    #[arg(long)]
    assert_formats: bool,
    /// A message of the writer to build the counterexample from.
    #[arg(long, value_name = "FILE", conflicts_with = "batch")]
    example: Option<PathBuf>,
    /// How the answer is printed; a batch is always JSON lines.
    #[arg(long, value_enum, default_value_t, conflicts_with = "batch")]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum ViewName {
    /// Writers emit only what they declare, readers are as written.
    #[default]
    Stream,
    /// Plain set inclusion.
    Strict,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum DraftName {
    /// draft-04
    #[value(name = "draft-04")]
    Four,
    /// draft-06
    #[value(name = "draft-06")]
    Six,
    /// draft-07
    #[value(name = "draft-07")]
    Seven,
    /// 2019-09
    #[value(name = "2019-09")]
    Nineteen,
    /// 2020-12
    #[default]
    #[value(name = "2020-12")]
    Twenty,
}

impl From<DraftName> for Draft {
    fn from(name: DraftName) -> Self {
        match name {
            DraftName::Four => Self::Draft4,
            DraftName::Six => Self::Draft6,
            DraftName::Seven => Self::Draft7,
            DraftName::Nineteen => Self::Draft201909,
            DraftName::Twenty => Self::Draft202012,
        }
    }
}

impl From<ViewName> for View {
    fn from(name: ViewName) -> Self {
        match name {
            ViewName::Stream => Self::Stream,
            ViewName::Strict => Self::Strict,
        }
    }
}

impl Compat {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let result = match (&self.batch, &self.writer, &self.reader) {
            (Some(batch), ..) => self.many(batch),
            (None, Some(writer), Some(reader)) => self.one(writer, reader),
            _ => Err("name a writer's and a reader's schema, or --batch CASES".to_owned()),
        };
        match result {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(outcome::FINDINGS),
            Err(problem) => outcome::failure(&problem),
        }
    }

    fn prover(&self) -> Prover {
        if self.assert_formats {
            Prover::asserting_formats()
        } else {
            Prover::default()
        }
    }

    fn one(&self, writer: &Path, reader: &Path) -> Result<bool, String> {
        let draft = self.draft.unwrap_or_default().into();
        let mut prover = self.prover();
        let mut take = |path: &Path| {
            let mut schema = read(path)?;
            dialect::settle(&mut schema, self.draft.is_some()).map_err(|unknown| {
                format!(
                    "{}#{}: {}\n  fix: name one of them, or say how to read it: --draft",
                    path.display(),
                    unknown.pointer,
                    unknown.problem
                )
            })?;
            let source = Source {
                documents: vec![(address(path), schema.into())],
                draft,
            };
            prover
                .add(source)
                .map_err(|error| format!("{}#{}: {}", path.display(), error.pointer, error.problem))
        };
        let (written, read_by) = (take(writer)?, take(reader)?);
        let example = self.example.as_deref().map(read).transpose()?;
        let started = Instant::now();
        let verdict = prover.compare(written, read_by, self.view.into(), example.as_ref());
        let micros = started.elapsed().as_micros();
        match self.format {
            Format::Json => outcome::line(&in_json(answer(None, &verdict, micros).to_string())),
            Format::Human => outcome::line(&visible(&human(&verdict, writer, reader))),
        }
        Ok(matches!(verdict, Verdict::Compatible(_)))
    }

    fn many(&self, batch: &Path) -> Result<bool, String> {
        let input: Box<dyn std::io::Read> = if batch == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(
                std::fs::File::open(batch)
                    .map_err(|error| format!("cannot read {}: {error}", batch.display()))?,
            )
        };
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut all = true;
        let mut input = BufReader::new(input);
        let mut bytes = Vec::new();
        for number in 1.. {
            bytes.clear();
            let read = input.read_until(b'\n', &mut bytes);
            if read.map_err(|error| format!("{}:{number}: {error}", batch.display()))? == 0 {
                break;
            }
            let (answer, is_safe) = match line_of(&bytes, number) {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) => self.case(line, number),
                Err(problem) => (refused(Value::Null, "json", &problem), false),
            };
            all &= is_safe;
            if writeln!(output, "{}", in_json(answer.to_string())).is_err() {
                // The reader has seen enough.
                return Ok(all);
            }
        }
        let _ = output.flush();
        Ok(all)
    }

    /// One line of a batch; what cannot be compared is `unknown` with its reason, so the others are still judged.
    fn case(&self, line: &str, number: usize) -> (Value, bool) {
        let case = match text::json(line) {
            Ok(case) => case,
            Err((Position { column, .. }, problem)) => {
                let problem = format!("line {number}, column {column}: {problem}");
                return (refused(Value::Null, "json", &problem), false);
            }
        };
        let id = case.get("id").cloned().unwrap_or(Value::Null);
        if let Some((_, literal)) = first_inexact(line) {
            return (refused(id, "number", &inexact(literal)), false);
        }
        if let Some((Position { column, .. }, problem)) = twice(line) {
            let problem = format!("line {number}, column {column}: {problem}");
            return (refused(id, "json", &problem), false);
        }
        let compared = self.compared(&case);
        match compared {
            Ok((verdict, micros)) => {
                let is_safe = matches!(verdict, Verdict::Compatible(_));
                (answer(Some(id), &verdict, micros), is_safe)
            }
            Err((keyword, reason)) => (refused(id, keyword, &reason), false),
        }
    }

    fn compared(&self, case: &Value) -> Result<(Verdict, u128), (&'static str, String)> {
        let view = match case.get("view").and_then(Value::as_str) {
            None => self.view.into(),
            Some("stream") => View::Stream,
            Some("strict") => View::Strict,
            Some(other) => return Err(("view", format!("`{other}` is not `stream` or `strict`"))),
        };
        let drafts = self.drafts(case.get("draft"))?;
        let is_stated =
            self.draft.is_some() || case.get("draft").is_some_and(|draft| !draft.is_null());
        let started = Instant::now();
        let mut prover = self.prover();
        let mut handles = Vec::new();
        for (side, draft) in [("writer", drafts.0), ("reader", drafts.1)] {
            let mut schema = case
                .get(side)
                .ok_or_else(|| (side, format!("the line has no `{side}`")))?
                .clone();
            dialect::settle(&mut schema, is_stated).map_err(|unknown| {
                let place = format!("{side}#{}", unknown.pointer);
                ("$schema", format!("{place}: {}", unknown.problem))
            })?;
            let handle = prover.add(Source::alone(schema, draft)).map_err(|error| {
                (
                    "schema",
                    format!("{side}#{}: {}", error.pointer, error.problem),
                )
            })?;
            handles.push(handle);
        }
        let verdict = prover.compare(handles[0], handles[1], view, None);
        Ok((verdict, started.elapsed().as_micros()))
    }

    fn drafts(&self, value: Option<&Value>) -> Result<(Draft, Draft), (&'static str, String)> {
        let one = |value: &Value| -> Result<Draft, (&'static str, String)> {
            let name = value.as_str().unwrap_or_default();
            <DraftName as clap::ValueEnum>::from_str(name, true)
                .map(Into::into)
                .map_err(|_| {
                    let known = "draft-04, draft-06, draft-07, 2019-09 or 2020-12";
                    (
                        "draft",
                        format!("{value} is not {known}, or a pair of them"),
                    )
                })
        };
        match value {
            None | Some(Value::Null) => {
                let draft = self.draft.unwrap_or_default().into();
                Ok((draft, draft))
            }
            Some(Value::Array(pair)) if pair.len() == 2 => Ok((one(&pair[0])?, one(&pair[1])?)),
            Some(value) => one(value).map(|draft| (draft, draft)),
        }
    }
}

/// A base for relative references; the file itself is the only document.
fn address(path: &Path) -> String {
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    crate::registry::load::uri(&name)
}

fn answer(id: Option<Value>, verdict: &Verdict, micros: u128) -> Value {
    let (name, witness, reason, pointer) = match verdict {
        Verdict::Compatible(_) => ("compatible", Value::Null, Value::Null, Value::Null),
        Verdict::Incompatible(witness) => (
            "incompatible",
            witness.value.clone(),
            witness.reason.clone().into(),
            witness.pointer.clone().into(),
        ),
        Verdict::Unknown(unknown) => (
            "unknown",
            Value::Null,
            format!("{}: {}", unknown.keyword, unknown.reason).into(),
            unknown.pointer.clone().into(),
        ),
    };
    let mut answer = json!({"verdict": name, "witness": witness, "reason": reason, "pointer": pointer, "micros": u64::try_from(micros).unwrap_or(u64::MAX)});
    if let (Some(id), Some(members)) = (id, answer.as_object_mut()) {
        members.shift_insert(0, "id".to_owned(), id);
    }
    answer
}

fn refused(id: Value, keyword: &str, reason: &str) -> Value {
    json!({"id": id, "verdict": "unknown", "witness": null, "reason": format!("{keyword}: {reason}"), "pointer": null, "micros": 0})
}

fn human(verdict: &Verdict, writer: &Path, reader: &Path) -> String {
    let (writer, reader) = (writer.display(), reader.display());
    match verdict {
        Verdict::Compatible(proof) => format!(
            "compatible: {reader} accepts every message of {writer} (proved, {})",
            outcome::count(proof.steps, "step")
        ),
        Verdict::Incompatible(witness) => format!(
            "incompatible: {reader} rejects a message of {writer}\n  message: {}\n  at {}: {}\n  by {reader}#{}\n  checked by an independent validator on both sides",
            witness.value,
            if witness.instance.is_empty() {
                "(root)"
            } else {
                &witness.instance
            },
            witness.reason,
            witness.pointer,
        ),
        Verdict::Unknown(unknown) => format!(
            "unknown: {} ({}{})",
            unknown.reason,
            unknown.keyword,
            if unknown.pointer.is_empty() {
                String::new()
            } else {
                format!(" at #{}", unknown.pointer)
            },
        ),
    }
}
