//! A backend that writes events of a known stream into the outbox until it is killed: some transactions are long,
//! some roll back, and each has some of the stream's numbers. `outbox-writer URL SEED LAST_DAY FIRST_LANE LANES`
//!
//! A lane is one connection with every LANES-th number. What was committed stands in the table `ledger`, written in
//! the same transactions; a lane that starts again goes on behind it.
#![allow(clippy::unwrap_used)]
use std::time::Duration;

use subject::Registry;
use tokio_postgres::{Client, NoTls};
use topicwright_runtime::outbox;
use topicwright_runtime::produce::OutgoingRecord;
use topicwright_tests::faults::stream::{Fate, Stream};
use topicwright_tests::outbox::{LANES_OF_A_WRITER, NUMBER, is_rolled_back};

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| -> usize { arguments[place].parse().unwrap() };
    let (seed, last_day) = (number(1) as u64, number(2) as i64);
    let (first, lanes) = (number(3), number(4));
    let mut tasks = tokio::task::JoinSet::new();
    for lane in first..first + LANES_OF_A_WRITER {
        let url = arguments[0].clone();
        tasks.spawn(async move {
            loop {
                // The database dies now and then; what was under way is decided by the ledger.
                let stream = Stream::new(seed, last_day);
                let _ = write(&url, stream, lane, lanes).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn write(url: &str, mut stream: Stream, lane: usize, lanes: usize) -> Result<(), Failed> {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let last = "SELECT coalesce(max(number), -1) FROM ledger WHERE lane = $1";
    let last: i64 = client.query_one(last, &[&(lane as i64)]).await?.get(0);
    loop {
        let mut batch = Vec::new();
        let size = 1 + stream.records.len() / lanes % 4;
        while batch.len() < size {
            let number = stream.records.len();
            let drawn = stream.draw();
            if number % lanes != lane
                || number as i64 <= last
                || !matches!(drawn.fate, Fate::Row(_))
            {
                continue;
            }
            // A version of the future may be read and never written.
            let text = drawn.value.unwrap();
            if let Ok(record) = OutgoingRecord::from_json::<Registry>(text, 1 << 20) {
                batch.push((number, record.header(NUMBER, number.to_string())));
            }
        }
        commit(&mut client, batch, lane).await?;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

async fn commit(
    client: &mut Client,
    batch: Vec<(usize, OutgoingRecord)>,
    lane: usize,
) -> Result<(), Failed> {
    let numbers: Vec<i64> = batch.iter().map(|(number, _)| *number as i64).collect();
    let first = batch[0].0;
    let transaction = client.transaction().await?;
    // As a row lock on what the event tells of: transactions of one key follow each other.
    let mut keys: Vec<String> = batch
        .iter()
        .map(|(_, record)| format!("{} {:?}", record.topic, record.key))
        .collect();
    keys.sort();
    let lock =
        "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key";
    transaction.execute(lock, &[&keys]).await?;
    if lane.is_multiple_of(4) {
        for (number, record) in &batch {
            let event = std::str::from_utf8(&record.value)?;
            let call = "SELECT event_outbox_enqueue($1::text::jsonb, jsonb_build_object($2::text, $3::text))";
            let number = number.to_string();
            transaction
                .execute(call, &[&event, &NUMBER, &number])
                .await?;
        }
    } else {
        let records = batch.into_iter().map(|(_, record)| record).collect();
        outbox::enqueue_records::<Registry>(&transaction, records).await?;
    }
    if is_rolled_back(first) {
        transaction.rollback().await?;
        return Ok(());
    }
    let note =
        "INSERT INTO ledger (lane, number) SELECT $1, number FROM unnest($2::bigint[]) AS number";
    transaction
        .execute(note, &[&(lane as i64), &numbers])
        .await?;
    if first % 61 == 7 {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }
    transaction.commit().await?;
    Ok(())
}
