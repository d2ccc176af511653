//! Replays letters: those that a worker would take today go back to their source topics, once.
use std::collections::BTreeMap;

use super::judge::{Judge, Judgement};
use super::letter::Letter;
use super::scan::{Selection, scan_topic};
use super::sender::Sender;
use crate::config::Config;
use crate::error::Result;
use crate::registry::EventRegistry;

/// Most letters of one transaction.
const BATCH_LETTERS: usize = 500;

/// Most bytes of one transaction's letters; they are held in memory.
const BATCH_BYTES: usize = 8 << 20;

/// Why letters would fail again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// Source topic.
    pub topic: String,
    /// The reason in the letter.
    pub was: String,
    /// The reason today.
    pub now: String,
    /// JSON pointer, today's.
    pub pointer: String,
    /// Today's reason in words.
    pub detail: String,
}

/// What became of the letters, or would become of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Letters looked at.
    pub letters: u64,
    /// Those that a worker would take, by source topic and the reason in the letter.
    pub passing: BTreeMap<(String, String), u64>,
    /// Those sent.
    pub sent: u64,
    /// Those that would fail again.
    pub failing: BTreeMap<Failure, u64>,
}

impl Report {
    /// Letters that a worker would take.
    #[must_use]
    pub fn passing(&self) -> u64 {
        self.passing.values().sum()
    }

    fn fail(&mut self, letter: &Letter, now: &str, pointer: &str, detail: &str) {
        let failure = Failure {
            topic: letter.topic().to_owned(),
            was: letter.reason.clone(),
            now: now.to_owned(),
            pointer: pointer.to_owned(),
            detail: detail.to_owned(),
        };
        *self.failing.entry(failure).or_default() += 1;
    }
}

/// Judges the selected letters that are open, and sends those that pass where `send` says so. Blocks the thread.
///
/// # Errors
/// A topic is unknown or not in Kafka, or Kafka cannot be reached. What was sent until then is marked.
pub fn replay<R: EventRegistry>(
    config: &Config,
    selection: &Selection,
    send: bool,
) -> Result<Report> {
    let open = Selection {
        with_replayed: false,
        ..selection.clone()
    };
    let mut left = selection.limit.unwrap_or(u64::MAX);
    let mut report = Report::default();
    let mut judge = Judge::<R>::new(config);
    for topic in selection.topics::<R>()? {
        // Before the marks are read: from here on nobody else adds one.
        let sender = match send {
            true => Some(Sender::start(&config.kafka, topic.name, topic.dlq)?),
            false => None,
        };
        let mut batch = Batch::default();
        scan_topic::<R>(
            &config.kafka,
            &open,
            topic.dlq,
            &mut left,
            &mut |mut letter, _| {
                report.letters += 1;
                match judge.judge(&mut letter)? {
                    Judgement::Pass => {
                        let place = (letter.topic().to_owned(), letter.reason.clone());
                        *report.passing.entry(place).or_default() += 1;
                        if let Some(sender) = &sender {
                            batch.add(letter);
                            if batch.is_full() {
                                batch.send(sender, &mut report)?;
                            }
                        }
                    }
                    Judgement::Fail(rejection) => {
                        let now = rejection.reason.code();
                        report.fail(&letter, now, &rejection.pointer, &rejection.detail);
                    }
                    Judgement::Unknown(now, detail) => report.fail(&letter, now, "", &detail),
                }
                Ok(())
            },
        )?;
        if let Some(sender) = &sender {
            batch.send(sender, &mut report)?;
        }
        if left == 0 {
            break;
        }
    }
    Ok(report)
}

/// Letters of one transaction.
#[derive(Default)]
struct Batch {
    letters: Vec<Letter>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, letter: Letter) {
        self.bytes += letter.value.as_ref().map_or(0, Vec::len);
        self.letters.push(letter);
    }

    fn is_full(&self) -> bool {
        self.letters.len() >= BATCH_LETTERS || self.bytes >= BATCH_BYTES
    }

    /// Sends all of them, or, where Kafka refuses one, each on its own.
    fn send(&mut self, sender: &Sender, report: &mut Report) -> Result<()> {
        let letters = std::mem::take(&mut self.letters);
        self.bytes = 0;
        if letters.is_empty() {
            return Ok(());
        }
        if sender.send(&letters)?.is_ok() {
            report.sent += letters.len() as u64;
            return Ok(());
        }
        for letter in letters.chunks(1) {
            match sender.send(letter)? {
                Ok(()) => report.sent += 1,
                Err(error) => {
                    let error = crate::kafka::error("Kafka does not take it", &error);
                    report.fail(&letter[0], "not-taken", "", &error.why.unwrap_or_default());
                }
            }
        }
        Ok(())
    }
}
