//! Native blocks against a real server: every kind of column, JSON held against the server's own parser, order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod store;

use std::fmt::Write as _;

use bytes::Bytes;
use store::{AllColumns, Payloads, Rng, Store, json_text};
use topicwright_runtime::clickhouse::native::Encoder;
use topicwright_runtime::clickhouse::sort::{key_columns, sorted_rows};
use topicwright_runtime::column::Millis;
use topicwright_runtime::registry::FactBlock;

/// Payloads of the differential run; more by `TOPICWRIGHT_PAYLOADS`.
const PAYLOADS: usize = 4_000;

#[test]
fn every_column_comes_back() {
    let store = Store::start("every_column");
    let mut block = AllColumns::default();
    let rows = 300_u32;
    for row in 0..rows {
        let wide = u64::from(row) * 0x0101_0101_0101_0101;
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
                let wide = u64::from(row) * 0x0101_0101_0101_0101;
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
}

/// What the server parses from a text and what the encoder sends read back as the same JSON.
#[test]
fn payloads_read_back_as_the_server_parses_them() {
    let store = Store::start("payloads");
    let mut random = Rng::from_environment();
    let count = std::env::var("TOPICWRIGHT_PAYLOADS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(PAYLOADS);
    let mut block = Payloads::default();
    let mut texts = String::new();
    for number in 0..count {
        let text = json_text(&mut random);
        block.n.push(number as u64);
        block.payload(&text);
        writeln!(
            texts,
            "{}",
            serde_json::json!({"n": number, "payload": serde_json::value::RawValue::from_string(text).unwrap()})
        )
        .unwrap();
    }
    store.create::<Payloads>("sent", "n");
    store.create::<Payloads>("parsed", "n");
    let rows: Vec<u32> = (0..count as u32).collect();
    store.insert("sent", &block, &rows);
    store.ask(&format!(
        "INSERT INTO parsed SETTINGS input_format_try_infer_dates=0, input_format_try_infer_datetimes=0, \
         input_format_json_read_bools_as_numbers=0, async_insert=0 FORMAT JSONEachRow\n{texts}"
    ));
    assert_eq!(
        store.ask("SELECT count() FROM sent INNER JOIN parsed USING n"),
        count.to_string()
    );
    let differences = |stage: &str| {
        let different = store.ask(
            "SELECT n, toJSONString(sent.payload) AS sent, toJSONString(parsed.payload) AS parsed \
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
        ] {
            let different = store.ask(&format!(
                "SELECT n, sent.payload.{path} AS s, parsed.payload.{path} AS p FROM sent INNER JOIN parsed USING n \
                 WHERE s IS DISTINCT FROM p LIMIT 3"
            ));
            assert_eq!(different, "", "{stage}: {path}, seed {}", random.seed());
        }
    };
    differences("as inserted");
    // Merges rewrite the columns: undeclared paths move out of the shared data.
    store.insert("sent", &block, &[0]);
    store.ask("ALTER TABLE sent DELETE WHERE n = 0 SETTINGS mutations_sync=2");
    store.insert("sent", &block, &[0]);
    store.ask("OPTIMIZE TABLE sent FINAL");
    differences("after a merge");
}
