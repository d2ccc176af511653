//! Apache Kafka: one KRaft process from Maven's artifacts on the system's Java.
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::maven::{self, Artifact, Goal};
use super::process::{Engine, WorkDir, free_ports, run};
use super::{EngineError, at, cache};

/// The broker version.
const VERSION: &str = "4.3.1";

/// What the broker and its storage tool need; Maven adds their dependencies.
const ARTIFACTS: [Artifact; 2] = [artifact("kafka_2.13"), artifact("kafka-tools")];

const fn artifact(name: &'static str) -> Artifact {
    Artifact {
        group: "org.apache.kafka",
        name,
        version: VERSION,
    }
}

/// Enough for tests of a few million small records.
const HEAP: &str = "-Xmx768m";

/// Any 16 bytes in URL-safe base64; one node, so it tells clusters apart for nobody.
const CLUSTER_ID: &str = "dG9waWN3cmlnaHQtdGVzdA";

/// A cold JVM on a loaded small machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Another process may take a port between choosing and listening.
const ATTEMPTS: u32 = 3;

/// A running broker, or one that was killed and can be started again.
#[derive(Debug)]
pub struct Kafka {
    jars: PathBuf,
    engine: Option<Engine>,
    port: u16,
    controller_port: u16,
    folder: WorkDir,
}

impl Kafka {
    /// Starts a broker on a new temporary folder; the first time ever it downloads Kafka.
    ///
    /// # Errors
    /// Java or Maven is missing, the download fails, or the broker does not come up.
    pub fn start() -> Result<Self, EngineError> {
        Self::start_in(WorkDir::temporary("kafka")?)
    }

    /// Starts a broker on an empty folder.
    ///
    /// # Errors
    /// Java or Maven is missing, the download fails, or the broker does not come up.
    pub fn start_in(folder: WorkDir) -> Result<Self, EngineError> {
        let mut broker = Self {
            jars: jars()?,
            engine: None,
            port: 0,
            controller_port: 0,
            folder,
        };
        let mut attempt = 1;
        loop {
            [broker.port, broker.controller_port] = free_ports()?;
            broker.format()?;
            match broker.restart() {
                Err(EngineError::NotReady { .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(broker),
            }
        }
    }

    /// Starts it again on the same ports and data, after [`Self::kill`] or a crash.
    ///
    /// # Errors
    /// The broker does not come up.
    pub fn restart(&mut self) -> Result<(), EngineError> {
        self.kill();
        let mut command = self.java(HEAP);
        command
            .arg("-XX:+ExitOnOutOfMemoryError")
            .arg("kafka.Kafka")
            .arg(self.properties());
        let log = self.folder.path().join("server.log");
        let mut engine = Engine::start("Kafka", &command, &log)?;
        let brokers = self.brokers();
        engine.wait_ready(PATIENCE, || answers(&brokers))?;
        self.engine = Some(engine);
        Ok(())
    }

    /// Kills it (SIGKILL); its data stays until this value is dropped.
    pub fn kill(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.kill();
        }
    }

    /// Shuts it down as an operator would.
    pub fn stop(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let _ = Command::new("kill").arg(engine.id().to_string()).status();
            engine.wait_gone(Duration::from_secs(30));
        }
    }

    /// Value for `bootstrap.servers`.
    #[must_use]
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Process id while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.engine.as_ref().map(Engine::id)
    }

    fn properties(&self) -> PathBuf {
        self.folder.path().join("server.properties")
    }

    fn java(&self, heap: &str) -> Command {
        let mut command = Command::new("java");
        command
            .arg(heap)
            // Starts faster and needs less; throughput is not what is tested here.
            .args([
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
            ])
            .arg(format!(
                "-Dlog4j2.configurationFile={}",
                self.folder.path().join("log4j2.properties").display()
            ))
            .arg("-cp")
            .arg(self.jars.join("*"))
            .current_dir(self.folder.path());
        command
    }

    /// Writes the configuration and prepares the log folder.
    fn format(&self) -> Result<(), EngineError> {
        let folder = self.folder.path();
        let data = folder.join("data");
        let _ = fs::remove_dir_all(&data);
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(at(path))
        };
        let (port, controller) = (self.port, self.controller_port);
        let data = data.display();
        write(
            "server.properties",
            format!(
                "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.network.threads=2
num.io.threads=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=8388608
"
            ),
        )?;
        write(
            "log4j2.properties",
            "status=error
rootLogger.level=warn
rootLogger.appenderRef.stdout.ref=stdout
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d %p %c{1} %m%n
"
            .to_owned(),
        )?;
        run(
            self.java("-Xmx128m")
                .arg("kafka.tools.StorageTool")
                .args(["format", "-t", CLUSTER_ID, "-c"])
                .arg(self.properties()),
            "openjdk-17-jre-headless",
        )
        .map(drop)
    }
}

/// The folder of Kafka's jars: `TOPICWRIGHT_KAFKA_LIBS` where set, else the cache's, downloaded when not there yet.
fn jars() -> Result<PathBuf, EngineError> {
    if let Some(path) = std::env::var_os("TOPICWRIGHT_KAFKA_LIBS").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    cache::entry(&format!("kafka-{VERSION}"), |folder| {
        maven::fetch("Kafka (54 MB)", &ARTIFACTS, Goal::Copy, folder)
    })
}

/// Whether the broker tells about itself.
fn answers(brokers: &str) -> bool {
    let client: Result<BaseConsumer, _> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("log_level", "0")
        .create();
    client.is_ok_and(|client| {
        client
            .fetch_metadata(None, Duration::from_millis(500))
            .is_ok_and(|metadata| !metadata.brokers().is_empty())
    })
}
