//! What users do to a clone of this workspace: put their own registry in the place of the game's, and the README's
//! tour. Both on a copy, with a real Kafka and a real ClickHouse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tour;
mod workspace;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use rdkafka::Message as _;
use serde_json::{Value, json};
use topicwright_tests::program::{Servers, free_port, text, wait_until};
use topicwright_tests::running::Running;
use topicwright_tests::{kafka, sql};
use tour::Block;
use workspace::{Files, Workspace, run, succeed};

fn servers() -> Servers {
    Servers::start("", env!("CARGO_BIN_EXE_engine-host"))
}

/// A command of a program that a test compiled.
fn pipeline(servers: &Servers, program: &Path, arguments: &[&str]) -> Command {
    servers.command_of(program.to_str().unwrap(), arguments)
}

/// A worker on a port of its own.
fn ingest(servers: &Servers, program: &Path) -> Running {
    let listen = format!("127.0.0.1:{}", free_port());
    let program = program.to_str().unwrap();
    Running::start(&mut servers.guarded_program(program, &["ingest", "--listen", &listen]))
}

/// Paths of files that differ.
fn changed(before: &Files, after: &Files) -> Vec<String> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}

#[test]
fn another_registry_generates_compiles_applies_and_ingests() {
    let workspace = Workspace::fresh();
    workspace.replace_registry("tests/registries/webshop");
    let before = workspace.files();
    succeed(&mut workspace.cargo(&["topicwright", "generate"]));
    let program = workspace.pipeline("webshop");
    succeed(&mut workspace.cargo(&["topicwright", "generate", "--check"]));

    let changed = changed(&before, &workspace.files());
    let generated = ["generated/", "schema_registry", "Cargo.lock"];
    let outside = changed
        .iter()
        .filter(|name| !generated.iter().any(|place| name.starts_with(place)));
    assert_eq!(outside.count(), 0, "{changed:?}");
    for name in [
        "generated/Cargo.toml",
        "generated/src/topics/order_placed/v2.rs",
        "generated/src/topics/shop_purchase/v1.rs",
        "schema_registry.md",
        "schema_registry/registry.lock",
    ] {
        assert!(changed.iter().any(|path| path == name), "{name}");
    }

    let servers = servers();
    let run_ok = |arguments: &[&str]| succeed(&mut pipeline(&servers, &program, arguments));
    assert!(run_ok(&["apply", "--yes"]).contains("+ topic order.placed"));
    let again = run_ok(&["apply"]);
    assert!(
        again.contains("topics as they should be") && !again.contains("+ "),
        "{again}"
    );

    let report = run_ok(&["demo", "--events", "3000", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["events"]["produced"], 3000);
    let names: Vec<&Value> = report["kpis"]
        .as_array()
        .unwrap()
        .iter()
        .inspect(|kpi| {
            assert_eq!(kpi["equal"], true, "{kpi}");
            assert_ne!(kpi["oracle"], json!([]), "{kpi}");
        })
        .map(|kpi| &kpi["name"])
        .collect();
    assert_eq!(names, ["basket", "buyers"]);
    let rows = sql::ask(
        &servers.store.url(),
        "SELECT uniqExact(dedupe_key) FROM shop.shop_events",
    );
    assert_eq!(rows, report["events"]["valid"].to_string());
    assert!(rows.parse::<u64>().unwrap() > 2000, "{rows}");
    assert!(run_ok(&["kpi", "basket"]).lines().count() > 2);
    payloads_are_those_sent(&servers);
}

/// Kept as texts, payloads say what the records said.
fn payloads_are_those_sent(servers: &Servers) {
    let brokers = servers.broker.brokers();
    let mut sent: BTreeMap<(String, i32, i64), Value> = BTreeMap::new();
    for topic in ["cart.updated", "order.placed", "order.returned"] {
        let count = usize::try_from(kafka::count(&brokers, topic)).unwrap();
        for record in kafka::read(&brokers, topic, count) {
            // Some of the scenario's are broken.
            if let Ok(event) = serde_json::from_slice(record.payload().unwrap_or_default()) {
                let place = (topic.to_owned(), record.partition(), record.offset());
                sent.insert(place, event);
            }
        }
    }
    let stored = sql::ask(
        &servers.store.url(),
        "SELECT kafka_topic, kafka_partition, kafka_offset, payload_json FROM shop.shop_events \
         FORMAT JSONCompactEachRow SETTINGS output_format_json_quote_64bit_integers = 0",
    );
    assert!(stored.lines().count() > 2000);
    for line in stored.lines() {
        let (topic, partition, offset, payload): (String, i32, i64, String) =
            serde_json::from_str(line).unwrap();
        let event = &sent[&(topic, partition, offset)];
        let payload: Value = serde_json::from_str(&payload).unwrap();
        assert_eq!(payload, event["data"], "{line}");
    }
}

#[test]
fn the_tour_of_the_readme_does_what_it_says() {
    let workspace = Workspace::fresh();
    workspace.commit();
    let old = workspace.pipeline("before-the-tour");
    let servers = servers();
    succeed(&mut pipeline(&servers, &old, &["apply", "--yes"]));
    // As the demo's, which goes on all the time.
    let worker = ingest(&servers, &old);

    let shell = Shell::new(&workspace, &servers);
    let purchases = |column: &str| {
        let query = format!(
            "SELECT {column} FROM game.events_raw WHERE user_id = 77 ORDER BY kafka_offset"
        );
        sql::ask(&servers.store.url(), &query)
    };
    let mut new = None;
    let (mut seen, mut expected) = (String::new(), Vec::new());
    for block in tour::blocks(&workspace.read("README.md"), "Five minutes") {
        match block {
            Block::Run(commands) => {
                if commands.contains("cargo pipeline") && new.is_none() {
                    new = Some(workspace.pipeline("after-the-tour"));
                    for (path, contents) in workspace.files() {
                        if path.starts_with("generated/") || path == "schema_registry.md" {
                            seen.push_str(&text(&contents));
                        }
                    }
                }
                if commands.contains("SELECT") {
                    wait_until("the purchase is stored and counted", || {
                        // A row is seen in its table a moment before the views that are filled from it.
                        let whales = "SELECT count() FROM game.kpi_whales";
                        purchases("1") == "1" && sql::ask(&servers.store.url(), whales) == "1"
                    });
                }
                seen.push_str(&shell.run(&commands, new.as_deref()));
            }
            Block::Field(member) => {
                let path = "schema_registry/topics/shop.purchase/v3.json";
                let mut schema: Value = serde_json::from_str(&workspace.read(path)).unwrap();
                let member: Value = serde_json::from_str(&format!("{{{member}}}")).unwrap();
                for (name, field) in member.as_object().unwrap() {
                    schema["properties"][name] = field.clone();
                }
                workspace.write(path, &format!("{schema:#}\n"));
            }
            Block::Column(table) => {
                let path = "schema_registry/registry.toml";
                let manifest = workspace.read(path);
                // Beside the others: at the end of the file would do as well.
                let place = manifest.find("[[clickhouse.columns]]").unwrap();
                let (before, after) = manifest.split_at(place);
                workspace.write(path, &format!("{before}{table}\n{after}"));
            }
            Block::Seen(lines) => expected.extend(lines),
        }
    }
    assert!(expected.len() > 8, "{expected:?}");
    for line in &expected {
        assert!(
            seen.lines().any(|there| there == line),
            "`{line}` in\n{seen}"
        );
    }

    // The column is the new worker's to fill.
    assert_eq!(purchases("campaign"), "");
    let ended = worker.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let new = new.unwrap();
    shell.run(
        "sed -i 's/\"tx_id\": 1/\"tx_id\": 2/' event.ndjson; cargo pipeline produce event.ndjson",
        Some(&new),
    );
    let worker = ingest(&servers, &new);
    wait_until("the second purchase is stored", || purchases("1") == "1\n1");
    assert_eq!(purchases("campaign"), "\nautumn_2026");
    assert!(worker.terminate().status.success());
}

/// A shell in the copy, with the servers' addresses, whose `cargo pipeline` is a program that is compiled already:
/// the alias' own is a release build.
struct Shell<'t> {
    workspace: &'t Workspace,
    servers: &'t Servers,
    programs: tempfile::TempDir,
}

impl<'t> Shell<'t> {
    fn new(workspace: &'t Workspace, servers: &'t Servers) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let programs = tempfile::tempdir().unwrap();
        let cargo = programs.path().join("cargo");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = pipeline ]; then shift; exec \"$PIPELINE\" \"$@\"; fi\nexec '{}' \"$@\"\n",
            env!("CARGO")
        );
        std::fs::write(&cargo, script).unwrap();
        std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            workspace,
            servers,
            programs,
        }
    }

    /// What the commands print, on both outputs.
    fn run(&self, commands: &str, program: Option<&Path>) -> String {
        let path = std::env::var("PATH").unwrap();
        let mut shell = self.workspace.command("sh");
        shell
            .args(["-e", "-c", &format!("exec 2>&1\n{commands}")])
            .env("PATH", format!("{}:{path}", self.programs.path().display()))
            .env(
                "PIPELINE",
                program.unwrap_or(Path::new("cargo-pipeline-is-not-compiled")),
            )
            .env("KAFKA_BROKERS", self.servers.broker.brokers())
            .env("CLICKHOUSE_URL", self.servers.store.url());
        let output = run(&mut shell);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{commands}\n{said}");
        said
    }
}
