//! One life of the relay: from a database session with its locks to the loss of either.
//!
//! ```text
//! read (lanes' rows, checked) ─▶ send ─▶ reports ─▶ settle (published, parked, deferred)
//! ```
//! All three run at once. Locks, reads and wake-ups share one connection, settling has its own. When one breaks, the
//! locks may be another's: what is queued is purged, and all starts over from what stands in the table.
mod outcome;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

use super::super::CHANNEL;
use super::super::connect::{Wake, problem};
use super::Relay;
use super::board::{Board, Offer};
use super::horizon;
use super::lanes::{Balance, Locks};
use super::rows::{Ask, Fetched, Reader, Row};
use super::sender::{Report, Sender};
use super::sent::{self, Sent};
use super::settle::Settlement;
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// How often holds, sweeps and lanes are looked at.
const TICK: Duration = Duration::from_millis(100);

/// Between two looks at who else is there, which is also the session's heartbeat.
const BALANCE: Duration = Duration::from_secs(1);

/// Between two looks at everything that waits: somebody may have released a row by hand.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Between two words on rows that Kafka does not acknowledge.
const SAID_AGAIN: Duration = Duration::from_secs(10);

/// A database that does not answer for so long is lost, and the locks with it.
const SILENCE: Duration = Duration::from_secs(15);

/// Shortest time between two reads that found nothing new.
const BREATH: Duration = Duration::from_millis(2);

/// How long rows under way may take when the relay is asked to stop.
const FAREWELL: Duration = Duration::from_secs(15);

/// Events under way, in bytes; while there are more, the rest waits in the table. The client's queue has no bound of
/// its own, and its memory is this much and one read more.
const MOST_BYTES_UNDER_WAY: usize = 256 << 20;

/// Reports taken at a time.
const REPORTS: usize = 4096;

/// Keeps plans on the indexes, whatever statistics say while the table fills and empties.
const SETTINGS: &str = "\
    SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan; \
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
    SET application_name = 'pipeline relay'";

/// A mark that is lost in a crash is written again: the row is sent twice, and consumers drop the second.
const MARKER_SETTINGS: &str = "SET synchronous_commit = off";

/// A task that ended.
enum Done {
    Fetched(Ask, Fetched),
    Settled(Vec<i64>),
    /// The highest id read before, and the transactions that write.
    Looked(i64, HashSet<String>),
    Balanced(Balance),
    Freed,
}

/// How a session ended.
pub(super) enum End {
    /// It was asked to.
    Stopped,
    /// The database or the locks are gone.
    Lost(Error),
}

pub(super) struct Session<'r, R> {
    relay: &'r Relay<R>,
    woken: Arc<Wake>,
    reading: Arc<tokio_postgres::Client>,
    marking: Arc<tokio_postgres::Client>,
    reader: Arc<Reader>,
    locks: Arc<Locks>,
    /// Process ids of this session at the server.
    own: [i32; 2],
    sender: Sender,
    reports: UnboundedReceiver<Report>,
    reporting: UnboundedSender<Report>,
    board: Board,
    sent: Sent,
    settlement: Settlement,
    /// Settled while a read was under way that may not have seen it.
    leaving: Vec<i64>,
    /// Rows to be sent alone, to learn which of a refused batch is at fault.
    suspects: Vec<i64>,
    tasks: JoinSet<Result<Done>>,
    busy: Busy,
    wants_read: bool,
    last_read: Instant,
}

/// What runs, each at most once.
#[derive(Default)]
struct Busy {
    reading: bool,
    settling: bool,
    looking: bool,
    balancing: bool,
}

/// The process that serves a connection.
async fn process(client: &tokio_postgres::Client) -> Result<i32> {
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await;
    row.map(|row| row.get(0))
        .map_err(|error| problem("cannot set up the relay's session", &error))
}

impl<'r, R: EventRegistry> Session<'r, R> {
    /// Connects, announces itself and makes a producer.
    pub(super) async fn open(relay: &'r Relay<R>) -> Result<Self> {
        let (reading, woken) = relay.database.connect().await?.split();
        let (marking, _) = relay.database.connect().await?.split();
        let (reading, marking) = (Arc::new(reading), Arc::new(marking));
        let failed = |error| problem("cannot set up the relay's session", &error);
        reading.batch_execute(SETTINGS).await.map_err(failed)?;
        marking.batch_execute(SETTINGS).await.map_err(failed)?;
        marking
            .batch_execute(MARKER_SETTINGS)
            .await
            .map_err(failed)?;
        super::super::migrate::check(&reading).await?;
        let listen = format!("LISTEN {CHANNEL}");
        reading.batch_execute(&listen).await.map_err(failed)?;
        let own = [process(&reading).await?, process(&marking).await?];
        let (reporting, reports) = mpsc::unbounded_channel();
        let limit = relay.limits.max_message_bytes;
        Ok(Self {
            reader: Arc::new(Reader::prepare(&reading, limit).await?),
            locks: Arc::new(Locks::announce(&reading).await?),
            sender: Sender::new::<R>(&relay.kafka, limit, 0, reporting.clone())?,
            relay,
            own,
            woken,
            reading,
            marking,
            reports,
            reporting,
            board: Board::default(),
            sent: Sent::default(),
            settlement: Settlement::default(),
            leaving: Vec::new(),
            suspects: Vec::new(),
            tasks: JoinSet::new(),
            busy: Busy::default(),
            wants_read: true,
            last_read: Instant::now(),
        })
    }

    /// Publishes until it is asked to stop or loses its database. What is queued then is purged.
    pub(super) async fn run(mut self) -> End {
        let end = self.work().await;
        self.relay.health.set_joined(false);
        // Before the locks go: dropping the connection frees them.
        tokio::task::block_in_place(|| self.sender.retire());
        match end {
            Ok(()) => End::Stopped,
            Err(error) => End::Lost(error),
        }
    }

    async fn work(&mut self) -> Result<()> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut balanced = Instant::now();
        let mut heard = Instant::now();
        let mut polled = Instant::now();
        let mut looked_again = Instant::now();
        let mut said = Instant::now();
        let mut stopping: Option<Instant> = None;
        let mut reports = Vec::with_capacity(REPORTS);
        self.start_balance();
        loop {
            self.relay.health.beat();
            if stopping.is_none() {
                self.start_read();
            }
            self.start_settling();
            let breath = (self.last_read + BREATH).saturating_duration_since(Instant::now());
            let may_read = self.wants_read && !self.busy.reading && stopping.is_none();
            tokio::select! {
                taken = self.reports.recv_many(&mut reports, REPORTS) => {
                    if taken > 0 {
                        self.reported(&mut reports)?;
                    }
                }
                Some(done) = self.tasks.join_next() => {
                    heard = Instant::now();
                    let done = done.map_err(|error| Error::bug("a task of the relay ended").why(error))??;
                    self.done(done).await?;
                }
                () = self.woken.woken() => {
                    self.wants_read = true;
                    if self.woken.take_again() {
                        self.board.look_again();
                    }
                }
                () = tokio::time::sleep(breath), if may_read => {}
                _ = tick.tick() => {
                    let now = Instant::now();
                    self.board.tick(now);
                    if self.reading.is_closed() || self.marking.is_closed() {
                        return Err(Error::service("the connection to PostgreSQL broke"));
                    }
                    if now.duration_since(heard) > SILENCE {
                        return Err(Error::service("PostgreSQL does not answer"));
                    }
                    if now.duration_since(balanced) >= BALANCE {
                        balanced = now;
                        self.start_balance();
                    }
                    self.start_look();
                    if now.duration_since(looked_again) >= LOOK_AGAIN {
                        looked_again = now;
                        self.board.look_again();
                    }
                    if now.duration_since(polled) >= self.relay.limits.poll {
                        polled = now;
                        self.wants_read = true;
                    }
                    self.relay.health.set_served(!self.board.is_stuck());
                    if self.board.is_stuck() && now.duration_since(said) >= SAID_AGAIN {
                        said = now;
                        self.say_stuck();
                    }
                    if stopping.is_none() && self.relay.is_stopping() {
                        stopping = Some(now);
                    }
                }
            }
            if let Some(since) = stopping
                && (self.is_idle() || since.elapsed() > FAREWELL)
            {
                return Ok(());
            }
        }
    }

    fn say_stuck(&self) {
        let stuck = self
            .sent
            .iter()
            .filter(|(id, _)| self.board.is_stuck_at(*id));
        let mut topics: Vec<&str> = stuck.map(|(_, sent)| sent.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        tracing::warn!(
            topics = topics.join(", "),
            "Kafka does not acknowledge outbox rows; their keys wait"
        );
    }

    fn is_idle(&self) -> bool {
        self.board.under_way() == 0 && self.settlement.is_empty() && !self.busy.settling
    }

    fn start_read(&mut self) {
        let now = Instant::now();
        if self.busy.reading || !self.wants_read || now.duration_since(self.last_read) < BREATH {
            return;
        }
        // Also where nothing is read: whether it may be is asked again after a breath, not at once.
        self.last_read = now;
        let is_full = self.sent.bytes() > MOST_BYTES_UNDER_WAY;
        let Some(ask) = self.board.ask().filter(|_| !is_full) else {
            return;
        };
        self.busy.reading = true;
        self.wants_read = false;
        let (reader, client) = (Arc::clone(&self.reader), Arc::clone(&self.reading));
        self.tasks.spawn(async move {
            let fetched = reader.fetch::<R>(&client, &ask).await?;
            Ok(Done::Fetched(ask, fetched))
        });
    }

    fn start_settling(&mut self) {
        if self.busy.settling || self.settlement.is_empty() {
            return;
        }
        self.busy.settling = true;
        let settlement = std::mem::take(&mut self.settlement);
        let client = Arc::clone(&self.marking);
        self.tasks
            .spawn(async move { Ok(Done::Settled(settlement.write(&client).await?)) });
    }

    fn start_look(&mut self) {
        let Some(reached) = self.board.lagging().filter(|_| !self.busy.looking) else {
            return;
        };
        self.busy.looking = true;
        let (client, own) = (Arc::clone(&self.reading), self.own);
        self.tasks.spawn(async move {
            Ok(Done::Looked(
                reached,
                horizon::writing(&client, &own).await?,
            ))
        });
    }

    fn start_balance(&mut self) {
        if self.busy.balancing {
            return;
        }
        self.busy.balancing = true;
        let (locks, client) = (Arc::clone(&self.locks), Arc::clone(&self.reading));
        let owned = self.board.lanes();
        self.tasks
            .spawn(async move { Ok(Done::Balanced(locks.balance(&client, owned).await?)) });
    }

    async fn done(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Fetched(ask, fetched) => self.fetched(&ask, fetched).await?,
            Done::Settled(ids) => {
                self.busy.settling = false;
                for id in &ids {
                    self.sent.remove(*id);
                }
                match self.busy.reading {
                    true => self.leaving.extend(ids),
                    false => self.board.settled(&ids),
                }
                self.wants_read = true;
            }
            Done::Looked(reached, writing) => {
                self.busy.looking = false;
                let before = self.board.horizon.clear();
                self.board.horizon.looked(reached, &writing);
                self.wants_read |= self.board.horizon.clear() > before;
            }
            Done::Balanced(balance) => {
                self.busy.balancing = false;
                match balance {
                    Balance::Taken(lanes) => {
                        self.wants_read |= !lanes.is_empty();
                        lanes.into_iter().for_each(|lane| self.board.take(lane));
                    }
                    Balance::Excess(count) => self.board.give_up(count),
                }
                self.relay.health.set_joined(true);
                self.free();
            }
            Done::Freed => self.busy.balancing = false,
        }
        Ok(())
    }

    /// Frees lanes of which nothing is under way, before anything else is asked about lanes.
    fn free(&mut self) {
        let left = self.board.left();
        if left.is_empty() {
            return;
        }
        self.busy.balancing = true;
        let (locks, client) = (Arc::clone(&self.locks), Arc::clone(&self.reading));
        self.tasks.spawn(async move {
            locks.free(&client, &left).await?;
            Ok(Done::Freed)
        });
    }

    async fn fetched(&mut self, ask: &Ask, fetched: Fetched) -> Result<()> {
        let now = Instant::now();
        // Rows and last id.
        let mut of_lanes: HashMap<i16, (i64, i64)> = HashMap::new();
        let mut is_new = false;
        for row in fetched.rows {
            let (rows, last) = of_lanes.entry(row.lane).or_default();
            (*rows, *last) = (*rows + 1, row.id);
            if self.board.offer(ask, &row, now) == Offer::Send {
                is_new = true;
                match self.suspects.contains(&row.id) {
                    true => self.send_alone(row).await?,
                    false => self.send(row, false),
                }
            }
        }
        self.board.read(ask, &of_lanes, fetched.is_cut);
        // What was set back meanwhile is read at once.
        is_new |= self.board.has_moved_since(ask);
        self.busy.reading = false;
        let leaving = std::mem::take(&mut self.leaving);
        self.board.settled(&leaving);
        self.wants_read |= is_new;
        Ok(())
    }

    fn send(&mut self, row: Row, is_alone: bool) {
        let Row {
            id,
            record,
            attempts,
            created_ms,
            ..
        } = row;
        match record {
            // It was read before; a row that is sent was not.
            None => {}
            Some(Ok(record)) => {
                let topic = record.topic;
                self.sent.insert(
                    id,
                    sent::Row {
                        topic,
                        attempts,
                        created_ms,
                        is_alone,
                        bytes: record.value.len(),
                    },
                );
                if let Err(code) = self.sender.send(id, &record) {
                    // It was not queued; the report says so in its place behind what was.
                    let _ = self.reporting.send(Report {
                        generation: self.sender.generation,
                        id,
                        outcome: Err(code),
                    });
                }
            }
            Some(Err(refused)) => {
                self.park(id, &refused.event_type, refused.reason, refused.detail)
            }
        }
    }
}
