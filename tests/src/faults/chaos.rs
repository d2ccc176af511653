//! The damage: which fault comes when, all from one seed.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::scene::{End, Scene, signal};
use crate::program::wait_until;

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

/// What is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A worker: killed, asked to leave, frozen, or joined by another.
    Worker,
    /// ClickHouse: killed or stalled.
    ClickHouse,
    /// The broker: killed.
    Kafka,
}

/// Faults in a row.
pub struct Chaos {
    random: Rng,
    /// How often what happened.
    pub done: BTreeMap<&'static str, u32>,
    /// Workers that stand still, and until when.
    frozen: Vec<(u32, Instant)>,
    /// What is struck, each as often as it stands here.
    kinds: Vec<Kind>,
}

impl Chaos {
    /// The faults of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut kinds = vec![Kind::ClickHouse, Kind::ClickHouse, Kind::Kafka];
        kinds.extend([Kind::Worker; 8]);
        Self {
            random: Rng::with_seed(seed ^ 0xfa17),
            done: BTreeMap::new(),
            frozen: Vec::new(),
            kinds,
        }
    }

    /// Strikes only some.
    ///
    /// # Panics
    /// A name is none of `worker`, `clickhouse`, `kafka`.
    pub fn aim(&mut self, kinds: &str) {
        let kinds = kinds.split(',').map(|kind| match kind {
            "worker" => Kind::Worker,
            "clickhouse" => Kind::ClickHouse,
            "kafka" => Kind::Kafka,
            other => panic!("{other}: nothing to strike"),
        });
        self.kinds = kinds.collect();
    }

    /// Does damage for a while; afterwards servers run and workers may be in any state.
    ///
    /// # Panics
    /// A server does not come back, or a worker gives up.
    pub fn rage(&mut self, scene: &mut Scene, length: Duration) {
        // A worker that starts while ClickHouse is away ends; strike those at work.
        self.tend(scene);
        wait_until("a first insert", || {
            scene.ask("SELECT count() > 0 FROM events_raw") == "1"
        });
        let end = Instant::now() + length;
        while Instant::now() < end {
            self.tend(scene);
            self.strike(scene);
            self.pause(100, 1500);
        }
        for (process, _) in self.frozen.drain(..) {
            signal(process, "CONT");
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
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
            self.note("ClickHouse ended by itself");
        }
        for end in scene.ended() {
            match end {
                End::Left => {}
                End::Failpoint => self.note("worker ended at a failpoint"),
                // Servers are checked before anything else; an orchestrator starts it again.
                End::AtStart => self.note("worker found a server away at its start"),
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
            failpoints = format!("{hold};{point}={}*off->return", self.random.u32(0..30));
        }
        scene.add_worker(failpoints.trim_start_matches(';'));
    }

    fn strike(&mut self, scene: &mut Scene) {
        let worker = self.random.usize(0..scene.workers.len());
        let process = scene.workers[worker].child.id();
        match self.kinds[self.random.usize(0..self.kinds.len())] {
            Kind::Worker => self.strike_worker(scene, worker, process),
            Kind::ClickHouse if self.random.u32(0..3) == 0 => {
                let store = scene.servers.store.process_id().unwrap();
                signal(store, "STOP");
                self.pause(500, 5000);
                signal(store, "CONT");
                self.note("ClickHouse stalled");
            }
            Kind::ClickHouse => {
                scene.servers.store.kill();
                self.pause(0, 1500);
                scene.servers.store.restart().unwrap();
                self.note("ClickHouse killed");
            }
            Kind::Kafka => {
                scene.servers.broker.kill();
                self.pause(0, 1500);
                scene.servers.broker.restart().unwrap();
                self.note("Kafka killed");
            }
        }
    }

    fn strike_worker(&mut self, scene: &mut Scene, worker: usize, process: u32) {
        match self.random.u32(0..100) {
            0..50 => {
                scene.kill_worker(worker);
                self.frozen.retain(|(frozen, _)| *frozen != process);
                self.note("worker killed");
                self.pause(0, 300);
                self.add(scene);
            }
            50..70 => {
                signal(process, "TERM");
                self.note("worker asked to leave");
                self.add(scene);
            }
            70..85 if scene.workers.len() < MOST => {
                self.add(scene);
                self.note("worker added");
            }
            _ if self.frozen.is_empty() => {
                signal(process, "STOP");
                self.frozen
                    .push((process, Instant::now() + OUT_OF_THE_GROUP));
                self.note("worker frozen out of its group");
            }
            _ => {
                signal(process, "STOP");
                self.pause(300, 2000);
                signal(process, "CONT");
                self.note("worker frozen for a moment");
            }
        }
    }
}
