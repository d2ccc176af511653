//! The pipeline as a program against real servers: how tests start it, stop it and wait for what it does.
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use topicwright_runtime::engine::clickhouse::{ClickHouse, Program};
use topicwright_runtime::engine::kafka::Kafka;

use crate::running::{Running, guarded, signal};
use crate::sql;

/// A Kafka, a ClickHouse and the program that is to use them.
pub struct Servers {
    /// Kafka.
    pub broker: Kafka,
    /// ClickHouse.
    pub store: ClickHouse,
    program: &'static str,
}

/// How long a condition may take to come true. Long: a machine that builds something else at the same time takes
/// its time, and only what will never come is to be told from what comes late.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Below those that Linux gives to outgoing connections (`ip_local_port_range`), apart from the engines'.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// The program without servers, its output kept; nothing of this process' settings reaches it.
#[must_use]
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    isolated(command.args(arguments).stdin(Stdio::null()));
    command
}

fn isolated(command: &mut Command) {
    command
        .env_remove("KAFKA_BROKERS")
        .env_remove("CLICKHOUSE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

impl Servers {
    /// Starts both; `program` and `host` are the test crate's `pipeline-under-test` and `engine-host`.
    ///
    /// # Panics
    /// A server does not start.
    #[must_use]
    pub fn start(program: &'static str, host: &str) -> Self {
        Self {
            broker: Kafka::start().unwrap(),
            store: ClickHouse::start(Program::find_with_host(host).unwrap()).unwrap(),
            program,
        }
    }

    /// The program with the servers in its environment.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(self.program, arguments)
    }

    /// As [`Self::command`], of another program.
    #[must_use]
    pub fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = command(program, arguments);
        self.tell(&mut command);
        command
    }

    /// As [`Self::command`], for [`Running::start`].
    #[must_use]
    pub fn guarded(&self, arguments: &[&str]) -> Command {
        self.guarded_program(self.program, arguments)
    }

    /// As [`Self::guarded`], of another program.
    #[must_use]
    pub fn guarded_program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = guarded(program, arguments);
        isolated(&mut command);
        self.tell(&mut command);
        command
    }

    fn tell(&self, command: &mut Command) {
        command
            .env("KAFKA_BROKERS", self.broker.brokers())
            .env("CLICKHOUSE_URL", self.store.url())
            .env("TOPICWRIGHT_HASH_KEY", "00112233445566778899aabbccddeeff");
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a worker that serves metrics on a port.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn ingest(&self, port: u16) -> Running {
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["ingest", "--listen", &listen, "--flush-interval-ms", "200"];
        Running::start(&mut self.guarded(&arguments))
    }

    /// Rows of the fact table.
    ///
    /// # Panics
    /// The table is not there.
    #[must_use]
    pub fn rows(&self) -> u64 {
        sql::ask_in(&self.store.url(), "game", "SELECT count() FROM events_raw")
            .parse()
            .unwrap()
    }
}

/// A worker's lag by partition, as its metrics tell; nothing while nobody listens.
#[must_use]
pub fn lags(port: u16) -> Vec<u64> {
    let Some((_, body)) = get(port, "/metrics") else {
        return Vec::new();
    };
    values(&body, "ingest_lag")
        .filter_map(|value| value.parse().ok())
        .collect()
}

/// A metric over all its labels, in what a worker exports; 0 where it is not there.
///
/// # Panics
/// It has a value that is no number.
#[must_use]
pub fn metric(body: &str, name: &str) -> f64 {
    values(body, name)
        .map(|value| value.parse::<f64>().unwrap())
        .sum()
}

/// Values of a metric, one for each set of labels.
fn values<'b>(body: &'b str, name: &str) -> impl Iterator<Item = &'b str> {
    body.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let value = rest.rsplit(' ').next()?;
        rest.starts_with(['{', ' ']).then_some(value)
    })
}

/// Output as text.
///
/// # Panics
/// It is not UTF-8.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A port that nobody listens on, and that the system gives to no outgoing connection, so that it is still free
/// when a program is started there.
///
/// # Panics
/// There is none.
#[must_use]
pub fn free_port() -> u16 {
    let mut random = fastrand::Rng::new();
    std::iter::repeat_with(|| random.u16(PORTS))
        .take(1000)
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// Status and body; `None` while nobody listens.
#[must_use]
pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Asks again and again for some minutes.
///
/// # Panics
/// It is not so then.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// SIGTERM, as an orchestrator sends it; the outcome of a process that is not guarded.
///
/// # Panics
/// It cannot be sent.
#[must_use]
pub fn terminate(child: Child) -> Output {
    signal(child.id(), "TERM");
    child.wait_with_output().unwrap()
}
