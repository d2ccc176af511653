//! One drawn registry, compiled before and after its change, and judged by both workers.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use topicwright::gate::side::Side;

use super::messages::{Message, messages};
use super::pipeline::{compiled, dead_letters, ingest, produce, refused, servers, smuggle};
use super::registry::{Drawn, Tally};
use super::rows::{Rows, difference, rows};
use super::workspace::Workspace;

/// Disagreements shown of a registry.
const MOST_SHOWN: usize = 5;

/// Longest text of one, in bytes.
const LONGEST: usize = 3000;

/// What a round found.
pub struct Round {
    seed: u64,
    tally: Tally,
    /// Events that `produce` took, and those that it refused.
    produced: [usize; 2],
    /// Rows that the worker of before stored, and the worker of after.
    stored: [usize; 2],
    /// Messages that break readers as the gate says, sent to the worker of before.
    witnesses: usize,
    pub problems: Vec<String>,
}

impl Round {
    /// Draws, compiles, sends and judges.
    pub fn of(workspace: &Workspace, seed: u64, topics: usize) -> Self {
        let drawn = Drawn::new(seed, topics);
        let messages = messages(&drawn.sides[1], seed);
        let old = compiled(workspace, &drawn.old, "random-old");
        let new = compiled(workspace, &drawn.new, "random-new");
        let mut round = Self {
            seed,
            tally: drawn.tally,
            produced: [0; 2],
            stored: [0; 2],
            witnesses: drawn.witnesses.len(),
            problems: Vec::new(),
        };
        let taken = round.checked(&new, &messages);
        let promised: Vec<&Message> = taken
            .iter()
            .filter(|message| {
                let topic = drawn.sides[1].topic(&message.topic).expect("it was drawn");
                message.version == 1
                    || message.is_declared && topic.manifest.compatibility.promises_forward()
            })
            .copied()
            .collect();
        let halves = [
            (&old, &promised, drawn.witnesses.as_slice()),
            (&new, &taken, &[]),
        ];
        for (half, (worker, sent, witnesses)) in halves.into_iter().enumerate() {
            let servers = servers(&new);
            produce(&servers, &new, sent);
            smuggle(&servers, witnesses);
            ingest(&servers, worker, sent.len() + witnesses.len());
            let rows = rows(&servers.store.url(), &drawn.sides[half]);
            round.stored[half] = rows.len();
            let letters = |topic: &str| dead_letters(&servers, topic);
            round.judge(half, &drawn.sides[half], sent, witnesses, &rows, letters);
        }
        if !round.problems.is_empty() {
            let kept = keep(seed, &drawn);
            let told = format!("seed {seed}: the registry is kept in {}", kept.display());
            round.problems.push(told);
        }
        round
    }

    /// The events that `produce` takes, which must be those that `validate` takes.
    fn checked<'m>(&mut self, program: &Path, messages: &'m [Message]) -> Vec<&'m Message> {
        let refused = refused(program, messages);
        let mut taken = Vec::new();
        for (number, message) in (1..).zip(messages) {
            let said = refused.get(&number);
            // Readers take newer versions than they know where that is promised; nobody produces them.
            let is_beyond = said.is_some_and(|said| said.contains("(unknown-version)"));
            if said.is_none() != message.is_valid && !is_beyond {
                let said = said.map_or("`produce` takes, `validate` does not", String::as_str);
                self.report(said, message);
            }
            if said.is_none() {
                taken.push(message);
            }
        }
        self.produced = [taken.len(), refused.len()];
        taken
    }

    /// Every event is a row that says the same, every witness a dead letter.
    fn judge(
        &mut self,
        half: usize,
        side: &Side,
        sent: &[&Message],
        witnesses: &[(String, Value)],
        rows: &Rows,
        letters: impl Fn(&str) -> BTreeMap<usize, String>,
    ) {
        let who = ["the worker of before", "the worker of after"][half];
        // Topics have one partition, so that offsets count what was sent.
        let mut by_topic: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
        for message in sent {
            by_topic.entry(&message.topic).or_default().push(message);
        }
        for (topic, payload) in witnesses {
            let events = by_topic.get(topic.as_str()).map_or(0, Vec::len);
            if !letters(topic).contains_key(&events) {
                self.tell(format!("{who} takes the witness of {topic}: {payload}"));
            }
        }
        for (topic, events) in by_topic {
            let is_whole =
                (0..events.len()).all(|offset| rows.contains_key(&(topic.to_owned(), offset)));
            let letters = match is_whole {
                true => BTreeMap::new(),
                false => letters(topic),
            };
            for (offset, message) in events.iter().enumerate() {
                match rows.get(&(topic.to_owned(), offset)) {
                    Some(row) => {
                        if let Some(difference) = difference(side, message, row) {
                            self.report(
                                &format!("{who} stores it otherwise, {difference}"),
                                message,
                            );
                        }
                    }
                    None => {
                        let reason = letters.get(&offset).map_or("it is gone", String::as_str);
                        self.report(&format!("{who} does not store it, {reason}"), message);
                    }
                }
            }
        }
    }

    fn report(&mut self, said: &str, message: &Message) {
        let Message { topic, line, .. } = message;
        let line = String::from_utf8_lossy(line);
        self.tell(format!("{topic}: {said}\n  {line}"));
    }

    fn tell(&mut self, mut problem: String) {
        if self.problems.len() < MOST_SHOWN {
            let end = (0..=LONGEST.min(problem.len()))
                .rev()
                .find(|end| problem.is_char_boundary(*end));
            problem.truncate(end.unwrap_or_default());
            self.problems.push(format!("seed {}: {problem}", self.seed));
        }
    }

    /// The round in a line.
    pub fn said(&self) -> String {
        let Self {
            seed,
            tally,
            produced: [taken, refused],
            stored: [before, after],
            witnesses,
            problems,
        } = self;
        let Tally {
            carried,
            refused: not_carried,
            safe,
            unpromised,
            unsafe_ones,
        } = tally;
        format!(
            "seed {seed}: {carried} topics ({not_carried} refused); {safe} changes safe, {unpromised} not promised, \
             {unsafe_ones} objected to; {taken} events produced ({refused} refused), {before} stored by the worker of \
             before, {after} by that of after; {witnesses} witnesses; {} disagreements",
            problems.len()
        )
    }
}

/// Writes both states of a registry where they outlive the test.
fn keep(seed: u64, drawn: &Drawn) -> PathBuf {
    let kept = std::env::temp_dir().join(format!("random-registry-{seed}"));
    for (state, files) in [("old", &drawn.old), ("new", &drawn.new)] {
        for (path, contents) in &files.0 {
            let path = kept.join(state).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
    }
    kept
}
