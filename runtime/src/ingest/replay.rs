//! A planned batch again: the records of its ranges are read, built into the same block and inserted under the
//! same token. What the server has it drops, what it missed it takes.
//!
//! Where the records changed since (retention took some, the topic was made again), the token no longer speaks
//! for them. Then the table is asked what it has, and the rest goes in under a token of its own. A row counts as
//! there when coordinates and key agree: a topic that was made again has other events at the same offsets.
use std::collections::BTreeSet;
use std::sync::Arc;

use rdkafka::message::Message as _;

use super::batch::{Batch, Coordinates};
use super::decode::{EventKey, EventReader};
use super::dedupe::KnownKeys;
use super::failpoint::reach;
use super::insert::{Sink, Written};
use super::intake::{enter, now, read_in};
use super::plan::{Partition, Plan};
use super::record::Record;
use super::records;

use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// Makes a planned batch durable.
///
/// # Errors
/// Only what waiting cannot mend: a defect of ours.
pub(crate) async fn replay<R: EventRegistry>(sink: &Arc<Sink<R>>, plan: &Plan) -> Result<Written> {
    let (batch, complete, standing) = patiently(sink, plan, |sink, plan| {
        let standing = records::standing(&sink.config.kafka, &sink.config.group, plan)?;
        let (batch, complete) = read::<R>(sink, plan, &standing, |_, _| false)?;
        Ok((batch, complete, standing))
    })
    .await?;
    reach("after-replay-read");
    sink.metrics.replayed_plans.inc();
    let again = batch.ranges.plan();
    if complete && again.token == plan.token {
        tracing::info!(
            token = plan.token,
            rows = batch.block_rows(),
            "replayed a planned batch"
        );
        return sink.write(&batch, &plan.token, true).await;
    }
    tracing::warn!(
        token = plan.token,
        "the records of a planned batch changed in Kafka; the table is compared with what is there"
    );
    let stored = sink.stored(&plan.condition()).await?;
    // Where the plan no longer stands, others read on, or the topic is read from its new beginning.
    let mut rest = plan.clone();
    rest.ranges
        .retain(|partition, _| standing.contains(partition));
    let batch = patiently(sink, &rest, move |sink, rest| {
        let is_stored = |at, key| stored.contains(&(at, key));
        Ok(read::<R>(sink, rest, &standing, is_stored)?.0)
    })
    .await?;
    sink.write(&batch, &format!("{}.rest", again.token), true)
        .await
}

/// Reads records on a thread that may wait, until that works.
async fn patiently<R: EventRegistry, T: Send + 'static>(
    sink: &Arc<Sink<R>>,
    plan: &Plan,
    read: impl Fn(&Sink<R>, &Plan) -> Result<T> + Send + Sync + 'static,
) -> Result<T> {
    let read = Arc::new(read);
    sink.patiently("a replay", || {
        let (sink, plan, read) = (Arc::clone(sink), plan.clone(), Arc::clone(&read));
        async move {
            tokio::task::spawn_blocking(move || read(&sink, &plan))
                .await
                .map_err(|error| Error::bug("a replay was cancelled").why(error))?
        }
    })
    .await
}

/// Reads the plan's records into a batch, leaving out those that `is_stored` knows.
fn read<R: EventRegistry>(
    sink: &Sink<R>,
    plan: &Plan,
    standing: &BTreeSet<Partition>,
    is_stored: impl Fn(Coordinates, EventKey) -> bool,
) -> Result<(Batch<R::Block>, bool)> {
    let mut reader = EventReader::new(sink.config.hash_key.0, sink.config.batch.max_message_bytes);
    let mut batch = Batch::default();
    let mut known = KnownKeys::of_one_batch(sink.config.dedupe);
    // Topics that the registry no longer has are nobody's.
    let mut ranges = plan.ranges.clone();
    ranges.retain(|(name, _), _| R::TOPICS.iter().any(|topic| topic.name == name));
    let complete = records::read_ranges(
        &sink.config.kafka,
        &sink.config.group,
        &ranges,
        // Where a topic is deleted, the group's positions go with it. Where they did not, it is only not known yet.
        |partition| !standing.contains(partition),
        |message| {
            let name = message.topic();
            let Some(topic) = R::TOPICS.iter().position(|topic| topic.name == name) else {
                return;
            };
            let record = Record::Message(message);
            enter::<R>(&mut batch, topic, record);
            read_in::<R>(&mut reader, &mut batch, topic, record, now());
        },
    )?;
    batch.claim(&mut known, is_stored);
    Ok((batch, complete))
}
