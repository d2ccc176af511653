//! The compiled pipeline of a drawn registry, with real servers.
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rdkafka::Message as _;
use rdkafka::message::{Headers as _, OwnedMessage};
use serde_json::{Value, json};
use topicwright::registry::files::Files;
use topicwright_tests::program::{Servers, command, free_port, get, metric, text, wait_until};
use topicwright_tests::running::Running;
use topicwright_tests::{kafka, sql};

use super::messages::Message;
use super::workspace::{Workspace, succeed};

/// Compiles a registry's pipeline.
pub fn compiled(workspace: &Workspace, files: &Files, name: &str) -> PathBuf {
    workspace.put_registry(&files.0);
    succeed(&mut workspace.cargo(&["topicwright", "generate"]));
    workspace.pipeline(name)
}

/// Fresh servers with the tables and topics of a pipeline.
pub fn servers(tables: &Path) -> Servers {
    let servers = Servers::start("", env!("CARGO_BIN_EXE_engine-host"));
    succeed(&mut servers.command_of(tables.to_str().unwrap(), &["apply", "--yes"]));
    // Old events stay to be counted.
    sql::run(&servers.store.url(), "SYSTEM STOP MERGES").unwrap();
    servers
}

/// Sends events that were checked, in their order.
pub fn produce(servers: &Servers, program: &Path, events: &[&Message]) {
    let file = lines(events.iter().copied());
    let arguments = ["produce", file.path().to_str().unwrap()];
    succeed(&mut servers.command_of(program.to_str().unwrap(), &arguments));
}

/// Sends payloads of a version 2 that the registry does not have, past every check.
pub fn smuggle(servers: &Servers, witnesses: &[(String, Value)]) {
    for (number, (topic, payload)) in witnesses.iter().enumerate() {
        let event = json!({
            "type": topic, "v": 2, "id": format!("witness {number}"), "actor": "someone",
            "at": "2026-01-01T00:00:00Z", "data": payload
        });
        let record = (b"someone".to_vec(), event.to_string().into_bytes());
        kafka::send(&servers.broker.brokers(), topic, None, &[record]);
    }
}

/// Runs a worker until so many records are rows or dead letters.
pub fn ingest(servers: &Servers, program: &Path, records: usize) {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["ingest", "--listen", &listen, "--flush-interval-ms", "500"];
    let mut command = servers.guarded_program(program.to_str().unwrap(), &arguments);
    let running = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    wait_until("every record is a row or a dead letter", || {
        let dead = get(port, "/metrics").map_or(0.0, |(_, body)| metric(&body, "ingest_dlq_total"));
        let rows = sql::ask(&servers.store.url(), "SELECT count() FROM random.events");
        #[allow(clippy::cast_precision_loss)]
        let all = rows.parse::<f64>().unwrap() + dead >= records as f64;
        all
    });
    let output = running.terminate();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Dead letters of a topic by the offset of the record, with the reason.
pub fn dead_letters(servers: &Servers, topic: &str) -> BTreeMap<usize, String> {
    let brokers = servers.broker.brokers();
    let dead = format!("{topic}.dlq");
    let count = usize::try_from(kafka::count(&brokers, &dead)).unwrap();
    if count == 0 {
        return BTreeMap::new();
    }
    let letters = kafka::read(&brokers, &dead, count);
    letters
        .iter()
        .map(|letter| (offset(letter), reason(letter)))
        .collect()
}

fn offset(letter: &OwnedMessage) -> usize {
    let offset = kafka::header(letter, "topicwright-source-offset");
    offset.expect("a header").parse().expect("a number")
}

fn reason(letter: &OwnedMessage) -> String {
    let headers = letter
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    let headers: Vec<String> = headers
        .map(|header| {
            let value = String::from_utf8_lossy(header.value.unwrap_or_default());
            format!("{}={value}", header.key)
        })
        .collect();
    headers.join(" ")
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
pub fn refused(program: &Path, messages: &[Message]) -> BTreeMap<usize, String> {
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
