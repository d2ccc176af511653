//! The worker's loop: poll, take in, seal, plan, insert, settle. One thread polls and decodes; the insert of the
//! batch before runs beside it.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use rdkafka::consumer::Consumer as _;
use rdkafka::message::{BorrowedMessage, Message as _};

use super::batch::{Batch, Coordinates};
use super::decode::{EventKey, EventReader, Source};
use super::dedupe::KnownKeys;
use super::failpoint::reach;
use super::insert::{Sink, Written};
use super::plan::Plan;
use super::progress::Progress;
use super::records::letter;
use super::replay::replay;
use crate::column::Millis;
use crate::error::{Error, Kind, Result};
use crate::kafka::consumer::GroupConsumer;
use crate::registry::EventRegistry;

/// Records between two looks at everything else.
const STRIDE: usize = 256;

/// Longest wait for a record, so that flushes and rebalances come in time.
const POLL: Duration = Duration::from_millis(25);

/// Longest wait for the keys of recent rows; without them duplicates cost rows, and nothing else.
const REBUILD_PATIENCE: Duration = Duration::from_secs(5);

/// How long a stop waits for an insert; its plan stands, so the next worker finishes it.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Reads a record into a batch whose plan it is in; the row's event is still to be claimed.
pub(crate) fn take_in<R: EventRegistry>(
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
    let time = message.timestamp().to_millis().unwrap_or(0);
    batch.enter(definition.name, at.1, at.2, time, message.payload_len());
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

/// What an insert reports when it is done.
struct Done<B> {
    plan: Plan,
    /// The batch, to be used again; none for a replay.
    batch: Option<Batch<B>>,
    result: Result<Written>,
}

/// The loop and what it holds.
pub(super) struct Worker<R: EventRegistry> {
    pub(super) consumer: GroupConsumer,
    pub(super) sink: Arc<Sink<R>>,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) runtime: tokio::runtime::Handle,
    /// Counters of the records taken, by the topic's position in the registry.
    pub(super) consumed: Vec<IntCounter>,
}

/// The parts of the loop that change.
struct Turn<R: EventRegistry> {
    reader: EventReader,
    known: KnownKeys,
    /// Topic of the last record, by its position in the registry.
    topic: usize,
    open: Batch<R::Block>,
    spare: Option<Batch<R::Block>>,
    /// The open batch met a record that it cannot take, which is read again after it is sealed.
    closing: bool,
    busy: bool,
    paused: bool,
    epoch: u64,
    done: Receiver<Done<R::Block>>,
    report: Sender<Done<R::Block>>,
}

impl<R: EventRegistry> Worker<R> {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// What waiting cannot mend: a defect, or Kafka refusing us for good.
    pub(super) fn run(self) -> Result<()> {
        let (report, done) = channel();
        let limits = self.sink.config.batch;
        let mut known = KnownKeys::new(self.sink.config.dedupe, &self.sink.metrics);
        let open = Batch::numbered(known.number());
        let mut turn = Turn::<R> {
            known,
            reader: EventReader::new(self.sink.config.hash_key.0, limits.max_message_bytes),
            topic: 0,
            open,
            spare: Some(Batch::default()),
            closing: false,
            busy: false,
            paused: false,
            epoch: self.consumer.assignment.epoch(),
            done,
            report,
        };
        while !self.stop.load(Ordering::Relaxed) {
            self.settle(&mut turn)?;
            self.follow_rebalance(&mut turn)?;
            self.advance(&mut turn)?;
            self.poll(&mut turn)?;
        }
        self.finish(&mut turn)
    }

    /// Takes the report of an insert that is done.
    fn settle(&self, turn: &mut Turn<R>) -> Result<()> {
        self.sink.health.beat();
        turn.known.tick();
        while let Ok(done) = turn.done.try_recv() {
            self.conclude(turn, done)?;
        }
        Ok(())
    }

    fn conclude(&self, turn: &mut Turn<R>, done: Done<R::Block>) -> Result<()> {
        turn.busy = false;
        let written = done.result?;
        reach("before-settle");
        self.consumer.assignment.settle(&done.plan);
        reach("after-settle");
        if let Some(mut batch) = done.batch {
            let refused = written.refused.iter();
            let refused: Vec<EventKey> = refused.filter_map(|row| batch.key(*row)).collect();
            turn.known.release(batch.number, &refused);
            turn.known.settle(batch.number, batch.take_keys());
            self.progress
                .settle(&written, batch.records, batch.duplicates);
            self.sink
                .metrics
                .dedupe_hits
                .inc_by(u64::try_from(batch.duplicates).unwrap_or(0));
            batch.clear();
            turn.spare = Some(batch);
        } else {
            self.progress.replayed();
        }
        Ok(())
    }

    /// After a rebalance everything that is not planned is read again by whoever has the partition.
    fn follow_rebalance(&self, turn: &mut Turn<R>) -> Result<()> {
        let epoch = self.consumer.assignment.epoch();
        if epoch == turn.epoch {
            return Ok(());
        }
        turn.epoch = epoch;
        Self::give_up(turn);
        turn.paused = false;
        self.sink.metrics.paused.set(0);
        if let Some(error) = self.consumer.assignment.take_failure() {
            return Err(error);
        }
        let joined = self.consumer.assignment.has_partitions();
        self.sink.health.set_joined(joined);
        if joined {
            // A partition that was paused when it was given up comes back paused.
            self.consumer.set_paused(false);
            let rebuild = turn.known.rebuild::<R>(&self.sink.client);
            // A server that accepts and does not answer must not keep the worker out of its group.
            let rebuild = async { tokio::time::timeout(REBUILD_PATIENCE, rebuild).await };
            match self.runtime.block_on(rebuild) {
                Ok(Ok(keys)) => tracing::info!(keys, "deduplication cache rebuilt"),
                Ok(Err(error)) => tracing::warn!(%error, "deduplication starts without a cache"),
                Err(_) => tracing::warn!(
                    "deduplication starts without a cache: ClickHouse does not answer"
                ),
            }
        }
        Ok(())
    }

    /// Starts what can be started: a replay first, else the open batch when it is due.
    fn advance(&self, turn: &mut Turn<R>) -> Result<()> {
        if turn.busy {
            self.set_paused(turn, self.is_full(turn));
            return Ok(());
        }
        if let Some(plan) = self.consumer.assignment.next_plan() {
            self.start_replay(turn, plan);
            return Ok(());
        }
        match self.due(turn) {
            Some(reason) => self.seal(turn, reason)?,
            None if turn.open.is_empty() => {
                // Nothing to plan: what is durable is committed on its own.
                if let Err(error) = self.consumer.commit_durable() {
                    tracing::info!(%error, "positions not committed yet");
                    if error.kind == Kind::Config && !error.retryable {
                        self.rewind()?;
                    }
                }
            }
            None => {}
        }
        self.set_paused(turn, false);
        Ok(())
    }

    fn is_full(&self, turn: &Turn<R>) -> bool {
        let limits = self.sink.config.batch;
        turn.closing
            || turn.open.records >= limits.max_rows
            || turn.open.bytes() >= limits.max_bytes
    }

    /// Why the open batch is to be inserted now, if it is.
    fn due(&self, turn: &Turn<R>) -> Option<&'static str> {
        let limits = self.sink.config.batch;
        let opened = turn.open.opened()?;
        if turn.open.records >= limits.max_rows {
            Some("rows")
        } else if turn.open.bytes() >= limits.max_bytes {
            Some("bytes")
        } else if turn.closing {
            Some("plan")
        } else if opened.elapsed() >= limits.flush_interval {
            Some("interval")
        } else {
            None
        }
    }

    fn set_paused(&self, turn: &mut Turn<R>, paused: bool) {
        if turn.paused != paused {
            turn.paused = paused;
            self.consumer.set_paused(paused);
            self.sink.metrics.paused.set(i64::from(paused));
        }
    }

    /// Plans the open batch and hands it to an insert. Where the plan cannot be committed the batch is dropped:
    /// the group has moved on, or will deliver the records again.
    fn seal(&self, turn: &mut Turn<R>, reason: &'static str) -> Result<()> {
        let plan = turn.open.ranges.plan();
        reach("before-plan");
        if let Err(error) = self.consumer.commit_plan(&plan) {
            if error.retryable {
                tracing::warn!(%error, "a plan is committed again");
                return Ok(());
            }
            tracing::warn!(%error, "a batch is given up; its records come again");
            Self::give_up(turn);
            return self.rewind();
        }
        reach("after-plan");
        self.sink.metrics.flushes.with_label_values(&[reason]).inc();
        let batch = std::mem::replace(&mut turn.open, turn.spare.take().unwrap_or_default());
        turn.known.plan(batch.number);
        turn.open.number = turn.known.number();
        turn.busy = true;
        let (sink, report) = (Arc::clone(&self.sink), turn.report.clone());
        self.runtime.spawn(async move {
            let result = sink.write(&batch, &plan.token, false).await;
            // The loop may have stopped; the plan stands.
            let _ = report.send(Done {
                plan,
                batch: Some(batch),
                result,
            });
        });
        turn.closing = false;
        Ok(())
    }

    /// Drops the open batch; its records come again.
    fn give_up(turn: &mut Turn<R>) {
        turn.known.release(turn.open.number, turn.open.keys());
        turn.open.clear();
        turn.closing = false;
    }

    /// Goes back to what is committed, where the assignment is still ours.
    fn rewind(&self) -> Result<()> {
        let assigned = self
            .consumer
            .client
            .assignment()
            .map_err(|error| crate::kafka::error("cannot tell the assignment", &error))?;
        if assigned.count() > 0 {
            tracing::info!("joining the group anew");
            self.consumer.client.unsubscribe();
            let topics: Vec<&str> = R::TOPICS.iter().map(|topic| topic.name).collect();
            self.consumer
                .client
                .subscribe(&topics)
                .map_err(|error| crate::kafka::error("cannot subscribe", &error))?;
        }
        Ok(())
    }

    fn start_replay(&self, turn: &mut Turn<R>, plan: Plan) {
        turn.busy = true;
        let (sink, report) = (Arc::clone(&self.sink), turn.report.clone());
        self.runtime.spawn(async move {
            let result = replay(&sink, &plan).await;
            let _ = report.send(Done {
                plan,
                batch: None,
                result,
            });
        });
    }

    /// Takes in records until it is time to look at everything else, and has them claim their events.
    fn poll(&self, turn: &mut Turn<R>) -> Result<()> {
        let result = self.poll_stride(turn);
        turn.open.claim(&mut turn.known, |_, _| false);
        result
    }

    fn poll_stride(&self, turn: &mut Turn<R>) -> Result<()> {
        let epoch = turn.epoch;
        let mut received_at = None;
        for stride in 0..STRIDE {
            // Waiting once a turn is enough; then only what is there.
            let wait = if stride == 0 {
                self.wait(turn)
            } else {
                Duration::ZERO
            };
            match self.consumer.client.poll(wait) {
                None => return Ok(()),
                Some(Ok(message)) => {
                    // A rebalance inside this poll: the record belongs to what comes after it.
                    if self.consumer.assignment.epoch() != epoch {
                        self.follow_rebalance(turn)?;
                    }
                    let received_at = *received_at.get_or_insert_with(now);
                    self.take(turn, &message, received_at)?;
                    if turn.closing || (turn.busy && self.is_full(turn)) {
                        return Ok(());
                    }
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
            if turn.open.records >= self.sink.config.batch.max_rows {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Until the next flush, but not long.
    fn wait(&self, turn: &Turn<R>) -> Duration {
        let flush = self.sink.config.batch.flush_interval;
        turn.open.opened().map_or(POLL, |opened: Instant| {
            flush.saturating_sub(opened.elapsed()).min(POLL)
        })
    }

    fn take(
        &self,
        turn: &mut Turn<R>,
        message: &BorrowedMessage<'_>,
        received_at: Millis,
    ) -> Result<()> {
        let name = message.topic();
        let is_named = |topic: &usize| R::TOPICS.get(*topic).is_some_and(|it| it.name == name);
        // Records of one topic come in runs.
        let topic = Some(turn.topic)
            .filter(is_named)
            .or_else(|| (0..R::TOPICS.len()).find(is_named));
        let Some(topic) = topic else {
            return Ok(());
        };
        turn.topic = topic;
        let (partition, offset) = (message.partition(), message.offset());
        if !turn.open.ranges.takes(name, partition, offset) {
            turn.closing = true;
            return self.seek(name, partition, offset);
        }
        self.progress.consumed();
        if let Some(consumed) = self.consumed.get(topic) {
            consumed.inc();
        }
        let Turn { reader, open, .. } = turn;
        take_in::<R>(reader, open, topic, message, received_at);
        Ok(())
    }

    /// Has a record delivered again. Where that fails, everything after the committed positions is: skipping it
    /// would lose it.
    fn seek(&self, topic: &str, partition: i32, offset: i64) -> Result<()> {
        let seek = self.consumer.client.seek(
            topic,
            partition,
            rdkafka::Offset::Offset(offset),
            Duration::from_secs(5),
        );
        if let Err(error) = seek {
            tracing::warn!(%error, topic, partition, "cannot seek");
            return self.rewind();
        }
        Ok(())
    }

    /// Inserts what is open, commits what is durable and leaves the group.
    fn finish(&self, turn: &mut Turn<R>) -> Result<()> {
        let deadline = Instant::now() + STOP_PATIENCE;
        self.await_insert(turn, deadline)?;
        if !turn.busy && !turn.open.is_empty() && !self.consumer.assignment.has_plans() {
            self.seal(turn, "stop")?;
            self.await_insert(turn, deadline)?;
        }
        if let Err(error) = self.consumer.commit_durable() {
            tracing::info!(%error, "last positions not committed; the plan is replayed at the next start");
        }
        if turn.busy {
            return Err(Error::service("stopped before an insert was acknowledged")
                .fix("nothing is lost: the next start replays its plan"));
        }
        Ok(())
    }

    fn await_insert(&self, turn: &mut Turn<R>, deadline: Instant) -> Result<()> {
        while turn.busy {
            let left = deadline.saturating_duration_since(Instant::now());
            match turn.done.recv_timeout(left) {
                Ok(done) => self.conclude(turn, done)?,
                Err(_) => break,
            }
        }
        Ok(())
    }
}
