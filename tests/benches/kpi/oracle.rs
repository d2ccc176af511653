//! The KPIs counted by hand while the records are made: sets as bits, sums as numbers. It knows the definition of the
//! same event (the first record with a key), and nothing of SQL or of the code under test.
use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::events::{Event, Month, TYPES};

struct Bits(Vec<u64>);

impl Bits {
    fn new(size: u64) -> Self {
        Self(vec![0; usize::try_from(size / 64 + 1).unwrap()])
    }

    fn set(&mut self, place: u64) {
        self.0[(place / 64) as usize] |= 1 << (place % 64);
    }

    fn add(&mut self, other: &Self) {
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(own, other)| *own |= other);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

struct Day {
    active: Bits,
    paying: Bits,
    cents: u64,
    signups: u64,
    logins: u64,
    sessions: HashSet<u64>,
    net: i64,
    granted: i64,
    bought: i64,
    session_gold: i64,
    highest: i64,
    /// Steps and claims of in-game events and of missions.
    steps: [BTreeMap<u64, (u64, u64)>; 2],
}

/// What was counted.
pub struct Oracle {
    days: Vec<Day>,
    spent: Vec<(u32, u32)>,
    users: u64,
}

impl Oracle {
    pub fn new(month: &Month) -> Self {
        let users = month.users + 1001;
        let day = || Day {
            active: Bits::new(users),
            paying: Bits::new(users),
            cents: 0,
            signups: 0,
            logins: 0,
            sessions: HashSet::new(),
            net: 0,
            granted: 0,
            bought: 0,
            session_gold: 0,
            highest: 0,
            steps: [BTreeMap::new(), BTreeMap::new()],
        };
        Self {
            days: (0..month.days).map(|_| day()).collect(),
            spent: vec![(0, 0); usize::try_from(users).unwrap()],
            users,
        }
    }

    /// Counts an event that is no copy.
    pub fn count(&mut self, event: &Event) {
        let day = &mut self.days[event.day as usize];
        day.highest = day.highest.max(event.balance);
        match TYPES[event.kind].0 {
            "auth.events" => {
                day.active.set(event.user);
                day.signups += u64::from(event.action == "signup");
                day.logins += u64::from(event.action == "login");
            }
            "game.session" => {
                day.sessions
                    .insert(event.user ^ event.session.rotate_left(17));
                day.session_gold += event.gold;
            }
            "event.progress" => day.steps[0].entry(event.entity).or_default().0 += 1,
            "event.claim" => day.steps[0].entry(event.entity).or_default().1 += 1,
            "mission.progress" => day.steps[1].entry(event.entity).or_default().0 += 1,
            "mission.claim" => day.steps[1].entry(event.entity).or_default().1 += 1,
            "reward.granted" => {
                day.net += event.gold;
                day.granted += event.gold;
            }
            _ => {
                day.net += event.gold;
                day.bought += event.gold;
                if event.status == "success" {
                    day.paying.set(event.user);
                    day.cents += u64::from(event.cents);
                    let spent = &mut self.spent[event.user as usize];
                    spent.0 += u32::try_from(event.gold).unwrap();
                    spent.1 += event.cents;
                }
            }
        }
    }

    /// The answers as of the last day, as lists of rows; `date` spells a day.
    pub fn answers(&self, date: &dyn Fn(usize) -> String) -> BTreeMap<&'static str, Vec<Value>> {
        let month = self.days.len().saturating_sub(30);
        let week = self.days.len().saturating_sub(7);
        let by_day = |row: &dyn Fn(&Day) -> Vec<Value>| -> Vec<Value> {
            let days = self.days.iter().enumerate().skip(month).rev();
            days.map(|(place, day)| {
                let mut cells = vec![json!(date(place))];
                cells.extend(row(day));
                Value::Array(cells)
            })
            .collect()
        };
        let union = |from: usize, of: &dyn Fn(&Day) -> &Bits| {
            let mut all = Bits::new(self.users);
            self.days[from..].iter().for_each(|day| all.add(of(day)));
            all.count()
        };
        let (paying, active) = (
            union(month, &|day| &day.paying),
            union(month, &|day| &day.active),
        );
        let ratio = |above: f64, below: u64| {
            if below == 0 {
                Value::Null
            } else {
                json!(above / below as f64)
            }
        };
        let mut whales: Vec<(u32, u64, u32)> = (0..)
            .zip(&self.spent)
            .filter(|(_, (gold, _))| *gold >= 50_000)
            .map(|(user, (gold, cents))| (*gold, user, *cents))
            .collect();
        whales.sort_by_key(|(gold, user, _)| (std::cmp::Reverse(*gold), *user));
        let conversion = |of: usize| {
            let mut all: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
            for (entity, (steps, claims)) in self.days[week..].iter().flat_map(|day| &day.steps[of])
            {
                let sums = all.entry(*entity).or_default();
                *sums = (sums.0 + steps, sums.1 + claims);
            }
            let mut rows: Vec<(f64, u64, u64, u64)> = all
                .iter()
                .map(|(entity, (steps, claims))| {
                    (*claims as f64 / *steps as f64, *entity, *steps, *claims)
                })
                .collect();
            rows.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
            rows.truncate(20);
            rows.into_iter()
                .map(|(rate, entity, steps, claims)| json!([entity, steps, claims, rate]))
                .collect::<Vec<Value>>()
        };
        BTreeMap::from([
            ("dau", by_day(&|day| vec![json!(day.active.count())])),
            (
                "arpdau",
                by_day(&|day| {
                    let active = day.active.count();
                    vec![
                        json!(day.cents),
                        json!(active),
                        ratio(day.cents as f64, active),
                    ]
                }),
            ),
            (
                "signups",
                by_day(&|day| {
                    vec![
                        json!(day.signups),
                        json!(day.logins),
                        json!(day.sessions.len()),
                    ]
                }),
            ),
            (
                "gold_flow",
                by_day(&|day| {
                    vec![
                        json!(day.net),
                        json!(day.granted),
                        json!(day.bought),
                        json!(day.session_gold),
                        json!(day.highest),
                    ]
                }),
            ),
            (
                "weekly_actives",
                vec![json!([union(week, &|day| &day.active)])],
            ),
            (
                "payer_conversion",
                vec![json!([paying, active, ratio(paying as f64, active)])],
            ),
            (
                "whales",
                whales
                    .into_iter()
                    .take(1000)
                    .map(|(gold, user, cents)| json!([user, gold, cents]))
                    .collect(),
            ),
            ("claim_conversion", conversion(0)),
            ("mission_claim_conversion", conversion(1)),
        ])
    }
}
