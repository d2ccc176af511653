//! Servers and workers: what faults are done to.
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tempfile::TempDir;

use super::stream::LONGEST;
use crate::events;
use crate::program::{Servers, free_port, text};
use crate::running::{Running, signal};
use crate::sql;

/// The group of all workers: the program's default for this registry.
pub(super) const GROUP: &str = "game-ingest";

/// Flags of a worker whose records librdkafka fetches: a setting of the connection, which changes nothing else.
pub const BY_LIBRDKAFKA: &[&str] = &["--kafka-config", "socket.keepalive.enable=true"];

/// Two servers, the workers between them and their logs.
pub struct Scene {
    /// The servers.
    pub servers: Servers,
    /// Running workers.
    pub workers: Vec<Worker>,
    logs: TempDir,
    store_folder: PathBuf,
    started: usize,
    /// Whether workers close days; set it before they start.
    pub workers_close_days: bool,
}

/// A running worker.
pub struct Worker {
    /// The process.
    pub process: Running,
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
            workers_close_days: true,
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

    /// As [`Self::ask`], of a server that may have ended by itself.
    ///
    /// # Panics
    /// It cannot be started again, or refuses.
    pub fn ask_patiently(&mut self, statement: &str) {
        let mut asked = sql::run_in(&self.servers.store.url(), "game", statement);
        if asked.is_err() && self.revive_store().is_some() {
            asked = sql::run_in(&self.servers.store.url(), "game", statement);
        }
        asked.unwrap();
    }

    /// Starts a worker with small batches; `failpoints` says where it ends or is held up.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn add_worker(&mut self, failpoints: &str) -> &Worker {
        let mut flags = vec!["--flush-interval-ms", "80"];
        // Every third one.
        if self.started % 3 == 2 {
            flags.extend(BY_LIBRDKAFKA);
        }
        self.add_worker_with(failpoints, &flags)
    }

    /// Starts a worker with flags of its own, above all when it flushes.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn add_worker_with(&mut self, failpoints: &str, flags: &[&str]) -> &Worker {
        self.started += 1;
        let log = self
            .logs
            .path()
            .join(format!("worker-{:03}.log", self.started));
        let port = free_port();
        let (listen, longest) = (format!("127.0.0.1:{port}"), LONGEST.to_string());
        let own = [
            "ingest",
            "--listen",
            &listen,
            // What was killed is missed sooner, and metrics of what was committed come sooner.
            "--kafka-config",
            "session.timeout.ms=2000;heartbeat.interval.ms=500;statistics.interval.ms=500",
            "--max-message-bytes",
            &longest,
        ];
        let mut command = self.servers.guarded(&[&own, flags].concat());
        command
            .env("FAILPOINTS", failpoints)
            // Flags have the last word.
            .env("MAX_BATCH_ROWS", "400")
            // Days are closed while events of them still come.
            .env(
                "CLOSE_EVERY_S",
                if self.workers_close_days { "5" } else { "0" },
            )
            .env("RUST_LOG", "info")
            .stdout(std::process::Stdio::null())
            .stderr(File::create(&log).unwrap());
        let process = Running::start(&mut command);
        self.workers.push(Worker { process, port, log });
        self.workers.last().unwrap()
    }

    /// Removes the workers that ended by themselves and tells how.
    ///
    /// # Panics
    /// A process cannot be asked.
    pub fn ended(&mut self) -> Vec<End> {
        let mut ends = Vec::new();
        self.workers
            .retain_mut(|worker| match worker.process.ended() {
                None => true,
                Some(status) => {
                    ends.push(worker.end(status));
                    false
                }
            });
        ends
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
        worker.process.kill();
    }

    /// Asks every worker to leave, as an orchestrator does.
    ///
    /// # Panics
    /// One ends with an error.
    pub fn stop_workers(&mut self) {
        for worker in &self.workers {
            signal(worker.process.id(), "TERM");
        }
        for mut worker in std::mem::take(&mut self.workers) {
            let status = worker.process.wait();
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

    /// Closes days, with flags of its own.
    ///
    /// # Panics
    /// It fails.
    pub fn close_days(&self, flags: &[&str]) {
        let closed = self.servers.run(&[&["close"], flags].concat());
        assert!(closed.status.success(), "{}", text(&closed.stderr));
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

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()
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
