//! Records of a batch are decoded on a thread of their own, while the next ones are gathered ([`super::gathered`]).
//!
//! The loop owns the desk whenever it decides anything; while records are decoded it does nothing but gather.
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::{Builder, Scope};

use super::batch::{Batch, Coordinates};
use super::decode::{EventReader, Source};
use super::dedupe::KnownKeys;
use super::gathered::{Gathered, Share};
use super::insert::Sink;
use super::record::Record;
use super::records::letter;
use crate::column::Millis;
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// Records below which waking the other thread costs more than it saves.
const FEW: usize = 32;

/// Strides that are decoded and still in memory, at most.
const UNRELEASED: usize = 1;

/// What decoding works on.
pub(super) struct Desk<R: EventRegistry> {
    reader: EventReader,
    pub(super) known: KnownKeys,
    pub(super) open: Batch<R::Block>,
    /// Columns of the table that make its sorting key, by their place in the block.
    sorting_key: Vec<usize>,
}

/// What there is to do beside gathering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Decode,
    /// The open batch is full and has to wait: its rows are sorted meanwhile, so that its insert begins at once.
    DecodeAndSort,
}

impl<R: EventRegistry> Desk<R> {
    pub(super) fn new(sink: &Sink<R>) -> Box<Self> {
        let config = &sink.config;
        let mut known = KnownKeys::new(config.dedupe, &sink.metrics);
        let open = Batch::numbered(known.number());
        let reader = EventReader::new(config.hash_key.0, config.batch.max_message_bytes);
        Box::new(Self {
            reader,
            known,
            open,
            sorting_key: sink.sorting_key.clone(),
        })
    }

    /// Decodes admitted records, lets their rows claim their events, and forgets what was claimed long ago.
    fn decode(&mut self, shares: &[Share<'_>], task: Task) {
        let received_at = now();
        let (reader, open) = (&mut self.reader, &mut self.open);
        for share in shares {
            for record in share.records() {
                read_in::<R>(reader, open, share.topic, record, received_at);
            }
        }
        self.open.claim(&mut self.known, |_, _| false);
        self.known.forget();
        if task == Task::DecodeAndSort {
            self.open.sort(&self.sorting_key);
        }
    }
}

/// A desk and the records for it, on their way to the other thread.
struct Work<'c, R: EventRegistry> {
    desk: Box<Desk<R>>,
    shares: Vec<Share<'c>>,
    task: Task,
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
        let (spend, spent) = sync_channel::<Vec<Share<'c>>>(UNRELEASED);
        let no_thread = |error| Error::service("cannot start the decoding threads").why(error);
        Builder::new()
            .name("release".to_owned())
            .spawn_scoped(scope, move || spent.into_iter().for_each(drop))
            .map_err(no_thread)?;
        Builder::new()
            .name("decode".to_owned())
            .spawn_scoped(scope, move || {
                for Work {
                    mut desk,
                    shares,
                    task,
                } in work
                {
                    desk.decode(&shares, task);
                    if back.send(desk).is_err() || spend.send(shares).is_err() {
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
        task: Task,
    ) -> Result<()> {
        let records: usize = gathered.admitted.iter().map(Share::len).sum();
        if records < FEW && task == Task::Decode {
            desk.decode(&gathered.admitted, task);
            gathered.admitted.clear();
            self.done = Some(desk);
            return Ok(());
        }
        let shares = std::mem::take(&mut gathered.admitted);
        self.to
            .send(Work { desk, shares, task })
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
    record: Record<'_>,
) {
    let Some(definition) = R::TOPICS.get(topic) else {
        return;
    };
    batch.enter(
        definition.name,
        record.partition(),
        record.offset(),
        record.time().unwrap_or(0),
        record.value().map_or(0, <[u8]>::len),
    );
}

/// Reads a record that was counted in; the row's event is still to be claimed.
pub(crate) fn read_in<R: EventRegistry>(
    reader: &mut EventReader,
    batch: &mut Batch<R::Block>,
    topic: usize,
    record: Record<'_>,
    received_at: Millis,
) {
    let Some(definition) = R::TOPICS.get(topic) else {
        return;
    };
    let at: Coordinates = (
        u32::try_from(topic).unwrap_or(u32::MAX),
        record.partition(),
        record.offset(),
    );
    let source = Source {
        topic: definition,
        partition: at.1,
        offset: at.2,
        received_at,
    };
    match reader.read::<R>(record.value(), source, &mut batch.block) {
        Ok(key) => batch.keep(key, at),
        Err(rejection) => batch.bury(letter(record, definition, rejection)),
    }
}

/// The time of the clock.
pub(crate) fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Millis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}
