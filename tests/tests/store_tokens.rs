//! Tokens on a real server: a block sent again changes nothing, in the table and in every view's target, and
//! fills in what an attempt that broke off left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod store;

use std::time::Duration;

use bytes::Bytes;
use store::{Payloads, Store};
use topicwright_runtime::clickhouse::Client;
use topicwright_runtime::clickhouse::client::exception_code;
use topicwright_runtime::clickhouse::native::Encoder;
use topicwright_runtime::config::ClickHouseConfig;
use topicwright_runtime::error::Kind;

/// More groups than a view's result has in one piece.
const ROWS: u32 = 200_000;

fn block(rows: u32) -> Payloads {
    let mut block = Payloads::default();
    for row in 0..rows {
        block.n.push(u64::from(row));
        block.text.push("");
        block.payload("{}");
    }
    block
}

/// A table with a view whose target sums, so that anything counted twice shows.
fn prepare(store: &Store) {
    store.create::<Payloads>("t", "n");
    store.ask(
        "CREATE TABLE sums (n UInt64, times UInt64) ENGINE = SummingMergeTree ORDER BY n \
         SETTINGS non_replicated_deduplication_window = 1000",
    );
    store.ask(
        "CREATE TABLE total (x UInt8, times UInt64) ENGINE = SummingMergeTree ORDER BY x \
         SETTINGS non_replicated_deduplication_window = 1000",
    );
    store.ask(
        "CREATE MATERIALIZED VIEW sums_mv TO sums AS SELECT n, count() AS times FROM t GROUP BY n",
    );
    // A view on a view's target.
    store.ask("CREATE MATERIALIZED VIEW total_mv TO total AS SELECT toUInt8(0) AS x, sum(times) AS times FROM sums GROUP BY x");
}

fn counts(store: &Store) -> String {
    store.ask(
        "SELECT (SELECT count() FROM t), (SELECT sum(times) FROM sums), (SELECT sum(times) FROM total), \
         (SELECT max(times) FROM (SELECT sum(times) AS times FROM sums GROUP BY n))",
    )
}

#[test]
fn a_block_sent_again_changes_nothing() {
    let store = Store::start("again");
    prepare(&store);
    let block = block(ROWS);
    let rows: Vec<u32> = (0..ROWS).collect();
    for _ in 0..3 {
        store.insert_as("t", &block, &rows, "first").unwrap();
        assert_eq!(counts(&store), format!("{ROWS}\t{ROWS}\t{ROWS}\t1"));
    }
    // One block, so one part and one token, in the view's target too.
    assert_eq!(
        store.ask("SELECT max(level) = 0 AND count() = 1 FROM system.parts WHERE table = 'sums' AND active AND database = currentDatabase()"),
        "1"
    );
    // The same rows under another token are other rows.
    store.insert_as("t", &block, &rows, "second").unwrap();
    let twice = 2 * ROWS;
    assert_eq!(counts(&store), format!("{twice}\t{twice}\t{twice}\t2"));
}

#[test]
fn an_insert_that_fails_in_a_view_heals() {
    let store = Store::start("heals");
    prepare(&store);
    store.ask("CREATE TABLE failing (x UInt8) ENGINE = MergeTree ORDER BY x");
    store.ask("INSERT INTO failing VALUES (1)");
    store.ask(
        "CREATE TABLE late (n UInt64, times UInt64) ENGINE = SummingMergeTree ORDER BY n \
         SETTINGS non_replicated_deduplication_window = 1000",
    );
    store.ask(
        "CREATE MATERIALIZED VIEW late_mv TO late AS \
         SELECT n, count() + throwIf((SELECT count() FROM failing) > 0) AS times FROM t GROUP BY n",
    );
    let block = block(1000);
    let rows: Vec<u32> = (0..1000).collect();
    let error = store.insert_as("t", &block, &rows, "token").unwrap_err();
    assert_eq!(exception_code(&error), Some(395), "{error}");
    assert_eq!(store.ask("SELECT count() FROM late"), "0");
    store.ask("TRUNCATE TABLE failing");
    for _ in 0..2 {
        store.insert_as("t", &block, &rows, "token").unwrap();
        assert_eq!(counts(&store), "1000\t1000\t1000\t1");
        assert_eq!(
            store.ask("SELECT sum(times), count() FROM late"),
            "1000\t1000"
        );
    }
}

#[test]
fn a_block_may_reach_many_partitions() {
    let store = Store::start("partitions");
    store.ask(
        "CREATE TABLE t (n UInt64, text String, payload JSON) ENGINE = MergeTree PARTITION BY n ORDER BY n \
         SETTINGS non_replicated_deduplication_window = 1000",
    );
    let block = block(150);
    let rows: Vec<u32> = (0..150).collect();
    for _ in 0..2 {
        store.insert_as("t", &block, &rows, "token").unwrap();
        assert_eq!(store.ask("SELECT count() FROM t"), "150");
    }
}

#[test]
fn errors_say_who_must_act() {
    let mut store = Store::start("errors");
    store.create::<Payloads>("t", "n");
    let code_of = |sql: &str| {
        let error = store.run(store.client.execute(sql)).unwrap_err();
        (exception_code(&error), error.kind, error.retryable)
    };
    for (sql, expected) in [
        ("SELECT * FROM nowhere.t", (Some(81), Kind::Config, false)),
        (
            "SELECT * FROM errors.nowhere",
            (Some(60), Kind::Config, false),
        ),
        ("DROP TABEL t", (Some(62), Kind::Config, false)),
        ("SELECT throwIf(1)", (Some(395), Kind::Record, false)),
        (
            "SELECT sleep(1.5) SETTINGS max_execution_time = 0.2",
            (Some(159), Kind::Service, true),
        ),
        (
            "SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 1000000",
            (Some(241), Kind::Service, true),
        ),
    ] {
        assert_eq!(code_of(sql), expected, "{sql}");
    }
    // Too many parts.
    store.ask(
        "CREATE TABLE full (n UInt64, text String, payload JSON) ENGINE = MergeTree ORDER BY n \
         SETTINGS parts_to_throw_insert = 1, parts_to_delay_insert = 1, max_delay_to_insert = 1",
    );
    store.ask("SYSTEM STOP MERGES full");
    let rows = [0];
    let payloads = block(1);
    store.insert("full", &payloads, &rows);
    let error = store.insert_as("full", &payloads, &rows, "t").unwrap_err();
    assert_eq!(
        (exception_code(&error), error.retryable),
        (Some(252), true),
        "{error}"
    );
    assert!(
        error.context.contains(&("token", "t".to_owned())),
        "{error}"
    );
    // A row at fault: its content is not in the error.
    store.ask("ALTER TABLE t ADD CONSTRAINT short CHECK length(text) < 3");
    let mut bad = block(1);
    bad.text = Default::default();
    bad.text.push("a secret text");
    let error = store.insert_as("t", &bad, &rows, "bad").unwrap_err();
    assert_eq!(
        (exception_code(&error), error.kind),
        (Some(469), Kind::Record)
    );
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    // Bytes that are no block.
    let error = store
        .run(
            store
                .client
                .insert("errors", "t", &["n"], Bytes::from_static(b"garbage"), "g"),
        )
        .unwrap_err();
    assert!(!error.retryable, "{error}");
    // Nobody there, with and without an answer to come.
    store.server.kill();
    let error = store.run(store.client.execute("SELECT 1")).unwrap_err();
    assert_eq!(
        (error.kind, error.retryable),
        (Kind::Service, true),
        "{error}"
    );
    let error = store.insert_as("t", &payloads, &rows, "t").unwrap_err();
    assert!(error.retryable, "{error}");
    let nobody = Client::new(&ClickHouseConfig::new("http://no-such-host.invalid:8123"));
    assert!(store.run(nobody.execute("SELECT 1")).unwrap_err().retryable);
}

#[test]
fn an_insert_cut_short_by_a_kill_is_sent_again() {
    let mut store = Store::start("killed");
    prepare(&store);
    let block = block(ROWS);
    let rows: Vec<u32> = (0..ROWS).collect();
    let mut encoder = Encoder::<Payloads>::new().unwrap();
    let mut bytes = Vec::new();
    encoder.encode(&block, &rows, &mut bytes).unwrap();
    let bytes = Bytes::from(bytes);
    for (round, delay) in [5, 20, 40, 60, 80, 120, 160, 240].into_iter().enumerate() {
        let token = format!("round-{round}");
        let names = encoder.names();
        let attempt = |store: &Store| {
            store.run(
                store
                    .client
                    .insert("killed", "t", &names, bytes.clone(), &token),
            )
        };
        // A client of its own: connections belong to the runtime that made them, and this one ends.
        let client = Client::new(&ClickHouseConfig::new(store.server.url()));
        let killed = std::thread::scope(|scope| {
            let (bytes, names, token) = (bytes.clone(), names.clone(), token.clone());
            let sending = scope.spawn(move || {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(client.insert("killed", "t", &names, bytes, &token))
            });
            std::thread::sleep(Duration::from_millis(delay));
            store.server.kill();
            sending.join().unwrap()
        });
        if let Err(error) = &killed {
            assert!(error.retryable, "{error}");
        }
        store.server.restart().unwrap();
        // As the worker does: a connection that died with the server is noticed by the first use.
        let sent = (0..5).any(|_| match attempt(&store) {
            Ok(()) => true,
            Err(error) => {
                assert!(error.retryable, "{error}");
                false
            }
        });
        assert!(sent, "round {round}");
        let all = ROWS * (round as u32 + 1);
        assert_eq!(
            counts(&store),
            format!("{all}\t{all}\t{all}\t{}", round + 1),
            "killed after {delay} ms, {}",
            if killed.is_ok() {
                "acknowledged"
            } else {
                "unacknowledged"
            }
        );
    }
}
