//! Servers, workers and a producer: what faults are done to, and how to tell that everything has come to rest.
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use tempfile::TempDir;

use super::stream::{LONGEST, Record, Stream};
use crate::events;
use crate::program::{Servers, free_port, text};
use crate::sql;

/// The group of all workers: the program's default for this registry.
const GROUP: &str = "game-ingest";

/// Names a record in its headers, through Kafka and into dead letters.
pub const NUMBER: &str = "fault-number";

/// Two servers, the workers between them and their logs.
pub struct Scene {
    /// The servers.
    pub servers: Servers,
    /// Running workers.
    pub workers: Vec<Worker>,
    logs: TempDir,
    store_folder: PathBuf,
    started: usize,
}

/// A running worker.
pub struct Worker {
    /// The process.
    pub child: Child,
    /// Its port of metrics and health.
    pub port: u16,
    log: PathBuf,
}

/// How a worker ended by itself.
#[derive(Debug)]
pub enum End {
    /// Asked to leave.
    Left,
    /// With an error before it joined its group.
    AtStart,
    /// At a failpoint.
    Failpoint,
    /// With an error; the end of its log.
    Error(ExitStatus, String),
}

impl Scene {
    /// Servers with topics and tables, no worker yet.
    ///
    /// # Panics
    /// They do not come up.
    #[must_use]
    pub fn start(program: &'static str, host: &str) -> Self {
        let servers = Servers::start(program, host);
        let applied = servers.run(&["apply", "--yes"]);
        assert!(applied.status.success(), "{}", text(&applied.stderr));
        let store = servers.store.process_id().unwrap();
        let store_folder = std::fs::read_link(format!("/proc/{store}/cwd")).unwrap();
        let scene = Self {
            store_folder,
            servers,
            workers: Vec::new(),
            logs: tempfile::tempdir().unwrap(),
            started: 0,
        };
        // A merge would hide a row that is there twice, and small batches make many parts.
        let _ = scene.ask(
            "ALTER TABLE events_raw MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, \
             max_bytes_to_merge_at_min_space_in_pool = 1, parts_to_delay_insert = 1000000, parts_to_throw_insert = 1000000",
        );
        scene
    }

    /// Asks ClickHouse in the registry's database.
    ///
    /// # Panics
    /// It refuses.
    #[must_use]
    pub fn ask(&self, statement: &str) -> String {
        sql::ask_in(&self.servers.store.url(), "game", statement)
    }

    /// Starts a worker with small batches; `failpoints` says where it ends or is held up.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn add_worker(&mut self, failpoints: &str) -> &mut Worker {
        self.started += 1;
        let log = self
            .logs
            .path()
            .join(format!("worker-{:03}.log", self.started));
        let port = free_port();
        let (listen, longest) = (format!("127.0.0.1:{port}"), LONGEST.to_string());
        let mut command = self.servers.command(&[
            "ingest",
            "--listen",
            &listen,
            "--flush-interval-ms",
            "80",
            "--max-batch-rows",
            "400",
            // What was killed is missed sooner.
            "--kafka-config",
            "session.timeout.ms=3000;heartbeat.interval.ms=700",
            "--max-message-bytes",
            &longest,
        ]);
        command
            .env("FAILPOINTS", failpoints)
            .env("RUST_LOG", "info")
            .stdout(std::process::Stdio::null())
            .stderr(File::create(&log).unwrap());
        let child = command.spawn().unwrap();
        self.workers.push(Worker { child, port, log });
        self.workers.last_mut().unwrap()
    }

    /// Removes the workers that ended by themselves and tells how.
    ///
    /// # Panics
    /// A process cannot be asked.
    pub fn ended(&mut self) -> Vec<End> {
        let mut ends = Vec::new();
        self.workers
            .retain_mut(|worker| match worker.child.try_wait().unwrap() {
                None => true,
                Some(status) => {
                    ends.push(worker.end(status));
                    false
                }
            });
        ends
    }

    /// Waits until the only worker ended at its failpoint.
    ///
    /// # Panics
    /// It does not, or ends otherwise.
    pub fn await_failpoint(&mut self, point: &str) {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            match self.ended().pop() {
                Some(End::Failpoint) => return,
                Some(end) => panic!("{point}: {end:?}"),
                None => {}
            }
            assert!(
                Instant::now() < deadline,
                "{point} is never reached: {}",
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts ClickHouse again where it ended by itself, as it now and then does soon after a kill; the end of
    /// its log then.
    ///
    /// # Panics
    /// It does not come back.
    pub fn revive_store(&mut self) -> Option<String> {
        let process = self.servers.store.process_id()?;
        let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let is_gone = state
            .rsplit(')')
            .next()
            .is_none_or(|rest| rest.trim_start().starts_with('Z'));
        if !is_gone {
            return None;
        }
        let log = read(&self.store_folder.join("server.log"));
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        self.servers.store.restart().unwrap();
        Some(end)
    }

    /// Kills a worker (SIGKILL).
    ///
    /// # Panics
    /// There is none in this place.
    pub fn kill_worker(&mut self, place: usize) {
        let mut worker = self.workers.swap_remove(place);
        let _ = worker.child.kill();
        let _ = worker.child.wait();
    }

    /// Asks every worker to leave, as an orchestrator does.
    ///
    /// # Panics
    /// One ends with an error.
    pub fn stop_workers(&mut self) {
        for worker in &self.workers {
            signal(worker.child.id(), "TERM");
        }
        for mut worker in std::mem::take(&mut self.workers) {
            let status = worker.child.wait().unwrap();
            assert!(status.success(), "{:?}", worker.end(status));
        }
    }

    /// Lines of all workers' logs that hold a text.
    #[must_use]
    pub fn logged(&self, part: &str) -> usize {
        self.logs()
            .lines()
            .filter(|line| line.contains(part))
            .count()
    }

    /// All logs, oldest worker first.
    ///
    /// # Panics
    /// They cannot be read.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.logs.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let texts = files
            .iter()
            .map(|file| format!("== {}\n{}", file.display(), read(file)));
        texts.collect()
    }

    /// Waits until every record of every topic is behind the group's committed position.
    ///
    /// # Panics
    /// That takes longer than two minutes, or a worker ends.
    pub fn settle(&mut self) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.servers.broker.brokers())
            .set("group.id", GROUP)
            .create()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut open = String::from("nothing was asked");
        while !open.is_empty() {
            assert!(Instant::now() < deadline, "{open}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(200));
            if let Some(log) = self.revive_store() {
                eprintln!("ClickHouse ended by itself:\n{log}");
            }
            let ended = self.ended();
            assert!(ended.is_empty(), "{ended:?}\n{}", self.logs());
            open = lag(&consumer);
        }
    }

    /// The registry's questions as the program answers them.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn kpis(&self, as_of: &str) -> Vec<serde_json::Value> {
        let answered = self
            .servers
            .run(&["kpi", "--format", "json", "--as-of", as_of]);
        assert!(answered.status.success(), "{}", text(&answered.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&answered.stdout).unwrap();
        answer["kpis"].as_array().unwrap().clone()
    }

    /// Sends records and waits until Kafka has them all.
    ///
    /// # Panics
    /// Kafka does not take them.
    pub fn send(&self, stream: &mut Stream, count: usize) {
        let producer = producer(&self.servers.broker.brokers());
        for _ in 0..count {
            let number = stream.records.len();
            deliver(&producer, number, &stream.draw());
        }
        producer.flush(Duration::from_secs(60)).unwrap();
    }

    /// Sends on a thread of its own until told to stop; gives the stream back when Kafka has everything.
    ///
    /// # Panics
    /// Later, where Kafka refuses a record for good.
    #[must_use]
    pub fn keep_sending(
        &self,
        mut stream: Stream,
        a_second: u32,
        stop: Arc<AtomicBool>,
    ) -> JoinHandle<Stream> {
        let brokers = self.servers.broker.brokers();
        std::thread::spawn(move || {
            let producer = producer(&brokers);
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..a_second / 20 {
                    let number = stream.records.len();
                    deliver(&producer, number, &stream.draw());
                }
                producer.poll(Duration::from_millis(50));
            }
            producer.flush(Duration::from_secs(120)).unwrap();
            stream
        })
    }
}

impl Worker {
    fn end(&self, status: ExitStatus) -> End {
        match status.signal() {
            None if status.success() => End::Left,
            // Before it listened to signals.
            Some(15) => End::Left,
            Some(6) => End::Failpoint,
            _ => {
                let log = read(&self.log);
                if !log.contains("assigned") && log.contains("cannot reach") {
                    return End::AtStart;
                }
                let lines: Vec<&str> = log.lines().collect();
                End::Error(status, lines[lines.len().saturating_sub(15)..].join("\n"))
            }
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            signal(worker.child.id(), "CONT");
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

/// Sends a signal by name.
///
/// # Panics
/// There is no `kill`.
pub fn signal(process: u32, name: &str) {
    let _ = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .unwrap();
}

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()
}

/// Never gives up and never repeats a record.
fn producer(brokers: &str) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "0")
        .set("linger.ms", "5")
        .set("log_level", "2")
        .create()
        .unwrap()
}

fn deliver(producer: &BaseProducer, number: usize, record: &Record) {
    loop {
        let number = number.to_string();
        let header = Header {
            key: NUMBER,
            value: Some(&number),
        };
        let mut message = BaseRecord::to(record.topic)
            .key(&record.key)
            .headers(OwnedHeaders::new().insert(header));
        if let Some(value) = &record.value {
            message = message.payload(value);
        }
        match producer.send(message) {
            Ok(()) => return,
            Err(_) => {
                producer.poll(Duration::from_millis(50));
            }
        }
    }
}

/// The topics of the registry.
///
/// # Panics
/// Its plan has none.
#[must_use]
pub fn topics() -> Vec<String> {
    let plan = events::plan();
    let topics = plan["topics"].as_array().unwrap().iter();
    topics
        .map(|topic| topic["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Partitions that are not at their end, in words.
fn lag(consumer: &BaseConsumer) -> String {
    let mut open = String::new();
    let patience = Duration::from_secs(10);
    let Ok(metadata) = consumer.fetch_metadata(None, patience) else {
        return "Kafka does not answer".to_owned();
    };
    let topics = topics();
    let mut list = TopicPartitionList::new();
    for topic in metadata
        .topics()
        .iter()
        .filter(|topic| topics.iter().any(|name| name == topic.name()))
    {
        for partition in topic.partitions() {
            list.add_partition(topic.name(), partition.id());
        }
    }
    let Ok(committed) = consumer.committed_offsets(list, patience) else {
        return "Kafka does not tell committed offsets".to_owned();
    };
    for element in committed.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        let Ok((low, high)) = consumer.fetch_watermarks(topic, partition, patience) else {
            return "Kafka does not tell ends".to_owned();
        };
        let position = match element.offset() {
            Offset::Offset(offset) => offset,
            _ => low,
        };
        if position != high {
            open.push_str(&format!("{topic}/{partition}: {position} of {high}; "));
        }
    }
    open
}
