//! Numbers within bounds, near those that examples have.
use serde_json::{Number, Value};

use super::dice::Dice;
use crate::model::{Keywords, NumberKeywords};

/// Beyond this doubles skip integers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Bounds of a number that several schemas speak about.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    low: Option<f64>,
    high: Option<f64>,
    /// Integers keep all their digits.
    whole_low: Option<i128>,
    whole_high: Option<i128>,
    steps: Vec<Number>,
}

impl Bounds {
    pub(super) fn of(keywords: &[&Keywords]) -> Self {
        let mut bounds = Self::default();
        for number in keywords.iter().map(|keywords| &keywords.number) {
            let NumberKeywords {
                minimum,
                maximum,
                exclusive_minimum,
                exclusive_maximum,
                multiple_of,
            } = &**number;
            for (bound, open) in [(minimum, false), (exclusive_minimum, true)] {
                if let Some(bound) = bound {
                    let whole = whole(bound, f64::ceil);
                    let whole = whole + i128::from(open && is_whole(bound));
                    bounds.whole_low = Some(bounds.whole_low.map_or(whole, |low| low.max(whole)));
                    let real = bound.as_f64().unwrap_or(f64::MIN);
                    let real = if open { real.next_up() } else { real };
                    bounds.low = Some(bounds.low.map_or(real, |low| low.max(real)));
                }
            }
            for (bound, open) in [(maximum, false), (exclusive_maximum, true)] {
                if let Some(bound) = bound {
                    let whole = whole(bound, f64::floor);
                    let whole = whole - i128::from(open && is_whole(bound));
                    bounds.whole_high =
                        Some(bounds.whole_high.map_or(whole, |high| high.min(whole)));
                    let real = bound.as_f64().unwrap_or(f64::MAX);
                    let real = if open { real.next_down() } else { real };
                    bounds.high = Some(bounds.high.map_or(real, |high| high.min(real)));
                }
            }
            bounds.steps.extend(multiple_of.clone());
        }
        bounds
    }

    pub(super) fn admits(&self, number: &Number) -> bool {
        let real = number.as_f64().unwrap_or(0.0);
        let within = match integer(number) {
            Some(whole) => {
                self.whole_low.is_none_or(|low| low <= whole)
                    && self.whole_high.is_none_or(|high| whole <= high)
            }
            None => {
                self.low.is_none_or(|low| low <= real) && self.high.is_none_or(|high| real <= high)
            }
        };
        within && self.steps.iter().all(|step| is_multiple(number, step))
    }

    /// An integer, near a known one where there is one; `name` is the member's.
    pub(super) fn integer(
        &self,
        known: Option<i128>,
        name: &str,
        dice: &mut Dice,
    ) -> Option<Number> {
        let (low, high) = self.window(known, name, dice);
        let step = self.steps.iter().filter_map(integer).fold(1, least_common);
        let (first, last) = (ceiling(low, step), high.div_euclid(step));
        if first > last {
            // The window lies between two steps; the bounds may not.
            let all = (self.whole_low?, self.whole_high?);
            let (first, last) = (ceiling(all.0, step), all.1.div_euclid(step));
            return (first <= last).then(|| number(first * step))?;
        }
        number(dice.between(first, last).checked_mul(step)?)
    }

    /// Where to look for integers.
    fn window(&self, known: Option<i128>, name: &str, dice: &mut Dice) -> (i128, i128) {
        let (low, high) = match (known, moment(name, self.whole_high)) {
            (Some(known), _) => {
                // Moments and ids lie close together, counts do not.
                let share = if known.abs() < 1_000_000 { 2 } else { 2000 };
                let span = (known.abs() / share).max(5);
                let low = known.saturating_sub(span);
                let low = if known >= 0 {
                    low.max(i128::from(known > 0))
                } else {
                    low
                };
                (low, known.saturating_add(span))
            }
            (None, Some(moment)) => (moment, moment + moment / 200),
            (None, None) => {
                let zoom = 10_i128.pow(u32::try_from(dice.below(3)).unwrap_or(0) + 1);
                match (self.whole_low, self.whole_high) {
                    (Some(low), _) => (low, low.saturating_add(zoom)),
                    (None, Some(high)) if high < 1 => (high.saturating_sub(zoom), high),
                    (None, _) => (1, zoom),
                }
            }
        };
        let inside = |value: i128| {
            let value = self.whole_low.map_or(value, |bound| value.max(bound));
            self.whole_high.map_or(value, |bound| value.min(bound))
        };
        (inside(low), inside(high))
    }

    /// Any number, near a known one and written as finely as it, where there is one.
    pub(super) fn real(&self, known: Option<f64>, dice: &mut Dice) -> Option<Number> {
        let (low, high) = match known {
            Some(known) => {
                let span = (known.abs() / 2.0).max(0.5);
                let low = if known >= 0.0 {
                    (known - span).max(0.0)
                } else {
                    known - span
                };
                (low, known + span)
            }
            None => match (self.low, self.high) {
                (Some(low), Some(high)) if high - low < 1e6 => (low, high),
                (Some(low), _) => (low, low + 100.0),
                (None, Some(high)) if high < 1.0 => (high - 100.0, high),
                (None, _) => (0.0, 100.0),
            },
        };
        let inside = |value: f64| {
            let value = self.low.map_or(value, |bound| value.max(bound));
            self.high.map_or(value, |bound| value.min(bound))
        };
        let (low, high) = (inside(low), inside(high));
        let drawn = low + (high - low) * dice.share();
        if let Some(step) = self.steps.first() {
            let size = step.as_f64()?;
            let count = (drawn / size).round();
            // Written as the step is, so that no digit is noise.
            let text = format!("{:.*}", decimals(step), count * size);
            return serde_json::from_str(&text).ok();
        }
        let digits = known
            .and_then(Number::from_f64)
            .map_or(2, |known| decimals(&known));
        for digits in [digits, 2, 6] {
            let rounded: f64 = format!("{drawn:.digits$}").parse().ok()?;
            if low <= rounded && rounded <= high {
                return Number::from_f64(rounded);
            }
        }
        Number::from_f64(drawn)
    }
}

/// Seconds or milliseconds since 1970 in 2026, where a name sounds like a moment and the bounds leave room.
fn moment(name: &str, high: Option<i128>) -> Option<i128> {
    let name = name.to_ascii_lowercase();
    let is_moment = ["_at", "timestamp", "_ts", "_time"]
        .iter()
        .any(|end| name.ends_with(end))
        || name == "ts"
        || name == "time"
        || name.ends_with("_ms") && name.contains("time");
    let seconds = 1_767_225_600;
    let moment = if high.is_some_and(|high| high < 100_000_000_000) && !name.ends_with("_ms") {
        seconds
    } else {
        seconds * 1000
    };
    (is_moment && high.is_none_or(|high| high > moment)).then_some(moment)
}

pub(super) fn integer(number: &Number) -> Option<i128> {
    let whole = number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from));
    whole.or_else(|| {
        let float = number.as_f64()?;
        #[allow(clippy::cast_possible_truncation)] // whole and small
        (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i128)
    })
}

fn number(value: i128) -> Option<Number> {
    let signed = i64::try_from(value).ok().map(Number::from);
    signed.or_else(|| u64::try_from(value).ok().map(Number::from))
}

fn is_whole(bound: &Number) -> bool {
    integer(bound).is_some()
}

fn whole(bound: &Number, round: fn(f64) -> f64) -> i128 {
    integer(bound).unwrap_or_else(|| {
        #[allow(clippy::cast_possible_truncation)] // saturates
        let whole = round(bound.as_f64().unwrap_or(0.0)) as i128;
        // Room for what is added to it.
        whole.clamp(-(1 << 100), 1 << 100)
    })
}

const fn ceiling(value: i128, step: i128) -> i128 {
    -(-value).div_euclid(step)
}

fn least_common(left: i128, right: i128) -> i128 {
    let both = num_integer::lcm(left, right.max(1));
    // Beyond this there is nothing in 64 bits anyway.
    both.clamp(1, 1 << 64)
}

fn is_multiple(number: &Number, step: &Number) -> bool {
    if let Some((number, step)) = integer(number).zip(integer(step)) {
        return step != 0 && number % step == 0;
    }
    let (number, step) = (number.as_f64().unwrap_or(0.0), step.as_f64().unwrap_or(1.0));
    let count = number / step;
    (count - count.round()).abs() < 1e-9
}

/// Digits behind the point.
fn decimals(number: &Number) -> usize {
    let text = number.to_string();
    match (text.split_once(['e', 'E']), text.split_once('.')) {
        (Some((_, exponent)), _) => {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            usize::try_from(-exponent).unwrap_or(0).min(300)
        }
        (None, Some((_, digits))) if digits != "0" => digits.len(),
        (None, _) => 0,
    }
}

/// Another number like a known one.
pub(super) fn near(known: &Number, dice: &mut Dice) -> Option<Value> {
    let free = Bounds::default();
    let drawn = match integer(known) {
        Some(whole) if !known.is_f64() => free.integer(Some(whole), "", dice),
        _ => free.real(known.as_f64(), dice),
    };
    drawn.map(Value::Number)
}
