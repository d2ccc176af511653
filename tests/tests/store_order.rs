//! Rows in the order of the sorting key, as ClickHouse itself orders them, with the generated block.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod store;

use store::{AllColumns, Rng, Store};
use subject::Registry;
use subject::fact::Block;
use topicwright_runtime::clickhouse::apply::apply;
use topicwright_runtime::clickhouse::sort::{key_columns, sorted_rows};
use topicwright_runtime::column::Millis;
use topicwright_runtime::registry::{EventRegistry, FactBlock};

#[test]
fn rows_are_ordered_as_the_server_orders_them() {
    let store = Store::start("ordered");
    let mut random = Rng::from_environment();
    store.create::<AllColumns>("t", "tuple()");
    let mut block = AllColumns::default();
    let rows = 3000_u32;
    for row in 0..rows {
        let small = |random: &mut Rng| random.next().cast_signed() >> (40 + random.below(24));
        block.flag.push(random.below(2) == 0);
        block.u8.push(random.next() as u8);
        block.u16.push(small(&mut random) as u16);
        block.u32.push(row);
        block.u64.push(random.next() >> random.below(64));
        block.i8.push(random.next() as i8);
        block.i16.push(small(&mut random) as i16);
        block.i32.push(small(&mut random) as i32);
        block.i64.push(small(&mut random));
        block.f64.push(small(&mut random) as f64 / 8.0);
        block.ts.push(Millis(small(&mut random)));
        block
            .text
            .push(random.pick::<&str>(&["", "a", "ab", "b", "é", "\0", "a\0"]));
        block
            .low
            .push(random.pick::<&str>(&["", "x", "xy", "日本", "Z", "z"]));
        block.payload("{}");
        block.payload_text("{}");
    }
    let all: Vec<u32> = (0..rows).collect();
    store.insert("t", &block, &all);
    for _ in 0..200 {
        let mut key: Vec<&str> = Vec::new();
        for _ in 0..=random.below(6) {
            let column = *random.pick(&[
                "flag", "u8", "u16", "u64", "i8", "i16", "i32", "i64", "f64", "ts", "text", "low",
            ]);
            if !key.contains(&column) {
                key.push(column);
            }
        }
        let sorted = sorted_rows(&block, &key_columns::<AllColumns>(&key), all.clone());
        // The number of the row is its place in the input: ties keep it.
        let expected = store.ask(&format!(
            "SELECT arrayStringConcat(groupArray(u32), ',') FROM (SELECT u32 FROM t ORDER BY {}, u32)",
            key.join(", ")
        ));
        let sorted: Vec<String> = sorted.iter().map(u32::to_string).collect();
        assert_eq!(
            sorted.join(","),
            expected,
            "{key:?}, seed {}",
            random.seed()
        );
    }
}

#[test]
fn the_registrys_key_is_found_in_its_block() {
    let key = key_columns::<Block>(Registry::PROJECT.sorting_key);
    let names: Vec<&str> = key.iter().map(|index| Block::COLUMNS[*index].0).collect();
    assert_eq!(names, Registry::PROJECT.sorting_key);
    let store = Store::start("unused");
    store.run(apply::<Registry>(&store.client)).unwrap();
    let live = store.ask(
        "SELECT sorting_key FROM system.tables WHERE database = 'game' AND name = 'events_raw'",
    );
    assert_eq!(live, names.join(", "));
}
