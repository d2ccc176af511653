//! What the store's tests share: a server, blocks of every column, random payloads.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use bytes::Bytes;
use topicwright_runtime::clickhouse::Client;
use topicwright_runtime::clickhouse::native::Encoder;
use topicwright_runtime::column::{ColumnRef, Fixed, JsonColumn, JsonTextColumn, Millis, Text};
use topicwright_runtime::config::ClickHouseConfig;
use topicwright_runtime::engine::WorkDir;
use topicwright_runtime::engine::clickhouse::{ClickHouse, Program};
use topicwright_runtime::json::{Decoder, Json};
use topicwright_runtime::registry::FactBlock;
use topicwright_tests::sql;

/// A server with one database that is the default of questions.
pub struct Store {
    pub server: ClickHouse,
    pub client: Client,
    pub database: String,
    runtime: tokio::runtime::Runtime,
}

impl Store {
    pub fn start(database: &str) -> Self {
        Self::start_with(database, &[])
    }

    /// With files in the server's folder.
    pub fn start_with(database: &str, files: &[(&str, &str)]) -> Self {
        let program = Program::find_with_host(env!("CARGO_BIN_EXE_engine-host")).unwrap();
        let folder = WorkDir::temporary("store").unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let server = ClickHouse::start_in(program, folder).unwrap();
        let _ = sql::ask(&server.url(), &format!("CREATE DATABASE {database}"));
        Self {
            client: Client::new(&ClickHouseConfig::new(server.url())),
            database: database.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            server,
        }
    }

    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub fn ask(&self, statement: &str) -> String {
        sql::ask_in(&self.server.url(), &self.database, statement)
    }

    pub fn create<B: FactBlock>(&self, table: &str, order_by: &str) {
        let columns: Vec<String> = B::COLUMNS
            .iter()
            .map(|(name, kind)| format!("{name} {kind}"))
            .collect();
        self.ask(&format!(
            "CREATE TABLE {table} ({}) ENGINE = MergeTree ORDER BY {order_by} \
             SETTINGS non_replicated_deduplication_window = 1000",
            columns.join(", ")
        ));
    }

    pub fn insert<B: FactBlock>(&self, table: &str, block: &B, rows: &[u32]) {
        let token = format!("{rows:?}{}", self.ask("SELECT generateUUIDv4()"));
        self.insert_as(table, block, rows, &token[token.len() - 36..])
            .unwrap();
    }

    pub fn insert_as<B: FactBlock>(
        &self,
        table: &str,
        block: &B,
        rows: &[u32],
        token: &str,
    ) -> topicwright_runtime::error::Result<()> {
        let mut encoder = Encoder::<B>::new().unwrap();
        let mut bytes = Vec::new();
        encoder.encode(block, rows, &mut bytes).unwrap();
        self.run(self.client.insert(
            &self.database,
            table,
            &encoder.names(),
            Bytes::from(bytes),
            token,
        ))
    }
}

/// One column of every kind.
#[derive(Debug, Default)]
pub struct AllColumns {
    pub flag: Fixed<bool>,
    pub u8: Fixed<u8>,
    pub u16: Fixed<u16>,
    pub u32: Fixed<u32>,
    pub u64: Fixed<u64>,
    pub i8: Fixed<i8>,
    pub i16: Fixed<i16>,
    pub i32: Fixed<i32>,
    pub i64: Fixed<i64>,
    pub f64: Fixed<f64>,
    pub ts: Fixed<Millis>,
    pub text: Text,
    pub low: Text,
    pub payload: JsonColumn,
    pub payload_text: JsonTextColumn,
}

impl AllColumns {
    pub fn payload(&mut self, text: &str) {
        decoded(text, |json| self.payload.push(json));
    }

    pub fn payload_text(&mut self, text: &str) {
        decoded(text, |json| self.payload_text.push(json.into()));
    }
}

fn decoded(text: &str, push: impl FnOnce(Json<'_>)) {
    Decoder::default()
        .decode(text.as_bytes(), push)
        .unwrap_or_else(|error| panic!("{error}: {text}"));
}

impl FactBlock for AllColumns {
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("flag", "Bool"),
        ("u8", "UInt8"),
        ("u16", "UInt16"),
        ("u32", "UInt32"),
        ("u64", "UInt64"),
        ("i8", "Int8"),
        ("i16", "Int16"),
        ("i32", "Int32"),
        ("i64", "Int64"),
        ("f64", "Float64"),
        ("ts", "DateTime64(3, 'UTC')"),
        ("text", "String"),
        ("low", "LowCardinality(String)"),
        ("payload", "JSON(max_dynamic_paths = 4, n Nullable(Int64))"),
        ("payload_text", "String"),
    ];

    fn rows(&self) -> usize {
        self.u8.len()
    }

    fn bytes(&self) -> usize {
        self.payload.byte_len()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn columns(&self) -> Vec<ColumnRef<'_>> {
        vec![
            ColumnRef::Bool(&self.flag),
            ColumnRef::UInt8(&self.u8),
            ColumnRef::UInt16(&self.u16),
            ColumnRef::UInt32(&self.u32),
            ColumnRef::UInt64(&self.u64),
            ColumnRef::Int8(&self.i8),
            ColumnRef::Int16(&self.i16),
            ColumnRef::Int32(&self.i32),
            ColumnRef::Int64(&self.i64),
            ColumnRef::Float64(&self.f64),
            ColumnRef::DateTime64(&self.ts),
            ColumnRef::String(&self.text),
            ColumnRef::LowCardinality(&self.low),
            ColumnRef::Json(&self.payload),
            ColumnRef::JsonText(&self.payload_text),
        ]
    }
}

/// Numbered payloads.
#[derive(Debug, Default)]
pub struct Payloads {
    pub n: Fixed<u64>,
    pub text: Text,
    pub payload: JsonColumn,
}

impl Payloads {
    pub fn payload(&mut self, text: &str) {
        decoded(text, |json| self.payload.push(json));
    }
}

impl FactBlock for Payloads {
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("n", "UInt64"),
        ("text", "String"),
        (
            "payload",
            "JSON(max_dynamic_paths = 8, big Nullable(UInt64), count Nullable(Int64), flag Nullable(Bool), \
             nested.deep.name Nullable(String), price Nullable(Float64), status Nullable(String))",
        ),
    ];

    fn rows(&self) -> usize {
        self.n.len()
    }

    fn bytes(&self) -> usize {
        self.payload.byte_len()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn columns(&self) -> Vec<ColumnRef<'_>> {
        vec![
            ColumnRef::UInt64(&self.n),
            ColumnRef::String(&self.text),
            ColumnRef::Json(&self.payload),
        ]
    }
}

/// A small generator of its own: tests must replay from a printed seed.
pub struct Rng {
    seed: u64,
    state: u64,
    /// Leaves out what the server's own parser changes: it rounds some floats by a bit, and types nulls and
    /// mixed items of an array by what it met in other rows.
    pub tame: bool,
}

impl Rng {
    /// Seeded by `TOPICWRIGHT_SEED`, else by the clock.
    pub fn from_environment() -> Self {
        let seed = std::env::var("TOPICWRIGHT_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(|| {
                std::time::SystemTime::UNIX_EPOCH
                    .elapsed()
                    .unwrap()
                    .as_micros() as u64
            });
        eprintln!("TOPICWRIGHT_SEED={seed}");
        Self {
            seed,
            state: seed,
            tame: false,
        }
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// `SplitMix64`.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.state;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A random object as text: declared paths with values of their types, and anything undeclared.
pub fn json_text(random: &mut Rng) -> String {
    let mut members: Vec<(String, String)> = Vec::new();
    for (name, kind) in [
        ("status", 0),
        ("count", 1),
        ("price", 2),
        ("big", 3),
        ("flag", 4),
    ] {
        if random.below(2) == 0 {
            members.push((name.to_owned(), declared(random, kind)));
        }
    }
    if random.below(3) == 0 {
        let name = declared(random, 0);
        members.push((
            "nested".to_owned(),
            format!(
                "{{\"deep\":{{\"name\":{name},\"other\":{}}},\"x\":1}}",
                value(random, 2)
            ),
        ));
    }
    for _ in 0..random.below(5) {
        let name = name(random);
        if !members.iter().any(|(other, _)| conflicts(other, &name)) {
            members.push((name, value(random, 4)));
        }
    }
    // Any order.
    for index in (1..members.len()).rev() {
        let other = random.below(index + 1);
        members.swap(index, other);
    }
    object(&members)
}

fn declared(random: &mut Rng, kind: usize) -> String {
    if random.below(8) == 0 {
        return "null".to_owned();
    }
    match kind {
        0 => text(random),
        1 => (random.next().cast_signed() >> random.below(64)).to_string(),
        // Declared as any number, so a float: integers stay within its digits.
        2 => match number(random) {
            wide if !wide.contains(['.', 'e']) && wide.len() > 15 => "-7".to_owned(),
            number => number,
        },
        3 => (random.next() >> random.below(64)).to_string(),
        _ => (random.below(2) == 0).to_string(),
    }
}

fn conflicts(left: &str, right: &str) -> bool {
    left == right
        || left.starts_with(&format!("{right}."))
        || right.starts_with(&format!("{left}."))
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn name(random: &mut Rng) -> String {
    (*random.pick(&[
        "a",
        "b",
        "items",
        "ü",
        "with space",
        "dotted.key",
        "z.y.x",
        "quo\"te",
        "back`tick",
        "日本",
        "status2",
        "Count",
        "0",
        "_x",
        "tab\t",
        "count_",
        "a1",
        "a2",
        "a3",
        "a4",
        "a5",
        "a6",
    ]))
    .to_owned()
}

fn text(random: &mut Rng) -> String {
    let text = *random.pick(&[
        "", "x", "success", "2026-01-02", "2026-01-02 03:04:05", "2026-01-02T03:04:05.678Z", "12", "1.5",
        "true", "null", "é日本😀", "line\nbreak", "nul\0", "quote\"", "back\\slash", "[1,2]", "{}",
        "a longer text that does not fit into a few bytes, repeated: a longer text that does not fit",
    ]);
    serde_json::Value::from(text).to_string()
}

fn number(random: &mut Rng) -> String {
    match random.below(if random.tame { 5 } else { 8 }) {
        0 => (random.next() >> random.below(64)).to_string(),
        1 => (random.next().cast_signed() >> random.below(64)).to_string(),
        2 => "0".to_owned(),
        3 => "-1".to_owned(),
        4 => format!("{:?}", f64::from(random.below(1000) as u32) / 8.0),
        5 => format!("{:e}", f64::from(random.below(1_000_000) as u32) * 1.5e10),
        6 => format!("{:?}", f64::from(random.below(1_000_000) as u32) / -7.0),
        _ => random.below(100).to_string(),
    }
}

fn value(random: &mut Rng, depth: usize) -> String {
    match random.below(if depth == 0 { 5 } else { 9 }) {
        0 => text(random),
        1 | 2 => number(random),
        3 => (random.below(2) == 0).to_string(),
        4 => "null".to_owned(),
        5 | 6 => {
            let mut members: Vec<(String, String)> = Vec::new();
            for _ in 0..random.below(4) {
                let name = name(random);
                if !members.iter().any(|(other, _)| conflicts(other, &name)) {
                    members.push((name, value(random, depth - 1)));
                }
            }
            object(&members)
        }
        _ => array(random, depth - 1),
    }
}

/// Arrays of one kind mostly, as real ones are, and mixed ones.
fn array(random: &mut Rng, depth: usize) -> String {
    let kind = if random.tame {
        *random.pick(&[0, 1, 3, 4])
    } else {
        random.below(7)
    };
    let items: Vec<String> = (0..random.below(4))
        .map(|_| {
            if !random.tame && random.below(10) == 0 {
                return "null".to_owned();
            }
            match kind {
                0 => text(random),
                1 => random.below(1000).to_string(),
                2 => number(random),
                3 => (random.below(2) == 0).to_string(),
                4 => object(&[(name(random), value(random, depth.min(1)))]),
                5 if depth > 0 => array(random, depth - 1),
                _ => value(random, depth),
            }
        })
        .collect();
    format!("[{}]", items.join(","))
}
