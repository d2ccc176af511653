//! A seeded stream of events whose fates are known: good ones, repeated ones, late ones, copies that say something else
//! than their first, events that only share a key with others, and bad ones of every kind.
use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::{Value, json};

/// Topics of the game, each with how many of twenty events it gets.
const TOPICS: &[(&str, u32)] = &[
    ("auth.events", 4),
    ("event.claim", 1),
    ("event.progress", 5),
    ("game.session", 2),
    ("mission.claim", 1),
    ("mission.progress", 2),
    ("reward.granted", 2),
    ("shop.purchase", 3),
];

/// The product that the tests of refused rows forbid by a constraint on the live table.
pub const FORBIDDEN_PRODUCT: u64 = 13;

/// Longest event, in bytes, that workers of the harness take.
pub const LONGEST: usize = 60_000;

/// What must become of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It becomes one row; another record with the same key may take its place.
    Row(Box<Fact>),
    /// It becomes a dead letter with this reason.
    Letter(&'static str),
}

/// What a row says, as far as the questions of the registry look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// Deduplication key.
    pub key: String,
    /// Topic.
    pub topic: &'static str,
    /// Player.
    pub user: u64,
    /// Days since 1970-01-01.
    pub day: i64,
    /// In-game event, mission, transaction or cause of a grant.
    pub entity: u64,
    /// Play session.
    pub session: String,
    /// Account action.
    pub action: &'static str,
    /// Status of a purchase.
    pub status: &'static str,
    /// Gold gained or lost.
    pub gold: i64,
    /// Gold in the wallet afterwards.
    pub balance: i64,
    /// Price in cents.
    pub cents: u64,
    /// The record key, as the topic's manifest makes it.
    pub record_key: String,
}

impl Fact {
    /// What makes records one event: topic, record key, player and deduplication key.
    #[must_use]
    pub fn identity(&self) -> (&'static str, &str, u64, &str) {
        (self.topic, &self.record_key, self.user, &self.key)
    }
}

/// A record to send.
#[derive(Clone, Debug)]
pub struct Record {
    /// Topic.
    pub topic: &'static str,
    /// Key.
    pub key: Vec<u8>,
    /// Value; none for a record without one.
    pub value: Option<Vec<u8>>,
    /// What must become of it.
    pub fate: Fate,
    /// It is refused, and a good event has its key: copies of it that come after that one are only duplicates.
    pub has_twin: bool,
}

/// The stream.
pub struct Stream {
    random: Rng,
    /// Newest day that events are of.
    last_day: i64,
    /// Everything made so far; a record's number is its place.
    pub records: Vec<Record>,
    forbidden: bool,
    /// Good events with the keys of forbidden ones, to be sent some time after them.
    twins: Vec<Record>,
}

/// A day as `2026-01-31`.
#[must_use]
pub fn date(day: i64) -> String {
    // Civil from days, after Howard Hinnant.
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * of_year + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{:02}",
        of_year - (153 * mp + 2) / 5 + 1
    )
}

/// Yesterday, in days since 1970-01-01: the newest day of a stream, so that the day is over.
///
/// # Panics
/// The clock stands before 1970.
#[must_use]
pub fn yesterday() -> i64 {
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(seconds / 86_400).unwrap() - 1
}

impl Stream {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64, last_day: i64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            last_day,
            records: Vec::new(),
            forbidden: false,
            twins: Vec::new(),
        }
    }

    /// From now on some purchases are of the product that the live table refuses, and some of those come again with
    /// another product.
    pub fn forbid(&mut self) {
        self.forbidden = true;
    }

    /// The newest day that events are of.
    #[must_use]
    pub fn last_day(&self) -> i64 {
        self.last_day
    }

    /// Makes one more record.
    ///
    /// # Panics
    /// Never.
    pub fn draw(&mut self) -> Record {
        let record = match self.random.u32(0..100) {
            // The same again: soon, or much later.
            0..8 if !self.records.is_empty() => {
                let newest = self.records.len();
                let reach = if self.random.bool() {
                    newest.min(40)
                } else {
                    newest
                };
                self.records[newest - 1 - self.random.usize(0..reach)].clone()
            }
            // A copy stamped anew, or with other values; or another event with the key of this one.
            8..12 if !self.records.is_empty() => self.namesake(),
            12..18 => self.bad(),
            18..34 if !self.twins.is_empty() => self.twins.remove(0),
            _ => self.good(),
        };
        self.records.push(record.clone());
        record
    }

    fn topic(&mut self) -> &'static str {
        let mut place = self.random.u32(0..20);
        for (topic, share) in TOPICS {
            if place < *share {
                return topic;
            }
            place -= share;
        }
        unreachable!("shares make twenty")
    }

    fn good(&mut self) -> Record {
        let topic = self.topic();
        let (event, fact) = self.event(topic);
        let refused = fact.entity > 0 && event["payload"]["product_id"] == FORBIDDEN_PRODUCT;
        let has_twin = refused && self.random.bool();
        if has_twin {
            let mut twin = event.clone();
            twin["dedupe_key"] = fact.key.clone().into();
            twin["payload"]["product_id"] = (FORBIDDEN_PRODUCT + 1).into();
            self.twins.push(Record {
                topic,
                key: fact.user.to_string().into_bytes(),
                value: Some(twin.to_string().into_bytes()),
                fate: Fate::Row(Box::new(fact.clone())),
                has_twin: false,
            });
        }
        Record {
            topic,
            key: fact.user.to_string().into_bytes(),
            value: Some(event.to_string().into_bytes()),
            fate: if refused {
                Fate::Letter("refused")
            } else {
                Fate::Row(Box::new(fact))
            },
            has_twin,
        }
    }

    /// A record with the deduplication key of an earlier one: a copy with another time, on the same day or on one up to
    /// four weeks away, and with other values; or an event of another player or topic.
    fn namesake(&mut self) -> Record {
        let place = self.random.usize(0..self.records.len());
        let earlier = &self.records[place];
        let (Fate::Row(fact), Some(value)) = (&earlier.fate, &earlier.value) else {
            return self.good();
        };
        let (topic, first) = (earlier.topic, (**fact).clone());
        let mut event: Value = serde_json::from_slice(value).unwrap();
        if self.random.u32(0..4) == 0 {
            let other = self.topic();
            let (mut event, mut fact) = self.event(other);
            let refused = event["payload"]["product_id"] == FORBIDDEN_PRODUCT;
            let would_be_copy = fact.user == first.user && other == topic;
            if refused || would_be_copy {
                return self.good();
            }
            event["dedupe_key"] = first.key.clone().into();
            fact.key = first.key;
            return Record {
                topic: other,
                key: fact.user.to_string().into_bytes(),
                value: Some(event.to_string().into_bytes()),
                fate: Fate::Row(Box::new(fact)),
                has_twin: false,
            };
        }
        let mut copy = first;
        event["dedupe_key"] = copy.key.clone().into();
        let least = (copy.day - 28).max(self.last_day - 75);
        let most = (copy.day + 28).min(self.last_day);
        copy.day = match self.random.u32(0..3) {
            0 => copy.day,
            1 => (copy.day + 1).min(most),
            _ => (copy.day + 7 * self.random.i64(-4..=4)).clamp(least, most),
        };
        event["ts"] = format!(
            "{}T12:00:00.{:03}Z",
            date(copy.day),
            self.random.u32(0..1000)
        )
        .into();
        let payload = &mut event["payload"];
        match topic {
            "shop.purchase" => {
                copy.cents += 1;
                payload["price_cents"] = copy.cents.into();
                if copy.gold != 0 {
                    copy.gold += 5;
                    payload["amount_gold"] = copy.gold.into();
                }
            }
            "reward.granted" => {
                copy.gold += 7;
                payload["delta_gold"] = copy.gold.into();
            }
            _ => {}
        }
        Record {
            topic,
            key: copy.user.to_string().into_bytes(),
            value: Some(event.to_string().into_bytes()),
            fate: Fate::Row(Box::new(copy)),
            has_twin: false,
        }
    }

    /// An event of a topic and the row that it makes.
    #[allow(clippy::too_many_lines)]
    fn event(&mut self, topic: &'static str) -> (Value, Fact) {
        let number = self.records.len() as u64;
        let random = &mut self.random;
        let user = random.u64(1..=120);
        // Most are of the last days, some are weeks late: every batch reaches several months.
        let age = match random.u32(0..10) {
            0..6 => random.i64(0..3),
            6..8 => random.i64(0..30),
            _ => 33 + 14 * random.i64(0..4),
        };
        let day = self.last_day - age;
        let mut ts = date(day);
        let (hour, minute, second) = (random.u32(0..24), random.u32(0..60), random.u32(0..60));
        let _ = write!(
            ts,
            "T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            random.u32(0..1000)
        );
        let mut fact = Fact {
            topic,
            user,
            day,
            ..Fact::default()
        };
        let mut version = 1;
        let derived;
        let payload = match topic {
            "auth.events" => {
                fact.action = ["signup", "login", "login", "logout"][random.usize(0..4)];
                derived = format!("{topic}:{user}:{}:{ts}", fact.action);
                // FULL_TRANSITIVE: a version of the future is read as the newest one.
                version = [1, 2, 2, 60_000][random.usize(0..4)];
                json!({"action": fact.action, "method": "google"})
            }
            "event.progress" | "mission.progress" | "event.claim" | "mission.claim" => {
                fact.entity = random.u64(50..58);
                derived = format!("{topic}:{user}:{}:{number}", fact.entity);
                let id = if topic.starts_with("event") {
                    "event_id"
                } else {
                    "mission_id"
                };
                let mut payload =
                    json!({id: fact.entity, "user_id": user, "progress_version": number});
                if topic.ends_with("claim") {
                    fact.balance = random.i64(0..1_000_000);
                    payload["balance"] = fact.balance.into();
                    payload["reward_items"] =
                        json!([{"type": "gold", "amount": 1 + number % 1000}]);
                } else {
                    payload["current"] =
                        json!([{"type": "plays", "current": number % 5, "target": 5}]);
                }
                payload
            }
            "game.session" => {
                let session = number / 6;
                fact.session = format!("{session:08x}-8f0e-4a53-9d0f-3b1f6f9a7c11");
                fact.gold = random.i64(-5000..5000);
                derived = format!("{topic}:{user}:{}:{ts}", fact.session);
                version = random.u32(1..=2);
                let mode = if version == 1 {
                    "game_type"
                } else {
                    "game_mode"
                };
                json!({"session_id": fact.session, "user_id": user, mode: "ranked", "started_at": ts, "delta_gold": fact.gold})
            }
            "reward.granted" => {
                fact.entity = number + 1;
                fact.gold = random.i64(-300..2000);
                fact.balance = random.i64(0..1_000_000);
                derived = format!("{topic}:{user}:event:{}", fact.entity);
                json!({"source_type": "event", "source_id": fact.entity, "delta_gold": fact.gold, "balance": fact.balance, "reason": "event_claim"})
            }
            _ => {
                fact.entity = number + 1;
                fact.status = ["success", "success", "failed", "pending"][random.usize(0..4)];
                fact.cents = random.u64(99..9999);
                let amount = random.i64(100..9000);
                fact.gold = if fact.status == "success" { amount } else { 0 };
                derived = format!("{topic}:{user}:{}:{}", fact.entity, fact.status);
                version = random.u32(1..=2);
                let forbidden = self.forbidden && random.u32(0..6) == 0;
                let product = if forbidden {
                    FORBIDDEN_PRODUCT
                } else {
                    2000 + number % 7
                };
                json!({"tx_id": fact.entity, "user_id": user, "status": fact.status, "product_id": product, "amount_gold": amount, "price_cents": fact.cents})
            }
        };
        let mut event = json!({
            "schema_version": version, "event_type": topic, "event_id": format!("evt_{number}"),
            "user_id": user, "ts": ts, "payload": payload,
        });
        fact.record_key = match topic {
            "event.progress" | "event.claim" | "mission.progress" | "mission.claim" => {
                fact.entity.to_string()
            }
            "game.session" => fact.session.clone(),
            _ => user.to_string(),
        };
        if random.bool() {
            fact.key = format!("k-{number}");
            event["dedupe_key"] = fact.key.clone().into();
        } else {
            fact.key = derived;
        }
        (event, fact)
    }

    /// A record that nothing can be made of.
    fn bad(&mut self) -> Record {
        let topic = self.topic();
        let (mut event, fact) = self.event(topic);
        let mut value = None;
        let reason = match self.random.u32(0..14) {
            0 => {
                return Record {
                    topic,
                    key: b"empty".to_vec(),
                    value: None,
                    fate: Fate::Letter("empty"),
                    has_twin: false,
                };
            }
            1 => {
                let mut text = event.to_string().into_bytes();
                text.truncate(text.len() / 2);
                value = Some(text);
                "not-json"
            }
            2 => {
                value = Some(vec![0xff, 0xfe, 0x00, 0x80]);
                "not-json"
            }
            3 => {
                value = Some(vec![0; 40]);
                "not-json"
            }
            4 => {
                value = Some(format!("{}{}", "[".repeat(3000), "]".repeat(3000)).into_bytes());
                "too-deep"
            }
            5 => {
                let text = event.to_string();
                value = Some(text.replacen('{', "{\"user_id\":1,", 1).into_bytes());
                "duplicate-member"
            }
            6 => {
                event["event_type"] = if topic == "auth.events" {
                    "shop.purchase"
                } else {
                    "auth.events"
                }
                .into();
                "wrong-topic"
            }
            7 => {
                event["user_id"] = json!(-5);
                "envelope"
            }
            8 => {
                event["user_id"] = json!(1e300);
                "envelope"
            }
            9 => {
                event["ts"] = "yesterday".into();
                "envelope"
            }
            10 => {
                event["payload"] = json!({});
                "payload"
            }
            11 => {
                event["ts"] = "1969-12-31T23:59:59Z".into();
                "envelope"
            }
            12 => {
                event["filler"] = "x".repeat(LONGEST + 1).into();
                "too-large"
            }
            // BACKWARD only: what a newer version says cannot be known.
            _ if topic == "game.session" => {
                event["schema_version"] = 9.into();
                "unknown-version"
            }
            _ => {
                event["schema_version"] = 0.into();
                "envelope"
            }
        };
        Record {
            topic,
            key: fact.user.to_string().into_bytes(),
            value: Some(value.unwrap_or_else(|| event.to_string().into_bytes())),
            fate: Fate::Letter(reason),
            has_twin: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (19_782, "2024-02-29"),
            (20_818, "2026-12-31"),
        ] {
            assert_eq!(date(day), expected);
        }
    }

    #[test]
    fn a_seed_repeats() {
        let (mut one, mut other) = (Stream::new(5, 20_000), Stream::new(5, 20_000));
        for _ in 0..500 {
            assert_eq!(one.draw().value, other.draw().value);
        }
        let copies = one.records.iter().enumerate().filter(|(place, record)| {
            let is_earlier = |other: &Record| match (&other.fate, &record.fate) {
                (Fate::Row(other), Fate::Row(fact)) => {
                    other.identity() == fact.identity() && other != fact
                }
                _ => false,
            };
            one.records[..*place].iter().any(is_earlier)
        });
        assert!(copies.count() > 5);
        let letters = one
            .records
            .iter()
            .filter(|record| matches!(record.fate, Fate::Letter(_)));
        assert!(letters.count() > 20);
    }
}
