//! What the relay knows of the rows of its lanes: read up to where, under way, held back. Decides what is read and
//! what is sent; asks nobody, so it can be tested alone.
//!
//! Positions only save work: whether a row waits stands in the table. Rows whose transaction commits late lie before
//! a position; recent ones are read again a few seconds long, older ones are found by sweeps.
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::rows::{Ask, Row, Sweep};

/// Rows under way at a time. Above, the rest waits in the table.
const MOST_FRESH: usize = 8192;

/// Rows under way, those that wait for a broker that is away included.
const MOST_UNDER_WAY: usize = 100_000;

/// Rows held back because a row before them with the same key is. Their ids are kept.
const MOST_HELD: usize = 1_000_000;

/// A row that Kafka has not acknowledged after this does not count as fresh, and its key waits.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Ids of transactions this young are read again and again: most transactions are shorter.
const RECENT: Duration = Duration::from_secs(2);

/// Rows of one lane looked through at a time.
const SWEPT: i64 = 2_000;

/// A key, or a topic, whose rows wait.
#[derive(Debug)]
struct Hold {
    /// The key's lane; a topic has rows in all.
    lane: Option<i16>,
    /// From which time on it may be tried again; `None` while rows of it are stuck at the broker.
    until: Option<Instant>,
    /// Rows under way that must end first.
    stuck: usize,
    /// Ids held back.
    rows: Vec<i64>,
}

#[derive(Debug, Default)]
struct Lane {
    /// Highest id read.
    position: i64,
    /// Whether nothing was behind it at the last look.
    is_read: bool,
    is_leaving: bool,
    under_way: usize,
    /// How far the sweep has come.
    swept: i64,
    /// When its position was last set back, or it became ours: the board's count of such events.
    set_back: u64,
}

#[derive(Debug)]
struct Flight {
    lane: i16,
    key: u64,
    since: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sent,
    Stuck,
    /// Acknowledged, or refused for good: the table is about to say so.
    Settling,
}

/// What to do with a row that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Send,
    /// It is under way, held back or of a lane that is not ours any more.
    Skip,
}

#[derive(Debug, Default)]
pub(super) struct Board {
    lanes: BTreeMap<i16, Lane>,
    flights: HashMap<i64, Flight>,
    holds: HashMap<u64, Hold>,
    held: HashSet<i64>,
    fresh: usize,
    stuck: usize,
    /// Highest id seen, and when.
    seen: VecDeque<(Instant, i64)>,
    floor: i64,
    highest: i64,
    /// Counts positions that were set back. What was asked before must not be sent after it: rows before it wait.
    epoch: u64,
}

impl Board {
    pub(super) fn lanes(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.is_leaving).count()
    }

    pub(super) fn under_way(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.stuck > 0
    }

    /// A lane is ours.
    pub(super) fn take(&mut self, lane: i16) {
        self.epoch += 1;
        let set_back = self.epoch;
        self.lanes.insert(
            lane,
            Lane {
                set_back,
                ..Lane::default()
            },
        );
    }

    /// Nothing more of these lanes is sent; the highest go.
    pub(super) fn give_up(&mut self, count: usize) {
        let staying = self.lanes.values_mut().rev();
        for lane in staying.filter(|lane| !lane.is_leaving).take(count) {
            lane.is_leaving = true;
        }
    }

    /// Lanes given up of which nothing is under way any more.
    pub(super) fn left(&mut self) -> Vec<i16> {
        let free = |lane: &Lane| lane.is_leaving && lane.under_way == 0;
        let left: Vec<i16> = self
            .lanes
            .iter()
            .filter(|(_, lane)| free(lane))
            .map(|(number, _)| *number)
            .collect();
        for number in &left {
            self.lanes.remove(number);
            let gone = self.holds.extract_if(|_, hold| hold.lane == Some(*number));
            for (_, hold) in gone {
                for id in hold.rows {
                    self.held.remove(&id);
                }
            }
        }
        left
    }

    /// What to read next; nothing while enough is under way.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Ask> {
        while let Some((then, id)) = self.seen.front()
            && now.duration_since(*then) >= RECENT
        {
            self.floor = *id;
            self.seen.pop_front();
        }
        let lanes = self.lanes();
        if lanes == 0
            || self.fresh > MOST_FRESH / 2
            || self.flights.len() > MOST_UNDER_WAY
            || self.held.len() > MOST_HELD
        {
            return None;
        }
        let per_lane = ((MOST_FRESH - self.fresh) / lanes).clamp(8, 512);
        let mut ask = Ask {
            per_lane: i64::try_from(per_lane).unwrap_or(8),
            epoch: self.epoch,
            ..Ask::default()
        };
        let staying = self.lanes.iter().filter(|(_, lane)| !lane.is_leaving);
        for (number, lane) in staying {
            // Reading again what is under way is cheap only while that is little.
            let again = lane.is_read && lane.under_way < per_lane / 2;
            ask.lanes.push(*number);
            ask.after.push(match again {
                true => lane.position.min(self.floor),
                false => lane.position,
            });
        }
        Some(ask)
    }

    /// A read ended: the rows of each lane in its answer. What came short of the limit has nothing behind it, unless
    /// bytes cut the answer.
    pub(super) fn read(&mut self, ask: &Ask, rows: &HashMap<i16, i64>, is_cut: bool, now: Instant) {
        for number in &ask.lanes {
            let known = self.lanes.get_mut(number);
            if let Some(lane) = known.filter(|lane| lane.set_back <= ask.epoch) {
                let rows = rows.get(number).copied().unwrap_or(0);
                lane.is_read = rows < ask.per_lane && !is_cut;
            }
        }
        // One note each tenth of a second is enough.
        let is_due = self
            .seen
            .back()
            .is_none_or(|(then, _)| now.duration_since(*then) > RECENT / 20);
        if is_due {
            self.seen.push_back((now, self.highest));
        }
    }

    /// A row that was read as `ask` says, in the order of ids.
    pub(super) fn offer(&mut self, ask: &Ask, row: &Row, now: Instant) -> Offer {
        let Row {
            id,
            lane,
            keys,
            wait,
            ..
        } = *row;
        let ours = |lane: &&mut Lane| !lane.is_leaving && lane.set_back <= ask.epoch;
        let Some(place) = self.lanes.get_mut(&lane).filter(ours) else {
            return Offer::Skip;
        };
        place.position = place.position.max(id);
        self.highest = self.highest.max(id);
        if self.flights.contains_key(&id) || self.held.contains(&id) {
            return Offer::Skip;
        }
        let [key, _] = keys;
        if let Some(hold) = keys
            .iter()
            .find_map(|key| self.holds.get(key).map(|_| *key))
        {
            if let Some(hold) = self.holds.get_mut(&hold) {
                hold.rows.push(id);
            }
            self.held.insert(id);
            return Offer::Skip;
        }
        if let Some(wait) = wait {
            self.hold(key, Some(lane), id, Some(now + wait));
            return Offer::Skip;
        }
        place.under_way += 1;
        self.fresh += 1;
        let state = State::Sent;
        self.flights.insert(
            id,
            Flight {
                lane,
                key,
                since: now,
                state,
            },
        );
        Offer::Send
    }

    fn hold(&mut self, key: u64, lane: Option<i16>, id: i64, until: Option<Instant>) {
        let hold = self.holds.entry(key).or_insert(Hold {
            lane,
            until,
            stuck: 0,
            rows: Vec::new(),
        });
        hold.until = hold.until.max(until);
        hold.rows.push(id);
        self.held.insert(id);
    }

    /// Kafka has the row, or never will: it stays under way until the table says so.
    pub(super) fn settle(&mut self, id: i64) -> bool {
        let Some(flight) = self.flights.get_mut(&id) else {
            return false;
        };
        let was = std::mem::replace(&mut flight.state, State::Settling);
        let key = flight.key;
        self.left_state(was, key);
        was != State::Settling
    }

    fn left_state(&mut self, was: State, key: u64) {
        match was {
            State::Sent => self.fresh -= 1,
            State::Stuck => {
                self.stuck -= 1;
                if let Some(hold) = self.holds.get_mut(&key) {
                    hold.stuck = hold.stuck.saturating_sub(1);
                    if hold.stuck == 0 && hold.until.is_none() {
                        self.release(key);
                    }
                }
            }
            State::Settling => {}
        }
    }

    /// The table says so.
    pub(super) fn settled(&mut self, ids: &[i64]) {
        for id in ids {
            if let Some(flight) = self.flights.remove(id) {
                self.landed(flight.lane);
            }
        }
    }

    fn landed(&mut self, lane: i16) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.under_way = lane.under_way.saturating_sub(1);
        }
    }

    /// A row is to be tried again later; its key, or its topic, waits until then.
    pub(super) fn defer(&mut self, id: i64, topic: Option<u64>, until: Instant) {
        if let Some(flight) = self.flights.remove(&id) {
            self.left_state(flight.state, flight.key);
            self.landed(flight.lane);
            match topic {
                Some(topic) => self.hold(topic, None, id, Some(until)),
                None => self.hold(flight.key, Some(flight.lane), id, Some(until)),
            }
        }
    }

    /// What a retired producer may not have sent is read again.
    pub(super) fn recall(&mut self) -> Vec<i64> {
        let sent = self
            .flights
            .extract_if(|_, flight| flight.state != State::Settling);
        let sent: Vec<(i64, Flight)> = sent.collect();
        for (id, flight) in &sent {
            self.left_state(flight.state, flight.key);
            self.landed(flight.lane);
            self.read_from(flight.lane, *id);
        }
        sent.into_iter().map(|(id, _)| id).collect()
    }

    /// Whether Kafka's word on a row is still to come.
    pub(super) fn is_sent(&self, id: i64) -> bool {
        let flight = self.flights.get(&id);
        flight.is_some_and(|flight| flight.state != State::Settling)
    }

    /// Rows that Kafka has not said anything about.
    pub(super) fn sent(&self) -> usize {
        self.fresh + self.stuck
    }

    fn read_from(&mut self, lane: i16, id: i64) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            self.epoch += 1;
            lane.set_back = self.epoch;
            lane.position = lane.position.min(id - 1);
            lane.is_read = false;
        }
    }

    /// Keys whose time has come are read again; keys whose rows take long wait for them.
    pub(super) fn tick(&mut self, now: Instant) {
        let due: Vec<u64> = self
            .holds
            .iter()
            .filter(|(_, hold)| hold.until.is_some_and(|until| until <= now) && hold.stuck == 0)
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            self.release(key);
        }
        for flight in self.flights.values_mut() {
            if flight.state == State::Sent && now.duration_since(flight.since) >= STUCK_AFTER {
                flight.state = State::Stuck;
                self.fresh -= 1;
                self.stuck += 1;
                let hold = self.holds.entry(flight.key).or_insert(Hold {
                    lane: Some(flight.lane),
                    until: None,
                    stuck: 0,
                    rows: Vec::new(),
                });
                hold.stuck += 1;
            }
        }
    }

    fn release(&mut self, key: u64) {
        let Some(hold) = self.holds.remove(&key) else {
            return;
        };
        for id in &hold.rows {
            self.held.remove(id);
        }
        if let Some(first) = hold.rows.iter().min() {
            let lanes: Vec<i16> = match hold.lane {
                Some(lane) => vec![lane],
                None => self.lanes.keys().copied().collect(),
            };
            for lane in lanes {
                self.read_from(lane, *first);
            }
        }
    }

    /// What to look through for rows that committed late: the lanes' next slices up to their positions.
    pub(super) fn sweep(&mut self) -> Sweep {
        let mut sweep = Sweep {
            per_lane: SWEPT,
            ..Sweep::default()
        };
        for (number, lane) in self.lanes.iter_mut().filter(|(_, lane)| !lane.is_leaving) {
            if lane.swept >= lane.position {
                lane.swept = 0;
            }
            sweep.lanes.push(*number);
            sweep.after.push(lane.swept);
            sweep.until.push(lane.position);
        }
        sweep
    }

    /// Ids that wait before the positions, in the order of ids within a lane.
    pub(super) fn swept(&mut self, sweep: &Sweep, found: &[(i64, i16)]) {
        let mut rows: HashMap<i16, (i64, i64)> = HashMap::new();
        for (id, lane) in found {
            let row = rows.entry(*lane).or_default();
            *row = (row.0 + 1, (*id).max(row.1));
            if !self.flights.contains_key(id) && !self.held.contains(id) {
                self.read_from(*lane, *id);
            }
        }
        for (number, until) in sweep.lanes.iter().zip(&sweep.until) {
            if let Some(lane) = self.lanes.get_mut(number) {
                lane.swept = match rows.get(number) {
                    Some((count, last)) if *count >= SWEPT => *last,
                    _ => *until,
                };
            }
        }
    }
}
