//! Dead letters on their way: those of records that were never rows, and those of rows that ClickHouse refused.
use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::batch::{Batch, Coordinates, DeadLetter};
use super::decode::written_version;
use super::insert::Sink;
use super::plan::{Plan, Range};
use super::reason::{Reason, Rejection};
use super::record::Record;
use super::records::{self, letter};
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// Dead letters under way at the same time.
const LETTERS_AT_ONCE: usize = 512;

/// Records between two refused ones that are read in vain sooner than a reader is set up for the second.
const GAP: i64 = 10_000;

impl<R: EventRegistry> Sink<R> {
    /// Delivers letters. Each waits for Kafka's acknowledgement; together they wait once.
    pub(super) async fn bury(&self, letters: &[DeadLetter]) -> Result<()> {
        let burials: Vec<_> = letters.iter().map(|letter| self.bury_one(letter)).collect();
        stream::iter(burials)
            .buffer_unordered(LETTERS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn bury_one(&self, letter: &DeadLetter) -> Result<()> {
        self.patiently("a dead letter", || self.letters.send(letter))
            .await?;
        self.metrics
            .dead_letters
            .with_label_values(&[letter.topic, letter.rejection.reason.code()])
            .inc();
        Ok(())
    }

    /// Buries refused rows, each with ClickHouse's code; all their records are in memory meanwhile. Their records are read again, because a dead letter carries
    /// the original bytes.
    pub(super) async fn bury_refused(
        &self,
        batch: &Batch<R::Block>,
        rows: Vec<(u32, Option<u16>)>,
    ) -> Result<()> {
        let places = rows
            .into_iter()
            .filter_map(|(row, code)| Some((batch.coordinates(row)?, code)));
        let mut places: Vec<(Coordinates, Option<u16>)> = places.collect();
        places.sort_unstable();
        let are_near = |(one, _): &(Coordinates, _), (next, _): &(Coordinates, _)| {
            (one.0, one.1) == (next.0, next.1) && next.2 - one.2 < GAP
        };
        let plan = batch.ranges.plan();
        for near in places.chunk_by(are_near) {
            self.bury(&self.refused(&plan, near).await?).await?;
        }
        Ok(())
    }

    /// Letters of refused records of one partition, in order.
    async fn refused(
        &self,
        plan: &Plan,
        places: &[(Coordinates, Option<u16>)],
    ) -> Result<Vec<DeadLetter>> {
        let Some((&(topic, partition, first), _)) = places.first().map(|(at, code)| (at, code))
        else {
            return Ok(Vec::new());
        };
        let Some(topic) = R::TOPICS.get(topic as usize) else {
            return Err(Error::bug("a refused row is of no topic"));
        };
        let last = places.last().map_or(first, |((_, _, offset), _)| *offset);
        let codes: BTreeMap<i64, Option<u16>> = places
            .iter()
            .map(|((_, _, offset), code)| (*offset, *code))
            .collect();
        let (kafka, group) = (self.config.kafka.clone(), self.config.group.clone());
        self.patiently("reading records again", || {
            let (kafka, group, codes) = (kafka.clone(), group.clone(), codes.clone());
            let plan = plan.clone();
            let read = move || {
                let mut letters = BTreeMap::new();
                // As for a replay: a topic that is only not known yet is not gone.
                let standing = records::standing(&kafka, &group, &plan)?;
                let place = (topic.name.to_owned(), partition);
                let ranges = BTreeMap::from([(place, Range { first, last })]);
                records::read_ranges(
                    &kafka,
                    &group,
                    &ranges,
                    |partition| !standing.contains(partition),
                    |message| {
                        let record = Record::Message(message);
                        if let Some(code) = codes.get(&record.offset()) {
                            let mut rejection = rejection(*code);
                            rejection.version = written_version::<R>(record.value());
                            letters.insert(record.offset(), letter(record, topic, rejection));
                        }
                    },
                )?;
                let all = codes.iter().map(|(offset, code)| {
                    letters.remove(offset).unwrap_or_else(|| {
                        tracing::error!(
                            topic = topic.name,
                            partition,
                            offset,
                            "a refused record is gone from Kafka"
                        );
                        gone(topic.name, topic.dlq, partition, *offset, rejection(*code))
                    })
                });
                Ok(all.collect())
            };
            async move {
                let read = tokio::task::spawn_blocking(read).await;
                read.map_err(|error| Error::bug("reading records was cancelled").why(error))?
            }
        })
        .await
    }
}

fn rejection(code: Option<u16>) -> Rejection {
    let mut rejection = Rejection::new(Reason::Refused, "ClickHouse refused the row");
    rejection.clickhouse_code = code;
    rejection
}

/// What can be said of a record that Kafka's retention took before it could be read again.
fn gone(
    topic: &'static str,
    dlq: &'static str,
    partition: i32,
    offset: i64,
    mut rejection: Rejection,
) -> DeadLetter {
    rejection
        .detail
        .push_str("; Kafka no longer has the record");
    DeadLetter {
        topic,
        dlq,
        partition,
        offset,
        time: None,
        key: None,
        value: None,
        headers: Vec::new(),
        rejection,
    }
}
