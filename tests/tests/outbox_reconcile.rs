//! `pipeline reconcile` on real servers: silent while everything is where it should be; names what is missing, what
//! became a dead letter and what is extra; tells what waits apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use subject::Registry;
use topicwright_runtime::outbox;
use topicwright_tests::outbox::{drained, purchase, record, run as run_beside};
use topicwright_tests::postgres::{self, Version};
use topicwright_tests::program::{Servers, free_port, text, wait_until};
use topicwright_tests::running::Running;
use topicwright_tests::{kafka, sql};

/// An event of so many minutes ago.
fn aged(number: usize, minutes: i64) -> Value {
    let mut event = purchase(number, 1 + number % 9);
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
    event["ts"] = format!("{then:.3}").into();
    event
}

#[test]
fn what_is_missing_dead_or_extra_is_named() {
    named(Version::Installed);
}

#[test]
fn on_the_oldest_postgres_too() {
    named(Version::Oldest);
}

fn named(version: Version) {
    let servers = Servers::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, client) = runtime.block_on(postgres::start(version));
    let run = |arguments: &[&str]| run_beside(&servers, &database, arguments);
    for arguments in [&["apply", "--yes"][..], &["outbox", "migrate"]] {
        let done = run(arguments);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let ask = |statement: &str| sql::ask_in(&servers.store.url(), "game", statement);
    let _ = ask("ALTER TABLE events_raw ADD CONSTRAINT unlucky CHECK product_id != 13");
    let mut events: Vec<Value> = (1..=400).map(|n| aged(n, 3 + (n % 30) as i64)).collect();
    // One key twice, at two times: whichever the ingest keeps, nothing is missing.
    let mut again = events[5].clone();
    again["ts"] = events[20]["ts"].clone();
    events.push(again);
    // Late ones: enqueued now, of weeks ago.
    events.extend((500..520).map(|n| aged(n, 60 * 24 * 20)));
    // Another player's event under the key of one that is there.
    let mut namesake = events[30].clone();
    namesake["user_id"] = 77.into();
    namesake["payload"]["user_id"] = 77.into();
    events.push(namesake);
    let enqueue = |events: &[Value]| {
        let records = events.iter().map(record).collect();
        runtime
            .block_on(outbox::enqueue_records::<Registry>(&client, records))
            .unwrap()
    };
    let ids = enqueue(&events);

    let mut relay = servers.guarded(&["relay", "--listen", "off"]);
    let relay = Running::start(relay.env("DATABASE_URL", database.url()));
    let worker = servers.ingest(free_port());
    runtime.block_on(drained(&client));
    let stored = || {
        ask("SELECT uniqExact(event_key) FROM events_raw")
            .parse::<usize>()
            .unwrap()
    };
    wait_until("all are stored", || stored() == events.len() - 1);

    let reconcile = |more: &[&str]| {
        let arguments = ["reconcile", "--since", "1h", "--format", "json"];
        let done = run(&[&arguments[..], more].concat());
        let answer: Value = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|_| panic!("{}", text(&done.stderr)));
        (done.status.code(), answer)
    };
    // As if all that had been some time ago.
    let age = "UPDATE event_outbox SET created_at = created_at - interval '50 minutes', \
        published_at = published_at - interval '40 minutes'";
    runtime.block_on(client.batch_execute(age)).unwrap();
    let (code, answer) = reconcile(&[]);
    assert_eq!(
        (code, &answer["compared"]),
        (Some(0), &json!(events.len())),
        "{answer}"
    );

    // Rows that the table loses, one of them late; one that it refuses; one that nobody enqueued; one that waits.
    for lost in [&events[7], &events[405], &events[421]] {
        let (key, user) = (lost["dedupe_key"].as_str().unwrap(), &lost["user_id"]);
        let _ = ask(&format!(
            "DELETE FROM events_raw WHERE dedupe_key = '{key}' AND user_id = {user}"
        ));
    }
    let mut refused = aged(600, 4);
    refused["payload"]["product_id"] = 13.into();
    enqueue(&[refused]);
    let brokers = servers.broker.brokers();
    let stray = aged(700, 5);
    kafka::send(
        &brokers,
        "shop.purchase",
        None,
        &[(b"1".to_vec(), stray.to_string().into_bytes())],
    );
    runtime.block_on(drained(&client));
    wait_until("the letter is written", || {
        kafka::count(&brokers, "shop.purchase.dlq") == 1
    });
    wait_until("the stray is stored", || {
        stored() == events.len() - 1 - 3 + 1
    });
    assert!(relay.terminate().status.success());
    enqueue(&[aged(800, 2)]);
    let park = "INSERT INTO event_outbox (event_type, payload, dedupe_key, parked_at, created_at) \
        VALUES ('shop.purchase', '{}', 'parked', now(), now() - interval '10 minutes')";
    runtime.block_on(client.batch_execute(park)).unwrap();
    runtime
        .block_on(client.batch_execute(
            "UPDATE event_outbox SET published_at = published_at - interval '5 minutes'",
        ))
        .unwrap();

    let (code, answer) = reconcile(&[]);
    assert_eq!(code, Some(100), "{answer}");
    for (what, count) in [
        ("missing", 3),
        ("dead", 1),
        ("extra", 1),
        ("pending", 1),
        ("parked", 1),
        ("under_way", 0),
    ] {
        assert_eq!(answer[what], count, "{what}: {answer}");
    }
    let event = |id: Value| {
        let events = answer["events"].as_array().unwrap().iter();
        let mut found = events.filter(|event| event["id"] == id);
        found
            .next()
            .cloned()
            .unwrap_or_else(|| panic!("{id} in {answer}"))
    };
    assert_eq!(event(json!(ids[7]))["dedupe_key"], events[7]["dedupe_key"]);
    assert_eq!(event(json!(ids[405]))["letter"], Value::Null);
    assert_eq!(
        event(json!(ids[421]))["dedupe_key"],
        events[30]["dedupe_key"]
    );
    assert_eq!(event(Value::Null)["dedupe_key"], stray["dedupe_key"]);
    let letters = answer["events"].as_array().unwrap().iter();
    assert_eq!(
        letters.filter(|event| event["letter"] == "refused").count(),
        1
    );

    let (_, answer) = reconcile(&["--missing-only", "--topic", "shop.purchase"]);
    assert_eq!(
        (&answer["extra"], &answer["missing"]),
        (&json!(0), &json!(3))
    );
    let human = run(&["reconcile"]);
    assert_eq!(human.status.code(), Some(100));
    assert!(
        text(&human.stdout).contains("dead letter"),
        "{}",
        text(&human.stdout)
    );
    // What was published a moment ago may still be on its way.
    let fresh = "UPDATE event_outbox SET published_at = now() WHERE published_at IS NOT NULL";
    runtime.block_on(client.batch_execute(fresh)).unwrap();
    let (_, answer) = reconcile(&[]);
    assert_eq!(
        (&answer["under_way"], &answer["missing"]),
        (&json!(4), &json!(0))
    );
    assert!(worker.terminate().status.success());
    let wrong = run(&["reconcile", "--since", "1m", "--until", "1h"]);
    assert_eq!(wrong.status.code(), Some(1));
}
