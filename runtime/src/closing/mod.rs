//! Closing days: what views count of a day becomes totals, once the day is over; late events have it counted again.
//!
//! A round looks at what is there and decides (`decide.rs`), then carries it out: for each day, the ledger is filled
//! from the fact table, copies that count on another day are marked, each view's rows replace its partition of that
//! day, and the watermarks move. Every step may be repeated, so a crash between two of them costs time and nothing
//! else. One process at a time does this (`lock.rs`).
mod clock;
mod decide;
mod lock;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use serde_json::Value;

use crate::clickhouse::{Client, Param, quoted};
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::registry::{ClosedView, Days, EventRegistry};
use clock::Clock;
use decide::{Part, Parts, Round, Standing, decide};
use lock::Lock;

/// What a statement of a round may take in memory before it spills to disk.
const SPILL_BYTES: &str = "2000000000";

/// Events that are counted in one statement at most, more for a day that has more: memory grows with their groups.
const EVENTS_AT_ONCE: u64 = 5_000_000;

/// Keys of events that are looked for in one statement at most: a set of them takes some 50 bytes a key.
const KEYS_AT_ONCE: u64 = 10_000_000;

/// Keys are hashes: looking for each in the primary index takes longer than reading the column.
const NO_INDEX_FOR_KEYS: (&str, &str) = ("use_index_for_in_with_subqueries", "0");

/// Days that are counted in one statement at most: each is a part of every table.
const DAYS_AT_ONCE: usize = 90;

/// Looking for copies takes at most one part in this many of the time.
const MARKING_SHARE: u32 = 20;

/// How long a day is left alone after it was counted: a late event is in the KPIs within ten minutes, and a trickle of
/// them does not keep the server busy.
const RECOUNT_AFTER: Duration = Duration::from_secs(300);

/// Seconds by which two looks at one server may differ on when it started.
const SAME_START_S: i64 = 3;

/// How long another process may be at it before that is an error.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether a table is there only while days are closed.
pub(crate) fn is_at_work(table: &str) -> bool {
    table == lock::NAME || table.starts_with(lock::ASIDE)
}

/// What a round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Days closed for the first time by some view.
    pub closed: Vec<Date>,
    /// Closed days that were counted again.
    pub counted_again: Vec<Date>,
    /// Whether another process is at it.
    pub is_elsewhere: bool,
}

/// How days are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long after its end, UTC, a day is closed.
    pub grace: Duration,
    /// Whether days that are closed already are counted again, as after a view changed.
    pub again: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(3600),
            again: false,
        }
    }
}

/// Closes days, a round at a time.
pub struct Closer {
    client: Client,
    database: &'static str,
    fact_table: &'static str,
    days: Days,
    options: Options,
    metrics: Option<Metrics>,
    /// What was counted when days were closed.
    counted: Parts,
    /// When the server started, in seconds since 1970: it numbers inserts anew from the highest that it has.
    server_started: Option<i64>,
    /// When days were counted last.
    counted_at: BTreeMap<Date, Instant>,
    /// When copies may be looked for again.
    next_marking: Option<Instant>,
}

impl Closer {
    /// For a registry; `None` where no view keeps days.
    #[must_use]
    pub fn new<R: EventRegistry>(client: &Client, options: Options) -> Option<Self> {
        Some(Self {
            client: client.clone(),
            database: R::PROJECT.database,
            fact_table: R::PROJECT.fact_table,
            days: R::PROJECT.days?,
            options,
            metrics: None,
            counted: Parts::new(),
            server_started: None,
            counted_at: BTreeMap::new(),
            next_marking: None,
        })
    }

    /// With metrics of what is done.
    #[must_use]
    pub fn with_metrics(mut self, metrics: &Metrics) -> Self {
        self.metrics = Some(metrics.clone());
        self
    }

    /// Closes what can be closed, counts again what changed, and looks for copies in open days.
    ///
    /// # Errors
    /// ClickHouse cannot be asked, or refuses; what was done stands, and the next round goes on.
    pub async fn round(&mut self) -> Result<Done> {
        let Some(lock) = Lock::take(&self.client, self.database).await? else {
            return Ok(Done {
                is_elsewhere: true,
                ..Done::default()
            });
        };
        let done = lock.hold(self.locked_round(&lock)).await;
        let released = lock.release().await;
        let done = done?;
        released.map(|()| done)
    }

    /// A round, once no other process is at it.
    ///
    /// # Errors
    /// As [`Self::round`], or another process is at it for longer than anybody waits.
    pub async fn close_now(&mut self) -> Result<Done> {
        let started = Instant::now();
        loop {
            let done = self.round().await?;
            if !done.is_elsewhere {
                return Ok(done);
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::service("another process closes days").fix(
                    "wait for it; a lock that its owner left behind opens after half a minute",
                ));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn locked_round(&mut self, lock: &Lock) -> Result<Done> {
        let clock = self.clock().await?;
        let is_the_same = |started: i64| (started - clock.server_started).abs() <= SAME_START_S;
        if !self.server_started.is_some_and(is_the_same) {
            self.counted.clear();
            self.server_started = Some(clock.server_started);
        }
        let watermarks = self.watermarks().await?;
        let ledger = self.ledger_parts().await?;
        let unclosed = self.unclosed_days(&clock, &watermarks).await?;
        let resting = self.resting();
        let standing = Standing {
            closable: clock.closable,
            oldest_kept: clock.oldest_kept,
            oldest_taken: clock.oldest_taken,
            watermarks: &watermarks,
            days: &unclosed,
            ledger: &ledger,
            counted: &self.counted,
            resting: &resting,
        };
        let round = decide(&standing);
        self.observe(&clock, &watermarks, &round).await?;
        for (day, parts) in &round.drop {
            self.drop_parts(*day, parts).await?;
        }
        let mut done = Done::default();
        for group in self.groups(&round).await? {
            lock.renew().await?;
            self.count(&group).await?;
            if group.is_read {
                done.counted_again.extend(&group.days);
            } else {
                done.closed.extend(&group.days);
            }
            if let Some(last) = group.days.last() {
                self.move_watermarks(&group.views, *last).await?;
            }
        }
        self.move_watermarks(&round.through, clock.closable).await?;
        self.mark_open_days(&round.open).await?;
        if self.options.again {
            // Once is asked for; the next round is one like any other.
            self.options.again = false;
        }
        if let Some(metrics) = &self.metrics {
            let count = |days: &[Date]| u64::try_from(days.len()).unwrap_or(u64::MAX);
            metrics.days_closed.inc_by(count(&done.closed));
            metrics
                .days_counted_again
                .inc_by(count(&done.counted_again));
            metrics.day_close_lag.set(0);
        }
        Ok(done)
    }

    /// Days that were counted a short while ago.
    fn resting(&mut self) -> BTreeSet<Date> {
        self.counted_at.retain(|_, at| at.elapsed() < RECOUNT_AFTER);
        self.counted_at.keys().copied().collect()
    }

    async fn watermarks(&self) -> Result<Vec<Option<Date>>> {
        if self.options.again {
            return Ok(vec![None; self.days.views.len()]);
        }
        let sql = format!(
            "SELECT view, toString(max(closed_through)) FROM {} GROUP BY view",
            self.table(self.days.watermarks)
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        let known: BTreeMap<&str, Date> = answer
            .rows
            .iter()
            .filter_map(|row| Some((row.first()?.as_str()?, date(row.get(1)?)?)))
            .collect();
        let views = self.days.views.iter();
        Ok(views.map(|view| known.get(view.name).copied()).collect())
    }

    /// Days with raw events that some view has not closed.
    async fn unclosed_days(
        &self,
        clock: &Clock,
        watermarks: &[Option<Date>],
    ) -> Result<BTreeSet<Date>> {
        let least = watermarks
            .iter()
            .map(|mark| mark.unwrap_or(Date::MIN))
            .min();
        let after = least.unwrap_or(Date::MIN);
        if after >= clock.closable {
            return Ok(BTreeSet::new());
        }
        let from = after.tomorrow().unwrap_or(Date::MAX).max(clock.oldest_kept);
        let sql = format!(
            "SELECT DISTINCT toString(event_date) FROM {} WHERE event_date BETWEEN {{from:Date}} AND {{through:Date}}",
            self.table(self.fact_table)
        );
        let params = [
            ("from", from.to_string()),
            ("through", clock.closable.to_string()),
        ];
        let answer = self.client.query_json(&sql, &borrowed(&params)).await?;
        Ok(answer
            .rows
            .iter()
            .filter_map(|row| date(row.first()?))
            .collect())
    }

    /// Active parts of the ledger.
    async fn ledger_parts(&self) -> Result<Parts> {
        let sql = "SELECT toString(min_date), name, min_block_number, max_block_number, partition_id FROM system.parts WHERE active AND rows > 0 \
                   AND database = {database:String} AND table = {table:String}";
        let params = [("database", self.database), ("table", self.days.ledger)];
        let answer = self.client.query_json(sql, &params).await?;
        let mut parts = Parts::new();
        for row in &answer.rows {
            let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
            let block = |index: usize| row.get(index).and_then(Value::as_i64);
            if let (Some(day), Some(name), Some(first), Some(last), Some(partition)) = (
                row.first().and_then(date),
                text(1),
                block(2),
                block(3),
                text(4),
            ) {
                let part = Part {
                    partition,
                    first,
                    last,
                };
                parts.entry(day).or_default().insert(part, name);
            }
        }
        Ok(parts)
    }

    async fn drop_parts(&mut self, day: Date, parts: &BTreeMap<Part, String>) -> Result<()> {
        let table = self.table(self.days.ledger);
        let mut are_gone = true;
        for part in parts.values() {
            let sql = format!("ALTER TABLE {table} DROP PART '{part}'");
            // One that is being merged is another a moment later, made of what was counted: the next round has it.
            if let Err(error) = self.client.execute(&sql).await {
                tracing::debug!(%error, part, "a part of a closed day stays");
                are_gone = false;
            }
        }
        if are_gone {
            self.counted.remove(&day);
        }
        Ok(())
    }

    /// The days of a round in groups that are counted together: neighbours that the same views want, as many as are
    /// counted in bounded memory.
    async fn groups(&self, round: &Round) -> Result<Vec<Group>> {
        if round.count.is_empty() {
            return Ok(Vec::new());
        }
        let days: Vec<Date> = round.count.keys().copied().collect();
        let sql = format!(
            "SELECT toString(event_date), count() FROM {} WHERE event_date IN {} GROUP BY event_date",
            self.table(self.fact_table),
            list(&days)
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        let events: BTreeMap<Date, u64> = answer
            .rows
            .iter()
            .filter_map(|row| Some((date(row.first()?)?, row.get(1)?.as_u64()?)))
            .collect();
        let mut groups: Vec<Group> = Vec::new();
        let mut held = 0;
        for (day, views) in &round.count {
            let is_read = round.again.contains(day) || self.options.again;
            let own = events.get(day).copied().unwrap_or(0);
            held += own;
            match groups.last_mut() {
                Some(group)
                    if group.views == *views
                        && group.is_read == is_read
                        && held <= EVENTS_AT_ONCE
                        && group.days.len() < DAYS_AT_ONCE =>
                {
                    group.days.push(*day);
                }
                _ => {
                    held = own;
                    groups.push(Group {
                        days: vec![*day],
                        views: views.clone(),
                        is_read,
                    });
                }
            }
        }
        Ok(groups)
    }

    /// Counts days for some views.
    async fn count(&mut self, group: &Group) -> Result<()> {
        let started = Instant::now();
        let days = list(&group.days);
        self.complete(group).await?;
        for day in &group.days {
            self.mark_copies(*day).await?;
        }
        // What comes from now on is not known to be counted.
        let mut counted = self.ledger_parts().await?;
        counted.retain(|day, _| group.days.contains(day));
        for view in group
            .views
            .iter()
            .filter_map(|view| self.days.views.get(*view))
        {
            self.close_view(view, group)
                .await
                .map_err(|error| error.at("view", view.name).at("days", group.days.len()))?;
        }
        self.counted.extend(counted);
        self.counted_at
            .extend(group.days.iter().map(|day| (*day, Instant::now())));
        tracing::info!(
            days,
            views = group.views.len(),
            seconds = started.elapsed().as_secs_f64(),
            "days are counted"
        );
        Ok(())
    }

    /// Adds what the ledger lacks of some days: all of a day that was closed before; nothing, where each insert reached
    /// it. Rows that are there may lack what a column that was added since should hold, and are written again.
    async fn complete(&self, group: &Group) -> Result<()> {
        let altered = self
            .client
            .query_json(
                "SELECT toString(toDate(metadata_modification_time, 'UTC')) FROM system.tables \
                 WHERE database = {database:String} AND name = {table:String}",
                &[("database", self.database), ("table", self.days.ledger)],
            )
            .await?;
        let altered = altered.rows.first().and_then(|row| date(row.first()?));
        let (older, rest): (Vec<Date>, Vec<Date>) = group
            .days
            .iter()
            .partition(|day| altered.is_none_or(|altered| **day <= altered));
        if !older.is_empty() {
            let fill = format!(
                "{} AND event.event_date IN {}",
                self.days.fill,
                list(&older)
            );
            self.run(&fill, &[]).await?;
        }
        if !rest.is_empty() {
            let rest: Vec<String> = rest.iter().map(Date::to_string).collect();
            let settings = [NO_INDEX_FOR_KEYS];
            self.run_with(
                self.days.complete,
                &[("days", Param::Many(&rest))],
                &settings,
            )
            .await?;
        }
        Ok(())
    }

    /// Puts a view's rows of some days in the place of those that were there.
    async fn close_view(&self, view: &ClosedView, group: &Group) -> Result<()> {
        let days: Vec<String> = group.days.iter().map(Date::to_string).collect();
        let columns: Vec<String> = view.columns.iter().map(|name| quoted(name)).collect();
        let columns = columns.join(", ");
        let table = self.table(view.table);
        let insert = |into: &str| format!("INSERT INTO {into} ({columns})\n{}", view.query);
        if !view.replaces_day {
            return self
                .run(&insert(&table), &[("days", Param::Many(&days))])
                .await;
        }
        if !group.is_read {
            // Behind the watermark nobody sees the rows come.
            let drops: Vec<String> = group
                .days
                .iter()
                .map(|day| format!("DROP PARTITION '{day}'"))
                .collect();
            self.client
                .execute(&format!("ALTER TABLE {table} {}", drops.join(", ")))
                .await?;
            return self
                .run(&insert(&table), &[("days", Param::Many(&days))])
                .await;
        }
        let aside = self.table(&format!("{}{}", lock::ASIDE, uuid::Uuid::now_v7().simple()));
        self.client
            .execute(&format!("CREATE TABLE {aside} AS {table}"))
            .await?;
        let replaced = async {
            self.run(&insert(&aside), &[("days", Param::Many(&days))])
                .await?;
            let filled = format!("SELECT DISTINCT toString(event_date) FROM {aside}");
            let filled = self.client.query_json(&filled, &[]).await?;
            let filled: BTreeSet<Date> = filled
                .rows
                .iter()
                .filter_map(|row| date(row.first()?))
                .collect();
            for day in &group.days {
                // Servers refuse to replace a partition by nothing.
                let change = if filled.contains(day) {
                    format!("REPLACE PARTITION '{day}' FROM {aside}")
                } else {
                    format!("DROP PARTITION '{day}'")
                };
                self.client
                    .execute(&format!("ALTER TABLE {table} {change}"))
                    .await?;
            }
            Ok(())
        };
        let replaced: Result<()> = replaced.await;
        let dropped = self
            .client
            .execute(&format!("DROP TABLE {aside} SYNC"))
            .await;
        replaced.and(dropped)
    }

    async fn move_watermarks(&self, views: &[usize], day: Date) -> Result<()> {
        let views = views.iter().filter_map(|view| self.days.views.get(*view));
        let rows: Vec<String> = views
            .map(|view| format!("({}, '{day}')", crate::clickhouse::literal(view.name)))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {} (view, closed_through) VALUES {}",
            self.table(self.days.watermarks),
            rows.join(", ")
        );
        self.run(&sql, &[]).await
    }

    /// Marks the events of a day that count in another partition, in as many passes as bounded memory asks for.
    async fn mark_copies(&self, day: Date) -> Result<()> {
        let (day, late_days) = (day.to_string(), self.days.late_days.to_string());
        let sql = format!(
            "SELECT count() FROM {} WHERE event_date = {{day:Date}}",
            self.table(self.days.ledger)
        );
        let answer = self.client.query_json(&sql, &[("day", &day)]).await?;
        let events = answer.rows.first().and_then(|row| row.first()?.as_u64());
        let passes = events.unwrap_or(0) / KEYS_AT_ONCE + 1;
        for pass in 0..passes {
            let (passes, pass) = (passes.to_string(), pass.to_string());
            let params = [
                ("day", Param::One(&day)),
                ("late_days", Param::One(&late_days)),
                ("passes", Param::One(&passes)),
                ("pass", Param::One(&pass)),
            ];
            self.run_with(self.days.mark_copies, &params, &[NO_INDEX_FOR_KEYS])
                .await?;
        }
        Ok(())
    }

    /// Looks for copies in open days, unless that was done a short while ago for the time that it takes.
    async fn mark_open_days(&mut self, open: &[Date]) -> Result<()> {
        let started = Instant::now();
        if self.next_marking.is_some_and(|next| started < next) {
            return Ok(());
        }
        for day in open {
            self.mark_copies(*day).await?;
        }
        self.next_marking = Some(Instant::now() + started.elapsed() * (MARKING_SHARE - 1));
        Ok(())
    }

    /// Says how things stand before a round.
    async fn observe(
        &self,
        clock: &Clock,
        watermarks: &[Option<Date>],
        round: &Round,
    ) -> Result<()> {
        let Some(metrics) = &self.metrics else {
            return Ok(());
        };
        let lags = watermarks.iter().flatten();
        let lags = lags.filter_map(|mark| clock.closable.since(*mark).ok());
        let lag = lags.map(|span| i64::from(span.get_days())).max();
        metrics.day_close_lag.set(lag.unwrap_or(0).max(0));
        let first_late = clock.oldest_taken.max(clock.oldest_kept);
        let sql = format!(
            "SELECT countIf(event_date < {{first:Date}} AND NOT is_copy), countIf(is_copy) FROM {} WHERE is_copy OR event_date < {{first:Date}}",
            self.table(self.days.ledger)
        );
        let answer = self
            .client
            .query_json(&sql, &[("first", &first_late.to_string())])
            .await?;
        let number = |index: usize| answer.rows.first()?.get(index)?.as_i64();
        let too_late = if round.too_late.is_empty() {
            0
        } else {
            number(0).unwrap_or(0)
        };
        metrics.events_too_late.set(too_late);
        metrics.event_copies.set(number(1).unwrap_or(0));
        Ok(())
    }

    /// A statement that writes rows which are computed, not sent: no token, bounded memory.
    async fn run(&self, sql: &str, params: &[(&str, Param<'_>)]) -> Result<()> {
        self.run_with(sql, params, &[]).await
    }

    /// As [`Self::run`], with settings of its own.
    async fn run_with(
        &self,
        sql: &str,
        params: &[(&str, Param<'_>)],
        own: &[(&str, &str)],
    ) -> Result<()> {
        let mut settings = vec![
            ("insert_deduplicate", "0"),
            ("max_partitions_per_insert_block", "0"),
            ("max_bytes_before_external_group_by", SPILL_BYTES),
            ("max_bytes_before_external_sort", SPILL_BYTES),
            // Tables that are sized by what the last query of the kind held took three times the memory.
            ("collect_hash_table_stats_during_aggregation", "0"),
        ];
        settings.extend(own);
        self.client.execute_with(sql, params, &settings).await
    }

    fn table(&self, name: &str) -> String {
        format!("{}.{}", quoted(self.database), quoted(name))
    }
}

/// Days that are counted together.
struct Group {
    days: Vec<Date>,
    /// Views by position.
    views: Vec<usize>,
    /// Queries read the days' totals already.
    is_read: bool,
}

/// Runs rounds until told to stop; a round that fails is tried again at the next.
pub(crate) async fn run_rounds(mut closer: Closer, interval: Duration, stop: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop() {
        ticks.tick().await;
        if stop() {
            return;
        }
        if let Err(error) = closer.round().await {
            if let Some(metrics) = &closer.metrics {
                metrics.closing_failures.inc();
            }
            tracing::warn!(%error, "days are not closed; tried again in a while");
        }
    }
}

/// `['2026-01-31','2026-02-01']`
fn list(days: &[Date]) -> String {
    let days: Vec<String> = days.iter().map(|day| format!("'{day}'")).collect();
    format!("[{}]", days.join(","))
}

fn date(value: &Value) -> Option<Date> {
    value.as_str()?.parse().ok()
}

fn borrowed<'p>(params: &'p [(&'p str, String)]) -> Vec<(&'p str, &'p str)> {
    params
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}
