//! Waiting for what workers do: as long as committed positions move, however slowly.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::scene::{End, GROUP, Scene, topics};

/// After this long without a step nothing will come any more.
const STILL: Duration = Duration::from_secs(180);

/// How long one question to Kafka may take.
const QUESTION: Duration = Duration::from_secs(10);

/// Of every partition: the committed position, or the beginning, and the end.
type Positions = BTreeMap<(String, i32), (i64, i64)>;

impl Scene {
    /// Waits until every record of every topic is behind the group's committed position.
    ///
    /// # Panics
    /// As [`Self::wait_until`].
    pub fn settle(&mut self) {
        let observer = self.observer();
        self.wait_until("everything is committed", |_| {
            positions(&observer)
                .is_some_and(|found| found.values().all(|(position, end)| position == end))
        });
    }

    /// Records behind the group's committed positions, of all partitions; `None` while Kafka does not answer.
    #[must_use]
    pub fn uncommitted(&self) -> Option<u64> {
        let open = positions(&self.observer())?;
        let open = open.values().map(|(position, end)| end - position);
        u64::try_from(open.sum::<i64>()).ok()
    }

    /// Waits until something is so, while workers do what they are for.
    ///
    /// # Panics
    /// Positions stand still for minutes before it is so, or a worker ends other than because a server was away
    /// at its start.
    pub fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        self.watch(what, |scene| {
            for end in scene.ended() {
                match end {
                    // As an orchestrator does.
                    End::AtStart => {
                        scene.add_worker("");
                    }
                    end => panic!(
                        "waiting until {what}, a worker ended: {end:?}\n{}",
                        scene.logs()
                    ),
                }
            }
            is_so(scene)
        });
    }

    /// Waits until the only worker ended at its failpoint.
    ///
    /// # Panics
    /// Positions stand still for minutes before it does, or it ends otherwise.
    pub fn await_failpoint(&mut self, point: &str) {
        self.watch(point, |scene| match scene.ended().pop() {
            Some(End::Failpoint) => true,
            Some(End::AtStart) => {
                scene.add_worker(point);
                false
            }
            Some(end) => panic!("{point}: {end:?}"),
            None => false,
        });
    }

    /// Waits until something is so; what becomes of workers is left to `is_so`.
    ///
    /// # Panics
    /// Positions stand still for minutes before it is so.
    pub fn watch(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let observer = self.observer();
        let mut moved = Instant::now();
        let mut known = None;
        loop {
            if let Some(log) = self.revive_store() {
                eprintln!("ClickHouse ended by itself:\n{log}");
            }
            if is_so(self) {
                return;
            }
            let now = positions(&observer);
            if now.is_some() && now != known {
                moved = Instant::now();
                known = now;
            }
            assert!(
                moved.elapsed() < STILL,
                "waiting until {what}, nothing moves any more: {}\n{}",
                told(known.as_ref()),
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks for the group's positions without being a member of it.
    fn observer(&self) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", self.servers.broker.brokers())
            .set("group.id", GROUP)
            .set("log_level", "2")
            .create()
            .unwrap()
    }
}

/// Partitions that are not at their end, in words.
fn told(positions: Option<&Positions>) -> String {
    let Some(positions) = positions else {
        return "Kafka does not answer".to_owned();
    };
    let open = positions
        .iter()
        .filter(|(_, (position, end))| position != end);
    let open = open.map(|((topic, partition), (position, end))| {
        format!("{topic}/{partition}: {position} of {end}")
    });
    open.collect::<Vec<_>>().join("; ")
}

/// Where the group is; `None` while Kafka does not answer.
fn positions(observer: &BaseConsumer) -> Option<Positions> {
    let metadata = observer.fetch_metadata(None, QUESTION).ok()?;
    let names = topics();
    let mut list = TopicPartitionList::new();
    for topic in metadata.topics() {
        if names.iter().any(|name| name == topic.name()) {
            for partition in topic.partitions() {
                list.add_partition(topic.name(), partition.id());
            }
        }
    }
    let committed = observer.committed_offsets(list, QUESTION).ok()?;
    let mut found = Positions::new();
    for element in committed.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        let (low, high) = observer.fetch_watermarks(topic, partition, QUESTION).ok()?;
        let position = match element.offset() {
            Offset::Offset(offset) => offset,
            _ => low,
        };
        found.insert((topic.to_owned(), partition), (position, high));
    }
    Some(found)
}
