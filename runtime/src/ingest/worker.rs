//! The worker's loop: gather, admit, seal, plan, insert, settle. Records are decoded beside it ([`super::intake`]), and
//! so runs the insert of the batch before. Whatever is decided is decided here, while nothing is being decoded; only a
//! sealed batch's plan is committed meanwhile ([`super::seal`]).
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use prometheus::IntCounter;

use super::batch::Batch;
use super::failpoint::reach;
use super::gathered::{Admission, Gathered};
use super::insert::{Sink, Written};
use super::intake::{Decoding, Desk, Task, enter};
use super::plan::Plan;
use super::progress::Progress;
use super::record::Record;
use super::replay::replay;
use super::seal::{Planned, Sealed};
use crate::error::{Error, Kind, Result};
use crate::kafka::consumer::GroupConsumer;
use crate::registry::EventRegistry;

/// Longest wait for a record, so that flushes and rebalances come in time.
const POLL: Duration = Duration::from_millis(25);

/// Longest wait where the batch is full, so that the next insert comes right after the last.
const FULL: Duration = Duration::from_millis(5);

/// Longest wait for the keys of recent rows; without them duplicates cost rows, and nothing else.
const REBUILD_PATIENCE: Duration = Duration::from_secs(5);

/// How long a stop waits for an insert; its plan stands, so the next worker finishes it.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

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
pub(super) struct Turn<R: EventRegistry> {
    pub(super) spare: Option<Batch<R::Block>>,
    /// Topic of the last record, by its position in the registry.
    topic: usize,
    /// The open batch met a record that it cannot take, which the next one takes.
    pub(super) closing: bool,
    /// A batch whose plan is still to be committed.
    pub(super) sealed: Option<Sealed<R::Block>>,
    /// An insert is under way.
    pub(super) busy: bool,
    paused: bool,
    /// A batch was given up and the group is joined anew: until then no record is ours.
    pub(super) rejoining: bool,
    pub(super) epoch: u64,
    done: Receiver<Done<R::Block>>,
    report: Sender<Done<R::Block>>,
}

impl<R: EventRegistry> Turn<R> {
    /// Whether the open batch has to wait for the one before it.
    fn is_occupied(&self) -> bool {
        self.busy || self.sealed.is_some()
    }
}

impl<R: EventRegistry> Worker<R> {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// What waiting cannot mend: a defect, or Kafka refusing us for good.
    pub(super) fn run(self) -> Result<()> {
        std::thread::scope(|scope| {
            let mut decoding = Decoding::<R>::start(scope)?;
            let mut desk = Desk::new(&self.sink);
            let (report, done) = channel();
            let mut turn = Turn::<R> {
                spare: Some(Batch::default()),
                topic: 0,
                closing: false,
                sealed: None,
                busy: false,
                paused: false,
                rejoining: false,
                epoch: self.consumer.assignment.epoch(),
                done,
                report,
            };
            let kafka = &self.sink.config.kafka;
            let fetcher = self.consumer.fetcher(kafka, &self.runtime);
            let mut gathered = Gathered::new(turn.epoch, fetcher);
            while !self.stop.load(Ordering::Relaxed) {
                let wait = self.wait(&turn, &desk, &gathered);
                let task = self.task(&turn, &desk);
                decoding.begin(desk, &mut gathered, task)?;
                let planned = self.plan_sealed(&mut turn);
                gathered.fill(&self.consumer, wait)?;
                desk = decoding.finish()?;
                if planned == Planned::Refused {
                    self.start_over(&mut turn, &mut desk)?;
                }
                self.settle(&mut turn, &mut desk)?;
                self.follow_rebalance(&mut turn, &mut desk)?;
                self.advance(&mut turn, &mut desk, &gathered)?;
                self.admit(&mut turn, &mut desk, &mut gathered);
            }
            decoding.begin(desk, &mut gathered, Task::Decode)?;
            desk = decoding.finish()?;
            self.finish(&mut turn, &mut desk)
        })
    }

    /// Takes the report of an insert that is done.
    fn settle(&self, turn: &mut Turn<R>, desk: &mut Desk<R>) -> Result<()> {
        self.sink.health.beat();
        desk.known.tick();
        while let Ok(done) = turn.done.try_recv() {
            self.conclude(turn, desk, done)?;
        }
        Ok(())
    }

    fn conclude(&self, turn: &mut Turn<R>, desk: &mut Desk<R>, done: Done<R::Block>) -> Result<()> {
        turn.busy = false;
        let written = done.result?;
        reach("before-settle");
        self.consumer.assignment.settle(&done.plan);
        reach("after-settle");
        if let Some(mut batch) = done.batch {
            let lost = written.lost_events(&batch);
            desk.known.release(batch.number, &lost);
            desk.open.readmit(&lost, &mut desk.known);
            desk.known.settle(batch.number, batch.kept_keys());
            let duplicates = batch.duplicates() - written.successors.len();
            self.progress.settle(&written, batch.records, duplicates);
            self.sink
                .metrics
                .dedupe_hits
                .inc_by(u64::try_from(duplicates).unwrap_or(0));
            batch.clear();
            turn.spare = Some(batch);
        } else {
            self.progress.replayed();
        }
        Ok(())
    }

    /// After a rebalance everything that is not planned is read again by whoever has the partition.
    fn follow_rebalance(&self, turn: &mut Turn<R>, desk: &mut Desk<R>) -> Result<()> {
        let epoch = self.consumer.assignment.epoch();
        if epoch == turn.epoch {
            return Ok(());
        }
        turn.epoch = epoch;
        turn.rejoining = false;
        Self::give_up(turn, desk);
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
            let rebuild = desk.known.rebuild::<R>(&self.sink.client);
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
    fn advance(
        &self,
        turn: &mut Turn<R>,
        desk: &mut Desk<R>,
        gathered: &Gathered<'_>,
    ) -> Result<()> {
        if turn.is_occupied() {
            self.set_paused(turn, self.is_full(turn, desk));
            return Ok(());
        }
        if let Some(plan) = self.consumer.assignment.next_plan() {
            self.start_replay(turn, plan);
            return Ok(());
        }
        match self.due(turn, desk) {
            Some(reason) => Self::seal(turn, desk, reason),
            None if desk.open.is_empty() && gathered.is_empty() && !turn.rejoining => {
                // Nothing to plan: what is durable is committed on its own.
                if let Err(error) = self.consumer.commit_durable() {
                    tracing::info!(%error, "positions not committed yet");
                    if error.kind == Kind::Config && !error.retryable {
                        self.rewind(turn)?;
                    }
                }
            }
            None => {}
        }
        // Full still where the plan could not be committed yet.
        self.set_paused(turn, self.is_full(turn, desk));
        Ok(())
    }

    fn task(&self, turn: &Turn<R>, desk: &Desk<R>) -> Task {
        let waits = turn.is_occupied() && self.is_full(turn, desk);
        if waits && !desk.open.is_sorted() {
            Task::DecodeAndSort
        } else {
            Task::Decode
        }
    }

    fn is_full(&self, turn: &Turn<R>, desk: &Desk<R>) -> bool {
        let limits = self.sink.config.batch;
        turn.closing
            || desk.open.records >= limits.max_rows
            || desk.open.bytes() >= limits.max_bytes
    }

    /// Why the open batch is to be inserted now, if it is.
    fn due(&self, turn: &Turn<R>, desk: &Desk<R>) -> Option<&'static str> {
        let limits = self.sink.config.batch;
        let opened = desk.open.opened()?;
        if desk.open.records >= limits.max_rows {
            Some("rows")
        } else if desk.open.bytes() >= limits.max_bytes {
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

    fn start_replay(&self, turn: &mut Turn<R>, plan: Plan) {
        let sink = Arc::clone(&self.sink);
        self.start(turn, plan, |plan| async move {
            let result = replay(&sink, &plan).await;
            (None, result)
        });
    }

    /// Runs what makes a plan durable, and has it reported whatever becomes of it: a task that ends in a panic would
    /// otherwise be waited for without end.
    pub(super) fn start<F>(&self, turn: &mut Turn<R>, plan: Plan, work: impl FnOnce(Plan) -> F)
    where
        F: Future<Output = (Option<Batch<R::Block>>, Result<Written>)> + Send + 'static,
    {
        turn.busy = true;
        let report = turn.report.clone();
        let work = self.runtime.spawn(work(plan.clone()));
        self.runtime.spawn(async move {
            let (batch, result) = work
                .await
                .unwrap_or_else(|error| (None, Err(Error::bug("an insert has ended").why(error))));
            // The loop may have stopped; the plan stands.
            let _ = report.send(Done {
                plan,
                batch,
                result,
            });
        });
    }

    /// How long to wait for a record: until the next flush, but not long, and not where there is something to do.
    fn wait(&self, turn: &Turn<R>, desk: &Desk<R>, gathered: &Gathered<'_>) -> Duration {
        if self.is_full(turn, desk) {
            // Paused where its plan could not be committed.
            return if turn.is_occupied() || turn.paused {
                FULL
            } else {
                Duration::ZERO
            };
        }
        if !gathered.is_empty() {
            return Duration::ZERO;
        }
        let flush = self.sink.config.batch.flush_interval;
        desk.open.opened().map_or(POLL, |opened: Instant| {
            let left = flush.saturating_sub(opened.elapsed());
            // A batch that is overdue waits for the insert before it, or for Kafka.
            left.clamp(Duration::from_millis(1), POLL)
        })
    }

    /// Takes gathered records into the open batch, as far as it takes them.
    fn admit<'c>(&self, turn: &mut Turn<R>, desk: &mut Desk<R>, gathered: &mut Gathered<'c>) {
        if turn.rejoining {
            // They come again, behind what was given up.
            gathered.forget();
            return;
        }
        if self.is_full(turn, desk) {
            return;
        }
        let room = self.sink.config.batch.max_rows - desk.open.records;
        gathered.admit(room, |record| {
            let Some(topic) = Self::topic_of(turn, record) else {
                return Admission::PassedOver;
            };
            let (partition, offset) = (record.partition(), record.offset());
            if !desk.open.ranges.takes(record.topic(), partition, offset) {
                turn.closing = true;
                return Admission::Refused;
            }
            enter::<R>(&mut desk.open, topic, record);
            Admission::Topic(topic)
        });
        for share in &gathered.admitted {
            self.progress.consumed(share.len());
            if let Some(consumed) = self.consumed.get(share.topic) {
                consumed.inc_by(u64::try_from(share.len()).unwrap_or(0));
            }
        }
    }

    /// A record's topic, by its position in the registry. Records of one topic come in runs.
    fn topic_of(turn: &mut Turn<R>, record: Record<'_>) -> Option<usize> {
        let name = record.topic();
        let is_named = |topic: &usize| R::TOPICS.get(*topic).is_some_and(|it| it.name == name);
        let topic = Some(turn.topic)
            .filter(is_named)
            .or_else(|| (0..R::TOPICS.len()).find(is_named))?;
        turn.topic = topic;
        Some(topic)
    }

    /// Inserts what is open, commits what is durable and leaves the group.
    fn finish(&self, turn: &mut Turn<R>, desk: &mut Desk<R>) -> Result<()> {
        let deadline = Instant::now() + STOP_PATIENCE;
        self.plan_sealed(turn);
        self.await_insert(turn, desk, deadline)?;
        // Where a sealed batch cannot be planned now, its records and those behind it come again.
        let is_free = !turn.is_occupied() && !self.consumer.assignment.has_plans();
        if is_free && !desk.open.is_empty() {
            Self::seal(turn, desk, "stop");
            self.plan_sealed(turn);
            self.await_insert(turn, desk, deadline)?;
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

    fn await_insert(
        &self,
        turn: &mut Turn<R>,
        desk: &mut Desk<R>,
        deadline: Instant,
    ) -> Result<()> {
        while turn.busy {
            let left = deadline.saturating_duration_since(Instant::now());
            match turn.done.recv_timeout(left) {
                Ok(done) => self.conclude(turn, desk, done)?,
                Err(_) => break,
            }
        }
        Ok(())
    }
}
