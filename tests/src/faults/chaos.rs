//! The damage: which fault comes when, all from one seed.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::scene::{End, Scene};
use crate::running::signal;

/// Where a worker may end, between two steps that must both happen or neither.
pub const POINTS: &[&str] = &[
    "before-plan",
    "after-plan",
    "after-letters",
    "before-insert",
    "after-insert",
    "before-settle",
    "after-settle",
    "before-commit",
    "after-commit",
    "after-assignment",
    "before-revocation-commit",
    "after-revocation-commit",
    "after-replay-read",
];

/// Most workers at a time.
const MOST: usize = 3;

/// Longer than a session of the group lasts: others get the partitions, and then it wakes up.
const OUT_OF_THE_GROUP: Duration = Duration::from_secs(5);

/// What is done, and how often in a round; a round is over before a fault comes more often than here.
const ROUND: &[(Strike, usize)] = &[
    (Strike::WorkerKilled, 7),
    (Strike::WorkerAskedToLeave, 2),
    (Strike::WorkerAdded, 2),
    (Strike::WorkerFrozenOutOfItsGroup, 2),
    (Strike::WorkerFrozenForAMoment, 2),
    (Strike::ClickHouseKilled, 2),
    (Strike::ClickHouseStalled, 1),
    (Strike::ClickHouseRefused, 2),
    (Strike::KafkaKilled, 2),
    (Strike::KafkaStalled, 1),
];

/// How often a worker passes its failpoint before it ends there: less often than it would on average before it is
/// struck otherwise.
const PASSED: u32 = 5;

/// Tables whose refusal a worker has to wait out: the one it writes to, and one that a view writes to.
const REFUSING: &[&str] = &["events_raw", "event_ledger"];

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strike {
    /// SIGKILL; another takes its place.
    WorkerKilled,
    /// SIGTERM; another takes its place.
    WorkerAskedToLeave,
    /// One more joins the group; one leaves it where there are enough.
    WorkerAdded,
    /// SIGSTOP until the group has given its partitions to others.
    WorkerFrozenOutOfItsGroup,
    /// SIGSTOP for as long as the group waits.
    WorkerFrozenForAMoment,
    /// SIGKILL, and a start.
    ClickHouseKilled,
    /// SIGSTOP for a while.
    ClickHouseStalled,
    /// TOO_MANY_PARTS for a while.
    ClickHouseRefused,
    /// SIGKILL, and a start.
    KafkaKilled,
    /// SIGSTOP for a while.
    KafkaStalled,
}

/// Faults in a row.
pub struct Chaos {
    random: Rng,
    /// How often what happened.
    pub done: BTreeMap<Strike, u32>,
    /// How often a worker ended at a failpoint.
    pub failpoints: u32,
    /// How often a worker ended because a server was away at its start.
    pub at_start: u32,
    /// How often ClickHouse ended by itself, as it now and then does soon after a kill.
    pub store_ends: u32,
    /// Workers that stand still, and until when.
    frozen: Vec<(u32, Instant)>,
    /// Faults of a round, from which each is drawn once.
    round: Vec<Strike>,
    left: Vec<Strike>,
}

impl Chaos {
    /// The faults of a seed; only those whose names start as one of `aims`, which are joined by commas, if any.
    ///
    /// # Panics
    /// Nothing is left.
    #[must_use]
    pub fn new(seed: u64, aims: Option<&str>) -> Self {
        let is_aimed = |strike: &Strike| {
            let name = format!("{strike:?}").to_lowercase();
            aims.is_none_or(|aims| aims.split(',').any(|aim| name.starts_with(aim)))
        };
        let round = ROUND.iter().filter(|(strike, _)| is_aimed(strike));
        let round: Vec<Strike> = round
            .flat_map(|(strike, times)| std::iter::repeat_n(*strike, *times))
            .collect();
        assert!(!round.is_empty(), "{aims:?}: nothing to strike");
        Self {
            random: Rng::with_seed(seed ^ 0xfa17),
            done: BTreeMap::new(),
            failpoints: 0,
            at_start: 0,
            store_ends: 0,
            frozen: Vec::new(),
            round,
            left: Vec::new(),
        }
    }

    /// Faults of a round that have not come yet.
    #[must_use]
    pub fn missing(&self) -> Vec<Strike> {
        let is_missing = |strike: &&Strike| !self.done.contains_key(*strike);
        self.round.iter().filter(is_missing).copied().collect()
    }

    /// Does damage for a while; afterwards servers run and workers may be in any state.
    ///
    /// # Panics
    /// A server does not come back, or a worker gives up.
    pub fn rage(&mut self, scene: &mut Scene, length: Duration) {
        // A worker that starts while ClickHouse is away ends; strike those at work.
        scene.watch("there is a first row", |scene| {
            self.tend(scene);
            scene.ask("SELECT count() > 0 FROM events_raw") == "1"
        });
        let start = Instant::now();
        // On a machine that is busy a round takes longer.
        while start.elapsed() < length || !self.missing().is_empty() || self.failpoints == 0 {
            self.tend(scene);
            self.strike(scene);
            self.pause(100, 1000);
        }
        for (process, _) in self.frozen.drain(..) {
            signal(process, "CONT");
        }
    }

    fn pause(&mut self, shortest: u64, longest: u64) {
        std::thread::sleep(Duration::from_millis(self.random.u64(shortest..longest)));
    }

    /// What an orchestrator does: ended workers are replaced.
    fn tend(&mut self, scene: &mut Scene) {
        let now = Instant::now();
        let (awake, frozen) = self
            .frozen
            .drain(..)
            .partition::<Vec<_>, _>(|(_, until)| *until <= now);
        self.frozen = frozen;
        for (process, _) in awake {
            signal(process, "CONT");
        }
        if let Some(log) = scene.revive_store() {
            eprintln!("ClickHouse ended by itself:\n{log}");
            self.store_ends += 1;
        }
        for end in scene.ended() {
            match end {
                End::Left => {}
                End::Failpoint => self.failpoints += 1,
                // Servers are checked before anything else; an orchestrator starts it again.
                End::AtStart => self.at_start += 1,
                End::Error(status, log) => panic!("a worker ended by itself, {status}:\n{log}"),
            }
        }
        while scene.workers.len() < 2 {
            self.add(scene);
        }
    }

    fn add(&mut self, scene: &mut Scene) {
        let mut failpoints = "before-insert=3%sleep(400);after-insert=3%sleep(400)".to_owned();
        if self.random.u32(0..10) < 6 {
            let point = POINTS[self.random.usize(0..POINTS.len())];
            let hold = if point.ends_with("insert") {
                ""
            } else {
                &failpoints
            };
            failpoints = format!("{hold};{point}={}*off->return", self.random.u32(0..PASSED));
        }
        scene.add_worker(failpoints.trim_start_matches(';'));
    }

    fn strike(&mut self, scene: &mut Scene) {
        if self.left.is_empty() {
            self.left = self.round.clone();
            self.random.shuffle(&mut self.left);
        }
        let Some(strike) = self.left.pop() else {
            return;
        };
        let worker = self.random.usize(0..scene.workers.len());
        let process = scene.workers[worker].process.id();
        match strike {
            Strike::WorkerKilled => {
                scene.kill_worker(worker);
                self.frozen.retain(|(frozen, _)| *frozen != process);
                self.pause(0, 300);
                self.add(scene);
            }
            Strike::WorkerAskedToLeave => {
                signal(process, "TERM");
                self.add(scene);
            }
            Strike::WorkerAdded => {
                if scene.workers.len() >= MOST {
                    signal(process, "TERM");
                }
                self.add(scene);
            }
            Strike::WorkerFrozenOutOfItsGroup => {
                signal(process, "STOP");
                self.frozen
                    .push((process, Instant::now() + OUT_OF_THE_GROUP));
            }
            Strike::WorkerFrozenForAMoment => self.stall(process, 300, 2000),
            Strike::ClickHouseKilled => {
                scene.servers.store.kill();
                self.pause(0, 1500);
                scene.servers.store.restart().unwrap();
            }
            Strike::ClickHouseStalled => {
                // It may have ended by itself.
                if let Some(store) = scene.servers.store.process_id() {
                    self.stall(store, 500, 5000);
                }
            }
            Strike::ClickHouseRefused => self.refuse(scene),
            Strike::KafkaKilled => {
                scene.servers.broker.kill();
                self.pause(0, 1500);
                scene.servers.broker.restart().unwrap();
            }
            Strike::KafkaStalled => {
                if let Some(broker) = scene.servers.broker.process_id() {
                    self.stall(broker, 500, 5000);
                }
            }
        }
        *self.done.entry(strike).or_default() += 1;
    }

    fn stall(&mut self, process: u32, shortest: u64, longest: u64) {
        signal(process, "STOP");
        self.pause(shortest, longest);
        signal(process, "CONT");
    }

    /// Any part is one too many.
    fn refuse(&mut self, scene: &mut Scene) {
        let table = REFUSING[self.random.usize(0..REFUSING.len())];
        let length = Duration::from_millis(self.random.u64(500..4000));
        let mut set =
            |setting: &str| scene.ask_patiently(&format!("ALTER TABLE {table} {setting}"));
        set("MODIFY SETTING parts_to_delay_insert = 0, parts_to_throw_insert = 1");
        std::thread::sleep(length);
        set("MODIFY SETTING parts_to_delay_insert = 1000000, parts_to_throw_insert = 1000000");
    }
}
