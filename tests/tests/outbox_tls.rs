//! The outbox on a PostgreSQL that takes encrypted connections only: programs get in with the authority's
//! certificate, and whoever does not hold what the address asks for is told so, without a password.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use topicwright_runtime::engine::postgres::Postgres;
use topicwright_tests::outbox::{drained, number, wait_until};
use topicwright_tests::postgres::{self, Version};
use topicwright_tests::program::{self, Servers, free_port, text};
use topicwright_tests::running::Running;
use topicwright_tests::{kafka, on_every_postgres};

on_every_postgres!(programs_connect_by_tls_and_check_who_answers);

const PASSWORD: &str = "s3cret-of-the-relay";

/// An authority, and a server's certificate for `localhost`.
struct Authority {
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let authority = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        // A name of its own: two of one name would differ by their keys alone.
        let name = authority.folder.path().file_name().unwrap();
        let name = format!("/CN=authority {}", name.to_str().unwrap());
        authority.openssl("authority", &["-subj", &name]);
        let (certificate, key) = (
            authority.file("authority.pem"),
            authority.file("authority.key"),
        );
        let signed = [
            "-CA",
            certificate.to_str().unwrap(),
            "-CAkey",
            key.to_str().unwrap(),
        ];
        let name = [
            "-subj",
            "/CN=database",
            "-addext",
            "subjectAltName=DNS:localhost",
        ];
        let leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
        authority.openssl("server", &[&signed[..], &name, &leaf].concat());
        authority
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new key and its certificate.
    fn openssl(&self, name: &str, more: &[&str]) {
        let kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
        let done = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "2"])
            .args(kind)
            .arg("-keyout")
            .arg(self.file(&format!("{name}.key")))
            .arg("-out")
            .arg(self.file(&format!("{name}.pem")))
            .args(more)
            .output()
            .expect("openssl");
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
}

/// Writes a file into the server's folder, as the server's own user and for nobody else.
async fn put(client: &Client, name: &str, content: &str) {
    let lines = format!(
        "COPY (SELECT unnest(string_to_array($file${}$file$, E'\\n'))) TO PROGRAM 'umask 077; cat > {name}'",
        content.trim_end()
    );
    client.batch_execute(&lines).await.unwrap();
}

/// From now on the server takes no connection without TLS; this client's stays.
async fn require_tls(server: &Postgres, client: &Client, authority: &Authority) {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    put(client, "server.crt", &read(&authority.file("server.pem"))).await;
    put(client, "server.key", &read(&authority.file("server.key"))).await;
    let rules = "hostnossl all all all reject\nhostssl all relay all scram-sha-256\nhostssl all postgres all trust";
    put(client, "pg_hba.conf", rules).await;
    for statement in [
        "SET password_encryption = 'scram-sha-256'",
        &format!("CREATE USER relay PASSWORD '{PASSWORD}'"),
        "GRANT ALL ON SCHEMA public TO relay",
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()",
    ] {
        client.batch_execute(statement).await.unwrap();
    }
    wait_until("the rules hold", async || {
        tokio_postgres::connect(&server.url(), NoTls).await.is_err()
    })
    .await;
}

/// The server's address with another host and more settings.
fn address(server: &Postgres, host: &str, settings: &str) -> String {
    let url = server.url();
    let port = url.rsplit(':').next().unwrap();
    format!("postgresql://relay:{PASSWORD}@{host}:{port}?{settings}")
}

fn migrate(url: &str, authorities: Option<&Path>) -> Output {
    let arguments = ["outbox", "migrate"];
    let mut command = program::command(env!("CARGO_BIN_EXE_pipeline-under-test"), &arguments);
    command
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR");
    if let Some(file) = authorities {
        command.env("SSL_CERT_FILE", file);
    }
    let done = command.env("DATABASE_URL", url).output().unwrap();
    for said in [&done.stdout, &done.stderr] {
        assert!(!text(said).contains("s3cret"), "{}", text(said));
    }
    done
}

async fn programs_connect_by_tls_and_check_who_answers(version: Version) {
    let (server, client) = postgres::start(version).await;
    let authority = Authority::new();
    let other = Authority::new();
    require_tls(&server, &client, &authority).await;
    let root = authority.file("authority.pem");
    let with_root = |mode: &str| format!("sslmode={mode}&sslrootcert={}", root.display());
    let of_other = format!("sslrootcert={}", other.file("authority.pem").display());

    for (host, settings, what) in [
        ("localhost", "sslmode=disable", "28000"),
        // Whether TLS is asked for or only taken where it is offered.
        ("localhost", "sslmode=require", "UnknownIssuer"),
        ("localhost", "", "UnknownIssuer"),
        (
            "localhost",
            &format!("sslmode=verify-full&{of_other}"),
            "UnknownIssuer",
        ),
        ("localhost", &of_other, "UnknownIssuer"),
        ("127.0.0.1", &with_root("verify-full"), "not valid for name"),
        ("127.0.0.1", &with_root("require"), "not valid for name"),
    ] {
        let refused = migrate(&address(&server, host, settings), None);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{host} {settings}: {said}");
        assert!(said.contains(what), "{host} {settings}: {said}");
        assert!(said.contains("cannot connect to PostgreSQL"), "{said}");
        let advice = match what {
            "UnknownIssuer" => "sslrootcert=FILE",
            "not valid for name" => "host name",
            _ => "sslmode",
        };
        assert!(said.contains(advice), "{host} {settings}: {said}");
    }

    // The same by the system's authorities, among which a variable can put one.
    let by_variable = address(&server, "localhost", "sslmode=require");
    let url = address(&server, "localhost", &with_root("verify-full"));
    for done in [migrate(&by_variable, Some(&root)), migrate(&url, None)] {
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| published(&runtime, &client, &url));
}

/// A row goes by relay and ingest into the fact table, and `reconcile` finds it there.
fn published(runtime: &tokio::runtime::Handle, client: &Client, url: &str) {
    let servers = Servers::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    );
    let applied = servers.run(&["apply", "--yes"]);
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let enqueue = "SELECT event_outbox_enqueue('{\"event_type\": \"shop.purchase\", \"user_id\": 7, \"payload\": \
        {\"tx_id\": 5, \"user_id\": 7, \"status\": \"failed\", \"product_id\": 1, \"amount_gold\": 1, \"price_cents\": 9}}')";
    runtime.block_on(client.batch_execute(enqueue)).unwrap();
    let mut relay = servers.guarded(&["relay", "--listen", "off"]);
    let relay = Running::start(relay.env("DATABASE_URL", url));
    let worker = servers.ingest(free_port());
    runtime.block_on(drained(client));
    // Reading, marking and housekeeping.
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND usename = 'relay'";
    runtime.block_on(wait_until(
        "the relay's connections are encrypted",
        async || number(client, encrypted).await == 3,
    ));
    assert_eq!(kafka::count(&servers.broker.brokers(), "shop.purchase"), 1);
    program::wait_until("the event is stored", || servers.rows() == 1);
    assert!(relay.terminate().status.success());
    assert!(worker.terminate().status.success());
    let age = "UPDATE event_outbox SET created_at = created_at - interval '9 minutes'";
    runtime.block_on(client.batch_execute(age)).unwrap();
    let mut reconcile = servers.command(&["reconcile", "--since", "1h", "--format", "json"]);
    let done = reconcile.env("DATABASE_URL", url).output().unwrap();
    let answer: serde_json::Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", text(&done.stderr)));
    assert_eq!(answer["compared"], 1, "{answer}");
    assert!(done.status.success(), "{answer}");
}
