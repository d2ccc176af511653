//! Fetching from one broker the partitions that it leads.
//!
//! While an answer is taken apart the broker already prepares the next one. A partition's position moves when its run
//! is handed over, in one step: who stops this at any point can go on from the positions. What is wrong with one
//! partition leaves the others going for a while; then it ends, and whoever leads now is asked.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{FetchRequest, FetchResponse, ListOffsetsRequest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::REST;
use super::broker::{Broker, Trouble};
use super::compression::Decompression;
use super::records::{Batch, Unreadable};
use super::requests::{self, FETCH, LIST_OFFSETS};
use super::run::{Memory, Run, Spare, Standing};
use super::transactions::Aborted;
use crate::error::{Error, Result};

/// Bytes and records after which a run is handed over; a batch is never cut.
const RUN_BYTES: usize = 512 << 10;
const RUN_RECORDS: usize = 1024;

/// Why fetching from a broker ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("{0}")]
    Trouble(#[from] Trouble),
    /// For a partition: it moved to another broker, or is not there (yet).
    #[error("{topic}/{partition}: {error}")]
    Refused {
        topic: Arc<str>,
        partition: i32,
        error: ResponseError,
    },
    #[error("{topic}/{partition} has no leader")]
    Leaderless { topic: Arc<str>, partition: i32 },
    #[error("{topic}/{partition}, at offset {offset}: {error}")]
    Unreadable {
        topic: Arc<str>,
        partition: i32,
        offset: i64,
        error: Unreadable,
    },
    #[error("another leader ended")]
    WithOthers,
    /// Nobody takes runs any more.
    #[error("the worker is gone")]
    Unwanted,
}

impl Ended {
    /// Whether asking again is in vain.
    pub(super) fn is_for_good(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                error: ResponseError::TopicAuthorizationFailed
                    | ResponseError::ClusterAuthorizationFailed,
                ..
            }
        )
    }
}

/// A partition that is fetched.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    /// The next offset to hand over; none where that is the partition's first.
    pub(super) next: Option<i64>,
    /// What was told last.
    pub(super) told: Option<Standing>,
    /// Left out: something is wrong with it alone.
    pub(super) rests: bool,
    /// When it was named first in a request: a broker fills its answer from the front, and only there gives a batch that
    /// is larger than what was asked for.
    pub(super) led: u64,
}

impl Place {
    /// Whether it is to be read from its first record, and where that is is not known yet.
    fn is_to_begin(&self) -> bool {
        self.next.is_none() && !self.rests
    }
}

/// A run on its way, with the room that it takes; or why there will be none.
pub(super) struct Delivery {
    pub(super) run: Result<Run>,
    _room: Option<OwnedSemaphorePermit>,
}

/// Where runs go.
pub(super) struct Outlet {
    pub(super) epoch: u64,
    pub(super) runs: Sender<Delivery>,
    pub(super) room: Arc<Semaphore>,
    /// Whether leaders are to be asked for anew.
    pub(super) is_over: AtomicBool,
    pub(super) spare: Spare,
}

impl Outlet {
    /// Ends everything; where nobody takes it nobody needs it.
    pub(super) fn refuse(&self, error: Error) {
        let _ = self.runs.send(Delivery {
            run: Err(error),
            _room: None,
        });
    }
}

/// Fetches until something ends it.
pub(super) async fn fetch(mut broker: Broker, places: &mut [&mut Place], outlet: &Outlet) -> Ended {
    let mut leader = Leader {
        places,
        outlet,
        decompression: Decompression::default(),
        ending: None,
    };
    match leader.serve(&mut broker).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}

/// One partition's part of an answer.
struct Part {
    /// Its position among the places.
    place: usize,
    data: PartitionData,
    batches: Vec<Batch>,
    /// Why what stands behind them cannot be read.
    damage: Option<Unreadable>,
}

struct Leader<'l, 'p> {
    places: &'l mut [&'p mut Place],
    outlet: &'l Outlet,
    decompression: Decompression,
    /// When to end, and why: others are fetched until then.
    ending: Option<(Instant, Ended)>,
}

impl Leader<'_, '_> {
    async fn serve(&mut self, broker: &mut Broker) -> Result<std::convert::Infallible, Ended> {
        loop {
            self.find_starts(broker).await?;
            // Offsets to ask for: ahead of the places' own while an answer is taken apart.
            let nexts = self.places.iter().map(|place| place.next);
            let mut ahead: Vec<Option<i64>> = nexts.collect();
            if self.is_over() {
                return Err(self.end().await);
            }
            let request = self.request(&ahead);
            broker.send(FETCH, &request).await?;
            while self
                .places
                .iter()
                .all(|place| place.rests || place.next.is_some())
            {
                let answer = broker.answer::<FetchRequest>(FETCH).await?;
                broker.throttle(answer.throttle_time_ms);
                let parts = self.parts(answer)?;
                for part in &parts {
                    if let (Some(last), Some(ahead)) =
                        (part.batches.last(), ahead.get_mut(part.place))
                    {
                        *ahead = (*ahead).max(Some(last.last_offset().saturating_add(1)));
                    }
                }
                let is_over = self.is_over();
                if !is_over {
                    let request = self.request(&ahead);
                    broker.send(FETCH, &request).await?;
                }
                for part in parts {
                    self.hand_over(part).await?;
                }
                if is_over {
                    return Err(self.end().await);
                }
            }
            // The answer on its way asks for offsets that are no more.
            broker.answer::<FetchRequest>(FETCH).await?;
        }
    }

    /// Whether it is time to end: others have, nothing is left to do, or something is to be asked anew.
    fn is_over(&self) -> bool {
        let is_due = |(at, _): &(Instant, Ended)| *at <= Instant::now();
        self.outlet.is_over.load(Ordering::Relaxed)
            || self.places.iter().all(|place| place.rests)
            || self.ending.as_ref().is_some_and(is_due)
    }

    /// Why it ends. Not before its time, unless others have ended.
    async fn end(&mut self) -> Ended {
        match self.ending.take() {
            None => Ended::WithOthers,
            Some((at, ended)) => {
                if !self.outlet.is_over.load(Ordering::Relaxed) {
                    tokio::time::sleep_until(at).await;
                }
                ended
            }
        }
    }

    /// Leaves a partition out; the rest goes on for a while.
    fn rest(&mut self, index: usize, ended: Ended) {
        if let Some(place) = self.places.get_mut(index) {
            place.rests = true;
        }
        self.ending.get_or_insert((Instant::now() + REST, ended));
    }

    /// Asks where the partitions begin that are to be read from there.
    async fn find_starts(&mut self, broker: &mut Broker) -> Result<(), Ended> {
        let Some(request) = self.starts() else {
            return Ok(());
        };
        let answer = broker.ask(LIST_OFFSETS, &request).await?;
        for topic in &answer.topics {
            for found in &topic.partitions {
                let Some(index) = self.index(&topic.name, found.partition_index) else {
                    continue;
                };
                if let Some(refused) = self.refused(index, found.error_code) {
                    self.rest(index, refused?);
                } else if let Some(place) = self.places.get_mut(index) {
                    place.next = Some(found.offset).filter(|offset| *offset >= 0);
                }
            }
        }
        for index in 0..self.places.len() {
            let place = self.places.get(index);
            if let Some(place) = place.filter(|place| place.is_to_begin()) {
                let ended = Ended::Leaderless {
                    topic: Arc::clone(&place.topic),
                    partition: place.partition,
                };
                self.rest(index, ended);
            }
        }
        Ok(())
    }

    /// A request for the beginnings that are wanted, if any.
    fn starts(&self) -> Option<ListOffsetsRequest> {
        let places = self.places.iter().map(|place| &**place);
        let mut places = places.filter(|place| place.is_to_begin()).peekable();
        places.peek().is_some().then(|| requests::starts(places))
    }

    /// A request for records, from these offsets on. The place that was first longest ago is first.
    fn request(&mut self, ahead: &[Option<i64>]) -> FetchRequest {
        let count = self.places.len();
        let latest = self.places.iter().map(|place| place.led).max();
        let eldest = (0..count).min_by_key(|index| self.places[*index].led);
        let first = eldest.unwrap_or(0);
        if let Some(place) = self.places.get_mut(first) {
            place.led = latest.unwrap_or(0) + 1;
        }
        let all = self
            .places
            .iter()
            .zip(ahead)
            .cycle()
            .skip(first)
            .take(count);
        let fetched = all.filter(|(place, _)| !place.rests);
        requests::records(fetched.filter_map(|(place, offset)| Some((&**place, (*offset)?))))
    }

    fn index(&self, topic: &str, partition: i32) -> Option<usize> {
        self.places
            .iter()
            .position(|place| place.partition == partition && &*place.topic == topic)
    }

    /// What an error code means; an error of its own where no partition is to go on.
    fn refused(&self, index: usize, code: i16) -> Option<Result<Ended, Ended>> {
        let (error, place) = (ResponseError::try_from_code(code)?, self.places.get(index)?);
        let refused = Ended::Refused {
            topic: Arc::clone(&place.topic),
            partition: place.partition,
            error,
        };
        Some(if refused.is_for_good() {
            Err(refused)
        } else {
            Ok(refused)
        })
    }

    /// An answer by partitions, cut into batches.
    fn parts(&mut self, answer: FetchResponse) -> Result<Vec<Part>, Ended> {
        if let Some(error) = ResponseError::try_from_code(answer.error_code) {
            let refused = self.refused(0, answer.error_code);
            return Err(match refused {
                Some(Err(for_good)) => for_good,
                _ => Trouble::Protocol(error.to_string()).into(),
            });
        }
        let mut parts = Vec::new();
        for topic in answer.responses {
            for mut data in topic.partitions {
                let Some(place) = self.index(&topic.topic, data.partition_index) else {
                    continue;
                };
                if !is_out_of_range(&data)
                    && let Some(refused) = self.refused(place, data.error_code)
                {
                    self.rest(place, refused?);
                    continue;
                }
                let mut bytes: Bytes = data.records.take().unwrap_or_default();
                let mut batches = Vec::new();
                let damage = loop {
                    match Batch::take(&mut bytes) {
                        Ok(Some(batch)) => batches.push(batch),
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                };
                parts.push(Part {
                    place,
                    data,
                    batches,
                    damage,
                });
            }
        }
        Ok(parts)
    }

    async fn hand_over(&mut self, part: Part) -> Result<(), Ended> {
        let index = part.place;
        if self.places.get(index).is_none_or(|place| place.rests) {
            // An answer that was on its way: it begins behind what is damaged.
            return Ok(());
        }
        if is_out_of_range(&part.data) {
            // Retention has passed it, or the topic was made again: from the first record that is there.
            if let Some(place) = self.places.get_mut(index) {
                place.next = None;
            }
            return Ok(());
        }
        let Some(from) = self.places.get(index).and_then(|place| place.next) else {
            return Ok(());
        };
        let mut aborted = Aborted::new(part.data.aborted_transactions.as_deref());
        let mut memory = self.memory();
        let mut standing = Standing {
            low: part.data.log_start_offset,
            end: part.data.high_watermark,
            next: from,
        };
        let mut damage = part.damage;
        for batch in &part.batches {
            if batch.last_offset() < from {
                continue;
            }
            let whole = memory.size();
            let read = match aborted.lets(batch) {
                Ok(true) => batch.read(
                    from,
                    &mut self.decompression,
                    &mut memory.bytes,
                    &mut memory.records,
                ),
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = read {
                // Not what it has appended; what stands before it is good.
                memory.cut(whole);
                damage = Some(error);
                break;
            }
            standing.next = batch.last_offset().saturating_add(1);
            if memory.bytes.len() >= RUN_BYTES || memory.records.len() >= RUN_RECORDS {
                let full = std::mem::replace(&mut memory, self.memory());
                self.send(index, standing, full).await?;
            }
        }
        self.send(index, standing, memory).await?;
        if let (Some(error), Some(place)) = (damage, self.places.get(index)) {
            let damaged = Ended::Unreadable {
                topic: Arc::clone(&place.topic),
                partition: place.partition,
                offset: standing.next,
                error,
            };
            self.rest(index, damaged);
        }
        Ok(())
    }

    fn memory(&self) -> Memory {
        let mut spare = self
            .outlet
            .spare
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        spare.pop().unwrap_or_default()
    }

    /// Hands a run over, where there is anything to tell, and moves the partition's position.
    async fn send(
        &mut self,
        index: usize,
        standing: Standing,
        memory: Memory,
    ) -> Result<(), Ended> {
        let Some(place) = self.places.get_mut(index) else {
            return Ok(());
        };
        let run = Run {
            epoch: self.outlet.epoch,
            topic: Arc::clone(&place.topic),
            partition: place.partition,
            standing,
            memory,
            spare: Arc::clone(&self.outlet.spare),
        };
        if run.len() == 0 && place.told == Some(standing) {
            return Ok(());
        }
        let room = Arc::clone(&self.outlet.room).acquire_owned().await;
        let room = room.map_err(|_| Ended::Unwanted)?;
        // No wait between the two: a run that is handed over is never handed over again.
        place.next = Some(standing.next);
        place.told = Some(standing);
        let delivery = Delivery {
            run: Ok(run),
            _room: Some(room),
        };
        self.outlet.runs.send(delivery).map_err(|_| Ended::Unwanted)
    }
}

fn is_out_of_range(data: &PartitionData) -> bool {
    data.error_code == ResponseError::OffsetOutOfRange.code()
}
