//! Child processes that never outlive this one, free ports, readiness, and folders that go away.
//!
//! The guard is a pipe: a small shell beside the engine reads it and kills the engine at end of file,
//! which comes when this process ends in whatever way. (A parent-death signal would fire when the
//! *thread* that started the engine ends.)
use std::fs::{self, File};
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{EngineError, at};

/// `$$` stays the process id after `exec`, so the guard knows whom to kill.
const GUARD: &str =
    r#"exec 3<&0; (read -r _ <&3; kill -9 $$) 2>/dev/null & exec 3<&-; exec "$@" </dev/null"#;

/// How often readiness is polled.
const POLL: Duration = Duration::from_millis(25);

/// How much of a log an error shows, in bytes.
const TAIL: usize = 2_000;

/// An engine's process; killed on drop.
#[derive(Debug)]
pub(super) struct Engine {
    name: &'static str,
    child: Child,
    guard: Option<ChildStdin>,
    log: PathBuf,
}

impl Engine {
    /// Starts `command` with its output appended to `log`.
    pub(super) fn start(
        name: &'static str,
        command: &Command,
        log: &Path,
    ) -> Result<Self, EngineError> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(at(log))?;
        let mut guarded = Command::new("sh");
        guarded
            .args(["-c", GUARD, "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(at(log))?)
            .stderr(output);
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(key, value),
                None => guarded.env_remove(key),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        // Ctrl-C in a terminal goes to the whole group: the engine is to end after those who work with it.
        guarded.process_group(0);
        let mut child = guarded.spawn().map_err(at("sh"))?;
        let guard = child.stdin.take();
        Ok(Self {
            name,
            child,
            guard,
            log: log.to_owned(),
        })
    }

    /// Waits until `ready` says so.
    pub(super) fn wait_ready(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), EngineError> {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.not_ready(&format!("it stopped ({status})")));
            }
            if ready() {
                return Ok(());
            }
            if start.elapsed() > patience {
                return Err(self.not_ready(&format!("no answer in {patience:?}")));
            }
            sleep(POLL);
        }
    }

    fn not_ready(&self, what: &str) -> EngineError {
        EngineError::NotReady {
            engine: self.name,
            detail: format!("{what}; the end of its log:\n{}", tail(&self.log)),
        }
    }

    /// Process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once (SIGKILL), as a crash would, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        // Errors mean that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.guard = None;
    }

    /// Waits for its own end; kills it when that takes too long.
    pub(super) fn wait_gone(&mut self, patience: Duration) {
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < patience {
            sleep(POLL);
        }
        self.kill();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a log file.
fn tail(log: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let _ = file.read_to_end(&mut bytes);
    }
    let from = bytes.len().saturating_sub(TAIL);
    String::from_utf8_lossy(&bytes[from..]).trim().to_owned()
}

/// Runs a program to its end and returns what it wrote.
pub(super) fn run(command: &mut Command, package: &'static str) -> Result<Vec<u8>, EngineError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| start_error(error, &program, package))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stdout));
    let from = said.floor_char_boundary(said.len().saturating_sub(TAIL));
    Err(EngineError::Failed {
        program,
        detail: format!("{}: {}", output.status, said[from..].trim()),
    })
}

/// Tells a missing program from other trouble.
pub(super) fn start_error(
    error: std::io::Error,
    program: &str,
    package: &'static str,
) -> EngineError {
    if error.kind() == std::io::ErrorKind::NotFound {
        EngineError::Missing {
            program: program.to_owned(),
            package,
        }
    } else {
        EngineError::File {
            path: program.into(),
            source: error,
        }
    }
}

/// A program on PATH.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Ports of engines: below those that Linux gives to outgoing connections (`ip_local_port_range`). One from there
/// could be lost while an engine that was killed is away: to any client, even to one that tries to reach the
/// engine, and then is connected to itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Attempts to find a free port.
const TRIES: usize = 1000;

/// Free ports, all different. Another process may take one before the engine does; starting again helps.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], EngineError> {
    let mut random = fastrand::Rng::new();
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let mut tries = 0;
        let listener = loop {
            *port = random.u16(PORTS);
            match TcpListener::bind((Ipv4Addr::LOCALHOST, *port)) {
                Ok(listener) => break listener,
                Err(_) if tries < TRIES => tries += 1,
                Err(error) => return Err(at("127.0.0.1")(error)),
            }
        };
        // Held until all are found, so that none comes twice.
        listeners.push(listener);
    }
    Ok(ports)
}

/// A folder for an engine's data; removed on drop unless it was given by the user.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    temporary: bool,
}

impl WorkDir {
    /// A new folder below the system's folder for temporary files (`TMPDIR`).
    ///
    /// # Errors
    /// It cannot be created.
    pub fn temporary(label: &str) -> Result<Self, EngineError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!(
            "topicwright-{label}-{}-{number}",
            std::process::id()
        ));
        // Left behind by a killed process that had the same id.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(at(&path))?;
        Ok(Self {
            path,
            temporary: true,
        })
    }

    /// A folder that stays.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn kept(path: impl Into<PathBuf>) -> Result<Self, EngineError> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(at(&path))?;
        Ok(Self {
            path,
            temporary: false,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
