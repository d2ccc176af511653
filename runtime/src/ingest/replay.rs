//! A planned batch again: the records of its ranges are read, built into the same block and inserted under the
//! same token. What the server has it drops, what it missed it takes.
//!
//! Where the records changed since (retention took some, the topic was made again), the token no longer speaks
//! for them. Then the table is asked what it has, and the rest goes in under a token of its own. A row counts as
//! there when coordinates and key agree: a topic that was made again has other events at the same offsets.
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use rdkafka::message::Message as _;

use super::batch::{Batch, Coordinates};
use super::decode::{EventKey, EventReader};
use super::failpoint::reach;
use super::insert::{Sink, Written};
use super::plan::Plan;
use super::records;
use super::worker::take_in;
use crate::clickhouse::literal;
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// Makes a planned batch durable.
///
/// # Errors
/// Only what waiting cannot mend: a defect of ours.
pub(crate) async fn replay<R: EventRegistry>(sink: &Arc<Sink<R>>, plan: &Plan) -> Result<Written> {
    let (batch, complete) = loop {
        let (sink, plan) = (Arc::clone(sink), plan.clone());
        let read = tokio::task::spawn_blocking(move || read::<R>(&sink, &plan, |_, _| false))
            .await
            .map_err(|error| Error::bug("a replay was cancelled").why(error))?;
        match read {
            Ok(read) => break read,
            Err(error) => {
                tracing::warn!(%error, "a replay is tried again");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    };
    reach("after-replay-read");
    sink.metrics.replayed_plans.inc();
    let again = batch.ranges.plan();
    if complete && again.token == plan.token {
        tracing::info!(
            token = plan.token,
            rows = batch.block_rows(),
            "replayed a planned batch"
        );
        return sink.write(&batch, &plan.token).await;
    }
    tracing::warn!(
        token = plan.token,
        "the records of a planned batch changed in Kafka; the table is compared with what is there"
    );
    let stored: HashMap<Coordinates, EventKey> = sink.stored(&condition(plan)).await?;
    let (sink_again, plan_again) = (Arc::clone(sink), plan.clone());
    let (batch, _) = tokio::task::spawn_blocking(move || {
        read::<R>(&sink_again, &plan_again, |at, key| {
            stored.get(&at) == Some(&key)
        })
    })
    .await
    .map_err(|error| Error::bug("a replay was cancelled").why(error))??;
    sink.write(&batch, &format!("{}.rest", again.token)).await
}

/// Reads the plan's records into a batch, leaving out those that `is_stored` knows.
fn read<R: EventRegistry>(
    sink: &Sink<R>,
    plan: &Plan,
    is_stored: impl Fn(Coordinates, EventKey) -> bool,
) -> Result<(Batch<R::Block>, bool)> {
    let mut reader = EventReader::new(sink.config.hash_key.0, sink.config.batch.max_message_bytes);
    let mut batch = Batch::default();
    let mut complete = true;
    for (partition, range) in &plan.ranges {
        let topic = R::TOPICS.iter().position(|topic| topic.name == partition.0);
        let Some(topic) = topic else {
            // The registry no longer has the topic; nobody reads it.
            continue;
        };
        complete &= records::read_range(
            &sink.config.kafka,
            &sink.config.group,
            partition,
            *range,
            |message| {
                let at = (
                    u32::try_from(topic).unwrap_or(u32::MAX),
                    partition.1,
                    message.offset(),
                );
                take_in::<R>(&mut reader, &mut batch, topic, message, |key| {
                    is_stored(at, key)
                });
            },
        )?;
    }
    Ok((batch, complete))
}

fn condition(plan: &Plan) -> String {
    let mut text = String::new();
    for ((topic, partition), range) in &plan.ranges {
        let or = if text.is_empty() { "" } else { " OR " };
        // Formatting into a String cannot fail.
        let _ = write!(
            text,
            "{or}(kafka_topic = {} AND kafka_partition = {partition} AND kafka_offset BETWEEN {} AND {})",
            literal(topic),
            range.first,
            range.last
        );
    }
    text
}
