//! Native blocks against a real server: every kind of column, JSON held against the server's own parser, order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod store;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use store::{AllColumns, Payloads, Rng, Store, json_text};
use topicwright_runtime::clickhouse::Client;
use topicwright_runtime::column::Millis;
use topicwright_runtime::config::ClickHouseConfig;
use topicwright_runtime::registry::FactBlock as _;

/// Payloads of the differential run; more by `TOPICWRIGHT_PAYLOADS`.
const PAYLOADS: usize = 4_000;

#[test]
fn every_column_comes_back() {
    let mut store = Store::start("every_column");
    let mut block = AllColumns::default();
    let rows = 300_u32;
    for row in 0..rows {
        let wide = u64::from(row).wrapping_mul(0x0101_0101_0101_0101);
        block.flag.push(row % 2 == 1);
        block.u8.push(row as u8);
        block.u16.push(row as u16 * 3);
        block.u32.push(row * 1_000_003);
        block.u64.push(wide);
        block.i8.push(row as i8);
        block.i16.push(-(row as i16));
        block.i32.push(row as i32 * -1_000_003);
        block.i64.push(wide.cast_signed());
        block.f64.push(f64::from(row) / 7.0);
        block.ts.push(Millis(1_700_000_000_123 + i64::from(row)));
        block.text.push(&"é\0\n'".repeat(row as usize % 100));
        block.low.push(["a", "", "ß"][row as usize % 3]);
        block.payload(&format!("{{\"n\":{row}}}"));
        block.payload_text(&format!("{{\"n\":{row}}}"));
    }
    store.create::<AllColumns>("t", "u32");
    let order: Vec<u32> = (0..rows).rev().filter(|row| row % 3 != 0).collect();
    store.insert("t", &block, &order);
    let expected: String =
        (0..rows)
            .filter(|row| row % 3 != 0)
            .fold(String::new(), |mut text, row| {
                let wide = u64::from(row).wrapping_mul(0x0101_0101_0101_0101);
                writeln!(
                    text,
                    "[{}]",
                    [
                        (row % 2 == 1).to_string(),
                        (row as u8).to_string(),
                        (row as u16 * 3).to_string(),
                        (row * 1_000_003).to_string(),
                        wide.to_string(),
                        (row as i8).to_string(),
                        (-(row as i16)).to_string(),
                        (row as i32 * -1_000_003).to_string(),
                        wide.cast_signed().to_string(),
                        format!("{}", 1_700_000_000_123_i64 + i64::from(row)),
                        ("é\0\n'".repeat(row as usize % 100).len()).to_string(),
                        format!("{:?}", ["a", "", "ß"][row as usize % 3]),
                        format!("{{\"n\":{row}}}"),
                        format!("{:?}", format!("{{\"n\":{row}}}")),
                    ]
                    .join(", ")
                )
                .unwrap();
                text
            });
    let got = store.ask(
        "SELECT flag, u8, u16, u32, u64, i8, i16, i32, i64, toUnixTimestamp64Milli(ts), length(text), low, payload, payload_text \
         FROM t ORDER BY u32 FORMAT JSONCompactEachRow",
    );
    assert_eq!(got, expected.trim_end());
    assert_eq!(
        store.ask("SELECT count() FROM t WHERE f64 = u32 / 1000003 / 7. AND text = repeat('é\\0\\n\\'', toUInt32(u32 / 1000003) % 100)"),
        "200"
    );
    // By this address the server is another machine, to which blocks go packed.
    let here = store.server.url();
    let there = here.replace("127.0.0.1", "[::ffff:127.0.0.1]");
    assert_ne!(here, there);
    store.client = Client::new(&ClickHouseConfig::new(there));
    store.create::<AllColumns>("packed", "u32");
    store.insert("packed", &block, &order);
    let difference = "SELECT count() FROM (SELECT * FROM t EXCEPT SELECT * FROM packed)";
    assert_eq!(store.ask("SELECT count() FROM packed"), "200");
    assert_eq!(store.ask(difference), "0");
}

/// What is sent reads back as what the text says, but for nulls and empty objects, which leave no trace.
#[test]
fn payloads_read_back_as_written() {
    let store = Store::start("written");
    let mut random = Rng::from_environment();
    let (block, texts) = payloads(&mut random);
    store.create::<Payloads>("sent", "n");
    store.insert("sent", &block, &all_rows(&block));
    let compare = |stage: &str| {
        let answer = store.ask(
            "SELECT payload FROM sent ORDER BY n FORMAT JSONCompactEachRow \
             SETTINGS output_format_json_quote_64bit_integers = 0",
        );
        let mut rows = 0;
        for (line, text) in answer.lines().zip(&texts) {
            let [stored]: [serde_json::Value; 1] = serde_json::from_str(line).unwrap();
            let written: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(
                leaves(&stored),
                leaves(&written),
                "{stage}, seed {}: {text}\n{line}",
                random.seed()
            );
            rows += 1;
        }
        assert_eq!(rows, texts.len());
    };
    compare("as inserted");
    merge(&store, &block);
    compare("after a merge");
}

/// What is sent reads back as what the server makes of the same text.
#[test]
fn payloads_read_back_as_the_server_parses_them() {
    let store = Store::start("parsed");
    let mut random = Rng::from_environment();
    random.tame = true;
    let (block, texts) = payloads(&mut random);
    let mut lines = String::new();
    for (number, text) in texts.iter().enumerate() {
        let payload = serde_json::value::RawValue::from_string(text.clone()).unwrap();
        let line = serde_json::json!({"n": number, "payload": payload, "text": text});
        writeln!(lines, "{line}").unwrap();
    }
    store.create::<Payloads>("sent", "n");
    store.create::<Payloads>("parsed", "n");
    store.insert("sent", &block, &all_rows(&block));
    store.ask(&format!(
        "INSERT INTO parsed SETTINGS input_format_try_infer_dates=0, input_format_try_infer_datetimes=0, \
         input_format_json_read_bools_as_numbers=0, async_insert=0 FORMAT JSONEachRow\n{lines}"
    ));
    assert_eq!(
        store.ask("SELECT count() FROM sent INNER JOIN parsed USING n"),
        texts.len().to_string()
    );
    let compare = |stage: &str| {
        let different = store.ask(
            "SELECT n, parsed.text, toJSONString(sent.payload) AS sent, toJSONString(parsed.payload) AS parsed \
             FROM sent INNER JOIN parsed USING n WHERE sent != parsed ORDER BY length(sent) LIMIT 3 FORMAT Vertical",
        );
        assert_eq!(different, "", "{stage}, seed {}", random.seed());
        for path in [
            "status",
            "count",
            "price",
            "big",
            "flag",
            "nested.deep.name",
            "a",
            "a::String",
            "items",
            "dotted.key",
        ] {
            let different = store.ask(&format!(
                "SELECT n, toString(sent.payload.{path}) AS s, toString(parsed.payload.{path}) AS p \
                 FROM sent INNER JOIN parsed USING n WHERE s IS DISTINCT FROM p LIMIT 3"
            ));
            assert_eq!(different, "", "{stage}: {path}, seed {}", random.seed());
        }
    };
    compare("as inserted");
    merge(&store, &block);
    compare("after a merge");
}

fn payloads(random: &mut Rng) -> (Payloads, Vec<String>) {
    let count = std::env::var("TOPICWRIGHT_PAYLOADS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(PAYLOADS);
    let mut block = Payloads::default();
    let mut texts = Vec::new();
    for number in 0..count {
        let text = json_text(random);
        block.n.push(number as u64);
        block.text.push(&text);
        block.payload(&text);
        texts.push(text);
    }
    (block, texts)
}

fn all_rows(block: &Payloads) -> Vec<u32> {
    (0..block.rows() as u32).collect()
}

/// Merges rewrite the columns: undeclared paths move out of the shared data.
fn merge(store: &Store, block: &Payloads) {
    store.ask("ALTER TABLE sent DELETE WHERE n < 10 SETTINGS mutations_sync = 2");
    for row in 0..10 {
        store.insert("sent", block, &[row]);
    }
    store.ask("OPTIMIZE TABLE sent FINAL");
    assert_eq!(
        store.ask("SELECT count() FROM system.parts WHERE table = 'sent' AND active AND database = currentDatabase()"),
        "1"
    );
    assert_ne!(
        store.ask("SELECT length(groupUniqArrayArray(JSONDynamicPaths(payload))) FROM sent"),
        "0"
    );
}

/// Leaves by dotted path, as the JSON type sees them; arrays are leaves, objects in them are not compared by order.
fn leaves(value: &serde_json::Value) -> BTreeMap<String, serde_json::Value> {
    fn walk(path: &str, value: &serde_json::Value, into: &mut BTreeMap<String, serde_json::Value>) {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    walk(&path, value, into);
                }
            }
            _ => {
                into.insert(path.to_owned(), item(value));
            }
        }
    }
    fn item(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(_) => serde_json::json!(leaves(value)),
            serde_json::Value::Array(items) => items.iter().map(item).collect(),
            // 1.0 and 1 are one number to JSON; integers must not lose a digit.
            serde_json::Value::Number(number) => {
                let float = number.as_f64().unwrap();
                let text = if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e18 {
                    (float as i128).to_string()
                } else if number.is_f64() {
                    format!("{float:?}")
                } else {
                    number.to_string()
                };
                serde_json::Value::from(format!("number {text}"))
            }
            _ => value.clone(),
        }
    }
    let mut found = BTreeMap::new();
    walk("", value, &mut found);
    found
}
