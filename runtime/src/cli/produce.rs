//! `pipeline produce`: events from a file or standard input to Kafka, each checked before it is sent.
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::Outcome;
use super::signals::Signals;
use super::streams::say;
use crate::config::Settings;
use crate::error::{Error, Kind, Result};
use crate::ingest::Rejection;
use crate::metrics::Metrics;
use crate::produce::{OutgoingRecord, Producer, ProducerLimits};
use crate::registry::EventRegistry;

/// Records that wait for Kafka together.
const BATCH: usize = 1000;

/// Lines read ahead of the sending.
const AHEAD: usize = 4 * BATCH;

/// Flags of `produce`.
#[derive(clap::Args)]
pub(super) struct Produce {
    /// Events, one JSON envelope a line; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Check every line and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// A line of the input, without its line feed.
enum Line {
    Text(usize, Vec<u8>),
    /// Longer than any message may be.
    TooLong(usize),
    Unreadable(usize, std::io::Error),
}

/// What became of the lines so far.
#[derive(Default)]
struct Tally {
    sent: u64,
    refused: u64,
    failed: u64,
    last_line: usize,
    /// What to do about the last line that Kafka did not take.
    fix: Option<String>,
}

/// Why no more lines are read.
enum End {
    /// There are none.
    Input,
    /// A signal.
    Interrupted,
    /// Kafka took nothing of a whole batch; it would not take the rest.
    NothingTaken,
}

impl Produce {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, false)?;
        let limits = ProducerLimits {
            max_message_bytes: config.batch.max_message_bytes,
            ..ProducerLimits::default()
        };
        let metrics =
            Metrics::new().map_err(|error| Error::bug("cannot register the metrics").why(error))?;
        let producer = match self.dry_run {
            true => None,
            false => Some(Producer::<R>::new(&config.kafka, limits, metrics)?),
        };
        let name = match self.file.as_os_str() == "-" {
            true => "standard input".to_owned(),
            false => self.file.display().to_string(),
        };
        let mut lines = read_lines(&self.file, limits.max_message_bytes)?;
        let mut tally = Tally::default();
        let end = {
            let mut signals = Signals::listen()?;
            let mut batch = Vec::new();
            loop {
                batch.clear();
                let taken = tokio::select! {
                    taken = lines.recv_many(&mut batch, BATCH) => taken,
                    () = signals.received() => break End::Interrupted,
                };
                if taken == 0 {
                    break End::Input;
                }
                let before = (tally.sent, tally.failed);
                send::<R>(&name, &mut batch, limits, producer.as_ref(), &mut tally).await?;
                if tally.sent == before.0 && tally.failed > before.1 {
                    break End::NothingTaken;
                }
            }
        };
        let verb = if self.dry_run { "checked" } else { "produced" };
        let (sent, refused, failed) = (tally.sent, tally.refused, tally.failed);
        say(&format!(
            "{verb} {sent}, refused {refused}, not delivered {failed}"
        ));
        let fix = |which: &str| {
            let again = format!("produce {which} again: consumers drop duplicates");
            match &tally.fix {
                Some(fix) => format!("{fix}; then {again}"),
                None => again,
            }
        };
        match end {
            End::Interrupted => {
                return Err(Error::service("interrupted before the end of the input")
                    .at("last line handled", tally.last_line)
                    .fix("run again with the lines after it"));
            }
            End::NothingTaken => {
                return Err(
                    Error::service("Kafka takes no event; the rest was not tried")
                        .at("last line handled", tally.last_line)
                        .fix(fix(
                            "the lines named above and those after the last one handled",
                        )),
                );
            }
            End::Input if failed > 0 => {
                return Err(Error::service("Kafka did not take every event")
                    .at("not delivered", failed)
                    .fix(fix("the lines named above")));
            }
            End::Input => {}
        }
        Ok(match refused {
            0 => Outcome::Clean,
            _ => Outcome::Findings,
        })
    }
}

/// Checks a batch of lines and sends those that pass, in order.
async fn send<R: EventRegistry>(
    name: &str,
    batch: &mut Vec<Line>,
    limits: ProducerLimits,
    producer: Option<&Producer<R>>,
    tally: &mut Tally,
) -> Result<()> {
    let mut records = Vec::with_capacity(batch.len());
    let mut numbers = Vec::with_capacity(batch.len());
    let mut unreadable = None;
    for line in batch.drain(..) {
        let (number, checked) = match line {
            Line::Text(number, text) => (
                number,
                OutgoingRecord::from_json::<R>(text, limits.max_message_bytes),
            ),
            Line::TooLong(number) => {
                let detail = format!("at most {} bytes", limits.max_message_bytes);
                (number, Err(Rejection::too_large(detail)))
            }
            Line::Unreadable(number, error) => {
                unreadable = Some((number, error));
                break;
            }
        };
        tally.last_line = number;
        match checked {
            Ok(record) => {
                records.push(record);
                numbers.push(number);
            }
            Err(rejection) => {
                tally.refused += 1;
                report(name, number, &rejection);
            }
        }
    }
    match producer {
        None => tally.sent += records.len() as u64,
        Some(producer) => {
            for (number, outcome) in numbers.into_iter().zip(producer.send_all(&records).await) {
                match outcome {
                    Ok(_) => tally.sent += 1,
                    // Wrong settings fail for every line: say it once.
                    Err(error) if error.kind == Kind::Config && !error.retryable => {
                        return Err(error);
                    }
                    Err(error) => {
                        tally.failed += 1;
                        let why = error.why.unwrap_or(error.what);
                        say(&format!("{name}:{number}: not delivered: {why}"));
                        tally.fix = error.fix;
                    }
                }
            }
        }
    }
    match unreadable {
        None => Ok(()),
        Some((number, error)) => Err(Error::config("cannot read the input")
            .at("file", name)
            .at("line", number)
            .why(error)),
    }
}

fn report(name: &str, number: usize, rejection: &Rejection) {
    let Rejection {
        pointer, detail, ..
    } = rejection;
    let reason = rejection.reason.code();
    let place = match pointer.as_str() {
        "" => String::new(),
        pointer => format!("{pointer}: "),
    };
    say(&format!(
        "{name}:{number}: refused ({reason}): {place}{detail}"
    ));
}

/// Reads lines on a thread of its own, so that a signal is heard while the input waits.
fn read_lines(file: &Path, max_bytes: usize) -> Result<mpsc::Receiver<Line>> {
    let input: Box<dyn BufRead + Send> = if file.as_os_str() == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let opened = File::open(file).map_err(|error| {
            Error::config("cannot open the input")
                .at("file", file.display())
                .why(error)
        })?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut input = input;
        for number in 1.. {
            let line = match next_line(&mut input, max_bytes) {
                Ok(None) => return,
                Ok(Some(Some(text))) if text.trim_ascii().is_empty() => continue,
                Ok(Some(Some(text))) => Line::Text(number, text),
                Ok(Some(None)) => Line::TooLong(number),
                Err(error) => Line::Unreadable(number, error),
            };
            let is_last = matches!(line, Line::Unreadable(..));
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The next line; `Some(None)` for one over `max_bytes`, which is skipped without being held in memory.
fn next_line(
    input: &mut dyn BufRead,
    max_bytes: usize,
) -> std::io::Result<Option<Option<Vec<u8>>>> {
    let mut text = Vec::new();
    let most = max_bytes as u64 + 2;
    let taken = (&mut *input).take(most).read_until(b'\n', &mut text)?;
    if taken == 0 {
        return Ok(None);
    }
    if text.last() == Some(&b'\n') {
        text.pop();
    } else if taken as u64 == most {
        input.skip_until(b'\n')?;
        return Ok(Some(None));
    }
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(Some(Some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_by_feed_or_input_and_long_ones_are_skipped() {
        let mut input: &[u8] = b"{}\r\n\nlonger than ten bytes\n12345\nlast";
        let mut next = || next_line(&mut input, 10).expect("readable");
        assert_eq!(next(), Some(Some(b"{}".to_vec())));
        assert_eq!(next(), Some(Some(Vec::new())));
        assert_eq!(next(), Some(None));
        assert_eq!(next(), Some(Some(b"12345".to_vec())));
        assert_eq!(next(), Some(Some(b"last".to_vec())));
        assert_eq!(next(), None);
    }
}
