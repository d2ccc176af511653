//! Where the servers are and how to sign in, checked before anything connects.
use std::fmt;

use rdkafka::ClientConfig;
use url::Url;

use super::secret::Secret;

/// Kafka settings that the pipeline's guarantees rest on; `--kafka-config` may not change them.
const OWNED: &[&str] = &[
    "acks",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "group.id",
    "metadata.broker.list",
    "request.required.acks",
    "transactional.id",
];

/// Brokers and client settings.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Settings passed to librdkafka as they are: TLS, SASL, timeouts.
    pub settings: Vec<(String, Secret)>,
}

impl KafkaConfig {
    /// Brokers without further settings.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            settings: Vec::new(),
        }
    }

    /// Checks brokers and `key=value` entries; entries may also be joined by `;` or line feeds.
    pub(super) fn parse(brokers: &str, entries: &[String], problems: &mut Vec<String>) -> Self {
        for broker in brokers.split(',') {
            let port = broker.trim().rsplit_once(':').map(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            });
            if port != Some(true) {
                problems.push(format!(
                    "--kafka (KAFKA_BROKERS): `{broker}` is not host:port; write e.g. localhost:9092, several joined by commas"
                ));
            }
        }
        let mut settings: Vec<(String, Secret)> = Vec::new();
        for entry in entries.iter().flat_map(|entries| split_entries(entries)) {
            match entry.split_once('=') {
                Some((name, _)) if OWNED.contains(&name.trim()) => problems.push(format!(
                    "--kafka-config (KAFKA_CONFIG): `{}` is set by the pipeline, its guarantees rest on it",
                    name.trim()
                )),
                Some((name, value)) if !name.trim().is_empty() => {
                    settings.push((name.trim().to_owned(), Secret::new(value.trim())));
                }
                // The entry may be a secret that lost its name: not shown.
                _ => problems.push(
                    "--kafka-config (KAFKA_CONFIG): an entry is not key=value".to_owned(),
                ),
            }
        }
        Self {
            brokers: brokers.to_owned(),
            settings,
        }
    }

    /// A client configuration with the brokers and the passed-through settings.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        for (name, value) in &self.settings {
            config.set(name, value.expose());
        }
        config
    }
}

/// Splits at `;` and line feeds; a part without `=` belongs to the value before it.
fn split_entries(entries: &str) -> Vec<String> {
    let mut split: Vec<String> = Vec::new();
    for part in entries.split([';', '\n']) {
        match split.last_mut() {
            Some(last) if !part.contains('=') && !part.trim().is_empty() => {
                last.push(';');
                last.push_str(part);
            }
            _ if part.trim().is_empty() => {}
            _ => split.push(part.to_owned()),
        }
    }
    split
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("settings", &self.settings)
            .finish()
    }
}

/// ClickHouse over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickHouseConfig {
    /// Scheme, host and port; never user, password or query.
    pub url: String,
    /// User; the server's default where absent.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
}

impl ClickHouseConfig {
    /// A server without sign-in.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: None,
            password: None,
        }
    }

    pub(super) fn parse(
        text: &str,
        user: Option<&str>,
        password: Option<&Secret>,
        problems: &mut Vec<String>,
    ) -> Self {
        let place = "--clickhouse (CLICKHOUSE_URL)";
        let mut config = Self {
            url: String::new(),
            user: user.map(str::to_owned),
            password: password.cloned(),
        };
        let mut url = match Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                problems.push(format!(
                    "{place}: not a URL ({error}); write e.g. http://localhost:8123"
                ));
                return config;
            }
        };
        match url.scheme() {
            "http" => {}
            "https" if cfg!(feature = "tls") => {}
            "https" => problems.push(format!(
                "{place}: this build has no TLS; build with `--features tls`"
            )),
            other => problems.push(format!(
                "{place}: scheme `{other}` is not http or https; the pipeline speaks HTTP (port 8123 or 8443)"
            )),
        }
        if url.host_str().is_none_or(str::is_empty) {
            problems.push(format!("{place}: no host"));
        }
        if config.user.is_none() && !url.username().is_empty() {
            config.user = Some(decoded(url.username()));
        }
        if config.password.is_none() {
            config.password = url.password().map(|text| Secret::new(decoded(text)));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            problems.push(format!(
                "{place}: path and query are not used; the database stands in the registry"
            ));
        }
        // Both fail only for URLs without a host, which is a problem already listed.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        config.url = url.as_str().trim_end_matches('/').to_owned();
        config
    }
}

/// Percent-decoding of a URL's user part.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clickhouse(url: &str) -> (ClickHouseConfig, Vec<String>) {
        let mut problems = Vec::new();
        let config = ClickHouseConfig::parse(url, None, None, &mut problems);
        (config, problems)
    }

    #[test]
    fn user_and_password_leave_the_url() {
        let (config, problems) = clickhouse("http://me:p%40ss@ch:8123/");
        assert_eq!(problems, [""; 0]);
        assert_eq!(config.url, "http://ch:8123");
        assert_eq!(config.user.as_deref(), Some("me"));
        assert_eq!(config.password, Some(Secret::new("p@ss")));
        assert!(!format!("{config:?}").contains("p@ss"));
    }

    #[test]
    fn wrong_urls_are_explained() {
        for (url, part) in [
            ("localhost:8123", "scheme"),
            ("clickhouse://h:9000", "HTTP"),
            ("nonsense", "not a URL"),
            ("http://h:8123/db", "path"),
        ] {
            let (_, problems) = clickhouse(url);
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{url}: {problems:?}"
            );
        }
    }

    #[test]
    fn kafka_entries_split_and_guarded() {
        let mut problems = Vec::new();
        let config = KafkaConfig::parse(
            "a:1,b:2",
            &[
                "sasl.username=u;sasl.password=x;y".to_owned(),
                "acks=1".to_owned(),
            ],
            &mut problems,
        );
        assert_eq!(
            config.settings,
            [
                ("sasl.username".to_owned(), Secret::new("u")),
                ("sasl.password".to_owned(), Secret::new("x;y")),
            ]
        );
        assert!(
            problems.len() == 1 && problems[0].contains("`acks`"),
            "{problems:?}"
        );
        assert!(!format!("{config:?}").contains("x;y"));
        KafkaConfig::parse("nohost", &["secret".to_owned()], &mut problems);
        assert_eq!(problems.len(), 3);
        assert!(!problems[2].contains("secret"));
    }
}
