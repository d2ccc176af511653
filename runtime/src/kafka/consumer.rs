//! The consumer of the group: assignments, committed positions with the plans in their metadata, lag.
//!
//! On assignment every partition starts after what its committed plan covers; the plans themselves are handed
//! to the worker, which inserts them again before it commits anything newer. On revocation what is durable is
//! committed, and the worker is told to let go of what it holds.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};
use tokio::runtime::Handle;

use super::fetch::{Fetcher, Standing, Wanted, is_plain};
use super::positions::{commit, committed, positions};
use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::ingest::failpoint::{pass, reach};
use crate::ingest::plan::{Partition, Plan};
use crate::metrics::{Health, Metrics};

/// What the consumer's callbacks and the worker share.
#[derive(Debug, Default)]
pub(crate) struct Assignment {
    /// Grows with every assignment and revocation.
    epoch: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    owned: BTreeSet<Partition>,
    /// Plans found in committed offsets, by token.
    plans: BTreeMap<String, Plan>,
    /// Where each partition is read from; none where that is its beginning.
    starts: BTreeMap<Partition, Option<i64>>,
    /// Where fetching stands, where it is not librdkafka that fetches.
    standings: BTreeMap<Partition, Standing>,
    /// Partitions that the group has a committed position of.
    known: BTreeSet<Partition>,
    /// The token of the plan that stands beside a partition's committed position.
    beside: BTreeMap<Partition, String>,
    /// Next offsets of what is durable and not committed yet.
    durable: BTreeMap<Partition, i64>,
    /// Next offsets of what is durable, or the start; absent where that is the partition's beginning.
    settled: BTreeMap<Partition, i64>,
    /// How often the worker was at rest: all that it had been given was durable.
    rests: u64,
    /// What the client had given to the worker when statistics came, and the rests before.
    given: BTreeMap<Partition, (i64, u64)>,
    failure: Option<Error>,
}

impl State {
    /// Positions are committed, with no plan beside them.
    fn committed(&mut self, durable: &BTreeMap<Partition, i64>) {
        for partition in durable.keys() {
            self.beside.remove(partition);
            self.known.insert(partition.clone());
        }
        self.durable.clear();
    }
}

impl Assignment {
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every update is a whole step, so a panicking holder leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has_partitions(&self) -> bool {
        !self.state().owned.is_empty()
    }

    /// A plan to insert again, if any is left.
    pub(crate) fn next_plan(&self) -> Option<Plan> {
        self.state().plans.values().next().cloned()
    }

    pub(crate) fn has_plans(&self) -> bool {
        !self.state().plans.is_empty()
    }

    /// A batch is durable: the partitions whose position its plan stands beside may be committed behind it.
    ///
    /// Others have moved on under another worker while this batch, or an old copy of its plan, was under way:
    /// a step back would hand out their records again, in batches with other tokens.
    pub(crate) fn settle(&self, plan: &Plan) {
        let mut state = self.state();
        state.plans.remove(&plan.token);
        for (partition, range) in &plan.ranges {
            if state.beside.get(partition) == Some(&plan.token) {
                let next = range.last + 1;
                state.durable.insert(partition.clone(), next);
                state.settled.insert(partition.clone(), next);
            }
        }
    }

    /// Records between a partition's end and what is durable; `None` for partitions of others.
    ///
    /// Up to the standing's next offset all was handed out, transactions' markers passed over. No batch ends with a
    /// marker; but what was given before a rest is durable after it.
    fn lag(&self, partition: &Partition, standing: Standing) -> Option<i64> {
        let Standing {
            low,
            end,
            next: given,
        } = standing;
        let mut state = self.state();
        if !state.owned.contains(partition) {
            return None;
        }
        let rests = state.rests;
        let before = state.given.insert(partition.clone(), (given, rests));
        let rested = before.filter(|(_, before)| *before < rests);
        let settled = state.settled.get(partition).copied().unwrap_or(low);
        let durable = rested.map_or(settled, |(given, _)| given.max(settled));
        Some((end - durable).max(0))
    }

    /// Notes where fetching stands.
    pub(crate) fn stand(&self, topic: &str, partition: i32, standing: Standing) {
        let place = (topic.to_owned(), partition);
        self.state().standings.insert(place, standing);
    }

    /// What is to be fetched.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            epoch: self.epoch(),
            starts: self.state().starts.clone(),
        }
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.state().failure.take()
    }
}

/// The client context of the group's consumer.
pub(crate) struct GroupContext {
    pub(crate) assignment: Arc<Assignment>,
    pub(crate) metrics: Metrics,
    pub(crate) health: Arc<Health>,
    /// Whether librdkafka fetches what it is assigned.
    fetches: bool,
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        super::log_error(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        // The client has one of its own, for its own purposes.
        let mut brokers = statistics.brokers.values();
        let is_up = brokers.any(|broker| broker.state == "UP" && broker.source != "internal");
        self.health.set_cut_off(!is_up);
        for (topic, details) in &statistics.topics {
            for (partition, details) in &details.partitions {
                let place = (topic.clone(), *partition);
                let standing = if self.fetches {
                    Standing {
                        low: details.lo_offset.max(0),
                        end: details.hi_offset,
                        next: details.app_offset,
                    }
                } else {
                    let state = self.assignment.state();
                    let Some(standing) = state.standings.get(&place) else {
                        continue;
                    };
                    *standing
                };
                // The end is below zero until the broker has told it.
                if standing.end >= 0
                    && let Some(lag) = self.assignment.lag(&place, standing)
                {
                    let label = partition.to_string();
                    let labels = [topic.as_str(), label.as_str()];
                    self.metrics.lag.with_label_values(&labels).set(lag);
                }
            }
        }
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let result = if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.metrics.rebalances.inc();
            self.assign(consumer, partitions)
        } else {
            self.revoke(consumer)
        };
        if let Err(error) = result {
            tracing::error!(%error, "a rebalance failed");
            self.assignment.state().failure = Some(error);
        }
        self.assignment.epoch.fetch_add(1, Ordering::Release);
    }
}

impl GroupContext {
    fn assign(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) -> Result<()> {
        let committed = committed(consumer, partitions, &self.health)?;
        let mut start = TopicPartitionList::with_capacity(committed.count());
        let mut state = State::default();
        for element in committed.elements() {
            let partition = (element.topic().to_owned(), element.partition());
            let plan = Plan::decode(element.metadata());
            let range = plan
                .as_ref()
                .and_then(|plan| plan.ranges.get(&partition).copied());
            let offset = match (range, element.offset()) {
                (Some(range), _) => Offset::Offset(range.last + 1),
                (None, Offset::Offset(offset)) => Offset::Offset(offset),
                // Never committed, or the topic was made again: everything that is there.
                (None, _) => Offset::Beginning,
            };
            start
                .add_partition_offset(element.topic(), element.partition(), offset)
                .map_err(|error| super::error("cannot start at a committed offset", &error))?;
            if let (Some(_), Some(plan)) = (range, plan) {
                state.beside.insert(partition.clone(), plan.token.clone());
                state.plans.insert(plan.token.clone(), plan);
            }
            if let Offset::Offset(_) = element.offset() {
                state.known.insert(partition.clone());
            }
            let next = match offset {
                Offset::Offset(next) => Some(next),
                _ => None,
            };
            state.starts.insert(partition.clone(), next);
            // The records of a plan count as open until it is inserted again.
            let settled = range.map_or(offset, |range| Offset::Offset(range.first));
            if let Offset::Offset(settled) = settled {
                state.settled.insert(partition.clone(), settled);
            }
            state.owned.insert(partition);
        }
        tracing::info!(
            partitions = state.owned.len(),
            plans = state.plans.len(),
            "assigned"
        );
        *self.assignment.state() = state;
        reach("after-assignment");
        let taken = consumer.assign(&start).and_then(|()| {
            if self.fetches {
                return Ok(());
            }
            consumer.pause(&start)
        });
        taken.map_err(|error| super::error("cannot take an assignment", &error))
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>) -> Result<()> {
        let lost = consumer.assignment_lost();
        let state = std::mem::take(&mut *self.assignment.state());
        let durable = state.durable;
        for (topic, partition) in &state.owned {
            // Another worker exports it from now on. Absent where no statistics came yet.
            let label = partition.to_string();
            let _ = self.metrics.lag.remove_label_values(&[topic, &label]);
        }
        if !lost && !durable.is_empty() {
            // What fails here is read from the plan again, and dropped by its token.
            let list = positions(
                durable
                    .iter()
                    .map(|(partition, next)| (partition, *next, "")),
            )?;
            reach("before-revocation-commit");
            if let Err(error) = commit(consumer, &state.known, &list) {
                tracing::info!(%error, "positions not committed on revocation");
            }
            reach("after-revocation-commit");
        }
        tracing::info!(lost, "revoked");
        consumer
            .unassign()
            .map_err(|error| super::error("cannot give up an assignment", &error))
    }
}

/// The group's consumer.
pub(crate) struct GroupConsumer {
    pub(crate) client: BaseConsumer<GroupContext>,
    pub(crate) assignment: Arc<Assignment>,
}

impl GroupConsumer {
    /// Joins the group for these topics.
    pub(crate) fn join(
        kafka: &KafkaConfig,
        group: &str,
        topics: &[&str],
        metrics: Metrics,
        health: Arc<Health>,
    ) -> Result<Self> {
        let assignment = Arc::new(Assignment::default());
        let context = GroupContext {
            assignment: Arc::clone(&assignment),
            metrics,
            health,
            fetches: !is_plain(kafka),
        };
        let mut config = client(kafka, group);
        config.set("partition.assignment.strategy", "roundrobin");
        for (name, value) in [
            ("session.timeout.ms", "15000"),
            ("max.poll.interval.ms", "300000"),
            ("statistics.interval.ms", "5000"),
        ] {
            // The operator may know the network better.
            if !kafka.settings.iter().any(|(setting, _)| setting == name) {
                config.set(name, value);
            }
        }
        let client: BaseConsumer<GroupContext> = config
            .create_with_context(context)
            .map_err(|error| super::error("cannot set up the Kafka consumer", &error))?;
        client
            .subscribe(topics)
            .map_err(|error| super::error("cannot subscribe", &error))?;
        Ok(Self { client, assignment })
    }

    /// What fetches in librdkafka's place, where that is possible.
    pub(crate) fn fetcher(&self, kafka: &KafkaConfig, runtime: &Handle) -> Option<Fetcher> {
        let by_librdkafka = self.client.context().fetches;
        tracing::info!(by_librdkafka, "records are fetched");
        (!by_librdkafka).then(|| Fetcher::start(kafka, runtime))
    }

    /// Commits a plan on its partitions: their positions stay before it, its text goes beside them. Positions
    /// of other partitions that became durable are committed along.
    ///
    /// # Errors
    /// The group has moved on, or the coordinator cannot be reached; nothing may be inserted then.
    pub(crate) fn commit_plan(&self, plan: &Plan) -> Result<()> {
        let text = plan.encode();
        let durable = self.assignment.state().durable.clone();
        let planned = plan
            .ranges
            .iter()
            .map(|(partition, range)| (partition, range.first, text.as_str()));
        let others = durable
            .iter()
            .filter(|(partition, _)| !plan.ranges.contains_key(*partition))
            .map(|(partition, next)| (partition, *next, ""));
        let list = positions(planned.chain(others))?;
        let committed = self
            .commit("plan", &list)
            .and_then(|()| pass("plan-answer"));
        if let Err(error) = committed {
            // It may stand all the same, its answer lost. Then these positions are beside it, and committing them on
            // their own, as on the way out, would take it away from some of its partitions. The plan before it is as good
            // a place to go on from.
            let durable = &mut self.assignment.state().durable;
            durable.retain(|partition, _| !plan.ranges.contains_key(partition));
            return Err(error);
        }
        let mut state = self.assignment.state();
        state.committed(&durable);
        state.known.extend(plan.ranges.keys().cloned());
        for partition in plan.ranges.keys() {
            let token = plan.token.clone();
            state.beside.insert(partition.clone(), token);
        }
        Ok(())
    }

    /// Commits what is durable, with no plan beside it. The worker is at rest: it holds no record.
    ///
    /// # Errors
    /// As [`Self::commit_plan`]; what is durable stays noted.
    pub(crate) fn commit_durable(&self) -> Result<()> {
        let durable = {
            let mut state = self.assignment.state();
            state.rests += 1;
            state.durable.clone()
        };
        if durable.is_empty() {
            return Ok(());
        }
        let list = positions(
            durable
                .iter()
                .map(|(partition, next)| (partition, *next, "")),
        )?;
        reach("before-commit");
        self.commit("positions", &list)?;
        reach("after-commit");
        self.assignment.state().committed(&durable);
        Ok(())
    }

    fn commit(&self, point: &str, list: &TopicPartitionList) -> Result<()> {
        let known = self.assignment.state().known.clone();
        let result = pass(point).and_then(|()| commit(&self.client, &known, list));
        if result.as_ref().is_err_and(|error| !error.retryable) {
            // Whoever gets the partitions next decides anew, from what the group has.
            self.assignment.state().durable.clear();
        }
        result
    }

    /// Stops or resumes librdkafka's fetching.
    pub(crate) fn set_paused(&self, paused: bool) {
        if !self.client.context().fetches {
            return;
        }
        let result = self.client.assignment().and_then(|assigned| {
            if paused {
                self.client.pause(&assigned)
            } else {
                self.client.resume(&assigned)
            }
        });
        if let Err(error) = result {
            tracing::warn!(%error, paused, "cannot pause or resume fetching");
        }
    }
}

/// What every consumer of the pipeline has in common.
pub(crate) fn client(kafka: &KafkaConfig, group: &str) -> rdkafka::ClientConfig {
    let mut config = kafka.client();
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        // Bounds what librdkafka fetches ahead.
        .set("queued.max.messages.kbytes", "8192")
        // Both count what is compressed, which may be a tenth of what it takes in memory. A larger record still comes.
        .set("fetch.message.max.bytes", "524288")
        .set("fetch.max.bytes", "2097152")
        .set("fetch.wait.max.ms", "50")
        // After the queue was full: a second, the default, empties it long before.
        .set("fetch.queue.backoff.ms", "5");
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::plan::Ranges;

    fn plan(partitions: &[i32]) -> Plan {
        let mut ranges = Ranges::default();
        for partition in partitions {
            ranges.add("t", *partition, 40, 1, 1);
        }
        ranges.plan()
    }

    #[test]
    fn a_batch_moves_only_the_positions_that_its_plan_stands_beside() {
        let assignment = Assignment::default();
        let [ours, moved_on, foreign] = [0, 1, 2].map(|partition| ("t".to_owned(), partition));
        let replayed = plan(&[0, 1, 2]);
        {
            let mut state = assignment.state();
            state.owned.extend([ours.clone(), moved_on.clone()]);
            state.plans.insert(replayed.token.clone(), replayed.clone());
            state.beside.insert(ours.clone(), replayed.token.clone());
            // Another worker replayed the plan and went on; this one got the partition afterwards.
            state.settled.insert(moved_on.clone(), 90);
        }
        assignment.settle(&replayed);
        let state = assignment.state();
        assert_eq!(state.durable, BTreeMap::from([(ours, 41)]));
        assert_eq!(state.settled.get(&moved_on), Some(&90));
        assert_eq!(state.settled.get(&foreign), None);
        assert!(state.plans.is_empty());
    }
    #[test]
    fn a_marker_behind_all_that_is_durable_is_no_lag() {
        let assignment = Assignment::default();
        let place = ("t".to_owned(), 0);
        let lag = |next| {
            let (low, end) = (0, 50);
            assignment.lag(&place, Standing { low, end, next })
        };
        assert_eq!(lag(-1001), None);
        assignment.state().owned.insert(place.clone());
        assert_eq!(lag(-1001), Some(50));
        // 48 is a record, 49 a marker; the worker holds the record.
        assert_eq!(lag(50), Some(50));
        assert_eq!(lag(50), Some(50));
        assignment.state().settled.insert(place.clone(), 49);
        assert_eq!(lag(50), Some(1));
        assignment.state().rests += 1;
        assert_eq!(lag(50), Some(0));
    }
}
