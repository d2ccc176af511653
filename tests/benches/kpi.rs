//! KPIs at full size: how long each takes, at rest and while events come in, what the tables store, how long a day
//! takes to close; and whether every answer is that of an oracle.
//!
//! `cargo bench -p topicwright-tests --bench kpi`. Settings by environment: `BENCH_EVENTS` (100 million), `BENCH_DAYS`
//! (30), `BENCH_USERS` (a million), `BENCH_RATE` (events a second meanwhile), `BENCH_ASKED` (times each KPI is asked).
//! Rows go straight into the fact table, as blocks of 200,000 sorted by its key, as a worker's are; the ledger is fed
//! as in production. The last day is today, and stays open.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]
mod kpi {
    pub mod events;
    pub mod oracle;
}

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kpi::events::{Event, Month, TYPES};
use kpi::oracle::Oracle;
use serde_json::Value;
use subject::Registry;
use topicwright_runtime::clickhouse::Client;
use topicwright_runtime::clickhouse::apply::apply;
use topicwright_runtime::closing::{Closer, Options};
use topicwright_runtime::config::ClickHouseConfig;
use topicwright_runtime::engine::WorkDir;
use topicwright_runtime::engine::clickhouse::{ClickHouse, Program};
use topicwright_runtime::registry::EventRegistry as _;
use topicwright_tests::sql;

/// Partitions of a topic; the bench has one topic for all that its tables can tell.
const PARTITIONS: usize = 6;

/// Rows of an insert.
const BLOCK: usize = 200_000;

const INSERT: &str = "INSERT INTO events_raw (ts, event_type, schema_version, user_id, entity_id, session_id, \
    progress_version, delta_gold, balance_after, price_cents, action, status, event_key, received_at, kafka_topic, \
    kafka_partition, kafka_offset) SETTINGS async_insert = 0, optimize_on_insert = 0, max_insert_threads = 1, \
    min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 1000000000000, \
    max_insert_block_size = 1000000000, input_format_parallel_parsing = 0, max_partitions_per_insert_block = 0 \
    FORMAT RowBinary";

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

struct Stage {
    store: ClickHouse,
    client: Client,
    runtime: tokio::runtime::Runtime,
    /// The first day, in days since 1970.
    first_day: u64,
    /// The next offset of each Kafka partition.
    offsets: std::sync::Mutex<[i64; PARTITIONS]>,
}

impl Stage {
    fn start(days: u64) -> Self {
        let program = Program::find_with_host(env!("CARGO_BIN_EXE_engine-host")).unwrap();
        let store = ClickHouse::start_in(program, WorkDir::temporary("kpi").unwrap()).unwrap();
        let client = Client::new(&ClickHouseConfig::new(store.url()));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(apply::<Registry>(&client)).unwrap();
        let stage = Self {
            store,
            client,
            runtime,
            first_day: 0,
            offsets: std::sync::Mutex::default(),
        };
        let today: u64 = stage
            .ask("SELECT toUInt32(toDate(now64(3, 'UTC')))")
            .parse()
            .unwrap();
        Self {
            first_day: today + 1 - days,
            ..stage
        }
    }

    fn ask(&self, statement: &str) -> String {
        sql::ask_in(&self.store.url(), "game", statement)
    }

    fn date(&self, day: usize) -> String {
        topicwright_tests::faults::stream::date((self.first_day + day as u64) as i64)
    }

    /// Inserts records in the order of Kafka.
    fn insert(&self, rows: Vec<Event>) {
        let mut offsets = self.offsets.lock().unwrap();
        let placed = rows.into_iter().map(|event| {
            let partition = event.user as usize % PARTITIONS;
            offsets[partition] += 1;
            (event, partition, offsets[partition])
        });
        let mut rows: Vec<(Event, usize, i64)> = placed.collect();
        rows.sort_unstable_by_key(|(event, ..)| (TYPES[event.kind].0, event.user, event.key));
        let mut block = Vec::with_capacity(rows.len() * 140);
        for (event, partition, offset) in &rows {
            row(&mut block, event, (*partition, *offset), self.first_day);
        }
        sql::insert_native(&self.store.url(), "game", INSERT, &block).unwrap();
    }

    /// Merges the hours of the open day that are over to a part each, as the server does once nothing has come for them
    /// for five minutes: here the whole day came within seconds.
    fn merge_past_hours(&self) {
        let today = self.date((self.days() - 1) as usize);
        for hour in (0..23).chain([24]) {
            self.ask(&format!(
                "OPTIMIZE TABLE event_ledger PARTITION ('{today}', {hour}) FINAL"
            ));
        }
    }

    /// Parts of closed days that the ledger still has.
    fn parts_of_closed_days(&self) -> u64 {
        let today = self.date((self.days() - 1) as usize);
        self.ask(&format!(
            "SELECT count() FROM system.parts WHERE active AND database = 'game' AND table = 'event_ledger' AND max_date < '{today}'"
        ))
        .parse()
        .unwrap()
    }

    /// Bytes on disk of the live parts of each table, and their rows.
    fn sizes(&self) -> BTreeMap<String, (f64, u64)> {
        let text = self.ask(
            "SELECT table, sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = 'game' GROUP BY table FORMAT TSV",
        );
        text.lines()
            .map(|line| {
                let cells: Vec<&str> = line.split('\t').collect();
                (
                    cells[0].to_owned(),
                    (cells[1].parse().unwrap(), cells[2].parse().unwrap()),
                )
            })
            .collect()
    }

    /// The end of the last day, and a KPI's query.
    fn question(&self, name: &str) -> (String, &'static str) {
        let mut kpis = Registry::PROJECT.kpis.iter();
        let kpi = kpis.find(|kpi| kpi.name == name).unwrap();
        let last = self.date((self.days() - 1) as usize);
        (format!("{last} 23:59:59.999"), kpi.sql)
    }

    fn megabytes(&self, name: &str) -> u64 {
        let (as_of, query) = self.question(name);
        let as_of = format!("&param_as_of={}", as_of.replace(' ', "%20"));
        sql::peak_memory(&self.store.url(), "game", query, &as_of) / 1_000_000
    }

    fn answer(&self, name: &str) -> (Duration, Vec<Value>) {
        let (as_of, query) = self.question(name);
        let started = Instant::now();
        let params = [("as_of", as_of.as_str())];
        let asked = self.client.query_json(query, &params);
        let answer = self.runtime.block_on(asked).unwrap();
        (
            started.elapsed(),
            answer.rows.into_iter().map(Value::Array).collect(),
        )
    }

    fn days(&self) -> u64 {
        let today: u64 = self
            .ask("SELECT toUInt32(toDate(now64(3, 'UTC')))")
            .parse()
            .unwrap();
        today + 1 - self.first_day
    }
}

fn row(block: &mut Vec<u8>, event: &Event, place: (usize, i64), first_day: u64) {
    fn text(block: &mut Vec<u8>, text: &str) {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend_from_slice(text.as_bytes());
    }
    let first_ms = first_day * 86_400_000;
    let ms = (first_ms + event.day * 86_400_000 + event.ms) as i64;
    let name = TYPES[event.kind].0;
    block.extend_from_slice(&ms.to_le_bytes());
    text(block, name);
    block.extend_from_slice(&1_u16.to_le_bytes());
    block.extend_from_slice(&event.user.to_le_bytes());
    block.extend_from_slice(&event.entity.to_le_bytes());
    if event.session == 0 {
        text(block, "");
    } else {
        text(
            block,
            &format!("{:016x}-4a53-9d0f-3b1f6f9a7c11", event.session),
        );
    }
    block.extend_from_slice(&event.version.to_le_bytes());
    block.extend_from_slice(&event.gold.to_le_bytes());
    block.extend_from_slice(&event.balance.to_le_bytes());
    block.extend_from_slice(&event.cents.to_le_bytes());
    text(block, event.action);
    text(block, event.status);
    block.extend_from_slice(&event.key.to_le_bytes());
    block.extend_from_slice(&((first_ms + event.received) as i64).to_le_bytes());
    text(block, name);
    block.extend_from_slice(&(place.0 as i32).to_le_bytes());
    block.extend_from_slice(&place.1.to_le_bytes());
}

fn main() {
    let month = Month {
        records: setting("BENCH_EVENTS", 100_000_000),
        days: setting("BENCH_DAYS", 30),
        users: setting("BENCH_USERS", 1_000_000),
    };
    let (rate, asked) = (setting("BENCH_RATE", 20_000), setting("BENCH_ASKED", 20));
    let stage = Stage::start(month.days);
    let mut oracle = Oracle::new(&month);
    println!(
        "{} records of {} days, {} players",
        month.records, month.days, month.users
    );

    let loading = Instant::now();
    let mut rows = Vec::with_capacity(BLOCK);
    let mut events = 0;
    for number in 0..month.records {
        let event = month.record(number);
        if month.first_of(number).is_none() {
            oracle.count(&event);
            events += 1;
        }
        rows.push(event);
        if rows.len() == BLOCK {
            stage.insert(std::mem::take(&mut rows));
        }
    }
    stage.insert(rows);
    println!(
        "loaded in {:.0} s; {events} events are no copies",
        loading.elapsed().as_secs_f64()
    );
    let expected = oracle.answers(&|day| stage.date(day));

    let open = stage.sizes();
    per_event("open days", &open, "event_ledger", month.records);
    let options = Options {
        grace: Duration::ZERO,
        again: false,
    };
    let mut closer = Closer::new::<Registry>(&stage.client, options).unwrap();
    let closing = Instant::now();
    let done = stage.runtime.block_on(closer.round()).unwrap();
    let seconds = closing.elapsed().as_secs_f64();
    println!(
        "{} days closed in {seconds:.0} s, {:.1} s a day",
        done.closed.len(),
        seconds / done.closed.len().max(1) as f64
    );
    // What is counted goes a round later, or two where parts were being merged.
    let dropping = Instant::now();
    while stage.parts_of_closed_days() > 0 {
        assert!(dropping.elapsed() < Duration::from_secs(120));
        stage.runtime.block_on(closer.round()).unwrap();
    }
    stage.merge_past_hours();
    println!("\n| table | bytes an event | rows |\n|---|---:|---:|");
    let mut views = 0.0;
    for (table, (bytes, rows)) in stage.sizes() {
        let each = bytes / month.records as f64;
        if table.ends_with("_closed") {
            views += each;
        }
        println!("| `{table}` | {each:.3} | {rows} |");
    }
    println!("| closed days together | {views:.2} | |");

    println!(
        "\n| KPI | at rest p50 | p95 | while {rate} events/s come p50 | p95 | memory | equal |\n|---|---:|---:|---:|---:|---:|---|"
    );
    let at_rest: BTreeMap<&str, Vec<Duration>> = ask_all(&stage, asked);
    let wrong: Vec<&str> = expected
        .iter()
        .filter(|(name, rows)| !is_equal(&stage.answer(name).1, rows))
        .map(|(name, _)| *name)
        .collect();
    let stop = AtomicBool::new(false);
    let busy = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = month.records;
            while !stop.load(Ordering::Relaxed) {
                let started = Instant::now();
                // Of the last minute of the open day.
                let rows = (number..number + rate)
                    .map(|number| {
                        let event = month.record(number % month.records);
                        Event {
                            day: month.days - 1,
                            ms: 86_340_000 + event.ms % 60_000,
                            received: month.days * 86_400_000 - 1,
                            key: event.key ^ number,
                            ..event
                        }
                    })
                    .collect();
                stage.insert(rows);
                number += rate;
                std::thread::sleep(Duration::from_secs(1).saturating_sub(started.elapsed()));
            }
        });
        std::thread::sleep(Duration::from_secs(5));
        let busy = ask_all(&stage, asked);
        stop.store(true, Ordering::Relaxed);
        busy
    });
    for name in expected.keys() {
        let [rest, under_load] =
            [&at_rest, &busy].map(|times| (at(&times[name], 50), at(&times[name], 95)));
        println!(
            "| {name} | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {} MB | {} |",
            rest.0,
            rest.1,
            under_load.0,
            under_load.1,
            stage.megabytes(name),
            !wrong.contains(name)
        );
    }
    assert!(wrong.is_empty(), "not as the oracle says: {wrong:?}");
}

fn per_event(what: &str, sizes: &BTreeMap<String, (f64, u64)>, table: &str, events: u64) {
    let (bytes, rows) = sizes[table];
    println!(
        "{what}: `{table}` {:.2} bytes an event, {rows} rows",
        bytes / events as f64
    );
}

fn ask_all(stage: &Stage, asked: u64) -> BTreeMap<&'static str, Vec<Duration>> {
    let mut times: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..asked {
        for kpi in Registry::PROJECT.kpis {
            times
                .entry(kpi.name)
                .or_default()
                .push(stage.answer(kpi.name).0);
        }
    }
    times
}

/// Milliseconds at a percentile.
fn at(times: &[Duration], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    let place = (times.len() * percent).div_ceil(100).max(1) - 1;
    times[place].as_secs_f64() * 1000.0
}

fn is_equal(found: &[Value], wanted: &[Value]) -> bool {
    let spelled = |value: &Value| match value.as_f64() {
        Some(number) => format!("{number:.9}"),
        None => value.to_string(),
    };
    let lines = |rows: &[Value]| -> Vec<Vec<String>> {
        let rows = rows.iter().filter_map(Value::as_array);
        rows.map(|row| row.iter().map(spelled).collect()).collect()
    };
    let (found, wanted) = (lines(found), lines(wanted));
    if found != wanted {
        let differing = found
            .iter()
            .zip(&wanted)
            .find(|(found, wanted)| found != wanted);
        println!("{} rows for {}: {differing:?}", found.len(), wanted.len());
    }
    found == wanted
}
