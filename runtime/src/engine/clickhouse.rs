//! A ClickHouse server: a `clickhouse` binary on PATH, or the downloaded library in a process of its own.
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::host::HOST_VARIABLE;
use super::process::{Engine, WorkDir, find_program, free_ports};
use super::{EngineError, at, chdb};

/// A cold start reads 570 MB of library; under load on a small machine that takes a while.
const PATIENCE: Duration = Duration::from_secs(90);

/// Another process may take a port between choosing and listening.
const ATTEMPTS: u32 = 3;

/// Opens the ports and never ends: the library's own program would end with its last statement.
const SERVE: &str = "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; \
    SELECT sleepEachRow(3) FROM system.numbers FORMAT Null \
    SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0, max_threads=1;";

/// What runs the server.
#[derive(Clone, Debug)]
pub enum Program {
    /// A `clickhouse` binary.
    Binary(PathBuf),
    /// ClickHouse's shared library, hosted by an executable that calls [`super::host_if_asked`] first.
    Library {
        /// The library.
        library: PathBuf,
        /// The executable.
        host: PathBuf,
    },
}

impl Program {
    /// The binary on PATH, or the library (downloaded once), hosted by this executable.
    ///
    /// # Errors
    /// Neither is there and the download fails.
    pub fn find() -> Result<Self, EngineError> {
        let host = std::env::current_exe().map_err(at("the current executable"))?;
        Self::find_with_host(host)
    }

    /// As [`Self::find`], with another executable as the host; test binaries need one.
    ///
    /// # Errors
    /// Neither is there and the download fails.
    pub fn find_with_host(host: impl Into<PathBuf>) -> Result<Self, EngineError> {
        if let Some(binary) = find_program("clickhouse") {
            return Ok(Self::Binary(binary));
        }
        Ok(Self::Library {
            library: chdb::library()?,
            host: host.into(),
        })
    }
}

/// A running server, or one that was killed and can be started again.
#[derive(Debug)]
pub struct ClickHouse {
    program: Program,
    engine: Option<Engine>,
    http_port: u16,
    tcp_port: u16,
    folder: WorkDir,
}

impl ClickHouse {
    /// Starts a server on a new temporary folder.
    ///
    /// # Errors
    /// The server does not come up; the error shows the end of its log.
    pub fn start(program: Program) -> Result<Self, EngineError> {
        Self::start_in(program, WorkDir::temporary("clickhouse")?)
    }

    /// Starts a server on a folder, with the data it holds.
    ///
    /// # Errors
    /// The server does not come up; the error shows the end of its log.
    pub fn start_in(program: Program, folder: WorkDir) -> Result<Self, EngineError> {
        let mut server = Self {
            program,
            engine: None,
            http_port: 0,
            tcp_port: 0,
            folder,
        };
        let mut attempt = 1;
        loop {
            [server.http_port, server.tcp_port] = free_ports()?;
            match server.restart() {
                Err(EngineError::NotReady { .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(server),
            }
        }
    }

    /// Starts it again on the same ports and data, after [`Self::kill`] or a crash.
    ///
    /// # Errors
    /// The server does not come up.
    pub fn restart(&mut self) -> Result<(), EngineError> {
        self.kill();
        let log = self.folder.path().join("server.log");
        let command = self.command()?;
        let port = self.http_port;
        let mut engine = Engine::start("ClickHouse", &command, &log)?;
        engine.wait_ready(PATIENCE, || answers(port))?;
        self.engine = Some(engine);
        Ok(())
    }

    /// Kills it (SIGKILL); its data stays until this value is dropped.
    pub fn kill(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.kill();
        }
    }

    /// HTTP address: `http://127.0.0.1:8123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// Port of the native protocol.
    #[must_use]
    pub fn tcp_port(&self) -> u16 {
        self.tcp_port
    }

    /// Process id while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.engine.as_ref().map(Engine::id)
    }

    fn command(&self) -> Result<Command, EngineError> {
        let folder = self.folder.path();
        match &self.program {
            Program::Library { library, host } => {
                let mut command = Command::new(host);
                command
                    .env(HOST_VARIABLE, library)
                    .arg(format!("--path={}", folder.join("data").display()))
                    .arg(format!("--http_port={}", self.http_port))
                    .arg(format!("--tcp_port={}", self.tcp_port))
                    .arg("--listen_host=127.0.0.1")
                    .arg("--multiquery")
                    .arg(format!("--query={SERVE}"))
                    .current_dir(folder);
                Ok(command)
            }
            Program::Binary(binary) => {
                let config = folder.join("config.xml");
                std::fs::write(&config, self.config(folder)).map_err(at(&config))?;
                let mut command = Command::new(binary);
                command
                    .arg("server")
                    .arg(format!("--config-file={}", config.display()))
                    .current_dir(folder);
                Ok(command)
            }
        }
    }

    /// The least configuration that a server starts with.
    fn config(&self, folder: &Path) -> String {
        let (http, tcp, folder) = (self.http_port, self.tcp_port, folder.display());
        format!(
            "<clickhouse>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port>
  <tcp_port>{tcp}</tcp_port>
  <path>{folder}/data/</path>
  <tmp_path>{folder}/data/tmp/</tmp_path>
  <user_files_path>{folder}/data/user_files/</user_files_path>
  <mark_cache_size>268435456</mark_cache_size>
  <users><default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
</clickhouse>
"
        )
    }
}

/// Whether `GET /ping` answers.
fn answers(port: u16) -> bool {
    let ping = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /ping HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.") && answer.contains(" 200 "))
    };
    ping().unwrap_or(false)
}
