//! Connections to PostgreSQL: settings checked before a socket opens, TLS where the build has it, errors that say
//! who must act and never show the password.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config};

use super::address::{Address, Authorities};
use crate::config::Secret;
use crate::error::{Error, Kind, Result};

/// Longer than a failover's new address takes to appear.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that went away without a word is missed after this.
const SILENCE: Duration = Duration::from_secs(15);

/// What a log shows instead of a URL.
pub(super) const PLACE: &str = "--postgres (DATABASE_URL)";

/// Where the outbox is.
#[derive(Clone)]
pub struct Database {
    config: Config,
    #[cfg(feature = "postgres-tls")]
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client's own `Debug` hides the password and nothing else may be secret.
        self.config.fmt(formatter)
    }
}

/// An open connection; it closes when this is dropped.
pub struct Session {
    /// Asks the server.
    pub client: Client,
    woken: Arc<Wake>,
}

/// Notifications of a connection.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    notify: tokio::sync::Notify,
    is_again: AtomicBool,
}

impl Wake {
    /// Waits for a notification; some may have come while nobody waited, which counts once.
    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }

    /// Whether one said that rows which were passed over wait again; asks once.
    pub(crate) fn take_again(&self) -> bool {
        self.is_again.swap(false, Ordering::Relaxed)
    }

    fn hear(&self, payload: &str) {
        if payload == super::AGAIN {
            self.is_again.store(true, Ordering::Relaxed);
        }
        self.notify.notify_one();
    }
}

impl Database {
    /// Reads a connection URL or a list of `key=value`, as libpq has them.
    ///
    /// # Errors
    /// It is none, it asks for TLS in a build without it, or certificates that it names cannot be read.
    pub fn parse(url: Option<&Secret>) -> Result<Self> {
        let fix = "write e.g. postgresql://user@host:5432/database";
        let Some(url) = url else {
            return Err(Error::config("no database is named")
                .at("setting", PLACE)
                .fix(fix));
        };
        let address = Address::split(url.expose());
        // The library's words name the option that is wrong and may quote a piece of the text, so they stay here.
        let parsed = address.and_then(|address| {
            let config: Config = address.rest.parse().ok()?;
            Some((config, address))
        });
        let Some((mut config, address)) = parsed else {
            return Err(Error::config("the database's address cannot be read")
                .at("setting", PLACE)
                .fix(format!(
                    "{fix}; the options are tokio-postgres', sslmode being disable, prefer, require or verify-full, \
                     and sslrootcert"
                )));
        };
        config.ssl_mode(address.mode);
        let asks_for_tls =
            address.mode == SslMode::Require || address.authorities != Authorities::System;
        if cfg!(not(feature = "postgres-tls")) && asks_for_tls && address.mode != SslMode::Disable {
            return Err(Error::config(
                "the database's address asks for TLS, and this build has none",
            )
            .at("setting", PLACE)
            .fix("build with `--features tls`"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("pipeline");
        }
        config.keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        Ok(Self {
            #[cfg(feature = "postgres-tls")]
            tls: super::tls::connector(address.mode, &address.authorities)?,
            config,
        })
    }

    /// Connects.
    ///
    /// # Errors
    /// The server is away, or refuses.
    pub async fn connect(&self) -> Result<Session> {
        let woken = Arc::new(Wake::default());
        let client = self.open(&woken).await;
        let client = client.map_err(|error| problem("cannot connect to PostgreSQL", &error))?;
        Ok(Session { client, woken })
    }

    async fn open(&self, woken: &Arc<Wake>) -> Result<Client, tokio_postgres::Error> {
        #[cfg(feature = "postgres-tls")]
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            tokio::spawn(drive(connection, Arc::clone(woken)));
            return Ok(client);
        }
        let (client, connection) = self.config.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(drive(connection, Arc::clone(woken)));
        Ok(client)
    }
}

impl Session {
    /// The client, and what wakes whoever waits for notifications.
    pub(crate) fn split(self) -> (Client, Arc<Wake>) {
        (self.client, self.woken)
    }
}

/// Moves bytes until the connection ends; a notification wakes whoever waits.
async fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, woken: Arc<Wake>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(said))) => woken.hear(said.payload()),
            Some(Ok(AsyncMessage::Notice(notice))) => {
                tracing::debug!(target: "postgres", "{}", notice.message());
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::info!(target: "postgres", %error, "the connection broke");
                return;
            }
            None => return,
        }
    }
}

/// What an error of PostgreSQL means here: who must act, and whether to try again. By its code, never by its text.
pub(crate) fn problem(what: &str, error: &tokio_postgres::Error) -> Error {
    let Some(said) = error.as_db_error() else {
        let mut why = error.to_string();
        if let Some(source) = std::error::Error::source(error) {
            why = format!("{why}: {source}");
        }
        #[cfg(feature = "postgres-tls")]
        if let Some(fix) = super::tls::advice(error) {
            return Error::config(what).why(why).fix(fix);
        }
        // Without the server's word the connection is at fault; a value that does not fit its type is ours.
        return Error::service(what)
            .why(why)
            .fix("check that PostgreSQL runs and that --postgres (DATABASE_URL) names it");
    };
    let code = said.code();
    let class = code.code().get(..2).unwrap_or_default();
    let (kind, retryable, fix) = match class {
        // Connection, transaction rollback, resources, operator's intervention, the system.
        "08" | "40" | "53" | "57" | "58" => (Kind::Service, true, None),
        "28" => (
            Kind::Config,
            false,
            Some("check user, password and sslmode in --postgres (DATABASE_URL)"),
        ),
        "3D" => (
            Kind::Config,
            false,
            Some("check the database's name in --postgres (DATABASE_URL)"),
        ),
        "42" if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::UNDEFINED_FUNCTION => {
            (Kind::Config, false, Some("run `pipeline outbox migrate`"))
        }
        "42" if *code == SqlState::INSUFFICIENT_PRIVILEGE => (
            Kind::Config,
            false,
            Some("grant the user what docs/operations.md lists"),
        ),
        "55" if *code == SqlState::LOCK_NOT_AVAILABLE => (Kind::Service, true, None),
        "22" | "23" | "54" | "P0" => (Kind::Record, false, None),
        _ => (Kind::Service, false, None),
    };
    // Detail and context may quote a row; the message names columns and constraints.
    let mut mapped = Error::service(what)
        .at("code", code.code())
        .why(said.message());
    mapped.kind = kind;
    mapped.retryable = retryable;
    mapped.fix = fix
        .map(str::to_owned)
        .or_else(|| said.hint().map(str::to_owned));
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_never_shown() {
        let parse = |text: &str| Database::parse(Some(&Secret::new(text)));
        assert!(parse("postgresql://me:s3cret@h:5432/d?sslmode=prefer").is_ok());
        assert!(parse("host=h user=me password=s3cret").is_ok());
        for wrong in [
            "postgresql://me:s3cret@h/d?sslmode=s3cret",
            "mysql://me:s3cret@h",
            "s3cret",
        ] {
            let error = parse(wrong).expect_err(wrong);
            assert!(error.to_string().contains("DATABASE_URL"), "{error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
        let database = parse("postgresql://me:s3cret@h/d").expect("parsed");
        assert!(!format!("{database:?}").contains("s3cret"));
        let error = Database::parse(None).expect_err("none");
        assert!(error.to_string().contains("DATABASE_URL"), "{error}");
    }

    #[cfg(not(feature = "postgres-tls"))]
    #[test]
    fn tls_that_the_build_lacks_is_an_error() {
        for query in [
            "sslmode=require",
            "sslmode=verify-full",
            "sslrootcert=/ca.pem",
        ] {
            let url = Secret::new(format!("postgresql://h/d?{query}"));
            let error = Database::parse(Some(&url)).expect_err(query).to_string();
            assert!(error.contains("--features tls"), "{error}");
        }
        let url = Secret::new("postgresql://h/d?sslmode=disable&sslrootcert=/ca.pem");
        assert!(Database::parse(Some(&url)).is_ok());
    }

    #[cfg(feature = "postgres-tls")]
    #[test]
    fn certificates_are_read_before_a_socket_opens() {
        let url = "postgresql://me:s3cret@h/d?sslmode=verify-full&sslrootcert=";
        for (file, why) in [
            ("/nowhere/ca.pem", "No such file"),
            (
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
                "no certificate",
            ),
        ] {
            let url = Secret::new(format!("{url}{file}"));
            let error = Database::parse(Some(&url)).expect_err(file).to_string();
            assert!(error.contains(file) && error.contains(why), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
