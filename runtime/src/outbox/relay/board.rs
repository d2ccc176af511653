//! What the relay knows of the rows of its lanes: read up to where, under way, held back. Decides what is read and
//! what is sent; asks nobody, so it can be tested alone.
//!
//! Whether a row waits stands in the table; positions only save work. A row whose transaction commits late lies
//! before its lane's *position*, and must go before later rows of its key. So each read begins at the lane's *floor*,
//! and names the ids between the two: one that is not known is such a row. The floor follows the position once every
//! transaction has ended that was writing to the table when the position was reached (`horizon`).
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::horizon::Horizon;
use super::rows::{Ask, Row};

/// Rows under way at a time. Above, the rest waits in the table.
const MOST_FRESH: usize = 8192;

/// Rows under way, those that wait for a broker that is away included.
const MOST_UNDER_WAY: usize = 100_000;

/// Rows held back because a row before them with the same key is. Their ids are kept.
const MOST_HELD: usize = 1_000_000;

/// A row that Kafka has not acknowledged after this does not count as fresh, and its key waits.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// A key, or a topic, whose rows wait.
#[derive(Debug)]
struct Hold {
    /// From which time on it may be tried again; `None` while rows of it are stuck at the broker.
    until: Option<Instant>,
    /// Rows under way that must end first.
    stuck: usize,
    /// Ids held back, and their lanes.
    rows: Vec<(i64, i16)>,
}

#[derive(Debug, Default)]
struct Lane {
    /// No row that is not known can appear up to here.
    floor: i64,
    /// Highest id read.
    position: i64,
    is_leaving: bool,
    under_way: usize,
    held: usize,
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
    highest: i64,
    /// Which ids are behind all open transactions.
    pub(super) horizon: Horizon,
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

    pub(super) fn is_stuck_at(&self, id: i64) -> bool {
        let flight = self.flights.get(&id);
        flight.is_some_and(|flight| flight.state == State::Stuck)
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
            for hold in self.holds.values_mut() {
                for (id, _) in hold.rows.extract_if(.., |(_, lane)| lane == number) {
                    self.held.remove(&id);
                }
            }
        }
        left
    }

    /// What to read next; nothing while enough is under way.
    pub(super) fn ask(&mut self) -> Option<Ask> {
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
            epoch: self.epoch,
            clear: self.horizon.clear(),
            ..Ask::default()
        };
        let staying = self.lanes.iter().filter(|(_, lane)| !lane.is_leaving);
        for (number, lane) in staying {
            ask.lanes.push(*number);
            ask.floors.push(lane.floor);
            ask.positions.push(lane.position);
            // What is known is named again.
            let most = per_lane + lane.under_way + lane.held;
            ask.most.push(i64::try_from(most).unwrap_or(i64::MAX));
        }
        Some(ask)
    }

    /// A read was taken in, rows and last id of each lane. What came short of the limit has nothing behind it,
    /// unless bytes cut the answer.
    pub(super) fn read(&mut self, ask: &Ask, found: &HashMap<i16, (i64, i64)>, is_cut: bool) {
        for (number, most) in ask.lanes.iter().zip(&ask.most) {
            let known = self.lanes.get_mut(number);
            if let Some(lane) = known.filter(|lane| lane.set_back <= ask.epoch) {
                let (rows, last) = found.get(number).copied().unwrap_or((0, lane.floor));
                let is_whole = rows < *most && !is_cut;
                let reached = if is_whole {
                    ask.clear
                } else {
                    ask.clear.min(last)
                };
                lane.floor = lane.floor.max(reached);
                lane.position = lane.position.max(lane.floor);
            }
        }
    }

    /// Rows that were passed over may wait again.
    pub(super) fn look_again(&mut self) {
        for lane in self.lanes.values_mut() {
            self.epoch += 1;
            lane.set_back = self.epoch;
            lane.floor = 0;
        }
    }

    /// Whether a position was set back after this was asked.
    pub(super) fn has_moved_since(&self, ask: &Ask) -> bool {
        self.epoch > ask.epoch
    }

    /// The highest id that any lane has come to, where a floor is behind it.
    pub(super) fn lagging(&self) -> Option<i64> {
        let lags = self.lanes.values().any(|lane| lane.floor < self.highest);
        lags.then_some(self.highest)
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
        let is_known = self.flights.contains_key(&id) || self.held.contains(&id);
        if id <= place.position {
            if !is_known {
                // Its transaction committed late. It goes before all that comes after it.
                self.read_from(lane, id);
            }
            return Offer::Skip;
        }
        place.position = id;
        self.highest = self.highest.max(id);
        if is_known {
            return Offer::Skip;
        }
        let [key, _] = keys;
        if let Some(hold) = keys
            .iter()
            .find_map(|key| self.holds.get(key).map(|_| *key))
        {
            if let Some(hold) = self.holds.get_mut(&hold) {
                hold.rows.push((id, lane));
            }
            self.held.insert(id);
            place.held += 1;
            return Offer::Skip;
        }
        if let Some(wait) = wait {
            self.hold(key, lane, id, Some(now + wait));
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

    fn hold(&mut self, key: u64, lane: i16, id: i64, until: Option<Instant>) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.held += 1;
        }
        let hold = self.holds.entry(key).or_insert(Hold {
            until,
            stuck: 0,
            rows: Vec::new(),
        });
        hold.until = hold.until.max(until);
        hold.rows.push((id, lane));
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
            self.hold(topic.unwrap_or(flight.key), flight.lane, id, Some(until));
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
            lane.floor = lane.floor.min(id - 1);
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
        for (id, lane) in hold.rows {
            self.held.remove(&id);
            if let Some(lane) = self.lanes.get_mut(&lane) {
                lane.held = lane.held.saturating_sub(1);
            }
            self.read_from(lane, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const KEY: u64 = 7;
    const TOPIC: u64 = 1;

    fn board() -> Board {
        let mut board = Board::default();
        board.take(0);
        board
    }

    /// Reads these ids of lane 0 and tells which are sent.
    fn read_as(board: &mut Board, ask: &Ask, ids: &[i64]) -> Vec<i64> {
        let now = Instant::now();
        let mut sent = Vec::new();
        let mut found = HashMap::new();
        for id in ids.iter().copied().filter(|id| *id > ask.floors[0]) {
            let row = Row {
                id,
                lane: 0,
                keys: [KEY, TOPIC],
                attempts: 0,
                wait: None,
                created_ms: 0,
                record: None,
            };
            let (rows, last) = found.entry(0).or_insert((0, 0));
            (*rows, *last) = (*rows + 1, id);
            if board.offer(ask, &row, now) == Offer::Send {
                sent.push(id);
            }
        }
        board.read(ask, &found, false);
        sent
    }

    fn read(board: &mut Board, ids: &[i64]) -> Vec<i64> {
        let ask = board.ask().expect("reads");
        read_as(board, &ask, ids)
    }

    fn look(board: &mut Board, writing: &[&str]) {
        if let Some(reached) = board.lagging() {
            let writing: HashSet<String> = writing.iter().map(|name| (*name).to_owned()).collect();
            board.horizon.looked(reached, &writing);
        }
    }

    #[test]
    fn a_row_that_commits_late_goes_before_those_read_with_it() {
        let mut board = board();
        assert_eq!(read(&mut board, &[1, 4]), [1, 4]);
        // 2 was open; 5 came after it. Nothing of the lane is sent before 2 is read whole.
        assert_eq!(read(&mut board, &[1, 2, 4, 5]), [0; 0]);
        assert_eq!(read(&mut board, &[1, 2, 4, 5]), [2, 5]);
    }

    #[test]
    fn the_floor_follows_when_transactions_have_ended() {
        let mut board = board();
        assert_eq!(read(&mut board, &[1, 4]), [1, 4]);
        look(&mut board, &["open"]);
        assert_eq!(board.ask().expect("reads").floors, [0]);
        look(&mut board, &[]);
        // What ended may have left rows: one more read begins at the old floor.
        assert_eq!(board.ask().expect("reads").floors, [0]);
        assert_eq!(read(&mut board, &[1, 3, 4]), [0; 0]);
        assert_eq!(read(&mut board, &[1, 3, 4]), [3]);
        assert_eq!(board.ask().expect("reads").floors, [4]);
        // Rows released by hand lie below the floor.
        board.settle(1);
        board.settled(&[1]);
        board.look_again();
        assert_eq!(read(&mut board, &[1, 3, 4]), [0; 0]);
        assert_eq!(read(&mut board, &[1, 3, 4]), [1]);
    }

    #[test]
    fn a_read_from_before_a_recall_is_not_sent() {
        let mut board = board();
        assert_eq!(read(&mut board, &[1, 2]), [1, 2]);
        let old = board.ask().expect("reads");
        board.settle(1);
        assert_eq!(board.recall(), [2]);
        assert_eq!(read_as(&mut board, &old, &[1, 2, 3]), [0; 0]);
        assert_eq!(read(&mut board, &[1, 2, 3]), [2, 3]);
    }

    #[test]
    fn a_deferred_row_holds_its_key_until_its_time() {
        let mut board = board();
        assert_eq!(read(&mut board, &[1, 2]), [1, 2]);
        let until = Instant::now() + Duration::from_mins(1);
        board.defer(1, None, until);
        board.recall();
        assert_eq!(read(&mut board, &[1, 2, 3]), [0; 0]);
        board.tick(until - Duration::from_secs(1));
        assert_eq!(read(&mut board, &[1, 2, 3, 4]), [0; 0]);
        board.tick(until);
        assert_eq!(read(&mut board, &[1, 2, 3, 4]), [1, 2, 3, 4]);
        assert_eq!(board.sent(), 4);
    }

    #[test]
    fn a_stuck_row_holds_its_key_and_frees_its_place() {
        let mut board = board();
        assert_eq!(read(&mut board, &[1]), [1]);
        board.tick(Instant::now() + STUCK_AFTER);
        assert!(board.is_stuck());
        assert_eq!(board.fresh, 0);
        assert_eq!(read(&mut board, &[1, 2]), [0; 0]);
        assert!(board.settle(1));
        board.settled(&[1]);
        assert_eq!(read(&mut board, &[2]), [2]);
        assert!(!board.is_stuck());
    }

    #[test]
    fn a_lane_is_left_when_nothing_of_it_is_under_way() {
        let mut board = board();
        assert_eq!(read(&mut board, &[1]), [1]);
        let ask = board.ask().expect("reads");
        board.give_up(1);
        assert_eq!(read_as(&mut board, &ask, &[1, 2]), [0; 0]);
        assert_eq!(board.left(), [0; 0]);
        board.settle(1);
        assert!(!board.settle(1));
        board.settled(&[1]);
        assert_eq!(board.left(), [0]);
        assert_eq!((board.under_way(), board.lanes()), (0, 0));
    }
}
