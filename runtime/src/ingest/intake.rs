//! Records on their way into a batch: gathered from Kafka on one thread, decoded on another, so that the client's
//! work and ours take two cores where there are two.
//!
//! The loop owns the desk whenever it decides anything; while records are decoded it does nothing but gather the
//! next ones. A record that was gathered is nobody's until it is admitted: a rebalance forgets it, and it comes again.
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{Builder, Scope};
use std::time::Duration;

use rdkafka::message::{BorrowedMessage, Message as _};

use super::batch::{Batch, Coordinates};
use super::decode::{EventReader, Source};
use super::dedupe::KnownKeys;
use super::records::letter;
use crate::column::Millis;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::kafka::consumer::GroupConsumer;
use crate::metrics::Metrics;
use crate::registry::EventRegistry;

/// Records, and bytes of them, between two looks at everything else.
const STRIDE: usize = 1024;
const STRIDE_BYTES: usize = 1 << 20;

/// Records below which waking the other thread costs more than it saves.
const FEW: usize = 32;

/// Strides that are decoded and still in memory, at most.
const UNRELEASED: usize = 4;

/// A record of a topic, by the topic's position in the registry.
pub(super) struct Record<'c> {
    pub(super) topic: usize,
    pub(super) message: BorrowedMessage<'c>,
}

/// Records that Kafka handed out.
pub(super) struct Gathered<'c> {
    /// Of the assignment that they were handed out under.
    epoch: u64,
    /// In no batch yet.
    pub(super) waiting: VecDeque<BorrowedMessage<'c>>,
    /// In the ranges of the open batch, and still to be decoded.
    pub(super) admitted: Vec<Record<'c>>,
}

impl<'c> Gathered<'c> {
    pub(super) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            waiting: VecDeque::new(),
            admitted: Vec::new(),
        }
    }

    /// Takes what is there; waits for the first record where nothing is.
    ///
    /// # Errors
    /// Kafka refuses us for good.
    pub(super) fn fill(&mut self, consumer: &'c GroupConsumer, wait: Duration) -> Result<()> {
        let (mut wait, mut bytes) = (wait, 0);
        loop {
            let polled = consumer.client.poll(wait);
            let epoch = consumer.assignment.epoch();
            if epoch != self.epoch {
                // A rebalance inside this poll: its record, if any, belongs to what comes after it.
                self.epoch = epoch;
                self.waiting.clear();
            }
            match polled {
                None => return Ok(()),
                Some(Ok(message)) => {
                    bytes += message.payload_len() + message.key_len();
                    self.waiting.push_back(message);
                }
                Some(Err(error)) => {
                    let error = crate::kafka::error("Kafka reports trouble", &error);
                    if error.kind == Kind::Config && !error.retryable {
                        return Err(error);
                    }
                    tracing::warn!(%error, "Kafka reports trouble");
                    return Ok(());
                }
            }
            if self.waiting.len() >= STRIDE || bytes >= STRIDE_BYTES {
                return Ok(());
            }
            wait = Duration::ZERO;
        }
    }
}

/// What decoding works on.
pub(super) struct Desk<R: EventRegistry> {
    reader: EventReader,
    pub(super) known: KnownKeys,
    pub(super) open: Batch<R::Block>,
}

impl<R: EventRegistry> Desk<R> {
    pub(super) fn new(config: &Config, metrics: &Metrics) -> Box<Self> {
        let mut known = KnownKeys::new(config.dedupe, metrics);
        let open = Batch::numbered(known.number());
        let reader = EventReader::new(config.hash_key.0, config.batch.max_message_bytes);
        Box::new(Self {
            reader,
            known,
            open,
        })
    }

    /// Decodes admitted records and lets their rows claim their events.
    fn decode(&mut self, records: &[Record<'_>]) {
        let received_at = now();
        let (reader, open) = (&mut self.reader, &mut self.open);
        for Record { topic, message } in records {
            read_in::<R>(reader, open, *topic, message, received_at);
        }
        self.open.claim(&mut self.known, |_, _| false);
    }
}

/// A desk and the records for it, on their way to the other thread.
struct Work<'c, R: EventRegistry> {
    desk: Box<Desk<R>>,
    records: Vec<Record<'c>>,
}

/// The thread that decodes.
pub(super) struct Decoding<'c, R: EventRegistry> {
    to: Sender<Work<'c, R>>,
    from: Receiver<Box<Desk<R>>>,
    /// The desk, where its work is done already.
    done: Option<Box<Desk<R>>>,
}

impl<'c, R: EventRegistry> Decoding<'c, R> {
    /// Starts the thread, and one that lets go of what is decoded; both end when this is dropped.
    ///
    /// The client's memory is under a lock which its own threads hold much of the time: who waits for it must be
    /// nobody that others wait for.
    ///
    /// # Errors
    /// The system has no thread for us.
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, 'c>) -> Result<Self> {
        let (to, work) = channel::<Work<'c, R>>();
        let (back, from) = channel();
        let (spend, spent) = sync_channel::<Vec<Record<'c>>>(UNRELEASED);
        let no_thread = |error| Error::service("cannot start the decoding threads").why(error);
        Builder::new()
            .name("release".to_owned())
            .spawn_scoped(scope, move || spent.into_iter().for_each(drop))
            .map_err(no_thread)?;
        Builder::new()
            .name("decode".to_owned())
            .spawn_scoped(scope, move || {
                for Work { mut desk, records } in work {
                    desk.decode(&records);
                    if back.send(desk).is_err() || spend.send(records).is_err() {
                        return;
                    }
                }
            })
            .map_err(no_thread)?;
        Ok(Self {
            to,
            from,
            done: None,
        })
    }

    /// Has the admitted records decoded.
    ///
    /// # Errors
    /// The thread is gone: a defect of ours.
    pub(super) fn begin(
        &mut self,
        mut desk: Box<Desk<R>>,
        gathered: &mut Gathered<'c>,
    ) -> Result<()> {
        if gathered.admitted.len() < FEW {
            desk.decode(&gathered.admitted);
            gathered.admitted.clear();
            self.done = Some(desk);
            return Ok(());
        }
        let records = std::mem::take(&mut gathered.admitted);
        self.to
            .send(Work { desk, records })
            .map_err(|_| Error::bug("the decoding thread is gone"))
    }

    /// Waits for the desk.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(super) fn finish(&mut self) -> Result<Box<Desk<R>>> {
        if let Some(desk) = self.done.take() {
            return Ok(desk);
        }
        let gone = |_| Error::bug("the decoding thread is gone");
        self.from.recv().map_err(gone)
    }
}

/// Counts a record into a batch's ranges.
pub(crate) fn enter<R: EventRegistry>(
    batch: &mut Batch<R::Block>,
    topic: usize,
    message: &BorrowedMessage<'_>,
) {
    let Some(definition) = R::TOPICS.get(topic) else {
        return;
    };
    let (partition, offset) = (message.partition(), message.offset());
    let time = message.timestamp().to_millis().unwrap_or(0);
    batch.enter(
        definition.name,
        partition,
        offset,
        time,
        message.payload_len(),
    );
}

/// Reads a record that was counted in; the row's event is still to be claimed.
pub(crate) fn read_in<R: EventRegistry>(
    reader: &mut EventReader,
    batch: &mut Batch<R::Block>,
    topic: usize,
    message: &BorrowedMessage<'_>,
    received_at: Millis,
) {
    let Some(definition) = R::TOPICS.get(topic) else {
        return;
    };
    let at: Coordinates = (
        u32::try_from(topic).unwrap_or(u32::MAX),
        message.partition(),
        message.offset(),
    );
    let source = Source {
        topic: definition,
        partition: at.1,
        offset: at.2,
        received_at,
    };
    match reader.read::<R>(message.payload(), source, &mut batch.block) {
        Ok(key) => batch.keep(key, at),
        Err(rejection) => batch.bury(letter(message, definition, rejection)),
    }
}

/// The time of the clock.
pub(crate) fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Millis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}
