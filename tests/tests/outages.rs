//! What a worker does while a neighbour is not as it should be: a topic made again, a server that is away, a view
//! that refuses, events that come again after weeks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;

use topicwright_tests::faults::scene::Scene;
use topicwright_tests::faults::stream::{Fate, Stream, date, yesterday};
use topicwright_tests::faults::verdict;
use topicwright_tests::program::{get, metric, wait_until};
use topicwright_tests::{events, kafka};

fn scene() -> Scene {
    Scene::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    )
}

const REMADE: &str = "event.progress";

/// Steps of progress with these numbers, one event each.
fn steps(scene: &Scene, numbers: std::ops::Range<usize>) {
    let payload = |number: usize| serde_json::json!({"event_id": 55, "user_id": 123, "progress_version": number, "current": [{"type": "plays", "current": 4, "target": 5}]});
    let records: Vec<KeyAndValue> = numbers
        .map(|number| {
            let event = events::event(REMADE, 1, &payload(number), number);
            (
                number.to_string().into_bytes(),
                event.to_string().into_bytes(),
            )
        })
        .collect();
    kafka::send(&scene.servers.broker.brokers(), REMADE, None, &records);
}

fn remake(scene: &Scene) {
    kafka::delete(&scene.servers.broker.brokers(), REMADE);
    wait_until("the topic again", || {
        scene.servers.run(&["apply", "--yes"]).status.success()
    });
}

fn rows_and_keys(scene: &Scene) -> String {
    scene.ask("SELECT count(), uniqExact(dedupe_key) FROM events_raw")
}

/// A record to send.
type KeyAndValue = (Vec<u8>, Vec<u8>);

#[test]
fn a_topic_made_again_loses_nothing() {
    let mut scene = scene();
    // While nobody looks: the new topic has more records than the old one had.
    steps(&scene, 0..600);
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    remake(&scene);
    steps(&scene, 1000..3000);
    scene.add_worker("");
    scene.settle();
    assert_eq!(rows_and_keys(&scene), "2600\t2600");
    scene.stop_workers();

    // While a plan stands that names it, stored or not.
    for (failpoint, first) in [
        ("after-insert=return", 10_000),
        ("after-plan=return", 20_000),
    ] {
        steps(&scene, first..first + 300);
        let other = events::event(
            "auth.events",
            1,
            &serde_json::json!({"action": "login"}),
            first,
        );
        kafka::send(
            &scene.servers.broker.brokers(),
            "auth.events",
            None,
            &[(b"k".to_vec(), other.to_string().into_bytes())],
        );
        scene.add_worker(failpoint);
        scene.await_failpoint(failpoint);
        remake(&scene);
        steps(&scene, first + 1000..first + 2000);
        scene.add_worker("");
        scene.settle();
        scene.stop_workers();
        let found = scene.ask(&format!(
            "SELECT count(), uniqExact(dedupe_key) FROM events_raw WHERE progress_version BETWEEN {} AND {}",
            first + 1000, first + 1999
        ));
        assert_eq!(found, "1000\t1000", "{failpoint}");
    }

    // Under a worker that runs.
    let before = rows_and_keys(&scene);
    steps(&scene, 30_000..30_200);
    scene.add_worker("");
    scene.settle();
    remake(&scene);
    steps(&scene, 31_000..33_000);
    scene.settle();
    scene.stop_workers();
    let found = scene.ask(
        "SELECT count(), uniqExact(dedupe_key) FROM events_raw WHERE progress_version >= 30000",
    );
    assert_eq!(found, "2200\t2200", "before: {before}");
}

#[test]
fn duplicates_of_any_age_change_no_answer() {
    let mut scene = scene();
    let mut stream = Stream::new(21, yesterday() - 1);
    scene.send(&mut stream, 1500);
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    let day = date(stream.last_day());
    let answers = scene.kpis(&day);
    let rows = scene.ask("SELECT count() FROM events_raw");
    // As a day later: the table no longer tells the worker that it has seen them, and they come twice. They still came
    // hours after their own time, which is what their hour in the ledger says.
    let _ = scene.ask("ALTER TABLE events_raw UPDATE received_at = ts + INTERVAL 4 HOUR WHERE 1 SETTINGS mutations_sync = 2");
    let mut again: BTreeMap<&str, Vec<KeyAndValue>> = BTreeMap::new();
    for record in &stream.records {
        if let (Fate::Row(_), Some(value)) = (&record.fate, &record.value) {
            again
                .entry(record.topic)
                .or_default()
                .push((record.key.clone(), value.clone()));
        }
    }
    for (topic, records) in &again {
        kafka::send(&scene.servers.broker.brokers(), topic, None, records);
    }
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    assert_ne!(
        scene.ask("SELECT count() FROM events_raw"),
        rows,
        "they are stored again"
    );
    assert_eq!(scene.kpis(&day), answers);
    let _ = scene.ask("OPTIMIZE TABLE event_ledger FINAL");
    assert_eq!(scene.kpis(&day), answers);
}

#[test]
fn copies_that_differ_count_once_in_open_and_in_closed_days() {
    let mut scene = scene();
    scene.workers_close_days = false;
    let mut stream = Stream::new(27, yesterday());
    scene.send(&mut stream, 4000);
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    let counted = verdict::check(&scene, &stream, "copies that differ");
    verdict::check_merged(&scene, &stream, &counted);
    // Closed days are read from totals alone.
    let closed = scene.ask(
        "SELECT count() > 20 FROM (SELECT event_date FROM user_daily_closed GROUP BY event_date)",
    );
    assert_eq!(closed, "1");
    // An event that comes late, a correction say, is in the totals after the next round.
    let before = scene.ask("SELECT sum(revenue_cents) FROM daily");
    let late = "INSERT INTO events_raw (ts, event_type, user_id, event_key, kafka_offset, status, price_cents, payload_json) \
                SELECT now64(3) - INTERVAL 12 DAY, 'shop.purchase', 7, 1234567, 99999999, 'success', 1000, '{}'";
    let _ = scene.ask(late);
    assert_eq!(scene.ask("SELECT sum(revenue_cents) FROM daily"), before);
    scene.close_days(&[]);
    let after: u64 = scene
        .ask("SELECT sum(revenue_cents) FROM daily")
        .parse()
        .unwrap();
    assert_eq!(after, before.parse::<u64>().unwrap() + 1000);
    // One that comes too late is stored, and told.
    let _ = scene.ask(
        &late
            .replace("12 DAY", "200 DAY")
            .replace("1234567", "7654321"),
    );
    scene.close_days(&[]);
    let too_late = scene.ask(
        "SELECT count() FROM event_ledger WHERE event_date < today() - 100 AND event_key = 7654321",
    );
    assert_eq!(too_late, "1");
    let counted = scene
        .ask("SELECT sum(revenue_cents) FROM daily")
        .parse::<u64>();
    assert_eq!(counted.unwrap(), after);
}

#[test]
fn a_view_that_refuses_is_waited_for() {
    let mut scene = scene();
    let mut stream = Stream::new(22, yesterday());
    let _ = scene.ask("CREATE TABLE mine (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10000");
    let _ = scene.ask("CREATE TABLE mood (bad UInt8) ENGINE = MergeTree ORDER BY bad");
    let _ = scene.ask(
        "CREATE MATERIALIZED VIEW mine_mv TO mine AS \
         SELECT throwIf(user_id > 60 AND (SELECT count() FROM mood) > 0) + 1 AS n FROM events_raw",
    );
    let refusals = |scene: &Scene| scene.logged("a view on the fact table refuses");
    scene.send(&mut stream, 800);
    let _ = scene.ask("INSERT INTO mood VALUES (1)");
    let port = scene.add_worker("").port;
    wait_until("the view refuses", || refusals(&scene) > 1);
    assert_eq!(get(port, "/readyz").unwrap().0, 503);
    assert_eq!(get(port, "/healthz").unwrap().0, 200);
    let _ = scene.ask("TRUNCATE TABLE mood");
    scene.settle();
    let counted = verdict::check(&scene, &stream, "a view that refused");
    assert_eq!(
        scene.ask("SELECT count() FROM mine"),
        counted.rows.to_string()
    );

    // A worker that is started anew meets what the first one left. The view of others lacks that: its refusal
    // ended with the worker that met it.
    let before = refusals(&scene);
    let _ = scene.ask("INSERT INTO mood VALUES (1)");
    scene.send(&mut stream, 800);
    wait_until("the view refuses again", || refusals(&scene) > before + 1);
    scene.kill_worker(0);
    let before = refusals(&scene);
    scene.add_worker("");
    wait_until("the view refuses the next worker", || {
        refusals(&scene) > before + 1
    });
    let _ = scene.ask("TRUNCATE TABLE mood");
    scene.settle();
    verdict::check(&scene, &stream, "a view that refused two workers");
    scene.stop_workers();
}

#[test]
fn what_the_server_lost_is_put_in_again() {
    let mut scene = scene();
    let mut stream = Stream::new(23, yesterday());
    scene.send(&mut stream, 300);
    scene.add_worker("after-insert=return");
    scene.await_failpoint("after-insert");
    assert_ne!(rows_and_keys(&scene), "0\t0");
    // As a kill between a token and its part leaves it: the token is known, the rows are not there. A mutation
    // takes rows and leaves tokens.
    for table in ["events_raw", "event_ledger"] {
        let _ = scene.ask(&format!(
            "ALTER TABLE {table} DELETE WHERE 1 SETTINGS mutations_sync = 2"
        ));
    }
    assert_eq!(rows_and_keys(&scene), "0\t0");
    scene.servers.store.kill();
    scene.servers.store.restart().unwrap();
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    verdict::check(&scene, &stream, "lost rows");
}

#[test]
fn refusals_of_a_server_that_is_overloaded_are_waited_out() {
    let mut scene = scene();
    let mut stream = Stream::new(24, yesterday());
    scene.send(&mut stream, 300);
    let port = scene.add_worker("").port;
    scene.settle();
    // A part is there, and merges are off: any more are too many. The table refuses before it takes anything; the
    // target of a view when the table has the rows.
    let few = "ALTER TABLE {} MODIFY SETTING parts_to_delay_insert = 0, parts_to_throw_insert = 1";
    let many = "ALTER TABLE {} MODIFY SETTING parts_to_delay_insert = 1000000, parts_to_throw_insert = 1000000";
    // What a server that is short of memory says, which it does in the middle of an insert too.
    let _ = scene.ask("CREATE TABLE mood (bad UInt8) ENGINE = MergeTree ORDER BY bad");
    let _ = scene.ask("CREATE TABLE mine (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10000");
    let _ = scene.ask(
        "CREATE MATERIALIZED VIEW mine_mv TO mine AS \
         SELECT throwIf((SELECT count() FROM mood) > 0, 'as if', toInt16(241)) + 1 AS n FROM events_raw \
         SETTINGS allow_custom_error_code_in_throwif = 1",
    );
    let little = "INSERT INTO mood VALUES (1)";
    let enough = "TRUNCATE TABLE mood";
    let of = |statement: &str, table: &str| statement.replace("{}", table);
    for (refusal, name, relief) in [
        (
            of(few, "events_raw"),
            "(TOO_MANY_PARTS)",
            of(many, "events_raw"),
        ),
        (
            of(few, "event_ledger"),
            "(TOO_MANY_PARTS)",
            of(many, "event_ledger"),
        ),
        (
            little.to_owned(),
            "(MEMORY_LIMIT_EXCEEDED)",
            enough.to_owned(),
        ),
    ] {
        let _ = scene.ask(&refusal);
        let before = scene.logged(name);
        scene.send(&mut stream, 800);
        scene.wait_until("it is refused again and again", |scene| {
            scene.logged(name) > before + 2
        });
        assert_eq!(get(port, "/readyz").unwrap().0, 503, "{refusal}");
        assert_eq!(get(port, "/healthz").unwrap().0, 200, "{refusal}");
        assert!(retries(port) > 2.0, "{refusal}");
        let _ = scene.ask(&relief);
        scene.settle();
        // Ready again with the last insert, which is before its commit.
        assert_eq!(get(port, "/readyz").unwrap().0, 200, "{relief}");
        verdict::check(&scene, &stream, &refusal);
    }
    assert_eq!(scene.logged("a block is halved"), 0);
    scene.stop_workers();
}

/// Inserts tried again, as the worker counts them.
fn retries(port: u16) -> f64 {
    metric(&get(port, "/metrics").unwrap().1, "ch_insert_retries_total")
}

#[test]
fn while_kafka_is_away_health_tells() {
    let mut scene = scene();
    let port = scene.add_worker("").port;
    let answers =
        |path: &str, status: u16| get(port, path).is_some_and(|answer| answer.0 == status);
    wait_until("ready", || answers("/readyz", 200));
    scene.servers.broker.kill();
    wait_until("not ready", || answers("/readyz", 503));
    assert!(answers("/healthz", 200));
    scene.servers.broker.restart().unwrap();
    wait_until("ready again", || answers("/readyz", 200));
    steps(&scene, 0..100);
    scene.settle();
    assert_eq!(rows_and_keys(&scene), "100\t100");
    scene.stop_workers();
}

/// Resident memory of a process in bytes.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

/// Flags under which a batch is full by its bytes, and a worker that does not poll is soon out of its group.
const BY_BYTES: &[&str] = &[
    "--flush-interval-ms",
    "80",
    "--max-batch-rows",
    "1000000",
    "--max-batch-bytes",
    "1000000",
    "--kafka-config",
    "max.poll.interval.ms=6000;session.timeout.ms=6000",
];

#[test]
fn while_clickhouse_is_away_memory_is_bounded_and_health_tells() {
    let mut scene = scene();
    steps(&scene, 0..500);
    let (port, process) = {
        let worker = scene.add_worker_with("", BY_BYTES);
        (worker.port, worker.process.id())
    };
    scene.settle();
    wait_until("ready", || {
        get(port, "/readyz").is_some_and(|answer| answer.0 == 200)
    });
    let calm = memory(process);
    scene.servers.store.kill();
    // 100 MB of events that nobody takes.
    let filler = "x".repeat(10_000);
    let mut event = events::event(
        REMADE,
        1,
        &serde_json::json!({"event_id": 55, "user_id": 1, "progress_version": 1, "current": [{"type": "plays", "current": 4, "target": 5}]}),
        0,
    );
    event["filler"] = filler.into();
    for part in 0..10 {
        let records: Vec<KeyAndValue> = (0..1000)
            .map(|number| {
                event["dedupe_key"] = format!("big-{part}-{number}").into();
                (
                    number.to_string().into_bytes(),
                    event.to_string().into_bytes(),
                )
            })
            .collect();
        kafka::send(&scene.servers.broker.brokers(), REMADE, None, &records);
        assert_eq!(get(port, "/healthz").unwrap().0, 200);
    }
    wait_until("not ready", || {
        get(port, "/readyz").is_some_and(|answer| answer.0 == 503)
    });
    let paused = || {
        get(port, "/metrics")
            .is_some_and(|(_, text)| text.lines().any(|line| line == "ingest_paused 1"))
    };
    wait_until("paused", paused);
    // It has what it will have; what it fetches ahead is bounded too. Longer than it may leave its group alone.
    std::thread::sleep(std::time::Duration::from_secs(8));
    let grown = memory(process).saturating_sub(calm);
    assert!(grown < 80 << 20, "{calm} and {grown} more");
    assert_eq!(get(port, "/healthz").unwrap().0, 200);
    scene.servers.store.restart().unwrap();
    scene.settle();
    assert_eq!(rows_and_keys(&scene), "10500\t10500");
    assert_eq!(get(port, "/readyz").unwrap().0, 200);
    let (_, metrics) = get(port, "/metrics").unwrap();
    let by_bytes = metrics
        .lines()
        .find_map(|line| line.strip_prefix("ingest_flushes_total{reason=\"bytes\"} "));
    assert!(by_bytes.is_some_and(|count| count != "0"), "{metrics}");
    // It stayed in its group all the while.
    assert_eq!(scene.logged("assigned"), 1, "{}", scene.logs());
    scene.stop_workers();
}
