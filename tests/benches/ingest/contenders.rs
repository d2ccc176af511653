//! The contenders, each from an empty table to a full one.
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use topicwright_tests::program::{free_port, terminate};

use super::process::{cpu_seconds, peak_megabytes};
use super::stage::{Payload, Rate, Stage};
use super::stream::TOPIC;

/// Rows of a prebuilt block.
const BLOCK: usize = 250_000;

/// What a run took.
pub struct Run {
    pub name: String,
    pub rows: usize,
    pub rate: Rate,
    pub client_cpu: f64,
    pub client_megabytes: u64,
    pub server: ServerUse,
    pub is_right: bool,
}

/// What a run took of the server.
#[derive(Default)]
pub struct ServerUse {
    /// CPU seconds until all rows were there.
    pub cpu: f64,
    /// As well, and until nothing was merged any more.
    pub cpu_merged: f64,
    pub megabytes: u64,
    /// Inserts that clients sent.
    pub inserts: u64,
}

/// Watches the server during a run.
struct Watch<'s> {
    stage: &'s Stage,
    cpu: f64,
    inserts: u64,
}

impl<'s> Watch<'s> {
    fn start(stage: &'s Stage) -> Self {
        reset_peak(stage.server());
        Self {
            stage,
            cpu: cpu_seconds(stage.server()),
            inserts: stage.inserts(),
        }
    }

    /// To be asked for when all rows are there; waits for merges.
    fn end(self) -> ServerUse {
        let Self {
            stage,
            cpu,
            inserts,
        } = self;
        let spent = || cpu_seconds(stage.server()) - cpu;
        let until_full = spent();
        let (megabytes, inserts) = (peak_megabytes(stage.server()), stage.inserts() - inserts);
        stage.until_merged();
        ServerUse {
            cpu: until_full,
            cpu_merged: spent(),
            megabytes,
            inserts,
        }
    }
}

/// Forgets how much memory a process had at most.
fn reset_peak(process: u32) {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
}

/// This worker: validation, dedupe, plans and tokens on.
pub fn worker(stage: &Stage) -> Run {
    run_worker(stage, "this worker", "bench-worker")
}

/// As [`worker`], while the server merges nothing: what taking the inserts alone costs it.
pub fn worker_without_merges(stage: &Stage) -> Run {
    stage.ask("SYSTEM STOP MERGES events_raw");
    let run = run_worker(stage, "this worker, merges stopped", "bench-unmerged");
    stage.ask("SYSTEM START MERGES events_raw");
    run
}

fn run_worker(stage: &Stage, name: &str, group: &str) -> Run {
    stage.clear();
    let listen = format!("127.0.0.1:{}", free_port());
    let watch = Watch::start(stage);
    let child = stage
        .command(&[
            "ingest",
            "--listen",
            &listen,
            "--group",
            &stage.group(group),
        ])
        .spawn()
        .unwrap();
    let process = child.id();
    let rate = stage.fill_rate();
    let (client_cpu, client_megabytes) = (cpu_seconds(process), peak_megabytes(process));
    let server = watch.end();
    let is_right = stage.is_right();
    let ended = terminate(child);
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    Run {
        name: name.to_owned(),
        rows: stage.rows,
        rate,
        client_cpu,
        client_megabytes,
        server,
        is_right,
    }
}

/// ClickHouse's Kafka engine and a view into the same table.
pub fn kafka_engine(stage: &Stage) -> Run {
    stage.clear();
    let watch = Watch::start(stage);
    start_engine(stage);
    let rate = stage.fill_rate();
    let server = watch.end();
    let is_right = stage.is_right();
    stop_engine(stage);
    Run {
        name: "ClickHouse's Kafka engine".to_owned(),
        rows: stage.rows,
        rate,
        client_cpu: 0.0,
        client_megabytes: 0,
        server,
        is_right,
    }
}

pub fn stop_engine(stage: &Stage) {
    stage.ask("DROP VIEW bench_mv");
    stage.ask("DROP TABLE bench_queue");
}

/// A consumer and a thread a partition, large blocks. The payload comes as a text, its members are extracted together,
/// and where the table wants JSON it is cast: a column of the table's JSON type in the queue took three times as long.
pub fn start_engine(stage: &Stage) {
    stage.ask(&format!(
        "CREATE TABLE bench_queue (event_type String, user_id UInt64, schema_version UInt16, ts String, dedupe_key String, payload String) \
         ENGINE = Kafka SETTINGS kafka_broker_list = '{}', kafka_topic_list = '{TOPIC}', kafka_group_name = '{}', \
         kafka_format = 'JSONEachRow', kafka_num_consumers = {}, kafka_thread_per_consumer = 1, \
         kafka_max_block_size = 262144, kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000, \
         input_format_skip_unknown_fields = 1, input_format_json_read_objects_as_strings = 1",
        stage.broker.brokers(),
        stage.group("bench-engine"),
        stage.partitions.min(4)
    ));
    let payload = match stage.payload {
        Payload::String => "payload".to_owned(),
        Payload::Json => {
            let kind = stage.ask(
                "SELECT replaceAll(type, '\n', '') FROM system.columns WHERE database = 'game' AND table = 'events_raw' AND name = 'payload_json' FORMAT TSVRaw",
            );
            format!("CAST(payload AS {kind})")
        }
    };
    stage.ask(&format!(
        "CREATE MATERIALIZED VIEW bench_mv TO events_raw AS \
         WITH JSONExtract(payload, 'Tuple(tx_id UInt64, amount_gold Int64, price_cents UInt32, product_id UInt64, status String)') AS member \
         SELECT parseDateTime64BestEffort(ts, 3, 'UTC') AS ts, event_type, schema_version, user_id, member.tx_id AS entity_id, \
         if(member.status = 'success', member.amount_gold, 0) AS delta_gold, member.price_cents AS price_cents, \
         member.product_id AS product_id, member.status AS status, {payload} AS payload_json, dedupe_key, sipHash64(event_type, user_id, dedupe_key) AS event_key, now64(3) AS received_at, \
         _topic AS kafka_topic, toInt32(_partition) AS kafka_partition, toInt64(_offset) AS kafka_offset FROM bench_queue",
    ));
}

/// The limit: blocks of this table's rows, sorted, encoded before the clock starts, two inserts in flight.
pub fn ideal_loader(stage: &Stage) -> Run {
    // The worker's rows, as the server itself writes them out: the same block in the same order.
    let order = "event_type, user_id, event_key";
    let mut blocks = VecDeque::new();
    let mut from = 0;
    let per_partition = stage.rows.div_ceil(stage.partitions);
    while from < per_partition {
        let to = from + BLOCK / stage.partitions;
        let block = topicwright_tests::sql::bytes_in(
            &stage.store.url(),
            "game",
            &format!(
                "SELECT * FROM events_raw WHERE kafka_offset >= {from} AND kafka_offset < {to} ORDER BY {order} FORMAT Native SETTINGS max_block_size = 1000000, preferred_block_size_bytes = 0, max_threads = 1"
            ),
        )
        .unwrap();
        blocks.push_back(Bytes::from(block));
        from = to;
    }
    stage.clear();
    let watch = Watch::start(stage);
    let own = cpu_seconds(std::process::id());
    let started = Instant::now();
    let blocks = std::sync::Mutex::new(blocks);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(block) = blocks.lock().unwrap().pop_front() else {
                        return;
                    };
                    topicwright_tests::sql::insert_native(
                        &stage.store.url(),
                        "game",
                        "INSERT INTO events_raw SETTINGS async_insert = 0, optimize_on_insert = 0, max_insert_threads = 1, min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 1000000000000 FORMAT Native",
                        &block,
                    )
                    .unwrap();
                }
            });
        }
    });
    let seconds = stage.until_full(started);
    Run {
        name: "ideal loader, prebuilt blocks".to_owned(),
        rows: stage.rows,
        rate: Rate::even(stage.rows as f64 / seconds),
        client_cpu: cpu_seconds(std::process::id()) - own,
        client_megabytes: 0,
        server: watch.end(),
        is_right: stage.is_right(),
    }
}

/// The other limit: librdkafka reading and forgetting.
pub fn consume_only(stage: &Stage) -> Run {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", stage.broker.brokers())
        .set("group.id", "bench-consume")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    for partition in 0..stage.partitions {
        list.add_partition_offset(
            TOPIC,
            i32::try_from(partition).unwrap(),
            rdkafka::Offset::Beginning,
        )
        .unwrap();
    }
    let own = cpu_seconds(std::process::id());
    let started = Instant::now();
    consumer.assign(&list).unwrap();
    let (mut count, mut offsets) = (0, 0);
    while count < stage.rows {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            offsets += usize::try_from(message.unwrap().offset()).unwrap();
            count += 1;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    Run {
        name: "consume only".to_owned(),
        rows: stage.rows,
        rate: Rate::even(stage.rows as f64 / seconds),
        client_cpu: cpu_seconds(std::process::id()) - own,
        client_megabytes: 0,
        server: ServerUse::default(),
        is_right: offsets
            == (0..stage.rows)
                .map(|number| number / stage.partitions)
                .sum::<usize>(),
    }
}
