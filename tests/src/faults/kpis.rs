//! The registry's questions answered by hand over the facts of a stream in Kafka's order: of the copies of an event the
//! first counts.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::stream::{Fact, date};

/// What one player did on one day.
#[derive(Default)]
struct PlayerDay {
    auth_events: u64,
    signups: u64,
    logins: u64,
    sessions: BTreeSet<String>,
    net_gold: i64,
    granted: i64,
    bought: i64,
    session_gold: i64,
    purchases: u64,
    cents: u64,
    highest: i64,
}

/// Answers of every question at the end of a day, by name.
#[must_use]
pub fn answers<'f>(
    facts: impl Iterator<Item = &'f Fact>,
    as_of: i64,
) -> BTreeMap<&'static str, Vec<Value>> {
    let mut events: BTreeMap<_, &Fact> = BTreeMap::new();
    for fact in facts {
        events.entry(fact.identity()).or_insert(fact);
    }
    let mut days: BTreeMap<(i64, u64), PlayerDay> = BTreeMap::new();
    for fact in events.values() {
        days.entry((fact.day, fact.user)).or_default().add(fact);
    }
    let within = |days: i64| move |day: i64| day > as_of - days && day <= as_of;
    let month: Vec<(&(i64, u64), &PlayerDay)> = days
        .iter()
        .filter(|((day, _), _)| within(30)(*day))
        .collect();
    let users = |chosen: &dyn Fn(&(i64, u64), &PlayerDay) -> bool| {
        let users: BTreeSet<u64> = month
            .iter()
            .filter(|(place, day)| chosen(place, day))
            .map(|((_, user), _)| *user)
            .collect();
        users.len()
    };
    let active = users(&|_, day| day.auth_events > 0);
    let paying = users(&|_, day| day.purchases > 0);
    let weekly = users(&|(day, _), player| player.auth_events > 0 && within(7)(*day));
    BTreeMap::from([
        (
            "dau",
            by_day(&month, |players| {
                let active = actives(players);
                (active > 0).then(|| json!({"active_users": active}))
            }),
        ),
        ("weekly_actives", vec![json!({"active_users": weekly})]),
        (
            "arpdau",
            by_day(&month, |players| {
                let (cents, active) = (sum(players, |day| i128::from(day.cents)), actives(players));
                Some(
                    json!({"revenue_cents": number(cents), "active_users": active, "arpdau_cents": ratio(cents, active)}),
                )
            }),
        ),
        (
            "signups",
            by_day(&month, |players| {
                Some(json!({
                    "signups": number(sum(players, |day| day.signups.into())),
                    "logins": number(sum(players, |day| day.logins.into())),
                    "sessions": number(sum(players, |day| day.sessions.len() as i128)),
                }))
            }),
        ),
        (
            "gold_flow",
            by_day(&month, |players| {
                Some(json!({
                    "net_gold_delta": number(sum(players, |day| day.net_gold.into())),
                    "gold_granted": number(sum(players, |day| day.granted.into())),
                    "gold_bought": number(sum(players, |day| day.bought.into())),
                    "session_gold": number(sum(players, |day| day.session_gold.into())),
                    "highest_balance": players.iter().map(|day| day.highest).max(),
                }))
            }),
        ),
        ("whales", whales(&month)),
        (
            "payer_conversion",
            vec![
                json!({"paying_users": paying, "active_users": active, "paying_share": ratio(paying as i128, active)}),
            ],
        ),
        (
            "claim_conversion",
            conversion(events.values().copied(), "event", &within(7)),
        ),
        (
            "mission_claim_conversion",
            conversion(events.values().copied(), "mission", &within(7)),
        ),
    ])
}

impl PlayerDay {
    fn add(&mut self, fact: &Fact) {
        self.highest = self.highest.max(fact.balance);
        match fact.topic {
            "auth.events" => {
                self.auth_events += 1;
                self.signups += u64::from(fact.action == "signup");
                self.logins += u64::from(fact.action == "login");
            }
            "game.session" => {
                self.sessions.insert(fact.session.clone());
                self.session_gold += fact.gold;
            }
            "reward.granted" => {
                self.net_gold += fact.gold;
                self.granted += fact.gold.max(0);
            }
            "shop.purchase" => {
                self.net_gold += fact.gold;
                self.bought += fact.gold;
                if fact.status == "success" {
                    self.purchases += 1;
                    self.cents += fact.cents;
                }
            }
            _ => {}
        }
    }
}

fn number(value: i128) -> Value {
    i64::try_from(value).unwrap().into()
}

fn ratio(above: i128, below: usize) -> Value {
    if below == 0 {
        Value::Null
    } else {
        (above as f64 / below as f64).into()
    }
}

fn sum(players: &[&PlayerDay], of: impl Fn(&PlayerDay) -> i128) -> i128 {
    players.iter().map(|day| of(day)).sum()
}

fn actives(players: &[&PlayerDay]) -> usize {
    players.iter().filter(|day| day.auth_events > 0).count()
}

fn by_day(
    month: &[(&(i64, u64), &PlayerDay)],
    row: impl Fn(&[&PlayerDay]) -> Option<Value>,
) -> Vec<Value> {
    let mut days: BTreeMap<i64, Vec<&PlayerDay>> = BTreeMap::new();
    for ((day, _), player) in month {
        days.entry(*day).or_default().push(player);
    }
    days.iter()
        .filter_map(|(day, players)| {
            let mut row = row(players)?;
            row["event_date"] = date(*day).into();
            Some(row)
        })
        .collect()
}

fn whales(month: &[(&(i64, u64), &PlayerDay)]) -> Vec<Value> {
    let mut players: BTreeMap<u64, (i64, u64)> = BTreeMap::new();
    for ((_, user), day) in month {
        if day.purchases > 0 {
            let sums = players.entry(*user).or_default();
            sums.0 += day.bought;
            sums.1 += day.cents;
        }
    }
    players
        .iter()
        .filter(|(_, (gold, _))| *gold >= 50_000)
        .map(|(user, (gold, cents))| json!({"user_id": user, "gold_bought": gold, "revenue_cents": cents}))
        .collect()
}

fn conversion<'f>(
    events: impl Iterator<Item = &'f Fact>,
    kind: &str,
    within: &dyn Fn(i64) -> bool,
) -> Vec<Value> {
    let mut entities: BTreeMap<u64, (i128, usize)> = BTreeMap::new();
    for fact in events.filter(|fact| within(fact.day)) {
        match fact.topic.strip_prefix(kind) {
            Some(".progress") => entities.entry(fact.entity).or_default().1 += 1,
            Some(".claim") => entities.entry(fact.entity).or_default().0 += 1,
            _ => {}
        }
    }
    let rows = entities.iter();
    rows.map(|(entity, (claims, steps))| {
        json!({"entity_id": entity, "progress_updates": steps, "claims": number(*claims), "claim_rate": ratio(*claims, *steps)})
    })
    .collect()
}

/// Rows in one spelling: columns sorted, numbers as floats, rows in any order.
///
/// # Panics
/// A row is no object.
#[must_use]
pub fn spelled(rows: &[Value]) -> Vec<String> {
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let columns: BTreeMap<&String, Value> = row
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| {
                    (
                        name,
                        value
                            .as_f64()
                            .map_or_else(|| value.clone(), |number| format!("{number:.9}").into()),
                    )
                })
                .collect();
            let columns: Map<String, Value> = columns
                .into_iter()
                .map(|(name, value)| (name.clone(), value))
                .collect();
            Value::Object(columns).to_string()
        })
        .collect();
    lines.sort();
    lines
}
