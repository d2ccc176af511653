//! Dead letters on a real Kafka and a real ClickHouse: what cannot be used arrives whole and says why, people see it
//! without what is personal, and what passes today goes back once, whoever is killed meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;

use rdkafka::message::{Headers as _, Message as _};
use serde_json::{Value, json};
use topicwright_tests::program::{Servers, free_port, text, wait_until};
use topicwright_tests::running::Running;
use topicwright_tests::{events, kafka};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");
const TOPIC: &str = "shop.purchase";
const DLQ: &str = "shop.purchase.dlq";

fn servers() -> Servers {
    let servers = Servers::start(PIPELINE, env!("CARGO_BIN_EXE_engine-host"));
    let applied = servers.run(&["apply", "--yes"]);
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    servers
}

fn purchase(number: usize) -> Value {
    let payload = json!({
        "tx_id": number + 1, "user_id": number % 50 + 1, "status": "success", "product_id": 2001,
        "amount_gold": 2600, "price_cents": 199
    });
    events::event(TOPIC, 1, &payload, number)
}

fn ingest(servers: &Servers, flags: &[&str]) -> Running {
    let listen = format!("127.0.0.1:{}", free_port());
    let own = ["ingest", "--listen", &listen, "--flush-interval-ms", "200"];
    Running::start(&mut servers.guarded(&[&own, flags].concat()))
}

/// Runs a worker until the topic has so many letters.
fn bury(servers: &Servers, flags: &[&str], letters: i64) {
    let worker = ingest(servers, flags);
    wait_until("the letters", || {
        kafka::count(&servers.broker.brokers(), DLQ) >= letters
    });
    let ended = worker.terminate();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
}

fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The letter's offset in each record that is a replay of one.
fn replays(servers: &Servers, count: usize) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for record in kafka::read(&servers.broker.brokers(), TOPIC, count) {
        if let Some(letter) = kafka::header(&record, "topicwright-replay-of") {
            *found.entry(letter).or_default() += 1;
        }
    }
    found
}

#[test]
fn letters_are_counted_shown_and_replayed_once() {
    let servers = servers();
    let brokers = servers.broker.brokers();
    let clean = servers.run(&["dlq", "ls"]);
    assert_eq!(
        (code(&clean), text(&clean.stdout).as_str()),
        (0, "no open letters\n")
    );

    // Good events that a worker with too small a limit buries, and one that stays wrong.
    let good: Vec<(Vec<u8>, Vec<u8>)> = (0..3)
        .map(|number| (b"key-7".to_vec(), purchase(number).to_string().into_bytes()))
        .collect();
    kafka::send(&brokers, TOPIC, Some(2), &good);
    let wrong = r#"{"private":"someone@example.com"#.as_bytes().to_vec();
    kafka::send(
        &brokers,
        TOPIC,
        Some(1),
        &[(b"key-8".to_vec(), wrong.clone())],
    );
    bury(&servers, &["--max-message-bytes", "100"], 4);

    let listed = servers.run(&["dlq", "ls", "--format", "json"]);
    assert_eq!(code(&listed), 100);
    let listed = answer(&listed);
    assert_eq!((&listed["format"], &listed["open"]), (&json!(1), &json!(4)));
    let lines: Vec<(&Value, &Value)> = listed["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (&group["reason"], &group["letters"]))
        .collect();
    assert_eq!(
        lines,
        [
            (&json!("not-json"), &json!(1)),
            (&json!("too-large"), &json!(3))
        ]
    );
    let table = text(&servers.run(&["dlq", "ls"]).stdout);
    assert!(
        table.contains("too-large") && table.ends_with("4 open letters\n"),
        "{table}"
    );
    for (flags, expected) in [
        (vec!["--topic", TOPIC], 4),
        (vec!["--topic", "auth.events"], 0),
        (vec!["--reason", "not-json"], 1),
        (vec!["--reason", "not-json", "--reason", "too-large"], 4),
        (vec!["--since", "1h"], 4),
        (vec!["--until", "1h"], 0),
        (vec!["--since", "2020-01-01", "--until", "2020-01-02"], 0),
    ] {
        let counted = servers.run(&[&["dlq", "ls", "--format", "json"], &flags[..]].concat());
        assert_eq!(answer(&counted)["open"], json!(expected), "{flags:?}");
    }
    for (flags, expected) in [
        (["--topic", "nope"], "one of: auth.events"),
        (["--reason", "nope"], "one of: empty"),
        (["--since", "nope"], "2h for two hours ago"),
    ] {
        let refused = servers.run(&[&["dlq", "ls"], &flags[..]].concat());
        assert_eq!(code(&refused), 1);
        assert!(
            text(&refused.stderr).contains(expected),
            "{}",
            text(&refused.stderr)
        );
    }

    let show = |flags: &[&str]| {
        let shown = servers.run(&[&["dlq", "show", "--reason", "not-json"], flags].concat());
        assert_eq!(code(&shown), 100, "{}", text(&shown.stderr));
        text(&shown.stdout)
    };
    let shown = show(&[]);
    assert!(
        shown.contains("source          shop.purchase/1@0"),
        "{shown}"
    );
    assert!(
        !shown.contains("someone") && !shown.contains("key-8"),
        "{shown}"
    );
    assert!(
        shown.contains(&format!("value           {} bytes", wrong.len())),
        "{shown}"
    );
    assert!(show(&["--payload"]).contains("someone@example.com"));
    let document: Value = serde_json::from_str(&show(&["--format", "json"])).unwrap();
    assert_eq!(document["source"]["partition"], json!(1));
    assert!(document.get("value_base64").is_none());
    let document: Value = serde_json::from_str(&show(&["--payload", "--format", "json"])).unwrap();
    assert_eq!(document["key_base64"], json!("a2V5LTg="));

    // The same filters everywhere.
    for (flags, letters) in [
        (vec![], 4),
        (vec!["--topic", TOPIC, "--reason", "too-large"], 3),
        (vec!["--topic", "auth.events"], 0),
        (vec!["--until", "1h"], 0),
    ] {
        let shown = servers.run(
            &[
                &["dlq", "show", "--format", "json", "--limit", "9"],
                &flags[..],
            ]
            .concat(),
        );
        let documents = text(&shown.stdout)
            .lines()
            .filter(|line| line.contains("\"source\""))
            .count();
        assert_eq!(documents, letters, "{flags:?}: {}", text(&shown.stdout));
        let judged = servers.run(&[&["dlq", "replay", "--format", "json"], &flags[..]].concat());
        assert_eq!(answer(&judged)["letters"], json!(letters), "{flags:?}");
    }

    // Nothing is sent without --yes.
    let dry = servers.run(&["dlq", "replay", "--format", "json"]);
    assert_eq!(code(&dry), 100, "{}", text(&dry.stderr));
    let dry = answer(&dry);
    assert_eq!((&dry["letters"], &dry["sent"]), (&json!(4), &json!(0)));
    assert_eq!(dry["passing"][0]["letters"], json!(3));
    assert_eq!(dry["failing"][0]["today"], json!("not-json"));
    assert_eq!(kafka::count(&brokers, TOPIC), 4);

    let sent = servers.run(&["dlq", "replay", "--yes", "--format", "json"]);
    assert_eq!(
        (code(&sent), &answer(&sent)["sent"]),
        (100, &json!(3)),
        "{}",
        text(&sent.stderr)
    );
    let again = servers.run(&["dlq", "replay", "--yes", "--format", "json"]);
    assert_eq!((code(&again), &answer(&again)["sent"]), (100, &json!(0)));
    let done = servers.run(&["dlq", "replay", "--yes", "--reason", "too-large"]);
    assert_eq!(
        (code(&done), text(&done.stdout).as_str()),
        (0, "no open letters\n")
    );
    let all = answer(&servers.run(&["dlq", "ls", "--all", "--format", "json"]));
    assert_eq!(
        (&all["open"], &all["groups"][1]["replayed"]),
        (&json!(1), &json!(3))
    );

    let records = kafka::read(&brokers, TOPIC, 7);
    let replayed: Vec<_> = records
        .iter()
        .filter(|record| kafka::header(record, "topicwright-replay-of").is_some())
        .collect();
    assert_eq!(replayed.len(), 3);
    for (record, (key, value)) in replayed.iter().zip(&good) {
        assert_eq!(
            (record.key(), record.payload()),
            (Some(&key[..]), Some(&value[..]))
        );
        assert_eq!(record.partition(), 2);
        assert_eq!(record.headers().unwrap().count(), 2);
        assert_eq!(
            kafka::header(record, "topicwright-replay-attempt").as_deref(),
            Some("1")
        );
    }
    // And they are rows now.
    let worker = ingest(&servers, &[]);
    wait_until("the rows", || servers.rows() == 3);
    assert!(worker.terminate().status.success());
}

#[test]
fn killed_replays_send_every_letter_once() {
    const LETTERS: usize = 20_000;
    let servers = servers();
    let brokers = servers.broker.brokers();
    let records: Vec<(Vec<u8>, Vec<u8>)> = (0..LETTERS)
        .map(|number| {
            let key = (number % 50).to_string().into_bytes();
            (key, purchase(number).to_string().into_bytes())
        })
        .collect();
    kafka::send(&brokers, TOPIC, None, &records);
    bury(
        &servers,
        &["--max-message-bytes", "100"],
        i64::try_from(LETTERS).unwrap(),
    );

    let open = || {
        let listed = servers.run(&["dlq", "ls", "--format", "json"]);
        answer(&listed)["open"].as_u64().unwrap()
    };
    let replay = || Running::start(&mut servers.guarded(&["dlq", "replay", "--yes"]));
    let mut kills_in_the_middle = 0;
    let mut left = open();
    assert_eq!(left, LETTERS as u64);
    for pause in [0, 15, 40, 90, 150] {
        let before = kafka::count(&brokers, TOPIC);
        let mut first = replay();
        wait_until("the first records", || {
            kafka::count(&brokers, TOPIC) > before
        });
        // Two at once: the second fences the first.
        let mut second = replay();
        std::thread::sleep(Duration::from_millis(pause));
        for child in [&mut first, &mut second] {
            child.kill();
        }
        let now = open();
        kills_in_the_middle += usize::from(now > 0 && now < left);
        left = now;
    }
    println!("{kills_in_the_middle} kills in the middle, {left} letters left");
    assert!(
        kills_in_the_middle > 0,
        "the kills came too early or too late"
    );
    // Two at once, to their ends: the second does what is left, the first is told.
    let before = kafka::count(&brokers, TOPIC);
    let first = replay();
    wait_until("the first records", || {
        kafka::count(&brokers, TOPIC) > before
    });
    let second = replay().output();
    assert_eq!(code(&second), 0, "{}", text(&second.stderr));
    let first = first.output();
    let told = text(&first.stderr);
    println!("the first ended with {}: {told}", code(&first));
    assert!(
        code(&first) == 0 || told.contains("another replay of this topic took over"),
        "{told}"
    );
    assert_eq!(open(), 0);
    let found = replays(&servers, 2 * LETTERS);
    let twice = found.values().filter(|times| **times > 1).count();
    assert_eq!((found.len(), twice), (LETTERS, 0));
}
