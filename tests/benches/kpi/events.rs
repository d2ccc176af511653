//! A month of events, each a function of its number: drawn again at will, so that a copy can be made of any of them.
//!
//! A million players, most of them seldom; one in-game event with a quarter of all progress; two records of a hundred
//! are copies, a tenth of those stamped anew, and half of these on another day. Records come in the order of their
//! numbers, evenly over each day; most within minutes of their time, one of a hundred within hours.

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Types of events and their shares of a thousand.
pub const TYPES: [(&str, u64); 8] = [
    ("auth.events", 160),
    ("game.session", 200),
    ("event.progress", 370),
    ("mission.progress", 120),
    ("event.claim", 35),
    ("mission.claim", 30),
    ("reward.granted", 70),
    ("shop.purchase", 15),
];

/// What a record says.
#[derive(Clone, Copy, Default)]
pub struct Event {
    /// By its place in [`TYPES`].
    pub kind: usize,
    pub day: u64,
    pub ms: u64,
    pub user: u64,
    pub entity: u64,
    pub session: u64,
    pub version: u32,
    pub gold: i64,
    pub balance: i64,
    pub cents: u32,
    pub action: &'static str,
    pub status: &'static str,
    /// What copies of one event share.
    pub key: u64,
    /// When it came, in milliseconds since the first day began.
    pub received: u64,
}

/// The records of a run.
pub struct Month {
    pub records: u64,
    pub days: u64,
    pub users: u64,
}

/// A number that looks random, of two numbers.
fn mixed(number: u64, salt: u64) -> u64 {
    let mut z = number
        .wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn unit(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

impl Month {
    /// Whether a record is a copy, and of which one.
    pub fn first_of(&self, number: u64) -> Option<u64> {
        if number == 0 || !mixed(number, 90).is_multiple_of(50) {
            return None;
        }
        // Of an earlier record that is no copy; most come soon, some weeks later.
        let reach = if mixed(number, 91).is_multiple_of(4) {
            number
        } else {
            number.min(100_000)
        };
        let earlier = number - 1 - mixed(number, 92) % reach;
        let first = (0..=earlier)
            .rev()
            .find(|earlier| !mixed(*earlier, 90).is_multiple_of(50) || *earlier == 0)?;
        Some(first)
    }

    /// The record with a number, as it is sent.
    pub fn record(&self, number: u64) -> Event {
        let Some(first) = self.first_of(number) else {
            return self.event(number);
        };
        let mut copy = Event {
            received: self.arrival(number),
            ..self.event(first)
        };
        if mixed(number, 93).is_multiple_of(10) {
            copy.ms = mixed(number, 94) % DAY_MS;
            if mixed(number, 95).is_multiple_of(2) {
                copy.day = self.day(number);
            }
            copy.cents += copy.cents / 2;
        }
        copy
    }

    fn day(&self, number: u64) -> u64 {
        number * self.days / self.records
    }

    fn arrival(&self, number: u64) -> u64 {
        let of_all = number as f64 / self.records as f64;
        (of_all * (self.days * DAY_MS) as f64) as u64
    }

    fn event(&self, number: u64) -> Event {
        let random = |salt| mixed(number, salt);
        let mut share = random(1) % 1000;
        let mut kind = 0;
        while share >= TYPES[kind].1 {
            share -= TYPES[kind].1;
            kind += 1;
        }
        let user = 1000 + (unit(random(2)).powf(1.6) * self.users as f64) as u64;
        let received = self.arrival(number);
        let minute = 60_000;
        let delay = if random(12).is_multiple_of(100) {
            random(3) % (600 * minute)
        } else {
            random(3) % (5 * minute)
        };
        let mut event = Event {
            kind,
            day: self.day(number),
            ms: (received % DAY_MS).saturating_sub(delay),
            received,
            user,
            key: mixed(number, 4),
            ..Event::default()
        };
        match TYPES[kind].0 {
            "auth.events" => {
                event.action =
                    ["login", "login", "login", "logout", "signup"][(random(5) % 5) as usize];
            }
            "game.session" => {
                // Two records of a session, where the one after is of the same player and day.
                event.session = mixed(user, self.day(number) * 4 + random(6) % 2);
                event.gold = (random(7) % 800) as i64 - 300;
            }
            "event.progress" | "event.claim" => {
                event.entity = if random(8).is_multiple_of(4) {
                    1
                } else {
                    1 + (unit(random(9)).powi(2) * 40.0) as u64
                };
                event.version = (event.day * 3 + random(10) % 60) as u32;
            }
            "mission.progress" | "mission.claim" => {
                event.entity = 1 + random(8) % 120;
                event.version = (event.day * 3 + random(10) % 60) as u32;
            }
            "reward.granted" => {
                event.entity = random(8) >> 11;
                event.gold = [50, 100, 250, 500, 1000][(random(7) % 5) as usize];
            }
            _ => {
                event.entity = random(8) >> 11;
                event.status = ["success", "success", "success", "success", "failed"]
                    [(random(7) % 5) as usize];
                let product = (random(9) % 3) as usize;
                event.cents = [199, 499, 999][product];
                if event.status == "success" {
                    event.gold = [1000, 2600, 6000][product];
                }
            }
        }
        if ["event.claim", "mission.claim", "reward.granted"].contains(&TYPES[kind].0) {
            event.balance = 1000 + (random(11) % 19_000) as i64;
        }
        event
    }
}
