//! A backend that emits without end: for each key a counter, an event a step, and a line once it is durable. Tests
//! kill it. Arguments: brokers, folder of the fallback log, keys, first number, and a number of steps (0 for no end).
//! A line is `<key> <number> kafka` or `<key> <number> fallback`; `ready` when it begins, `done` when the log is empty
//! behind the last step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
use std::time::Duration;

use serde_json::json;
use subject::Registry;
use subject::topics::shop_purchase::v1::ShopPurchase;
use topicwright_runtime::config::KafkaConfig;
use topicwright_runtime::fallback::FallbackOptions;
use topicwright_runtime::produce::{Draft, Durable, Producer, ProducerLimits};

/// Time of a step: a log on a fast disk would otherwise take more in seconds than Kafka in minutes.
const STEP: Duration = Duration::from_millis(20);

/// Events of one key that wait together.
const BATCH: u64 = 3;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments[at].parse::<u64>().unwrap();
    let (keys, first, steps) = (number(2), number(3), number(4));
    let mut options = FallbackOptions::in_folder(&arguments[1]);
    // Several segments in a short life.
    options.segment_bytes = 64 << 10;
    let producer = Producer::<Registry>::builder(&KafkaConfig::new(&arguments[0]))
        .limits(ProducerLimits {
            delivery_timeout: Duration::from_millis(1500),
            ..ProducerLimits::default()
        })
        .fallback(options)
        .build()
        .unwrap();
    println!("ready");
    let emitters: Vec<_> = (1..=keys)
        .map(|key| tokio::spawn(emit(producer.clone(), key, first, steps)))
        .collect();
    for emitter in emitters {
        emitter.await.unwrap();
    }
    while producer.fallback().unwrap().waiting() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    producer.close().await;
    println!("done");
}

async fn emit(producer: Producer<Registry>, key: u64, first: u64, steps: u64) {
    let last = match steps {
        0 => u64::MAX,
        steps => first + steps * BATCH,
    };
    let mut next = first;
    let mut pace = tokio::time::interval(STEP);
    while next < last {
        pace.tick().await;
        let events = (next..next + BATCH).map(|number| {
            let payload: ShopPurchase = serde_json::from_value(json!({
                "tx_id": key * 10_000_000 + number, "user_id": key, "status": "success",
                "product_id": 2001, "amount_gold": 2600, "price_cents": 199
            }))
            .unwrap();
            Draft::new(&payload).with("user_id", key)
        });
        let outcomes = producer.emit_all(events).await;
        for (number, outcome) in (next..).zip(outcomes) {
            match outcome.unwrap() {
                Durable::Kafka(_) => println!("{key} {number} kafka"),
                Durable::Fallback => println!("{key} {number} fallback"),
            }
        }
        next += BATCH;
    }
}
