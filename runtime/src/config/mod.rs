//! The settings of every command: declared once as flag and variable, checked as a whole.
//!
//! [`Settings`] is what the user typed, [`Config`] what the pipeline works with. All problems are
//! listed at once, before a socket opens. Secrets print as `***`.
mod secret;
mod servers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use secret::{HashKey, Secret};
pub use servers::{ClickHouseConfig, KafkaConfig};

use crate::error::{Error, Result};

/// Brokers where none are named.
const DEFAULT_BROKERS: &str = "localhost:9092";

/// ClickHouse where none is named.
const DEFAULT_CLICKHOUSE: &str = "http://localhost:8123";

/// Columns of a batch count their bytes in 32 bits.
const MOST_BYTES: usize = 1 << 30;

/// Settings as typed, the same for every command.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// Kafka brokers, host:port, joined by commas [default: localhost:9092]
    #[arg(long, env = "KAFKA_BROKERS", value_name = "BROKERS", global = true)]
    pub kafka: Option<String>,
    /// Setting passed to librdkafka (TLS, SASL…), repeatable; the variable joins several by `;`
    #[arg(
        long,
        env = "KAFKA_CONFIG",
        value_name = "KEY=VALUE",
        hide_env_values = true,
        global = true
    )]
    pub kafka_config: Vec<String>,
    /// ClickHouse over HTTP, with user and password where needed [default: http://localhost:8123]
    #[arg(
        long,
        env = "CLICKHOUSE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub clickhouse: Option<String>,
    /// ClickHouse user, unless the URL names one
    #[arg(long, env = "CLICKHOUSE_USER", global = true)]
    pub clickhouse_user: Option<String>,
    /// ClickHouse password; from the environment only
    #[arg(
        long,
        env = "CLICKHOUSE_PASSWORD",
        hide = true,
        hide_env_values = true,
        global = true
    )]
    pub clickhouse_password: Option<Secret>,
    /// PostgreSQL with the outbox
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub postgres: Option<Secret>,
    /// Consumer group [default: PROJECT-ingest]
    #[arg(long, env = "KAFKA_GROUP", global = true)]
    pub group: Option<String>,
    /// Address of /metrics, /healthz and /readyz; `off` for none
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:9464", global = true)]
    pub listen: String,
    /// File with the key of hashed columns, 32 hex digits; or the variable TOPICWRIGHT_HASH_KEY
    #[arg(long, value_name = "FILE", global = true)]
    pub hash_key_file: Option<PathBuf>,
    /// The key itself; from the environment only
    #[arg(
        long,
        env = "TOPICWRIGHT_HASH_KEY",
        hide = true,
        hide_env_values = true,
        global = true
    )]
    pub hash_key: Option<Secret>,
    /// Longest wait of a row before it is inserted
    #[arg(long, env = "FLUSH_INTERVAL_MS", default_value_t = 1000, global = true)]
    pub flush_interval_ms: u64,
    /// Most rows of one insert
    #[arg(long, env = "MAX_BATCH_ROWS", default_value_t = MAX_BATCH_ROWS, global = true)]
    pub max_batch_rows: usize,
    /// Most bytes of one insert, before compression
    #[arg(long, env = "MAX_BATCH_BYTES", default_value_t = MAX_BATCH_BYTES, global = true)]
    pub max_batch_bytes: usize,
    /// Largest message that is decoded; larger ones go to the dead letter topic
    #[arg(long, env = "MAX_MESSAGE_BYTES", default_value_t = 1 << 20, global = true)]
    pub max_message_bytes: usize,
    /// Keys the in-memory deduplication remembers
    #[arg(long, env = "DEDUPE_KEYS", default_value_t = 450_000, global = true)]
    pub dedupe_keys: u64,
    /// How long it remembers them
    #[arg(long, env = "DEDUPE_TTL_S", default_value_t = 600, global = true)]
    pub dedupe_ttl_s: u64,
    /// How often a worker looks for days to close and late events; 0 for never
    #[arg(long, env = "CLOSE_EVERY_S", default_value_t = 60, global = true)]
    pub close_every_s: u64,
    /// How long after its end, UTC, a day is closed
    #[arg(long, env = "CLOSE_AFTER_S", default_value_t = 3600, global = true)]
    pub close_after_s: u64,
}

/// Rows of a batch at most: beyond that the server's work a row hardly shrinks.
const MAX_BATCH_ROWS: usize = 250_000;

/// Bytes of a batch's columns at most: one that fills and one that is inserted stay well below 400 MB of memory
/// together with everything else.
const MAX_BATCH_BYTES: usize = 40 << 20;

/// When a batch is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Longest wait of a row.
    pub flush_interval: Duration,
    /// Most rows, counting dropped and refused records too.
    pub max_rows: usize,
    /// Most bytes of the columns.
    pub max_bytes: usize,
    /// Largest message that is decoded.
    pub max_message_bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            flush_interval: Duration::from_secs(1),
            max_rows: MAX_BATCH_ROWS,
            max_bytes: MAX_BATCH_BYTES,
            max_message_bytes: 1 << 20,
        }
    }
}

/// Bounds of the deduplication cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DedupeLimits {
    /// Most keys.
    pub keys: u64,
    /// How long a key is remembered.
    pub ttl: Duration,
}

impl Default for DedupeLimits {
    fn default() -> Self {
        Self {
            keys: 450_000,
            ttl: Duration::from_secs(600),
        }
    }
}

/// When days are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosingTimes {
    /// How often a worker looks; never where zero.
    pub every: Duration,
    /// How long after its end, UTC, a day is closed.
    pub after: Duration,
}

impl Default for ClosingTimes {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(60),
            after: Duration::from_secs(3600),
        }
    }
}

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Kafka.
    pub kafka: KafkaConfig,
    /// ClickHouse.
    pub clickhouse: ClickHouseConfig,
    /// PostgreSQL, as a URL.
    pub postgres: Option<Secret>,
    /// Consumer group.
    pub group: String,
    /// Where metrics and health are served.
    pub listen: Option<SocketAddr>,
    /// Key of hashed columns; zeros where the registry hashes nothing.
    pub hash_key: HashKey,
    /// When a batch is full.
    pub batch: BatchLimits,
    /// Bounds of the deduplication cache.
    pub dedupe: DedupeLimits,
    /// When days are closed.
    pub closing: ClosingTimes,
}

impl Config {
    /// Plain servers, default limits, no listener: for tests and programs that embed the pipeline.
    pub fn local(
        brokers: impl Into<String>,
        clickhouse_url: impl Into<String>,
        group: impl Into<String>,
    ) -> Self {
        Self {
            kafka: KafkaConfig::new(brokers),
            clickhouse: ClickHouseConfig::new(clickhouse_url),
            postgres: None,
            group: group.into(),
            listen: None,
            hash_key: HashKey::default(),
            batch: BatchLimits::default(),
            dedupe: DedupeLimits::default(),
            closing: ClosingTimes::default(),
        }
    }
}

impl Settings {
    /// Checks everything at once. `project` gives the default group; `needs_hash_key` is whether the
    /// command writes rows with hashed columns.
    ///
    /// # Errors
    /// All problems, one a line.
    pub fn check(&self, project: &str, needs_hash_key: bool) -> Result<Config> {
        let mut problems = Vec::new();
        let kafka = KafkaConfig::parse(
            self.kafka.as_deref().unwrap_or(DEFAULT_BROKERS),
            &self.kafka_config,
            &mut problems,
        );
        let clickhouse = ClickHouseConfig::parse(
            self.clickhouse.as_deref().unwrap_or(DEFAULT_CLICKHOUSE),
            self.clickhouse_user.as_deref(),
            self.clickhouse_password.as_ref(),
            &mut problems,
        );
        let listen = match self.listen.as_str() {
            "off" => None,
            text => match text.parse() {
                Ok(address) => Some(address),
                Err(_) => {
                    problems.push(format!(
                        "--listen (LISTEN): `{text}` is not address:port or `off`; write e.g. 127.0.0.1:9464"
                    ));
                    None
                }
            },
        };
        let hash_key = self.read_hash_key(needs_hash_key, &mut problems);
        for (flag, zero) in [
            ("--flush-interval-ms", self.flush_interval_ms == 0),
            ("--max-batch-rows", self.max_batch_rows == 0),
            ("--max-batch-bytes", self.max_batch_bytes == 0),
            ("--max-message-bytes", self.max_message_bytes == 0),
            ("--dedupe-keys", self.dedupe_keys == 0),
            ("--dedupe-ttl-s", self.dedupe_ttl_s == 0),
        ] {
            if zero {
                problems.push(format!("{flag}: must be above 0"));
            }
        }
        for (flag, bytes) in [
            ("--max-batch-bytes (MAX_BATCH_BYTES)", self.max_batch_bytes),
            (
                "--max-message-bytes (MAX_MESSAGE_BYTES)",
                self.max_message_bytes,
            ),
        ] {
            if bytes > MOST_BYTES {
                problems.push(format!("{flag}: must be at most {MOST_BYTES}, 1 GiB"));
            }
        }
        if self.group.as_deref() == Some("") {
            problems.push("--group (KAFKA_GROUP): must not be empty".to_owned());
        }
        if !problems.is_empty() {
            return Err(Error::config("the settings have problems").why(problems.join("\n       ")));
        }
        Ok(Config {
            kafka,
            clickhouse,
            postgres: self.postgres.clone(),
            group: self
                .group
                .clone()
                .unwrap_or_else(|| format!("{project}-ingest")),
            listen,
            hash_key,
            batch: BatchLimits {
                flush_interval: Duration::from_millis(self.flush_interval_ms),
                max_rows: self.max_batch_rows,
                max_bytes: self.max_batch_bytes,
                max_message_bytes: self.max_message_bytes,
            },
            dedupe: DedupeLimits {
                keys: self.dedupe_keys,
                ttl: Duration::from_secs(self.dedupe_ttl_s),
            },
            closing: ClosingTimes {
                every: Duration::from_secs(self.close_every_s),
                after: Duration::from_secs(self.close_after_s),
            },
        })
    }

    fn read_hash_key(&self, needed: bool, problems: &mut Vec<String>) -> HashKey {
        let (place, text) = match (&self.hash_key_file, &self.hash_key) {
            (Some(file), _) => match std::fs::read_to_string(file) {
                Ok(text) => (format!("--hash-key-file {}", file.display()), text),
                Err(error) => {
                    problems.push(format!("--hash-key-file {}: {error}", file.display()));
                    return HashKey::default();
                }
            },
            (None, Some(key)) => ("TOPICWRIGHT_HASH_KEY".to_owned(), key.expose().to_owned()),
            (None, None) => {
                if needed {
                    problems.push(
                        "--hash-key-file or TOPICWRIGHT_HASH_KEY: the registry has hashed columns, so a key is needed: \
                         32 hex digits, the same for every worker and for good (`openssl rand -hex 16` makes one)"
                            .to_owned(),
                    );
                }
                return HashKey::default();
            }
        };
        HashKey::parse(&text).unwrap_or_else(|problem| {
            problems.push(format!("{place}: {problem}"));
            HashKey::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        settings: Settings,
    }

    fn settings(flags: &[&str]) -> Settings {
        let flags = std::iter::once("test").chain(flags.iter().copied());
        Command::try_parse_from(flags).expect("parsed").settings
    }

    #[test]
    fn defaults_pass() {
        let config = settings(&[]).check("game", false).expect("passes");
        assert_eq!(config.group, "game-ingest");
        assert_eq!(config.batch, BatchLimits::default());
        assert_eq!(config.dedupe, DedupeLimits::default());
        assert_eq!(config.listen.map(|address| address.port()), Some(9464));
    }

    #[test]
    fn all_problems_come_at_once() {
        let error = settings(&[
            "--kafka=nowhere",
            "--kafka-config=enable.auto.commit=true",
            "--clickhouse=ftp://h",
            "--listen=80",
            "--max-batch-rows=0",
        ])
        .check("game", true)
        .expect_err("refused")
        .to_string();
        for part in [
            "--kafka (",
            "--kafka-config (",
            "--clickhouse (",
            "--listen (",
            "--max-batch-rows",
            "TOPICWRIGHT_HASH_KEY",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug_and_errors() {
        let settings = settings(&[
            "--kafka-config=sasl.password=s3cret",
            "--clickhouse=ftp://u:s3cret@h",
            "--clickhouse-password=s3cret",
            "--postgres=postgres://u:s3cret@h/d",
            "--hash-key=s3cret",
        ]);
        let error = settings.check("game", true).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        let checked = KafkaConfig::parse("h:1", &settings.kafka_config, &mut Vec::new());
        assert!(!format!("{checked:?}").contains("s3cret"));
    }
}
