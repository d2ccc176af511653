//! One drawn registry, compiled before and after its change, with real servers and both workers.
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::Message as _;
use serde_json::{Value, json};
use topicwright::registry::files::Files;
use topicwright_runtime::engine::clickhouse::{ClickHouse, Program};
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_tests::program::{command, free_port, get, metric, text, wait_until};
use topicwright_tests::running::{Running, guarded};
use topicwright_tests::{kafka, sql};

use super::messages::{Message, messages, topics};
use super::registry::{Drawn, Tally};
use super::workspace::{Workspace, succeed};

/// Disagreements shown of a registry.
const MOST_SHOWN: usize = 5;

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

/// Compiles a registry's pipeline.
fn compiled(workspace: &Workspace, files: &Files, name: &str) -> PathBuf {
    workspace.put_registry(&files.0);
    succeed(&mut workspace.cargo(&["topicwright", "generate"]));
    workspace.pipeline(name)
}

/// Where events go in one half of a round.
struct Place {
    broker: Kafka,
    store: ClickHouse,
}

impl Place {
    fn start() -> Self {
        Self {
            broker: Kafka::start().unwrap(),
            store: ClickHouse::start(
                Program::find_with_host(env!("CARGO_BIN_EXE_engine-host")).unwrap(),
            )
            .unwrap(),
        }
    }

    fn tell(&self, mut command: std::process::Command) -> std::process::Command {
        command
            .env("KAFKA_BROKERS", self.broker.brokers())
            .env("CLICKHOUSE_URL", self.store.url())
            .env("TOPICWRIGHT_HASH_KEY", "00112233445566778899aabbccddeeff");
        command
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> String {
        let command = command(program.to_str().unwrap(), arguments);
        succeed(&mut self.tell(command))
    }

    /// Has `producer` send the events and `worker` take them; rows by topic, and what became dead letters.
    fn carry(
        &self,
        tables: &Path,
        producer: &Path,
        worker: &Path,
        sent: &[&Message],
        witnesses: &[(String, Value)],
    ) -> (BTreeMap<String, usize>, Vec<String>) {
        self.run(tables, &["apply", "--yes"]);
        // Old events stay to be counted.
        sql::run(&self.store.url(), "SYSTEM STOP MERGES").unwrap();
        let file = lines(sent.iter().copied());
        self.run(producer, &["produce", file.path().to_str().unwrap()]);
        for (number, (topic, payload)) in witnesses.iter().enumerate() {
            let event = json!({
                "type": topic, "v": 2, "id": witness_id(number), "actor": "someone",
                "at": "2026-01-01T00:00:00Z", "data": payload
            });
            let record = (b"someone".to_vec(), event.to_string().into_bytes());
            kafka::send(&self.broker.brokers(), topic, None, &[record]);
        }
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["ingest", "--listen", &listen, "--flush-interval-ms", "500"];
        let mut ingest = guarded(worker.to_str().unwrap(), &arguments);
        ingest
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let running = Running::start(&mut self.tell(ingest));
        let rows = || {
            let count = "SELECT count() FROM random.events";
            sql::ask(&self.store.url(), count).parse::<usize>().unwrap()
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let dead = || {
            get(port, "/metrics").map_or(0.0, |(_, body)| metric(&body, "ingest_dlq_total"))
                as usize
        };
        wait_until("every event is a row or a dead letter", || {
            rows() + dead() >= sent.len() + witnesses.len()
        });
        let dead = dead();
        std::thread::sleep(Duration::from_millis(100));
        let output = running.terminate();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let counted = sql::ask(
            &self.store.url(),
            "SELECT kafka_topic, count() FROM random.events GROUP BY kafka_topic FORMAT TSV",
        );
        let rows = counted.lines().filter_map(|line| {
            let (topic, count) = line.split_once('\t')?;
            Some((topic.to_owned(), count.parse().unwrap()))
        });
        let letters = match dead {
            0 => Vec::new(),
            _ => {
                let mut names = topics(sent.iter().copied());
                names.extend(witnesses.iter().map(|(topic, _)| topic.as_str()));
                self.letters(&names)
            }
        };
        (rows.collect(), letters)
    }

    /// Every dead letter in words.
    fn letters(&self, topics: &BTreeSet<&str>) -> Vec<String> {
        let brokers = self.broker.brokers();
        let mut all = Vec::new();
        for topic in topics {
            let dead = format!("{topic}.dlq");
            let count = usize::try_from(kafka::count(&brokers, &dead)).unwrap();
            if count > 0 {
                for record in kafka::read(&brokers, &dead, count) {
                    use rdkafka::message::Headers as _;
                    let headers: Vec<String> = record
                        .headers()
                        .map(|headers| {
                            headers
                                .iter()
                                .map(|header| {
                                    let value = header.value.unwrap_or_default();
                                    format!("{}={}", header.key, String::from_utf8_lossy(value))
                                })
                                .collect()
                        })
                        .unwrap_or_default();
                    let event = String::from_utf8_lossy(record.payload().unwrap_or_default());
                    all.push(format!("{topic}: {}\n  {event}", headers.join(" ")));
                }
            }
        }
        all
    }
}

/// The id of the event around a witness, as it stands in its text.
fn witness_id(number: usize) -> String {
    format!("witness {number} of all")
}

/// A file with the events, one a line.
fn lines<'m>(messages: impl Iterator<Item = &'m Message>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for message in messages {
        file.write_all(&message.line).unwrap();
        file.write_all(b"\n").unwrap();
    }
    file.flush().unwrap();
    file
}

/// Numbers of the lines that `produce` refuses, with what it says.
fn refused(program: &Path, messages: &[Message]) -> BTreeMap<usize, String> {
    let file = lines(messages.iter());
    let path = file.path().to_str().unwrap();
    let output = command(program.to_str().unwrap(), &["produce", "--dry-run", path])
        .output()
        .unwrap();
    text(&output.stderr)
        .lines()
        .filter_map(|line| {
            let (number, said) = line
                .strip_prefix(path)?
                .strip_prefix(':')?
                .split_once(':')?;
            Some((number.parse().ok()?, said.to_owned()))
        })
        .collect()
}

impl Round {
    /// Draws, compiles, sends and judges.
    pub fn of(workspace: &Workspace, seed: u64, topics: usize) -> Self {
        let drawn = Drawn::new(seed, topics);
        let messages = messages(&drawn.side, seed);
        let old = compiled(workspace, &drawn.old, "random-old");
        let new = compiled(workspace, &drawn.new, "random-new");
        let mut round = Self {
            seed,
            tally: drawn.tally,
            produced: [0; 2],
            stored: [0; 2],
            witnesses: 0,
            problems: Vec::new(),
        };

        let refused = refused(&new, &messages);
        for (number, message) in (1..).zip(&messages) {
            let said = refused.get(&number);
            // Readers take newer versions than they know where that is promised; nobody produces them.
            let is_beyond = said.is_some_and(|said| said.contains("(unknown-version)"));
            if said.is_none() != message.is_valid && !is_beyond {
                let said = said.map_or("`produce` takes, `validate` does not", String::as_str);
                round.report(&format!("{said}:"), message);
            }
        }
        let taken: Vec<&Message> = (1..)
            .zip(&messages)
            .filter(|(number, _)| !refused.contains_key(number))
            .map(|(_, message)| message)
            .collect();
        round.produced = [taken.len(), refused.len()];

        let is_promised = |message: &&&Message| {
            let topic = drawn.side.topic(&message.topic).expect("it was drawn");
            message.version == 1
                || message.is_declared && topic.manifest.compatibility.promises_forward()
        };
        let promised: Vec<&Message> = taken.iter().filter(is_promised).copied().collect();
        for (half, (worker, sent)) in [(&old, &promised), (&new, &taken)].into_iter().enumerate() {
            let place = Place::start();
            let witnesses = [drawn.witnesses.as_slice(), &[]][half];
            let (rows, mut letters) = place.carry(&new, &new, worker, sent, witnesses);
            round.stored[half] = rows.values().sum();
            let who = ["the worker of before", "the worker of after"][half];
            for (number, (topic, payload)) in witnesses.iter().enumerate() {
                let id = witness_id(number);
                match letters.iter().position(|letter| letter.contains(&id)) {
                    Some(place) => drop(letters.swap_remove(place)),
                    None => round.tell(format!("{who} takes the witness of {topic}: {payload}")),
                }
            }
            round.witnesses += witnesses.len();
            for letter in &letters {
                round.tell(format!("{who} makes a dead letter of {letter}"));
            }
            for name in super::messages::topics(sent.iter().copied()) {
                let expected = sent.iter().filter(|message| message.topic == name).count();
                let found = rows.get(name).copied().unwrap_or_default();
                let dead = letters
                    .iter()
                    .filter(|letter| letter.starts_with(&format!("{name}: ")));
                if found + dead.count() != expected {
                    round.tell(format!(
                        "{who}: {found} rows of {name} for {expected} events"
                    ));
                }
            }
        }
        if !round.problems.is_empty() {
            let kept = std::env::temp_dir().join(format!("random-registry-{seed}"));
            for (state, files) in [("old", &drawn.old), ("new", &drawn.new)] {
                for (path, contents) in &files.0 {
                    let path = kept.join(state).join(path);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, contents).unwrap();
                }
            }
            round.problems.push(format!(
                "seed {seed}: the registry is kept in {}",
                kept.display()
            ));
        }
        round
    }

    fn report(&mut self, said: &str, message: &Message) {
        let Message { topic, line, .. } = message;
        let line = String::from_utf8_lossy(line);
        self.tell(format!("{topic}: {said}\n  {line}"));
    }

    fn tell(&mut self, mut problem: String) {
        if self.problems.len() < MOST_SHOWN {
            if problem.len() > 3000 {
                let end = (0..=3000).rev().find(|end| problem.is_char_boundary(*end));
                problem.truncate(end.unwrap_or_default());
            }
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
