//! What an on-call person relies on: the table of metrics says what is exported, every alert has its paragraph,
//! every reason its row, and no log line speaks of what an event holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;
use topicwright_runtime::dlq::FOREIGN;
use topicwright_runtime::engine::postgres::Postgres;
use topicwright_runtime::ingest::Reason;
use topicwright_tests::program::{Servers, free_port, get, metric, text, wait_until};
use topicwright_tests::running::Running;
use topicwright_tests::{events, kafka, outbox, sql};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");
const TOPIC: &str = "shop.purchase";

fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The rows of the table in docs/operations.md whose first heading this is, without backquotes.
fn table(heading: &str) -> Vec<Vec<String>> {
    let document = file("docs/operations.md");
    let start = document.find(&format!("| {heading} |")).unwrap();
    let cells = |line: &str| {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().replace('`', ""))
            .collect()
    };
    document[start..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}

#[test]
fn every_alert_has_its_paragraph() {
    let alerts = file("generated/observability/alerts.yaml");
    let document = file("docs/operations.md");
    let named: BTreeSet<&str> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: \""))
        .map(|name| name.trim_end_matches('"'))
        .collect();
    assert!(named.len() >= 4, "{named:?}");
    for name in &named {
        let heading = format!("\n### {name}\n\n");
        let found = document
            .split_once(&heading)
            .map(|(_, rest)| rest.lines().next().unwrap());
        assert!(
            found.is_some_and(|text| text.len() > 100),
            "docs/operations.md: no words on {name}"
        );
    }
    // Where the alerts send people.
    for link in alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("runbook_url: \""))
    {
        let (path, anchor) = link.trim_end_matches('"').split_once('#').unwrap();
        let is_there = |line: &str| {
            line.strip_prefix("### ")
                .is_some_and(|title| title.to_lowercase() == anchor)
        };
        assert!(file(path).lines().any(is_there), "{link}");
    }
}

#[test]
fn every_reason_has_its_row() {
    let told: BTreeSet<String> = table("reason")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let codes = Reason::ALL
        .iter()
        .map(|reason| reason.code())
        .chain([FOREIGN]);
    assert_eq!(told, codes.map(str::to_owned).collect());
}

/// Types and label names by metric, as the exporter tells them.
fn exported(body: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if let Some((name, rest)) = line.split_once('{') {
            let labels = rest.split_once('}').unwrap().0.split(',');
            let labels = labels.map(|label| label.split_once('=').unwrap().0.to_owned());
            if let Some((_, known)) = found.get_mut(name) {
                known.extend(labels);
            }
        }
    }
    found
}

/// Names in an expression that may be metrics: words with an underscore, but for functions and labels.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words
        .filter(|word| word.contains('_') && !word.starts_with("__"))
        .map(|word| {
            let word = word.strip_suffix("_bucket").unwrap_or(word);
            let word = word.strip_suffix("_count").unwrap_or(word);
            word.strip_suffix("_sum").unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn alerts_and_dashboard_ask_for_what_is_exported() {
    let told: BTreeSet<String> = table("metric")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let functions = ["histogram_quantile", "clamp_min", "label_replace"];
    let alerts = file("generated/observability/alerts.yaml");
    let expressions = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .map(str::to_owned);
    let dashboard: serde_json::Value =
        serde_json::from_str(&file("generated/observability/dashboard.json")).unwrap();
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut expressions: Vec<String> = expressions.collect();
    let of_alerts = expressions.len();
    exprs(&dashboard, &mut expressions);
    assert!(of_alerts > 8 && expressions.len() > of_alerts + 5);
    for expression in &expressions {
        asked.extend(metrics_in(expression));
    }
    for name in asked {
        assert!(
            told.contains(&name) || functions.contains(&name.as_str()),
            "docs/operations.md has no metric {name}, which an alert or the dashboard asks for"
        );
    }
}

/// Every text under a member `expr`.
fn exprs(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                if name == "expr" {
                    found.push(member.as_str().unwrap().to_owned());
                }
                exprs(member, found);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| exprs(item, found)),
        _ => {}
    }
}

const SECRETS: [&str; 4] = ["s3cret-value", "s3cret-key", "s3cret-header", "s3cret-name"];

#[test]
fn metrics_are_those_of_the_table_and_logs_tell_nothing_personal() {
    let servers = Servers::start(PIPELINE, env!("CARGO_BIN_EXE_engine-host"));
    assert!(servers.run(&["apply", "--yes"]).status.success());
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut command =
        servers.guarded(&["ingest", "--listen", &listen, "--flush-interval-ms", "200"]);
    let worker = Running::start(command.env("RUST_LOG", "trace"));
    wait_until("the worker", || {
        get(port, "/readyz").is_some_and(|(status, _)| status == 200)
    });
    let constraint = "ALTER TABLE events_raw ADD CONSTRAINT c CHECK dedupe_key != 's3cret-value'";
    sql::run_in(&servers.store.url(), "game", constraint).unwrap();

    let payload = json!({
        "tx_id": 1, "user_id": 13, "status": "success", "product_id": 2001, "amount_gold": 2600, "price_cents": 199
    });
    let good = events::event(TOPIC, 1, &payload, 1);
    let with = |member: &str, value: serde_json::Value| {
        let mut event = events::event(TOPIC, 1, &payload, 2);
        event[member] = value;
        event.to_string().into_bytes()
    };
    let mut values = vec![
        good.to_string().into_bytes(),
        good.to_string().into_bytes(),
        b"s3cret-value".to_vec(),
        b"{\"s3cret-name\":1,\"s3cret-name\":2}".to_vec(),
        with("event_type", "s3cret-value".into()),
        with("ts", "s3cret-value".into()),
        with("schema_version", "s3cret-value".into()),
        with(
            "payload",
            json!({"status": "s3cret-value", "s3cret-name": "s3cret-value"}),
        ),
        with("payload", json!("s3cret-value")),
        // ClickHouse refuses this one, and says the value.
        with("dedupe_key", "s3cret-value".into()),
    ];
    values.push([b"s3cret-value\xff".to_vec(), vec![b'x'; 2_000]].concat());
    let records: Vec<(Vec<u8>, Vec<u8>)> = values
        .into_iter()
        .map(|value| (b"s3cret-key".to_vec(), value))
        .collect();
    let brokers = servers.broker.brokers();
    kafka::send_with_header(&brokers, TOPIC, "note", b"s3cret-header", &records);
    wait_until("the letters", || {
        kafka::count(&brokers, "shop.purchase.dlq") == 9
    });
    wait_until("the lag", || {
        get(port, "/metrics").is_some_and(|(_, body)| body.contains("ingest_lag{"))
    });
    // What became of two copies of a good event and nine bad ones.
    wait_until("all is counted", || {
        get(port, "/metrics").is_some_and(|(_, body)| {
            metric(&body, "dedupe_hits_total") > 0.0 && metric(&body, "ingest_lag") == 0.0
        })
    });
    let (_, body) = get(port, "/metrics").unwrap();
    for (name, expected) in [
        ("ingest_consumed_total", 11.0),
        ("ingest_dlq_total", 9.0),
        ("dedupe_hits_total", 1.0),
        ("ch_insert_batch_size_sum", 2.0),
        ("ingest_replayed_plans_total", 0.0),
        ("ingest_rebalances_total", 1.0),
        ("ch_insert_retries_total", 0.0),
        ("ingest_lag", 0.0),
        ("ingest_paused", 0.0),
    ] {
        assert_eq!(metric(&body, name), expected, "{name} in\n{body}");
    }
    for name in [
        "ch_insert_batch_bytes_sum",
        "ch_insert_latency_ms_sum",
        "ingest_flushes_total",
    ] {
        assert!(metric(&body, name) > 0.0, "{name} in\n{body}");
    }
    let (relayed, relay_said) = relay_of_secrets(&servers);
    let mut found = exported(&body);
    for (name, (kind, labels)) in exported(&relayed) {
        let known = found.entry(name).or_insert((kind, BTreeSet::new()));
        known.1.extend(labels);
    }
    let told: BTreeMap<String, (String, BTreeSet<String>)> = table("metric")
        .into_iter()
        .map(|row| {
            let labels = row[2]
                .split(',')
                .map(str::trim)
                .filter(|label| !label.is_empty());
            (
                row[0].clone(),
                (row[1].clone(), labels.map(str::to_owned).collect()),
            )
        })
        .collect();
    assert_eq!(told, found);

    let ended = worker.terminate();
    assert!(ended.status.success());
    let said = text(&ended.stderr) + &text(&ended.stdout) + &body + &relay_said + &relayed;
    assert!(
        ["DEBUG", "TRACE", "a block is halved", "is parked"]
            .iter()
            .all(|part| said.contains(part)),
        "too quiet: {said}"
    );
    for secret in SECRETS {
        let line = said.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    // Quiet by default.
    let quiet = servers.run(&["dlq", "ls"]);
    assert_eq!(text(&quiet.stderr), "");
    assert!(
        !SECRETS
            .iter()
            .any(|secret| text(&quiet.stdout).contains(secret))
    );
}

/// What a relay exports and logs after it parked rows with secrets in every place.
fn relay_of_secrets(servers: &Servers) -> (String, String) {
    let database = Postgres::start().unwrap();
    let run = |arguments: &[&str]| outbox::run(servers, &database, arguments);
    assert!(run(&["outbox", "migrate"]).status.success());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(outbox::connect(&database.url()));
    let rows = r#"INSERT INTO event_outbox (event_type, payload, envelope, dedupe_key, key, headers) VALUES
        ('s3cret-value', '{}', '{}', 's3cret-key', 's3cret-key', NULL),
        ('shop.purchase', '{"status": "s3cret-value", "s3cret-name": 1}',
            '{"user_id": 13, "ts": "2026-08-21T12:00:00Z"}', 's3cret-key', '13', '{"note": "s3cret-header"}')"#;
    runtime.block_on(client.batch_execute(rows)).unwrap();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut command = servers.guarded(&["relay", "--listen", &listen]);
    command
        .env("DATABASE_URL", database.url())
        .env("RUST_LOG", "trace");
    let relay = Running::start(&mut command);
    runtime.block_on(outbox::drained(&client));
    let mut body = String::new();
    wait_until("parked rows are counted", || {
        body = get(port, "/metrics")
            .map(|(_, body)| body)
            .unwrap_or_default();
        body.contains("outbox_parked 2")
    });
    assert_eq!(get(port, "/readyz").map(|(status, _)| status), Some(200));
    let ended = relay.terminate();
    assert!(ended.status.success());
    (body, text(&ended.stderr))
}
