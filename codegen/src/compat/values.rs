//! JSON values in one form each: numbers by their mathematical value, members in any order.
use std::collections::HashMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{ToPrimitive as _, Zero as _};
use serde_json::{Number, Value};

use super::formula::kind;

/// Index of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ValueId(u32);

/// All values that schemas list.
#[derive(Debug, Default)]
pub(super) struct Values {
    values: Vec<Value>,
    index: HashMap<String, ValueId>,
}

impl Values {
    pub(super) fn intern(&mut self, value: &Value) -> ValueId {
        let value = canonical(value);
        let key = value.to_string();
        if let Some(known) = self.index.get(&key) {
            return *known;
        }
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value);
        self.index.insert(key, id);
        id
    }

    /// The index of a value that some schema lists.
    pub(super) fn find(&self, value: &Value) -> Option<ValueId> {
        self.index.get(&canonical(value).to_string()).copied()
    }

    pub(super) fn get(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }
}

/// The value with sorted members and whole numbers as integers: equal values have equal texts.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            Value::Object(
                sorted
                    .into_iter()
                    .map(|(name, value)| (name.clone(), canonical(value)))
                    .collect(),
            )
        }
        Value::Number(number) => Value::Number(canonical_number(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

fn canonical_number(number: &Number) -> Number {
    if number.is_i64() || number.is_u64() {
        return number.clone();
    }
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 => {
            to_number(&rational(number)).unwrap_or_else(|| number.clone())
        }
        _ => number.clone(),
    }
}

/// The type bit of a value; a whole number that is written with a fraction has one of its own.
pub(super) fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Null => kind::NULL,
        Value::Bool(_) => kind::BOOLEAN,
        Value::Number(number) => {
            if !number.is_f64() {
                kind::INTEGER
            } else if number.as_f64().is_some_and(|float| float.fract() == 0.0) {
                kind::WHOLE
            } else {
                kind::FRACTION
            }
        }
        Value::String(_) => kind::STRING,
        Value::Array(_) => kind::ARRAY,
        Value::Object(_) => kind::OBJECT,
    }
}

/// How much there is of a value: one for each part, and more for long strings.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => 1 + text.len() / 16,
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => {
            let parts = members
                .iter()
                .map(|(name, value)| 1 + name.len() / 16 + size(value));
            1 + parts.sum::<usize>()
        }
    }
}

/// From here on not every integer is a float: 2^53.
const FLOATS: f64 = 9_007_199_254_740_992.0;

/// The number as written, exactly.
pub(super) fn rational(number: &Number) -> BigRational {
    if let Some(small) = number.as_i64() {
        return BigRational::from_integer(small.into());
    }
    // Where floats lie further apart than integers, validators see the float and not its text.
    if number.is_f64()
        && let Some(float) = number.as_f64()
        && float.abs() >= FLOATS
        && let Some(exact) = BigRational::from_float(float)
    {
        return exact;
    }
    // The shortest decimal text of a float is what its author wrote.
    decimal(&number.to_string()).unwrap_or_else(BigRational::zero)
}

pub(super) fn decimal(text: &str) -> Option<BigRational> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
    let shift = exponent - i64::try_from(fraction.len()).ok()?;
    let power = num_traits::pow(
        BigInt::from(10),
        usize::try_from(shift.unsigned_abs()).ok()?,
    );
    Some(if shift >= 0 {
        BigRational::from_integer(digits * power)
    } else {
        BigRational::new(digits, power)
    })
}

/// The same number written with a fraction, where a float can.
pub(super) fn with_fraction(value: &Value) -> Option<Value> {
    let number = value.as_number().filter(|number| !number.is_f64())?;
    let float = Number::from_f64(number.as_f64()?)?;
    (rational(&float) == rational(number)).then_some(Value::Number(float))
}

/// The number as JSON carries it; `None` where a float would be another number.
pub(super) fn to_number(value: &BigRational) -> Option<Number> {
    if value.is_integer() {
        let whole = value.to_integer();
        if let Some(small) = whole.to_i64() {
            return Some(small.into());
        }
        if let Some(small) = whole.to_u64() {
            return Some(small.into());
        }
    }
    let number = Number::from_f64(value.to_f64()?)?;
    (rational(&number) == *value).then_some(number)
}

/// The least common multiple of two positive rationals.
pub(super) fn least_common_multiple(left: &BigRational, right: &BigRational) -> BigRational {
    use num_integer::Integer as _;
    BigRational::new(
        left.numer().lcm(right.numer()),
        left.denom().gcd(right.denom()),
    )
}

/// Whether `value` is a whole number of `step`s.
pub(super) fn is_multiple(value: &BigRational, step: &BigRational) -> bool {
    if step.is_zero() {
        return value.is_zero();
    }
    (value / step).is_integer()
}
