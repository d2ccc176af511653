//! The outbox against the fact table, by what makes two records one event (`event_key`): what was published and is not
//! there, and what is there and never stood in the outbox.
//!
//! Events are compared in windows of their own time, which both sides know exactly: first counts and sums of keys,
//! then the keys themselves where those differ. Memory is bounded by the keys of one window. Events whose time
//! lies outside the span though they were enqueued within it (late ones) are looked up by key.
mod fact_side;
mod outbox_side;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use tokio_postgres::Client as Postgres;

use crate::clickhouse::Client as ClickHouse;
use crate::config::KafkaConfig;
use crate::dlq::{Selection, scan};
use crate::error::Result;
use crate::registry::EventRegistry;
use fact_side::FactSide;
use outbox_side::{OutboxSide, Row, State};

/// A window, in milliseconds.
const WINDOW_MS: i64 = 60_000;

/// Clocks of producers and of the database may differ by this much, and an event be enqueued that long after its time
/// and still count as on time.
const SKEW_MS: i64 = 5 * 60_000;

/// A published row that is not in the fact table yet is on its way for so long.
pub(super) const UNDER_WAY: Duration = Duration::from_secs(60);

/// Late rows looked up together; their hashes fit in one query.
const TOGETHER: usize = 4_000;

/// Events that are named; all are counted.
const NAMED: usize = 1_000;

/// What to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// From this time on, in milliseconds since the epoch.
    pub since: i64,
    /// Up to this time, not included.
    pub until: i64,
    /// Only these topics; those with rows in the outbox where there is none.
    pub topics: Vec<String>,
    /// Whether rows of the fact table that never stood in the outbox are sought.
    pub with_extra: bool,
}

/// An event that is on one side only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// Topic.
    pub topic: String,
    /// Deduplication key.
    pub dedupe_key: String,
    /// Id of the outbox row; none for an extra event.
    pub id: Option<i64>,
    /// Reason of its dead letter.
    pub letter: Option<String>,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Published rows that were compared.
    pub compared: u64,
    /// Rows that wait to be published.
    pub pending: u64,
    /// Rows published a moment ago that are not in the fact table yet.
    pub under_way: u64,
    /// Rows that cannot be published.
    pub parked: u64,
    /// Published and in the fact table nowhere; those with a dead letter not counted.
    pub missing: u64,
    /// Published, and a dead letter is what became of them.
    pub dead: u64,
    /// In the fact table and never in the outbox.
    pub extra: u64,
    /// The first of them.
    pub events: Vec<Event>,
    /// From which time on extra events were sought: before, published rows have been cleaned away.
    pub extra_since: Option<i64>,
}

impl Reconciled {
    /// Whether nothing was found that a person should look at.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing + self.dead + self.extra + self.parked == 0
    }
}

/// Published rows of one topic and window, or facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    events: u64,
    keys: u64,
}

/// What the rows of a window are, and where they stand.
#[derive(Debug)]
struct Window {
    tally: Tally,
    first: i64,
    last: i64,
}

type Place = (String, i64);

/// Compares.
///
/// # Errors
/// PostgreSQL or ClickHouse refuses or is away; Kafka too, where something is missing whose dead letter is sought.
pub async fn reconcile<R: EventRegistry>(
    postgres: &Postgres,
    clickhouse: &ClickHouse,
    kafka: &KafkaConfig,
    span: &Span,
) -> Result<Reconciled> {
    let mut comparison = Comparison::<R> {
        outbox: OutboxSide::new(postgres, &span.topics),
        facts: FactSide::new::<R>(clickhouse),
        since: span.since.div_euclid(WINDOW_MS) * WINDOW_MS,
        until: span.until.div_euclid(WINDOW_MS) * WINDOW_MS,
        span,
        found: Reconciled::default(),
        missing: Vec::new(),
    };
    let windows = comparison.rows().await?;
    comparison.windows(windows).await?;
    comparison.letters(kafka)?;
    Ok(comparison.found)
}

struct Comparison<'c, R> {
    outbox: OutboxSide<'c, R>,
    facts: FactSide<'c>,
    since: i64,
    until: i64,
    span: &'c Span,
    found: Reconciled,
    missing: Vec<Event>,
}

impl<R: EventRegistry> Comparison<'_, R> {
    /// Reads the rows: those on time into windows, late ones looked up.
    async fn rows(&mut self) -> Result<BTreeMap<Place, Window>> {
        let mut windows: BTreeMap<Place, Window> = BTreeMap::new();
        let mut late: Vec<Row> = Vec::new();
        let mut after = self.outbox.before(self.since - SKEW_MS).await?;
        loop {
            let rows = self.outbox.page(after, i64::MAX).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            for row in rows {
                let is_on_time = (self.since..self.until).contains(&row.time);
                let is_within = (self.since..self.until).contains(&row.created);
                if is_on_time || is_within {
                    self.count(&row);
                }
                if is_on_time {
                    let place = (row.topic.clone(), row.time.div_euclid(WINDOW_MS));
                    let window = windows.entry(place).or_insert(Window {
                        tally: Tally::default(),
                        first: row.id,
                        last: row.id,
                    });
                    window.last = row.id;
                    if row.state.is_published() {
                        window.tally.events += 1;
                        let key = row.event_key.unwrap_or(0);
                        window.tally.keys = window.tally.keys.wrapping_add(key);
                    }
                } else if is_within && row.state.is_published() {
                    late.push(row);
                }
            }
            if late.len() >= TOGETHER {
                self.missing_of(std::mem::take(&mut late)).await?;
            }
        }
        self.missing_of(late).await?;
        Ok(windows)
    }

    fn count(&mut self, row: &Row) {
        match row.state {
            State::Pending => self.found.pending += 1,
            State::Parked => self.found.parked += 1,
            State::Published | State::UnderWay => self.found.compared += 1,
        }
    }

    /// Compares windows; where tallies differ, keys.
    async fn windows(&mut self, windows: BTreeMap<Place, Window>) -> Result<()> {
        let topics: BTreeSet<&String> = windows.keys().map(|(topic, _)| topic).collect();
        let topics: Vec<String> = match self.span.topics.is_empty() {
            true => topics.into_iter().cloned().collect(),
            false => self.span.topics.clone(),
        };
        if self.since >= self.until || topics.is_empty() {
            return Ok(());
        }
        let oldest = self.outbox.oldest().await?.unwrap_or(i64::MIN);
        let extra_since = match oldest > self.since {
            true => (oldest + SKEW_MS).div_euclid(WINDOW_MS) + 1,
            false => self.since / WINDOW_MS,
        };
        if self.span.with_extra && oldest > self.since {
            self.found.extra_since = Some((extra_since * WINDOW_MS).min(self.until));
        }
        let facts = self.facts.tallies(&topics, self.since, self.until).await?;
        let places: BTreeSet<&Place> = windows.keys().chain(facts.keys()).collect();
        for place in places {
            let (ours, theirs) = (windows.get(place), facts.get(place).copied());
            let tally = ours.map_or(Tally::default(), |window| window.tally);
            if tally == theirs.unwrap_or_default() {
                continue;
            }
            let with_extra = self.span.with_extra && place.1 >= extra_since;
            self.window(place, ours, with_extra).await?;
        }
        Ok(())
    }

    async fn window(
        &mut self,
        (topic, number): &Place,
        window: Option<&Window>,
        with_extra: bool,
    ) -> Result<()> {
        let times = (number * WINDOW_MS, (number + 1) * WINDOW_MS);
        let stored: HashSet<u64> = self.facts.keys(topic, times).await?;
        let mut known: HashSet<u64> = HashSet::new();
        let mut missing: Vec<Row> = Vec::new();
        if let Some(window) = window {
            let mut after = window.first - 1;
            loop {
                let rows = self.outbox.page(after, window.last).await?;
                let Some(last) = rows.last() else { break };
                after = last.id;
                for row in rows {
                    if row.topic == *topic && (times.0..times.1).contains(&row.time) {
                        known.extend(row.event_key);
                        let is_stored = row.event_key.is_some_and(|key| stored.contains(&key));
                        if row.state.is_published() && !is_stored {
                            missing.push(row);
                        }
                    }
                }
            }
        }
        for missing in missing.chunks(TOGETHER) {
            self.missing_of(missing.to_vec()).await?;
        }
        let extra: Vec<u64> = stored.difference(&known).copied().collect();
        if with_extra {
            for keys in extra.chunks(TOGETHER) {
                let found = self.facts.dedupe_keys(topic, times, keys).await?;
                // The same event may stand in the outbox with another time.
                let dedupe_keys: Vec<String> = found.iter().map(|(_, key)| key.clone()).collect();
                let known = self.outbox.known(topic, &dedupe_keys).await?;
                let unknown = found.into_iter().filter(|(key, _)| !known.contains(key));
                for (_, dedupe_key) in unknown {
                    self.found.extra += 1;
                    self.name(Event {
                        topic: topic.clone(),
                        dedupe_key,
                        id: None,
                        letter: None,
                    });
                }
            }
        }
        Ok(())
    }

    /// Of published rows, those that the fact table has at no time.
    async fn missing_of(&mut self, rows: Vec<Row>) -> Result<()> {
        let mut topics: HashMap<String, Vec<Row>> = HashMap::new();
        for row in rows {
            topics.entry(row.topic.clone()).or_default().push(row);
        }
        for (topic, rows) in topics {
            for rows in rows.chunks(TOGETHER) {
                // Nearly all have the time that the row says; another one only where the key came twice.
                let times = rows.iter().map(|row| row.time);
                let times = times.clone().min().zip(times.max().map(|last| last + 1));
                let keys: Vec<u64> = rows.iter().filter_map(|row| row.event_key).collect();
                let mut stored = self.stored(&topic, &keys, times).await?;
                let rest = keys.into_iter().filter(|key| !stored.contains(key));
                let rest: Vec<u64> = rest.collect();
                stored.extend(self.stored(&topic, &rest, None).await?);
                let is_stored = |row: &Row| row.event_key.is_some_and(|key| stored.contains(&key));
                for row in rows.iter().filter(|row| !is_stored(row)) {
                    match row.state {
                        State::UnderWay => self.found.under_way += 1,
                        _ => self.missing.push(Event {
                            topic: topic.clone(),
                            dedupe_key: row.dedupe_key.clone(),
                            id: Some(row.id),
                            letter: None,
                        }),
                    }
                }
            }
        }
        Ok(())
    }

    async fn stored(
        &self,
        topic: &str,
        keys: &[u64],
        times: Option<(i64, i64)>,
    ) -> Result<HashSet<u64>> {
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        self.facts.stored(topic, keys, times).await
    }

    fn name(&mut self, event: Event) {
        if self.found.events.len() < NAMED {
            self.found.events.push(event);
        }
    }

    /// Looks for dead letters of what is missing.
    fn letters(&mut self, kafka: &KafkaConfig) -> Result<()> {
        let mut missing = std::mem::take(&mut self.missing);
        if missing.is_empty() {
            return Ok(());
        }
        let topics: BTreeSet<String> = missing.iter().map(|event| event.topic.clone()).collect();
        let selection = Selection {
            topics: topics.into_iter().collect(),
            since: Some(self.since),
            ..Selection::default()
        };
        let places = missing.iter().enumerate();
        let places: HashMap<(String, String), usize> = places
            .map(|(place, event)| ((event.topic.clone(), event.dedupe_key.clone()), place))
            .collect();
        let member = R::PROJECT.envelope.dedupe_key;
        tokio::task::block_in_place(|| {
            scan::<R>(kafka, &selection, |letter, _| {
                let value: serde_json::Value = letter
                    .value
                    .as_deref()
                    .and_then(|value| serde_json::from_slice(value).ok())
                    .unwrap_or_default();
                let key = value.get(member).and_then(serde_json::Value::as_str);
                let place =
                    key.and_then(|key| places.get(&(letter.topic().to_owned(), key.to_owned())));
                if let Some(event) = place.and_then(|place| missing.get_mut(*place)) {
                    event.letter = Some(letter.reason.clone());
                }
                Ok(())
            })
        })?;
        missing.sort();
        for event in missing {
            match event.letter {
                Some(_) => self.found.dead += 1,
                None => self.found.missing += 1,
            }
            self.name(event);
        }
        Ok(())
    }
}
