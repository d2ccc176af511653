//! What a dead letter carries, for every kind of record that cannot be used, on a real Kafka and a real ClickHouse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod records;

use rdkafka::message::{Headers as _, Message as _};
use records::{
    DLQ, Record, TOPIC, last_header, letter_of, letters, limit, noise, purchase, send, servers,
    value, worker,
};
use serde_json::{Value, json};
use topicwright_tests::program::{text, wait_until};
use topicwright_tests::{kafka, sql};

/// A topic whose level does not promise that newer versions are readable.
const STRICT: &str = "game.session";

/// A purchase with some text in place of its price, which the JSON writer would not write.
fn with_price(number: usize, price: &str) -> Record {
    value(
        purchase(number)
            .to_string()
            .replace("\"price_cents\":199", &format!("\"price_cents\":{price}")),
    )
}

#[test]
fn every_kind_of_unusable_record_arrives_whole_and_says_why() {
    let servers = servers();
    let nested = |open: &str, close: &str| value(open.repeat(50_000) + &close.repeat(50_000));
    let inside = |number: usize, open: &str, close: &str| {
        with_price(
            number,
            &format!("{}1{}", open.repeat(2_000), close.repeat(2_000)),
        )
    };
    let mut utf8 = purchase(1).to_string().into_bytes();
    let host = utf8
        .windows(5)
        .position(|window| window == b"api-1")
        .unwrap();
    utf8[host] = 0xff;
    let mut nul = purchase(2).to_string().into_bytes();
    nul[host] = 0;
    let odd_headers = Record {
        headers: vec![
            ("trace", Some(b"1".to_vec())),
            ("trace", Some(vec![0xff, 0x00])),
            ("nothing", None),
            // Names of the worker's own.
            ("topicwright-reason", Some(b"forged".to_vec())),
            ("topicwright-source-offset", Some(b"999999".to_vec())),
        ],
        ..value("not json")
    };
    let cases: Vec<(&str, Record, &str, &str)> = vec![
        (
            "tombstone",
            Record {
                value: None,
                ..value("")
            },
            "empty",
            "",
        ),
        ("empty value", value(""), "empty", ""),
        ("neither key nor value", Record::default(), "empty", ""),
        (
            "no key",
            Record {
                key: None,
                ..value("[")
            },
            "not-json",
            "",
        ),
        ("odd headers", odd_headers, "not-json", ""),
        ("NUL bytes", value(vec![0; 100]), "not-json", ""),
        ("NUL in a text", value(nul), "not-json", ""),
        ("invalid UTF-8 in a text", value(utf8), "not-json", ""),
        (
            "half a surrogate pair",
            with_price(3, "\"\\ud800\""),
            "not-json",
            "",
        ),
        ("two documents", value("{}{}"), "not-json", ""),
        ("array bomb", nested("[", "]"), "too-deep", ""),
        ("object bomb", nested("{\"a\":", "}"), "too-deep", ""),
        ("bomb in an event", inside(4, "[", "]"), "too-deep", ""),
        (
            "object bomb in an event",
            inside(5, "{\"a\":", "}"),
            "too-deep",
            "",
        ),
        (
            "duplicate key in the payload",
            with_price(6, "199,\"tx_id\":5"),
            "duplicate-member",
            "",
        ),
        (
            "duplicate key by escape",
            with_price(7, "199,\"tx\\u005fid\":5"),
            "duplicate-member",
            "",
        ),
        (
            "beyond 64 bits",
            with_price(8, "123456789012345678901234567890"),
            "payload",
            "/payload/price_cents",
        ),
        (
            "beyond 64-bit floats",
            with_price(9, "1e400"),
            "not-json",
            "",
        ),
        (
            "just beyond the column",
            with_price(10, "18446744073709551616"),
            "payload",
            "/payload/price_cents",
        ),
        (
            "negative",
            with_price(11, "-1"),
            "payload",
            "/payload/price_cents",
        ),
        (
            "fraction",
            with_price(12, "1.5"),
            "payload",
            "/payload/price_cents",
        ),
        ("not a number", with_price(13, "NaN"), "not-json", ""),
        (
            "too large, packed well",
            value(vec![b'x'; 5_000_000]),
            "too-large",
            "",
        ),
    ];
    let sent: Vec<i64> = cases
        .iter()
        .map(|(_, record, ..)| send(&servers, TOPIC, record))
        .collect();
    // Odd, and good all the same: an escaped NUL, a whole number written as a float, the wildest whitespace.
    let host = purchase(30).to_string().replace("api-1", "api\\u0000");
    let spaced = serde_json::to_string_pretty(&purchase(32))
        .unwrap()
        .replace('\n', "\r\n\t ");
    for good in [value(host), with_price(31, "199.0"), value(spaced)] {
        send(&servers, TOPIC, &good);
    }
    let newer = json!({
        "schema_version": 9, "event_type": STRICT, "event_id": "e", "user_id": 1,
        "source": {"service": "backend"}, "ts": "2026-08-21T12:00:00Z", "payload": {}
    });
    let newer = send(&servers, STRICT, &value(newer.to_string()));

    let running = worker(&servers, &[]);
    let found = letters(&servers, DLQ, cases.len());
    for ((name, record, reason, pointer), offset) in cases.iter().zip(&sent) {
        let letter = letter_of(&found, *offset);
        let header = |name: &str| last_header(letter, &format!("topicwright-{name}"));
        assert_eq!(header("reason").as_deref(), Some(*reason), "{name}");
        assert_eq!(header("pointer").as_deref(), Some(*pointer), "{name}");
        assert_eq!(header("source-topic").as_deref(), Some(TOPIC), "{name}");
        assert_eq!(header("source-partition").as_deref(), Some("0"), "{name}");
        assert!(
            header("source-timestamp").unwrap().parse::<i64>().unwrap() > 0,
            "{name}"
        );
        assert!(!header("detail").unwrap().is_empty(), "{name}");
        assert_eq!(header("cut"), None, "{name}");
        let version = (*reason == "payload").then_some("1");
        assert_eq!(header("schema-version").as_deref(), version, "{name}");
        assert_eq!(letter.key(), record.key.as_deref(), "{name}");
        assert_eq!(letter.payload(), record.value.as_deref(), "{name}");
        let own: Vec<(&str, Option<Vec<u8>>)> = letter
            .headers()
            .unwrap()
            .iter()
            .take(record.headers.len())
            .map(|header| (header.key, header.value.map(<[u8]>::to_vec)))
            .collect();
        assert_eq!(own, record.headers, "{name}");
    }
    let unknown = letters(&servers, &format!("{STRICT}.dlq"), 1);
    let unknown = letter_of(&unknown, newer);
    let header = |name: &str| last_header(unknown, &format!("topicwright-{name}"));
    assert_eq!(header("reason").as_deref(), Some("unknown-version"));
    assert_eq!(header("schema-version").as_deref(), Some("9"));
    wait_until("the good ones", || servers.rows() == 3);
    let ended = running.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    // What the tool makes of them.
    let listed = servers.run(&["dlq", "ls", "--topic", TOPIC, "--format", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["open"], json!(cases.len()));
    let shown = servers.run(&["dlq", "show", "--payload", "--full", "--limit", "1000"]);
    assert_eq!(shown.status.code(), Some(100), "{}", text(&shown.stderr));
    let said = text(&shown.stdout);
    assert!(!said.contains(['\0', '\r', '\u{1b}']));
    let judged = servers.run(&["dlq", "replay", "--format", "json"]);
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(
        (&judged["letters"], &judged["passing"]),
        (&json!(cases.len() + 1), &json!([]))
    );
}

#[test]
fn letters_larger_than_their_topic_takes_are_cut_and_stop_nobody() {
    let servers = servers();
    let mut large = purchase(1);
    large["note"] = noise(1_000_000).into();
    let large = Record {
        headers: vec![("h", Some(b"1".to_vec()))],
        ..value(large.to_string())
    };
    let place = send(&servers, TOPIC, &large);
    limit(&servers, DLQ, "950000");
    let running = worker(&servers, &["--max-message-bytes", "100000"]);
    let cut = letters(&servers, DLQ, 1);
    let cut = letter_of(&cut, place);
    let original = large.value.clone().unwrap();
    let kept = cut.payload().unwrap();
    assert!(
        original.starts_with(kept) && kept.len() > 800_000,
        "{}",
        kept.len()
    );
    assert_eq!(cut.key(), large.key.as_deref());
    assert_eq!(kafka::header(cut, "h").as_deref(), Some("1"));
    let said = last_header(cut, "topicwright-cut").unwrap();
    assert_eq!(
        said,
        format!("value of {} bytes after {}", original.len(), kept.len())
    );

    // A limit far below Kafka's own; records with headers and keys that alone are above it.
    limit(&servers, DLQ, "20000");
    let wide = Record {
        key: Some(noise(40_000).into_bytes()),
        value: Some(b"not json".to_vec()),
        headers: vec![
            ("a", Some(b"1".to_vec())),
            ("b", Some(noise(40_000).into_bytes())),
        ],
    };
    let place = send(&servers, TOPIC, &wide);
    // Many small ones, which a producer would send together.
    for number in 0..100 {
        send(&servers, TOPIC, &value(noise(1_000 + number)));
    }
    let found = letters(&servers, DLQ, 102);
    let cut = letter_of(&found, place);
    assert_eq!((cut.key(), cut.payload()), (None, wide.value.as_deref()));
    assert_eq!(kafka::header(cut, "a").as_deref(), Some("1"));
    let said = last_header(cut, "topicwright-cut").unwrap();
    assert_eq!(said, "key of 40000 bytes, 1 of 2 headers");
    let whole = found
        .iter()
        .filter(|letter| kafka::header(letter, "topicwright-cut").is_none());
    assert_eq!(whole.count(), 100);
    let ended = running.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));

    // A cut letter is judged by the record that it stands for, as long as Kafka has that.
    let replay = |code: i32, flags: &[&str]| -> Value {
        let more = ["dlq", "replay", "--reason", "too-large", "--format", "json"];
        let output = servers.run(&[&more, flags].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let dry = replay(100, &[]);
    assert_eq!(dry["passing"][0]["letters"], json!(1), "{dry}");
    // Larger than its own topic takes by now: said, not sent, and still there.
    limit(&servers, TOPIC, "500000");
    let refused = replay(100, &["--yes"]);
    assert_eq!(
        refused["failing"][0]["today"],
        json!("not-taken"),
        "{refused}"
    );
    limit(&servers, TOPIC, "1048576");
    let sent = replay(0, &["--yes"]);
    assert_eq!(sent["sent"], json!(1), "{sent}");
    let records = kafka::read(&servers.broker.brokers(), TOPIC, 103);
    assert_eq!(
        records
            .iter()
            .filter(|record| record.payload() == Some(&original))
            .count(),
        2
    );
}

#[test]
fn a_row_that_clickhouse_refuses_carries_its_code() {
    let servers = servers();
    let running = worker(&servers, &[]);
    let store = servers.store.url();
    sql::run_in(
        &store,
        "game",
        "ALTER TABLE events_raw ADD CONSTRAINT c CHECK user_id != 14",
    )
    .unwrap();
    let mut refused = purchase(1);
    refused["user_id"] = 14.into();
    let record = value(refused.to_string());
    send(&servers, TOPIC, &value(purchase(2).to_string()));
    let place = send(&servers, TOPIC, &record);
    send(&servers, TOPIC, &value(purchase(3).to_string()));
    let found = letters(&servers, DLQ, 1);
    let letter = letter_of(&found, place);
    for (name, expected) in [
        ("reason", "refused"),
        ("clickhouse-code", "469"),
        ("schema-version", "1"),
    ] {
        let found = last_header(letter, &format!("topicwright-{name}"));
        assert_eq!(found.as_deref(), Some(expected), "{name}");
    }
    assert_eq!(letter.payload(), record.value.as_deref());
    wait_until("the rest", || servers.rows() == 2);
    let ended = running.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));

    sql::run_in(&store, "game", "ALTER TABLE events_raw DROP CONSTRAINT c").unwrap();
    let sent = servers.run(&["dlq", "replay", "--yes"]);
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stderr));
    let running = worker(&servers, &[]);
    wait_until("the replayed one", || servers.rows() == 3);
    assert!(running.terminate().status.success());
}
