//! Numbers: intervals, steps and exceptions, on exact rationals.
use num_bigint::BigInt;
use num_integer::Integer as _;
use num_rational::BigRational;
use num_traits::{One as _, Signed as _, ToPrimitive as _, Zero as _};
use serde_json::{Number, Value};

use super::solve::Answer;
use super::values::{is_multiple, least_common_multiple, rational, to_number};

/// Most candidates tried where an interval holds few steps, or one period of the exceptions is long.
const CANDIDATES: u64 = 4096;

/// Most candidates found that no 64-bit float is; the next ones hardly are.
const UNWRITTEN: usize = 64;

/// Floats tried on each side of a bound.
const FLOATS: usize = 8;

/// What is asked of a number.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) lower: Option<(BigRational, bool)>,
    pub(super) upper: Option<(BigRational, bool)>,
    /// It is a whole number of each.
    pub(super) steps: Vec<BigRational>,
    /// It is a whole number of none.
    pub(super) no_steps: Vec<BigRational>,
    pub(super) excluded: Vec<BigRational>,
}

impl Numbers {
    /// At least, or above where `open`.
    pub(super) fn above(&mut self, bound: &BigRational, open: bool) {
        let tighter = self.lower.as_ref().is_none_or(|(known, known_open)| {
            bound > known || (bound == known && open && !known_open)
        });
        if tighter {
            self.lower = Some((bound.clone(), open));
        }
    }

    /// At most, or below where `open`.
    pub(super) fn below(&mut self, bound: &BigRational, open: bool) {
        let tighter = self.upper.as_ref().is_none_or(|(known, known_open)| {
            bound < known || (bound == known && open && !known_open)
        });
        if tighter {
            self.upper = Some((bound.clone(), open));
        }
    }

    fn fits(&self, value: &BigRational) -> bool {
        self.lower
            .as_ref()
            .is_none_or(|(bound, open)| value > bound || (!open && value == bound))
            && self
                .upper
                .as_ref()
                .is_none_or(|(bound, open)| value < bound || (!open && value == bound))
            && self.steps.iter().all(|step| is_multiple(value, step))
            && !self.no_steps.iter().any(|step| is_multiple(value, step))
            && !self.excluded.contains(value)
    }

    /// An integer, or a number that is none.
    pub(super) fn solve(mut self, integers: bool) -> Answer {
        if integers {
            self.steps.push(BigRational::one());
        } else {
            self.no_steps.push(BigRational::one());
        }
        match self
            .steps
            .iter()
            .cloned()
            .reduce(|left, right| least_common_multiple(&left, &right))
        {
            Some(step) => self.on_steps(&step),
            None => self.dense(),
        }
    }

    /// Multiples of `step`: `k * step` for whole `k`.
    fn on_steps(&self, step: &BigRational) -> Answer {
        if self.no_steps.iter().any(|none| is_multiple(step, none)) {
            return Answer::Unsat;
        }
        let first = self.lower.as_ref().map(|(bound, open)| {
            let exact = bound / step;
            if *open {
                exact.floor().to_integer() + 1
            } else {
                exact.ceil().to_integer()
            }
        });
        let last = self.upper.as_ref().map(|(bound, open)| {
            let exact = bound / step;
            if *open {
                exact.ceil().to_integer() - 1
            } else {
                exact.floor().to_integer()
            }
        });
        let is_short = match (&first, &last) {
            (Some(first), Some(last)) => {
                if first > last {
                    return Answer::Unsat;
                }
                last - first < BigInt::from(CANDIDATES)
            }
            _ => false,
        };
        // Every exception repeats after some number of steps; a whole period without a gap has none anywhere.
        let period = self
            .no_steps
            .iter()
            .map(|none| (least_common_multiple(step, none) / step).to_integer())
            .fold(BigInt::one(), |left, right| left.lcm(&right));
        let (start, direction) = match (&first, &last) {
            (Some(first), Some(last)) if first.is_positive() || last.is_negative() => {
                if first.is_positive() {
                    (first.clone(), 1)
                } else {
                    (last.clone(), -1)
                }
            }
            (Some(first), None) if first.is_positive() => (first.clone(), 1),
            (None, Some(last)) if last.is_negative() => (last.clone(), -1),
            // Zero lies inside: outwards from there, on both sides.
            _ => (BigInt::zero(), 0),
        };
        let tries = period.to_u64().map_or(u64::MAX, |period| {
            period
                .saturating_mul(self.excluded.len() as u64 + 1)
                .saturating_mul(2)
        });
        let mut unwritten = 0;
        for count in 0..tries
            .min(CANDIDATES)
            .max(if is_short { 2 * CANDIDATES } else { 0 })
        {
            let offset = match direction {
                0 if count % 2 == 1 => -BigInt::from(count.div_ceil(2)),
                0 => BigInt::from(count / 2),
                direction => BigInt::from(count) * direction,
            };
            let value = BigRational::from_integer(&start + offset) * step;
            if self.fits(&value) {
                match to_number(&value) {
                    Some(number) => return Answer::Sat(Value::Number(number)),
                    None if unwritten < UNWRITTEN => unwritten += 1,
                    None => break,
                }
            }
        }
        if unwritten > 0 {
            let ends = first
                .iter()
                .chain(&last)
                .map(|end| end * step.numer() / step.denom());
            if let Some(number) = ends.flat_map(|end| floats_beside(&end)).find(|number| {
                let value = rational(number);
                is_multiple(&value, step) && self.fits(&value)
            }) {
                return Answer::Sat(Value::Number(number));
            }
            return Answer::unknown(
                "multipleOf",
                "every number found is beyond what a 64-bit float tells apart",
            );
        }
        if is_short || tries <= CANDIDATES {
            return Answer::Unsat;
        }
        Answer::unknown("multipleOf", "more candidates than the limit of 4,096")
    }

    /// Any number: in every interval with more than one point there is one off all steps and exceptions.
    fn dense(&self) -> Answer {
        let two = BigRational::from_integer(2.into());
        if let (Some((lower, low_open)), Some((upper, high_open))) = (&self.lower, &self.upper) {
            if lower > upper || (lower == upper && (*low_open || *high_open)) {
                return Answer::Unsat;
            }
            if lower == upper {
                return if self.fits(lower) {
                    written(lower)
                } else {
                    Answer::Unsat
                };
            }
        }
        let mut candidates: Vec<BigRational> = Vec::new();
        let mut around: Vec<BigRational> = vec![BigRational::zero()];
        around.extend(self.lower.iter().map(|(bound, _)| bound.clone()));
        around.extend(self.upper.iter().map(|(bound, _)| bound.clone()));
        for base in &around {
            candidates.push(base.clone());
            for small in [
                "0.5",
                "0.25",
                "0.1",
                "0.01",
                "0.001",
                "1.5",
                "0.3",
                "0.7",
                "0.007",
                "0.0001",
                "0.00000007",
            ] {
                let small =
                    super::values::rational(&small.parse::<Number>().unwrap_or_else(|_| 0.into()));
                candidates.push(base + &small);
                candidates.push(base - &small);
            }
        }
        if let (Some((lower, _)), Some((upper, _))) = (&self.lower, &self.upper) {
            let mut low = lower.clone();
            for _ in 0..40 {
                low = (&low + upper) / &two;
                candidates.push(low.clone());
            }
            let mut high = upper.clone();
            for _ in 0..40 {
                high = (&high + lower) / &two;
                candidates.push(high.clone());
            }
        }
        for candidate in candidates {
            if self.fits(&candidate)
                && let Some(number) = to_number(&candidate)
            {
                return Answer::Sat(Value::Number(number));
            }
        }
        Answer::unknown(
            "minimum",
            "no number was found in an interval that must hold some",
        )
    }
}

/// The floats around a number, nearest first: where they lie further apart than integers, a search by steps would take
/// for ever to come to one.
fn floats_beside(value: &BigInt) -> Vec<Number> {
    let Some(nearest) = value.to_f64() else {
        return Vec::new();
    };
    let (mut above, mut below) = (nearest, nearest);
    let mut found = vec![nearest];
    for _ in 0..FLOATS {
        above = above.next_up();
        below = below.next_down();
        found.extend([above, below]);
    }
    found.into_iter().filter_map(Number::from_f64).collect()
}

fn written(value: &BigRational) -> Answer {
    to_number(value).map_or_else(
        || {
            Answer::unknown(
                "minimum",
                "the only number is beyond what a 64-bit float tells apart",
            )
        },
        |number| Answer::Sat(Value::Number(number)),
    )
}
