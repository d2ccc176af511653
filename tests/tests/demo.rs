//! The demo from its players to its KPIs, on a real Kafka and on the embedded one; and KPIs of a handful of events
//! against numbers written by hand, apart from the product's own oracle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use serde_json::{Value, json};
use subject::Registry;
use topicwright_runtime::registry::EventRegistry as _;
use topicwright_tests::program::{Servers, command, free_port, lags, text, wait_until};
use topicwright_tests::{kafka, sql};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");

/// Runs the demo and checks all that must hold whatever it was asked for; its report.
fn demo(arguments: &[&str], produced: u64) -> Value {
    let produced_text = produced.to_string();
    let all = [
        &["demo", "--format", "json", "--events", &produced_text],
        arguments,
    ]
    .concat();
    let ended = command(PIPELINE, &all).output().unwrap();
    let said = text(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&ended.stdout).expect("one document and no more");
    let members: Vec<&str> = report
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(members, ["events", "kpis", "seconds"]);

    let events = &report["events"];
    assert_eq!(events.as_object().unwrap().len(), 5, "{events}");
    let count = |name: &str| events[name].as_u64().unwrap();
    assert_eq!(count("produced"), produced);
    assert_eq!(
        count("valid") + count("duplicates") + count("invalid"),
        produced,
        "{events}"
    );
    assert_eq!(count("dlq"), count("invalid"), "{events}");
    assert!(count("duplicates") > 0 && count("invalid") > 0, "{events}");

    let kpis = report["kpis"].as_array().unwrap();
    let names: Vec<&str> = kpis
        .iter()
        .map(|kpi| kpi["name"].as_str().unwrap())
        .collect();
    let expected: Vec<&str> = Registry::PROJECT.kpis.iter().map(|kpi| kpi.name).collect();
    assert_eq!(names, expected);
    for kpi in kpis {
        assert_eq!(kpi["equal"], true, "{kpi}");
        assert_eq!(kpi["oracle"], kpi["clickhouse"], "{kpi}");
        let rows = kpi["oracle"].as_array().unwrap();
        assert!(
            !rows.is_empty()
                && rows
                    .iter()
                    .all(|row| row.as_object().is_some_and(|row| !row.is_empty())),
            "{kpi}"
        );
    }

    let seconds = report["seconds"].as_object().unwrap();
    assert!(seconds.contains_key("total"), "{seconds:?}");
    for (step, taken) in seconds {
        assert!(taken.as_f64().unwrap() >= 0.0, "{step}: {taken}");
        assert!(
            taken.as_f64() <= seconds["total"].as_f64(),
            "{step}: {seconds:?}"
        );
    }
    report
}

#[test]
fn through_an_outbox_every_kpi_is_as_the_oracle_says() {
    let arguments = ["demo", "--outbox", "--format", "json", "--events", "6000"];
    let ended = command(PIPELINE, &arguments).output().unwrap();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let (events, outbox) = (&report["events"], &report["outbox"]);
    // The check before the insert refuses what is broken: nothing is left for the ingest to refuse.
    assert_eq!(outbox["refused"], events["invalid"], "{report}");
    assert_eq!(events["dlq"], 0);
    assert!(events["invalid"].as_u64().unwrap() > 0);
    assert!(outbox["probes"].as_u64().unwrap() > 10, "{outbox}");
    let latency = &outbox["commit_to_kpi_ms"];
    assert!(
        latency["p50"].as_f64().unwrap() > 0.0
            && latency["p50"].as_f64() <= latency["p95"].as_f64()
    );
    let kpis = report["kpis"].as_array().unwrap();
    assert_eq!(kpis.len(), Registry::PROJECT.kpis.len());
    assert!(kpis.iter().all(|kpi| kpi["equal"] == true), "{report}");
}

#[test]
fn on_a_real_kafka_every_kpi_is_as_the_oracle_says() {
    demo(&["--kafka", "real", "--seed", "7"], 20_000);
}

#[test]
fn on_the_embedded_kafka_too_and_a_seed_repeats() {
    let first = demo(&["--seed", "7"], 8000);
    let again = demo(&["--kafka", "mock", "--seed", "7"], 8000);
    let other = demo(&["--seed", "8"], 8000);
    assert_eq!(first["events"], again["events"]);
    // Who bought how much in 30 days does not depend on the hour at which the demo runs.
    let whales = |report: &Value| {
        let mut kpis = report["kpis"].as_array().unwrap().iter();
        kpis.find(|kpi| kpi["name"] == "whales").unwrap()["oracle"].clone()
    };
    assert_eq!(whales(&first), whales(&again));
    assert_ne!(whales(&first), whales(&other), "the seed decides");
}

/// A day as ClickHouse writes it, days before yesterday.
fn day(servers: &Servers, before: u32) -> String {
    sql::ask(
        &servers.store.url(),
        &format!("SELECT toDate(now('UTC')) - 1 - {before}"),
    )
}

fn event(topic: &str, version: u32, user: u64, moment: &str, payload: &Value) -> String {
    json!({
        "schema_version": version, "event_type": topic, "user_id": user, "ts": moment, "payload": payload
    })
    .to_string()
}

fn auth(version: u32, user: u64, moment: &str, action: &str) -> String {
    event(
        "auth.events",
        version,
        user,
        moment,
        &json!({"action": action}),
    )
}

fn purchase(
    user: u64,
    moment: &str,
    transaction: u64,
    status: &str,
    gold: u64,
    cents: u64,
) -> String {
    let payload = json!({
        "tx_id": transaction, "user_id": user, "status": status, "product_id": 2001,
        "amount_gold": gold, "price_cents": cents
    });
    event("shop.purchase", 1, user, moment, &payload)
}

fn progress(user: u64, moment: &str, id: u64, version: u64) -> String {
    let current = json!([{"type": "plays", "current": version, "target": 5}]);
    let payload =
        json!({"event_id": id, "user_id": user, "progress_version": version, "current": current});
    event("event.progress", 1, user, moment, &payload)
}

fn claim(user: u64, moment: &str, id: u64, version: u64) -> String {
    let items = json!([{"type": "gold", "amount": 1000}]);
    let payload = json!({
        "event_id": id, "user_id": user, "progress_version": version, "reward_items": items, "balance": 1000
    });
    event("event.claim", 1, user, moment, &payload)
}

#[test]
fn kpis_of_a_handful_of_events_are_what_a_person_counts() {
    let servers = Servers::start(PIPELINE, env!("CARGO_BIN_EXE_engine-host"));
    let applied = servers.run(&["apply", "--yes"]);
    assert!(applied.status.success(), "{}", text(&applied.stderr));

    // Two players, 7 and 8. The last day, the one before, and two more: inside and outside of seven days.
    let [last, before, in_week, long_ago] = [0, 1, 3, 9].map(|days| day(&servers, days));
    let at = |day: &str, time: &str| format!("{day}T{time}Z");
    let login = auth(2, 7, &at(&last, "08:00:00"), "login");
    let lines = [
        login.clone(),
        auth(2, 8, &at(&last, "23:59:59.999"), "signup"),
        // The very same event, sent twice.
        login,
        // Late: nine days old, after newer ones of the same player, in the old version.
        auth(1, 8, &at(&long_ago, "00:00:00"), "login"),
        purchase(7, &at(&last, "09:00:00"), 1, "success", 60_000, 4999),
        // A retry of the shop: one transaction in one status is one event, whatever its time.
        purchase(7, &at(&last, "09:00:05"), 1, "success", 60_000, 4999),
        purchase(7, &at(&last, "10:00:00"), 2, "failed", 90_000, 7999),
        purchase(8, &at(&before, "12:00:00"), 3, "success", 49_999, 1000),
        progress(7, &at(&last, "11:00:00"), 55, 1),
        progress(7, &at(&last, "11:00:00"), 55, 2),
        progress(8, &at(&before, "11:00:00"), 55, 2),
        // Late and out of order: version 1 after version 2.
        progress(8, &at(&in_week, "11:00:00"), 55, 1),
        progress(8, &at(&long_ago, "11:00:00"), 56, 1),
        claim(7, &at(&last, "11:30:00"), 55, 3),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let produced = servers.run(&["produce", file.to_str().unwrap()]);
    assert!(produced.status.success(), "{}", text(&produced.stderr));

    let port = free_port();
    let worker = servers.ingest(port);
    wait_until("all but the two repeated ones", || servers.rows() >= 12);
    wait_until("no lag anywhere", || {
        let lags = lags(port);
        !lags.is_empty() && lags.iter().all(|lag| *lag == 0)
    });
    let ended = worker.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert_eq!(servers.rows(), 12);
    assert_eq!(
        kafka::count(&servers.broker.brokers(), "shop.purchase.dlq"),
        0
    );

    let rows = |name: &str, as_of: &str| {
        let answered = servers.run(&["kpi", name, "--format", "json", "--as-of", as_of]);
        assert!(answered.status.success(), "{}", text(&answered.stderr));
        let answer: Value = serde_json::from_slice(&answered.stdout).unwrap();
        assert_eq!(answer["kpis"][0]["name"], name);
        answer["kpis"][0]["rows"].clone()
    };
    // Both on the last day, 7's repeated login once; 8 also nine days before.
    assert_eq!(
        rows("dau", &last),
        json!([
            {"event_date": last, "active_users": 2},
            {"event_date": long_ago, "active_users": 1},
        ])
    );
    // 4999 once and not 7999, over two players; days on which nobody logged in have no ratio.
    assert_eq!(
        rows("arpdau", &last),
        json!([
            {"event_date": last, "revenue_cents": 4999, "active_users": 2, "arpdau_cents": 2499.5},
            {"event_date": before, "revenue_cents": 1000, "active_users": 0, "arpdau_cents": null},
            {"event_date": in_week, "revenue_cents": 0, "active_users": 0, "arpdau_cents": null},
            {"event_date": long_ago, "revenue_cents": 0, "active_users": 1, "arpdau_cents": 0},
        ])
    );
    // Event 55: two steps of each player, one claim. Event 56 is older than seven days.
    assert_eq!(
        rows("claim_conversion", &last),
        json!([{"entity_id": 55, "progress_updates": 4, "claims": 1, "claim_rate": 0.25}])
    );
    // 60,000 once, without the failed 90,000; 8 lacks one coin of 50,000.
    assert_eq!(
        rows("whales", &last),
        json!([{"user_id": 7, "gold_bought": 60_000, "revenue_cents": 4999}])
    );
    assert_eq!(rows("weekly_actives", &last), json!([{"active_users": 2}]));
    // As it was long ago, only 8 had been there.
    assert_eq!(
        rows("weekly_actives", &long_ago),
        json!([{"active_users": 1}])
    );
    assert_eq!(rows("whales", &long_ago), json!([]));
}
