//! Records on their way into a batch, as Kafka hands them out.
//!
//! A record that was gathered is nobody's until it is admitted: a rebalance forgets it, and it comes again.
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;

use super::record::Record;
use crate::error::{Kind, Result};
use crate::kafka::consumer::GroupConsumer;
use crate::kafka::fetch::{Fetcher, Run};

/// Records, and bytes of them, between two looks at everything else.
const STRIDE: usize = 4096;
const STRIDE_BYTES: usize = 4 << 20;

/// Records that came together.
pub(super) enum Handful<'c> {
    Messages(Vec<BorrowedMessage<'c>>),
    Run(Run),
}

impl Handful<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Messages(messages) => messages.len(),
            Self::Run(run) => run.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Messages(messages) => {
                let sizes = messages.iter().map(|it| it.payload_len() + it.key_len());
                sizes.sum()
            }
            Self::Run(run) => run.bytes(),
        }
    }

    fn get(&self, index: usize) -> Option<Record<'_>> {
        match self {
            Self::Messages(messages) => messages.get(index).map(Record::Message),
            Self::Run(run) => (index < run.len()).then_some(Record::OfRun(run, index)),
        }
    }
}

/// Records of one topic, by the topic's position in the registry.
pub(super) struct Share<'c> {
    pub(super) topic: usize,
    of: Arc<Handful<'c>>,
    range: Range<usize>,
}

impl Share<'_> {
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.range.clone().filter_map(|index| self.of.get(index))
    }

    pub(super) fn len(&self) -> usize {
        self.range.len()
    }
}

/// Records that Kafka handed out.
pub(super) struct Gathered<'c> {
    /// Of the assignment that they were handed out under.
    epoch: u64,
    /// Fetches in librdkafka's place, where that is possible.
    fetcher: Option<Fetcher>,
    /// In no batch yet, from a position on.
    waiting: VecDeque<(Arc<Handful<'c>>, usize)>,
    waiting_records: usize,
    waiting_bytes: usize,
    /// In the ranges of the open batch, and still to be decoded.
    pub(super) admitted: Vec<Share<'c>>,
}

impl<'c> Gathered<'c> {
    pub(super) fn new(epoch: u64, fetcher: Option<Fetcher>) -> Self {
        Self {
            epoch,
            fetcher,
            waiting: VecDeque::new(),
            waiting_records: 0,
            waiting_bytes: 0,
            admitted: Vec::new(),
        }
    }

    /// Whether every record is in a batch.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Forgets what is in no batch.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.waiting_records = 0;
        self.waiting_bytes = 0;
    }

    fn is_full(&self) -> bool {
        self.waiting_records >= STRIDE || self.waiting_bytes >= STRIDE_BYTES
    }

    fn push(&mut self, handful: Handful<'c>) {
        if handful.len() > 0 {
            self.waiting_records += handful.len();
            self.waiting_bytes += handful.bytes();
            self.waiting.push_back((Arc::new(handful), 0));
        }
    }

    /// Takes what is there; waits for the first record where nothing is.
    ///
    /// # Errors
    /// Kafka refuses us for good.
    pub(super) fn fill(&mut self, consumer: &'c GroupConsumer, wait: Duration) -> Result<()> {
        match self.fetcher.take() {
            None => self.fill_with_messages(consumer, wait),
            Some(fetcher) => {
                let filled = self.fill_with_runs(consumer, &fetcher, wait);
                self.fetcher = Some(fetcher);
                filled
            }
        }
    }

    fn fill_with_messages(&mut self, consumer: &'c GroupConsumer, wait: Duration) -> Result<()> {
        let (mut wait, mut bytes) = (wait, 0);
        let mut messages = Vec::new();
        loop {
            let polled = consumer.client.poll(wait);
            if self.epoch != consumer.assignment.epoch() {
                // A rebalance inside this poll: its record, if any, belongs to what comes after it.
                self.epoch = consumer.assignment.epoch();
                self.forget();
                messages.clear();
            }
            match polled {
                None => break,
                Some(Ok(message)) => {
                    bytes += message.payload_len() + message.key_len();
                    messages.push(message);
                }
                Some(Err(error)) => {
                    trouble(&error)?;
                    break;
                }
            }
            if self.waiting_records + messages.len() >= STRIDE || bytes >= STRIDE_BYTES {
                break;
            }
            wait = Duration::ZERO;
        }
        self.push(Handful::Messages(messages));
        Ok(())
    }

    fn fill_with_runs(
        &mut self,
        consumer: &'c GroupConsumer,
        fetcher: &Fetcher,
        wait: Duration,
    ) -> Result<()> {
        let for_group = if self.is_full() { wait } else { Duration::ZERO };
        // A record that librdkafka fetched before it was told not to is fetched here as well.
        if let Some(Err(error)) = consumer.client.poll(for_group) {
            trouble(&error)?;
        }
        if self.epoch != consumer.assignment.epoch() {
            self.epoch = consumer.assignment.epoch();
            self.forget();
            fetcher.want(consumer.assignment.wanted());
        }
        let mut wait = wait;
        while !self.is_full()
            && let Some(run) = fetcher.take(wait)?
        {
            wait = Duration::ZERO;
            if run.epoch == self.epoch {
                let assignment = &consumer.assignment;
                assignment.stand(&run.topic, run.partition, run.standing);
                self.push(Handful::Run(run));
            }
        }
        Ok(())
    }

    /// Offers records that are in no batch, in order, until one is not taken or as many are admitted as are decoded
    /// at a time. Records of no topic of ours are passed over.
    pub(super) fn admit(&mut self, room: usize, mut take: impl FnMut(Record<'_>) -> Admission) {
        let (mut room, mut bytes) = (room.min(STRIDE), 0);
        while let Some((handful, next)) = self.waiting.front_mut() {
            let Some(record) = handful.get(*next) else {
                self.waiting_bytes -= handful.bytes();
                self.waiting.pop_front();
                continue;
            };
            if room == 0 || bytes >= STRIDE_BYTES {
                return;
            }
            let topic = match take(record) {
                Admission::Topic(topic) => Some(topic),
                Admission::PassedOver => None,
                Admission::Refused => return,
            };
            bytes += record.value().map_or(0, <[u8]>::len);
            let index = *next;
            *next += 1;
            self.waiting_records -= 1;
            let Some(topic) = topic else { continue };
            room -= 1;
            match self.admitted.last_mut() {
                Some(share)
                    if share.topic == topic
                        && share.range.end == index
                        && Arc::ptr_eq(&share.of, handful) =>
                {
                    share.range.end += 1;
                }
                _ => self.admitted.push(Share {
                    topic,
                    of: Arc::clone(handful),
                    range: index..index + 1,
                }),
            }
        }
    }
}

/// What became of a record that was offered to a batch.
pub(super) enum Admission {
    /// Taken, as one of this topic, by its position in the registry.
    Topic(usize),
    PassedOver,
    Refused,
}

/// # Errors
/// Kafka refuses us for good.
fn trouble(error: &KafkaError) -> Result<()> {
    let error = crate::kafka::error("Kafka reports trouble", error);
    if error.kind == Kind::Config && !error.retryable {
        return Err(error);
    }
    tracing::warn!(%error, "Kafka reports trouble");
    Ok(())
}
