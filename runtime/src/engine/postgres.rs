//! PostgreSQL: a private cluster from the system's binaries, or from a folder of them.
//!
//! `initdb` refuses root, so root runs it as the user `postgres` that Debian's package creates.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::process::{Engine, WorkDir, find_program, free_ports, run};
use super::{EngineError, at};

/// Debian keeps one folder a major version here.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Debian's package.
const PACKAGE: &str = "postgresql";

/// The user that it creates.
const USER: &str = "postgres";

/// Settings for a cluster that need not survive the machine's crash but must start fast. Durability against
/// a killed server stays: that is the write-ahead log's, not the disk's.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
dynamic_shared_memory_type = mmap
synchronous_commit = on
fsync = off
wal_level = logical
max_connections = 100
log_min_messages = warning
";

const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, or one that was killed and can be started again.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    engine: Option<Engine>,
    port: u16,
    folder: WorkDir,
}

impl Postgres {
    /// Creates a cluster in a new temporary folder and starts it.
    ///
    /// # Errors
    /// PostgreSQL is not installed or does not come up.
    pub fn start() -> Result<Self, EngineError> {
        Self::start_in(WorkDir::temporary("postgres")?, binaries()?)
    }

    /// As [`Self::start`], of an installation of one's own: a folder that holds `bin`, `lib` and `share`.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_from(installation: &Path) -> Result<Self, EngineError> {
        let folder = WorkDir::temporary("postgres")?;
        if !is_root() {
            return Self::start_in(folder, installation.join("bin"));
        }
        // The user that it runs as may not be let into the folder, which mostly lies in root's home.
        let copy = folder.path().join("installation");
        run(
            Command::new("cp").arg("-r").arg(installation).arg(&copy),
            "coreutils",
        )?;
        Self::start_in(folder, copy.join("bin"))
    }

    fn start_in(folder: WorkDir, binaries: PathBuf) -> Result<Self, EngineError> {
        let [port] = free_ports()?;
        let mut server = Self {
            binaries,
            engine: None,
            port,
            folder,
        };
        server.initialise()?;
        server.restart()?;
        Ok(server)
    }

    /// Starts it again on the same port and data, after [`Self::kill`] or a crash.
    ///
    /// # Errors
    /// The server does not come up.
    pub fn restart(&mut self) -> Result<(), EngineError> {
        self.kill();
        let mut command = self.program("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()]);
        let log = self.folder.path().join("server.log");
        let mut engine = Engine::start("PostgreSQL", &command, &log)?;
        let process = engine.id();
        engine.wait_ready(PATIENCE, || self.is_ready(process))?;
        self.engine = Some(engine);
        Ok(())
    }

    /// Kills it and all its processes (SIGKILL); its data stays until this value is dropped.
    pub fn kill(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let workers = children(engine.id());
            engine.kill();
            // They go by themselves when they miss it, but one that computes only looks after a while, and no new
            // server starts beside it.
            kill_all(&workers);
        }
    }

    /// Connection URL of the database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Whether the server of this process id says so in its lock file, which is where `pg_ctl` looks too; not every
    /// installation has `pg_isready`.
    fn is_ready(&self, process: u32) -> bool {
        let lock = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = lock.lines().map(str::trim);
        // The last server's file may still be there.
        lines.next() == Some(&process.to_string()) && lines.nth(6) == Some("ready")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn initialise(&self) -> Result<(), EngineError> {
        if is_root() {
            run(
                Command::new("chown")
                    .args(["-R", USER])
                    .arg(self.folder.path()),
                PACKAGE,
            )?;
        }
        run(
            self.program("initdb")
                .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
                .args(["--no-sync", "-D"])
                .arg(self.data()),
            PACKAGE,
        )?;
        let settings = self.data().join("postgresql.conf");
        let mut text = fs::read_to_string(&settings).map_err(at(&settings))?;
        text.push_str(SETTINGS);
        fs::write(&settings, text).map_err(at(&settings))
    }

    /// One of its programs, as a user that it accepts.
    fn program(&self, name: &str) -> Command {
        let path = self.binaries.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command
                .args([
                    "--reuid=postgres",
                    "--regid=postgres",
                    "--init-groups",
                    "--",
                ])
                .arg(path);
            command
        } else {
            Command::new(path)
        };
        // The caller's working directory may be closed to that user.
        command.current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its shared memory segments go only with an orderly end.
        if let Some(mut engine) = self.engine.take() {
            let _ = self
                .program("pg_ctl")
                .args(["stop", "-s", "-m", "immediate", "-D"])
                .arg(self.data())
                .status();
            engine.wait_gone(Duration::from_secs(5));
        }
    }
}

/// Process ids of a process' children.
fn children(process: u32) -> Vec<String> {
    let list = format!("/proc/{process}/task/{process}/children");
    let list = fs::read_to_string(list).unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

/// Kills processes and waits until none of them runs.
fn kill_all(processes: &[String]) {
    if processes.is_empty() {
        return;
    }
    // Those that are gone already make it fail.
    let _ = Command::new("kill")
        .arg("-9")
        .args(processes)
        .stderr(Stdio::null())
        .status();
    let deadline = Instant::now() + PATIENCE;
    while processes.iter().any(|process| is_running(process)) && Instant::now() < deadline {
        sleep(Duration::from_millis(5));
    }
}

/// Whether a process is there, and more than an end that nobody has asked for.
fn is_running(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before it may hold anything.
    let state = stat.rsplit(')').next().unwrap_or_default();
    !state.trim_start().is_empty() && !state.trim_start().starts_with(['Z', 'X'])
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .and_then(|ids| ids.split_whitespace().nth(1))
            == Some("0")
    })
}

/// The folder of the newest installed version.
fn binaries() -> Result<PathBuf, EngineError> {
    // A link on the path may be alone in its folder; the other programs are where it leads.
    if let Some(folder) = find_program("initdb")
        .and_then(|path| path.canonicalize().ok())
        .and_then(|path| path.parent().map(Path::to_owned))
    {
        return Ok(folder);
    }
    let newest = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| {
            Path::new(DEBIAN)
                .join(version.to_string())
                .join("bin/initdb")
                .is_file()
        })
        .max();
    newest.map_or_else(
        || {
            Err(EngineError::Missing {
                program: "initdb".to_owned(),
                package: PACKAGE,
            })
        },
        |version| Ok(Path::new(DEBIAN).join(version.to_string()).join("bin")),
    )
}
