//! One batch becomes durable: dead letters to their topics, rows to the table, each exactly once.
//!
//! Server trouble is waited out; nothing is given up. A block whose content the server refuses is halved, each
//! half under a token derived from the plan's, down to the rows at fault, which become dead letters. Which half
//! a row goes to depends on its coordinates alone, so a replay walks the same way under the same tokens even
//! where it holds more rows: duplicates that the first attempt knew and left out. Where a refused row had others of
//! its event give way, the next of them goes in instead: it may be of other content.
use std::collections::HashSet;
use std::hash::Hasher as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::batch::{Batch, Coordinates};
use super::decode::{EventKey, identity};
use super::failpoint::reach;
use crate::clickhouse::native::Encoder;
use crate::clickhouse::{Client, client::exception_code};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::kafka::dlq::DeadLetters;
use crate::metrics::{Health, Metrics};
use crate::registry::{EventRegistry, FactBlock};

/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Refused rows that are buried together: whoever looks at dead letters sees them while a large block is halved.
const BURIED_AT_ONCE: usize = 512;

/// How often a block of which the table has a part is sent whole again, in case it was a view that broke off.
const PARTS: usize = 3;

/// ClickHouse's code for a row that a constraint refuses, which it does before the table takes anything.
const VIOLATED_CONSTRAINT: u16 = 469;

/// What batches are written to.
pub(crate) struct Sink<R: EventRegistry> {
    pub(crate) client: Client,
    pub(crate) letters: DeadLetters,
    pub(crate) metrics: Metrics,
    pub(crate) health: Arc<Health>,
    pub(crate) config: Config,
    /// Columns of the table that make its sorting key, by their place in the block.
    pub(crate) sorting_key: Vec<usize>,
    pub(crate) encoder: Mutex<Encoder<R::Block>>,
}

/// Whether table and views may lack what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    /// One attempt, acknowledged.
    None,
    /// An attempt broke off: if the server ended, it may have lost something.
    Possible,
    /// An earlier worker stored a part, and nobody knows what of it the views saw.
    Certain,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) rows: usize,
    pub(crate) dead: usize,
    /// Rows of the block that ClickHouse refused.
    pub(crate) refused: Vec<u32>,
    /// Rows that had given way to one of those and were sent in its place; some may be refused themselves.
    pub(crate) successors: Vec<u32>,
}

impl Written {
    /// Events that rows of the batch had claimed, and of which no row is stored.
    pub(crate) fn lost_events<B: FactBlock>(&self, batch: &Batch<B>) -> Vec<EventKey> {
        let refused: HashSet<u32> = self.refused.iter().copied().collect();
        let stored = self.successors.iter().filter(|row| !refused.contains(row));
        let stored: HashSet<EventKey> = stored.filter_map(|row| batch.key(*row)).collect();
        let claimed = self.refused.iter().filter_map(|row| batch.key(*row));
        claimed.filter(|key| !stored.contains(key)).collect()
    }
}

impl<R: EventRegistry> Sink<R> {
    /// Makes a batch durable; returns when it is. `in_doubt` says that it may have been tried before.
    ///
    /// # Errors
    /// Only what waiting cannot mend: a defect of ours.
    pub(crate) async fn write(
        &self,
        batch: &Batch<R::Block>,
        token: &str,
        in_doubt: bool,
    ) -> Result<Written> {
        self.bury(&batch.dead).await?;
        reach("after-letters");
        let rows = self.ordered(batch, &[]);
        let mut written = Written {
            dead: batch.dead.len(),
            ..Written::default()
        };
        if !rows.is_empty() {
            self.metrics.batch_rows.observe(rows.len() as f64);
            let doubt = self
                .insert(batch, rows, token, &mut written, in_doubt)
                .await?;
            if doubt == Doubt::Certain
                || (doubt == Doubt::Possible && self.restarted_since(batch.oldest).await?)
            {
                self.mend(batch, token, &written).await?;
            }
        }
        Ok(written)
    }

    /// A batch's rows, and some more, in the order of the table.
    pub(super) fn ordered(&self, batch: &Batch<R::Block>, more: &[u32]) -> Vec<u32> {
        batch.ordered(&self.sorting_key, more)
    }

    /// Rows in, halving what is refused; how far to trust what was acknowledged. A stack instead of recursion.
    async fn insert(
        &self,
        batch: &Batch<R::Block>,
        rows: Vec<u32>,
        token: &str,
        written: &mut Written,
        in_doubt: bool,
    ) -> Result<Doubt> {
        let mut doubt = if in_doubt {
            Doubt::Possible
        } else {
            Doubt::None
        };
        // Halves of an earlier attempt may be stored; asked once, before the first halving.
        let mut has_past = in_doubt;
        let mut open = vec![(rows, token.to_owned(), 0)];
        let plan = token;
        let mut view_waits = backoff().build();
        let mut parts = 0;
        // Rows that are refused and not buried yet, and why.
        let mut refused = Vec::new();
        let mut successors = None;
        while let Some((rows, token, depth)) = open.pop() {
            if rows.is_empty() {
                continue;
            }
            match self.insert_block(batch, &rows, &token).await {
                Ok(again) => {
                    if again {
                        doubt = doubt.max(Doubt::Possible);
                    }
                    written.rows += rows.len();
                    reach(if depth == 0 {
                        "after-insert"
                    } else {
                        "after-half"
                    });
                }
                Err(error) if error.kind != Kind::Record => return Err(error),
                Err(error) => {
                    // A constraint refuses before the table takes anything; a view, after the table took all.
                    if has_past || exception_code(&error) != Some(VIOLATED_CONSTRAINT) {
                        let absent = self.absent(batch, &rows).await?;
                        let is_partial = !absent.is_empty() && absent.len() < rows.len();
                        parts += usize::from(is_partial && !has_past);
                        if !has_past && (absent.is_empty() || is_partial && parts <= PARTS) {
                            self.await_view(&error, view_waits.next()).await;
                            open.push((rows, token, depth));
                            continue;
                        }
                        has_past = false;
                        if absent.len() < rows.len() {
                            // An earlier attempt halved it, or another worker does, from the same plan.
                            written.rows += rows.len() - absent.len();
                            doubt = Doubt::Certain;
                            open.push((absent, token, depth));
                            continue;
                        }
                    }
                    if let [row] = rows[..] {
                        refused.push((row, exception_code(&error)));
                        written.refused.push(row);
                        written.dead += 1;
                        if refused.len() >= BURIED_AT_ONCE {
                            self.bury_refused(batch, std::mem::take(&mut refused))
                                .await?;
                        }
                        let successors = successors.get_or_insert_with(|| batch.successors());
                        let key = batch.key(row);
                        let next = key.and_then(|key| successors.get_mut(&key)?.pop());
                        if let Some(next) = next {
                            written.successors.push(next);
                            // However the rows are halved, it goes in under the same token.
                            let token =
                                format!("{plan}.{}", place_of::<R>(batch.coordinates(next)));
                            open.push((vec![next], token, depth));
                        }
                        continue;
                    }
                    tracing::warn!(rows = rows.len(), %error, "a block is halved");
                    let (right, left) = rows
                        .iter()
                        .partition(|row| is_right::<R>(batch.coordinates(**row), depth));
                    open.push((right, format!("{token}.1"), depth + 1));
                    open.push((left, format!("{token}.0"), depth + 1));
                }
            }
        }
        self.bury_refused(batch, refused).await?;
        Ok(doubt)
    }

    /// Which rows of a block the table does not have.
    async fn absent(&self, batch: &Batch<R::Block>, rows: &[u32]) -> Result<Vec<u32>> {
        let stored = self.stored(&batch.ranges.plan().condition()).await?;
        let is_absent = |row: &&u32| {
            let place = batch.coordinates(**row).zip(batch.key(**row));
            place.is_none_or(|place| !stored.contains(&place))
        };
        Ok(rows.iter().filter(is_absent).copied().collect())
    }

    /// Waits before a block goes in again under its token. Halving would give rows that the table has a second
    /// token, and so store them twice.
    async fn await_view(&self, error: &Error, wait: Option<Duration>) {
        self.health.set_served(false);
        self.metrics.insert_retries.inc();
        tracing::error!(%error, "a view on the fact table refuses rows that the table took; mend the view, or drop it");
        tokio::time::sleep(wait.unwrap_or(LONGEST_WAIT)).await;
    }

    /// The encoder; a panic that ended its last user left nothing in it that the next block would see.
    fn encoder(&self) -> MutexGuard<'_, Encoder<R::Block>> {
        self.encoder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One block in; whether an attempt broke off before the one that was acknowledged.
    pub(super) async fn insert_block(
        &self,
        batch: &Batch<R::Block>,
        rows: &[u32],
        token: &str,
    ) -> Result<bool> {
        let columns = self.encoder().names();
        reach("before-insert");
        let started = Instant::now();
        let project = &R::PROJECT;
        let mut attempts = 0;
        let bytes = AtomicUsize::new(0);
        let result = self
            .patiently("an insert", || {
                attempts += 1;
                bytes.store(0, Ordering::Relaxed);
                self.client.insert_written(
                    project.database,
                    project.fact_table,
                    &columns,
                    token,
                    |send| {
                        self.encoder().encode_to(&batch.block, rows, &mut |piece| {
                            bytes.fetch_add(piece.len(), Ordering::Relaxed);
                            send(piece)
                        })
                    },
                )
            })
            .await;
        self.metrics.batch_bytes.observe(bytes.into_inner() as f64);
        self.metrics
            .insert_latency
            .observe(started.elapsed().as_secs_f64() * 1000.0);
        result.map(|()| attempts > 1)
    }

    /// Tries until it works; only what is wrong with a record, or with us, comes back.
    pub(super) async fn patiently<T, F>(
        &self,
        what: &'static str,
        attempt: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let result = attempt
            .retry(backoff())
            // The operator's matters are waited out as well: the table may come back.
            .when(|error| matches!(error.kind, Kind::Service | Kind::Config))
            .notify(|error, wait| {
                self.health.set_served(false);
                self.metrics.insert_retries.inc();
                tracing::warn!(%error, ?wait, "{what} is tried again");
            })
            .await;
        self.health.set_served(true);
        result
    }

    /// Rows of these ranges that the table has already, for a plan that cannot be replayed as it was.
    ///
    /// # Errors
    /// A defect of ours; the server is waited for.
    pub(crate) async fn stored(&self, condition: &str) -> Result<HashSet<(Coordinates, EventKey)>> {
        let sql = format!(
            "SELECT kafka_topic, kafka_partition, kafka_offset, event_key, dedupe_key FROM {}.{} WHERE {condition}",
            crate::clickhouse::quoted(R::PROJECT.database),
            crate::clickhouse::quoted(R::PROJECT.fact_table),
        );
        let answer = self
            .patiently("a look at the table", || self.client.query_json(&sql, &[]))
            .await?;
        let coordinates = answer.rows.iter().filter_map(|row| {
            let name = row.first()?.as_str()?;
            let topic = R::TOPICS.iter().position(|topic| topic.name == name)?;
            let at = (
                u32::try_from(topic).ok()?,
                i32::try_from(row.get(1)?.as_i64()?).ok()?,
                row.get(2)?.as_i64()?,
            );
            Some((at, identity(row.get(3)?.as_u64()?, row.get(4)?.as_str()?)))
        });
        Ok(coordinates.collect())
    }
}

/// Waits between attempts, which never end.
fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(LONGEST_WAIT)
        .with_jitter()
        .without_max_times()
}

/// A topic by its position in the registry, which is another once the registry has more topics.
fn topic_name<R: EventRegistry>(topic: u32) -> &'static str {
    R::TOPICS.get(topic as usize).map_or("", |topic| topic.name)
}

/// Where a row comes from, as a text.
fn place_of<R: EventRegistry>(at: Option<Coordinates>) -> String {
    let (topic, partition, offset) = at.unwrap_or_default();
    format!("{}-{partition}-{offset}", topic_name::<R>(topic))
}

/// The half of a refused block that a row goes to.
fn is_right<R: EventRegistry>(at: Option<Coordinates>, depth: u32) -> bool {
    let Some((topic, partition, offset)) = at else {
        return false;
    };
    let mut hasher = SipHasher13::new();
    hasher.write(topic_name::<R>(topic).as_bytes());
    hasher.write_i32(partition);
    hasher.write_i64(offset);
    // Every 128 halvings the bits come round with another salt; two rows never agree in all of them.
    hasher.write_u32(depth / u128::BITS);
    hasher.finish128().as_u128() >> (depth % u128::BITS) & 1 == 1
}
