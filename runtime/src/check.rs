//! What generated checks are made of: paths, violations and the comparisons JSON Schema needs.
//!
//! A check walks a decoded value and stops at the first violation. Nothing is allocated until then.
mod pattern;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash as _, Hasher};

pub use pattern::Pattern;

use crate::json::{Json, Kind, Number};

/// A value broke a rule of its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer of the value, from the event's root.
    pub pointer: String,
    /// The schema keyword that rejects it.
    pub keyword: &'static str,
    /// What was expected. Never contains the value, which may be personal.
    pub expected: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() {
            "(root)"
        } else {
            &self.pointer
        };
        write!(formatter, "{pointer}: {} ({})", self.expected, self.keyword)
    }
}

impl std::error::Error for Violation {}

/// The path to the value being checked, kept on the stack.
#[derive(Clone, Copy, Debug)]
pub struct At<'p> {
    parent: Option<&'p At<'p>>,
    token: Token<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Token<'p> {
    Root,
    Member(&'p str),
    Item(usize),
}

impl<'p> At<'p> {
    /// The event itself.
    pub const ROOT: At<'static> = At {
        parent: None,
        token: Token::Root,
    };

    /// A member of the value at this path.
    #[inline]
    #[must_use]
    pub const fn member(&'p self, name: &'p str) -> At<'p> {
        At {
            parent: Some(self),
            token: Token::Member(name),
        }
    }

    /// An item of the value at this path.
    #[inline]
    #[must_use]
    pub const fn item(&'p self, index: usize) -> At<'p> {
        At {
            parent: Some(self),
            token: Token::Item(index),
        }
    }

    /// The path as a JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = self.parent.map_or_else(String::new, At::pointer);
        match self.token {
            Token::Root => {}
            Token::Member(name) => {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Token::Item(index) => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
        pointer
    }

    /// A violation here.
    ///
    /// # Errors
    /// Always: the error is the result.
    #[cold]
    pub fn reject<T>(&self, keyword: &'static str, expected: &'static str) -> Result<T, Violation> {
        Err(Violation {
            pointer: self.pointer(),
            keyword,
            expected,
        })
    }
}

/// A schema's check: `Ok` exactly when the schema accepts the value.
pub type Check = fn(Json<'_>, At<'_>) -> Result<(), Violation>;

/// A constant of a schema (`const`, `enum`).
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(&'static str),
    /// An array.
    Array(&'static [Literal]),
    /// An object; member order does not matter.
    Object(&'static [(&'static str, Literal)]),
}

/// Whether a value equals a constant; 1 equals 1.0.
#[inline]
#[must_use]
pub fn is_literal(value: Json<'_>, literal: &Literal) -> bool {
    match (value.kind(), literal) {
        (Kind::Null, Literal::Null) => true,
        (Kind::Bool(value), Literal::Bool(literal)) => value == *literal,
        (Kind::Number(value), Literal::Number(literal)) => {
            compare(value, *literal) == Ordering::Equal
        }
        (Kind::String(value), Literal::String(literal)) => value == *literal,
        (Kind::Array, Literal::Array(literals)) => {
            value.len() == literals.len()
                && value
                    .items()
                    .zip(*literals)
                    .all(|(item, literal)| is_literal(item, literal))
        }
        (Kind::Object, Literal::Object(literals)) => {
            value.len() == literals.len()
                && literals.iter().all(|(name, literal)| {
                    value
                        .get(name)
                        .is_some_and(|member| is_literal(member, literal))
                })
        }
        _ => false,
    }
}

/// Whether two values are equal as JSON Schema means it: 1 equals 1.0, member order does not matter.
#[must_use]
pub fn equal(left: Json<'_>, right: Json<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(left), Kind::Bool(right)) => left == right,
        (Kind::Number(left), Kind::Number(right)) => compare(left, right) == Ordering::Equal,
        (Kind::String(left), Kind::String(right)) => left == right,
        (Kind::Array, Kind::Array) => {
            left.len() == right.len()
                && left
                    .items()
                    .zip(right.items())
                    .all(|(left, right)| equal(left, right))
        }
        (Kind::Object, Kind::Object) => {
            left.len() == right.len()
                && left
                    .members()
                    .all(|(name, left)| right.get(name).is_some_and(|right| equal(left, right)))
        }
        _ => false,
    }
}

/// Arrays up to this long are compared pair by pair; longer ones by hash first.
const FEW_ITEMS: usize = 16;

/// Whether the text of a member, where it is one, is a time that a time column takes.
///
/// # Errors
/// It is none.
pub fn is_time(value: Option<Json<'_>>, at: At<'_>) -> Result<(), Violation> {
    match value.and_then(Json::as_str) {
        Some(text) if crate::row::parse_timestamp(text).is_none() => {
            at.reject("format", "an RFC 3339 timestamp")
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether no two items are equal (`uniqueItems`).
#[must_use]
pub fn all_unique(array: Json<'_>) -> bool {
    if array.len() <= FEW_ITEMS {
        let earlier = array.items();
        let mut seen = 0;
        return array.items().all(|item| {
            let unique = !earlier.clone().take(seen).any(|other| equal(other, item));
            seen += 1;
            unique
        });
    }
    earlier_by_hash(array)
}

fn earlier_by_hash(array: Json<'_>) -> bool {
    let mut seen: std::collections::HashMap<u64, Vec<Json<'_>>> = std::collections::HashMap::new();
    array.items().all(|item| {
        let same = seen.entry(hash(item)).or_default();
        let unique = !same.iter().any(|other| equal(*other, item));
        same.push(item);
        unique
    })
}

/// Equal values have equal hashes; member order and number spelling do not matter.
fn hash(value: Json<'_>) -> u64 {
    let mut state = std::hash::DefaultHasher::new();
    match value.kind() {
        Kind::Null => 0_u8.hash(&mut state),
        Kind::Bool(value) => value.hash(&mut state),
        Kind::Number(number) => number.to_f64().to_bits().hash(&mut state),
        Kind::String(text) => text.hash(&mut state),
        Kind::Array => value.items().for_each(|item| state.write_u64(hash(item))),
        Kind::Object => {
            let members = value.members().fold(0_u64, |sum, (name, member)| {
                let mut state = std::hash::DefaultHasher::new();
                name.hash(&mut state);
                state.write_u64(hash(member));
                sum.wrapping_add(state.finish())
            });
            state.write_u64(members);
        }
    }
    state.finish()
}

/// Orders two numbers exactly, whatever their spelling.
#[inline]
#[must_use]
pub fn compare(left: Number, right: Number) -> Ordering {
    match (left, right) {
        (Number::Signed(left), Number::Signed(right)) => left.cmp(&right),
        (Number::Unsigned(left), Number::Unsigned(right)) => left.cmp(&right),
        (Number::Signed(_), Number::Unsigned(_)) => Ordering::Less,
        (Number::Unsigned(_), Number::Signed(_)) => Ordering::Greater,
        _ => compare_with_float(left, right),
    }
}

/// As [`compare`], where a number has a fraction or an exponent: hardly ever, and too much to stand in every check.
#[cold]
fn compare_with_float(left: Number, right: Number) -> Ordering {
    let whole = |number| match number {
        Number::Signed(number) => i128::from(number),
        Number::Unsigned(number) => i128::from(number),
        Number::Float(_) => 0,
    };
    match (left, right) {
        (Number::Float(left), Number::Float(right)) => {
            left.partial_cmp(&right).unwrap_or(Ordering::Equal)
        }
        (Number::Float(left), right) => compare_float(left, whole(right)),
        (left, Number::Float(right)) => compare_float(right, whole(left)).reverse(),
        (left, right) => whole(left).cmp(&whole(right)),
    }
}

/// Above this every double is an integer beyond 64 bits.
const BEYOND_64_BITS: f64 = 1e30;

fn compare_float(left: f64, right: i128) -> Ordering {
    if left.abs() > BEYOND_64_BITS {
        return if left > 0.0 {
            Ordering::Greater
        } else {
            Ordering::Less
        };
    }
    #[allow(clippy::cast_possible_truncation)]
    let whole = left.trunc() as i128;
    whole
        .cmp(&right)
        .then_with(|| left.fract().partial_cmp(&0.0).unwrap_or(Ordering::Equal))
}

/// Whether a number is a multiple of `mantissa` × 10^-`scale`, in decimal arithmetic: 0.07 is a multiple of 0.01.
/// A double from 2^53 on is the whole number that it holds, whatever its shortest spelling says.
#[must_use]
pub fn is_multiple(number: Number, mantissa: u64, scale: u32) -> bool {
    if let Number::Float(value) = number
        && value.abs() >= ALL_WHOLE
    {
        return is_whole_multiple(value, mantissa, scale);
    }
    let Some((digits, places)) = decimal(number) else {
        return false;
    };
    // digits·10^-places = k·mantissa·10^-scale, for some integer k.
    let (Some(left), Some(right)) = (
        10_i128
            .checked_pow(scale.saturating_sub(places))
            .and_then(|factor| digits.checked_mul(factor)),
        10_i128
            .checked_pow(places.saturating_sub(scale))
            .and_then(|factor| i128::from(mantissa).checked_mul(factor)),
    ) else {
        return digits == 0 || is_float_multiple(number.to_f64(), mantissa, scale);
    };
    left % right == 0
}

/// 2^53: doubles from here on are whole.
const ALL_WHOLE: f64 = 9_007_199_254_740_992.0;

/// [`is_multiple`] of a double that is whole for its size: what is left of value·10^scale after all multiples of
/// `mantissa`, factor by factor, as the product itself may have hundreds of digits.
fn is_whole_multiple(value: f64, mantissa: u64, scale: u32) -> bool {
    /// Bits of a double's fraction.
    const FRACTION: u32 = 52;
    /// The exponent, as it stands in the bits, with which the last bit of the fraction counts one.
    const ONES: u64 = 1023 + FRACTION as u64;
    let bits = value.abs().to_bits();
    let significand = (bits & ((1 << FRACTION) - 1)) | (1 << FRACTION);
    let doublings = (bits >> FRACTION).saturating_sub(ONES);
    let modulus = u128::from(mantissa);
    let times = |left: u128, factor: u128| left * factor % modulus;
    let mut left = u128::from(significand) % modulus;
    for _ in 0..doublings {
        left = times(left, 2);
    }
    for _ in 0..scale {
        left = times(left, 10);
    }
    left == 0
}

/// Beyond 38 digits exact arithmetic ends; the float's own remainder is what validators use there.
fn is_float_multiple(value: f64, mantissa: u64, scale: u32) -> bool {
    #[allow(clippy::cast_precision_loss)]
    let step = mantissa as f64 / 10_f64.powi(scale.cast_signed());
    value % step == 0.0
}

/// A number as digits and decimal places, by its shortest spelling; `None` beyond 38 digits.
fn decimal(number: Number) -> Option<(i128, u32)> {
    match number {
        Number::Signed(value) => Some((i128::from(value), 0)),
        Number::Unsigned(value) => Some((i128::from(value), 0)),
        Number::Float(value) => {
            let text = format!("{value:e}");
            let (mantissa, exponent) = text.split_once('e')?;
            let exponent: i32 = exponent.parse().ok()?;
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
            let places = i32::try_from(fraction.len()).ok()? - exponent;
            if places >= 0 {
                Some((digits, places.unsigned_abs()))
            } else {
                let factor = 10_i128.checked_pow(places.unsigned_abs())?;
                digits.checked_mul(factor).map(|digits| (digits, 0))
            }
        }
    }
}

/// Bytes of a code point at most.
const WIDEST: usize = 4;

/// Whether a text has fewer code points than `minLength` asks for. Its bytes tell, nearly always.
#[inline]
#[must_use]
pub fn is_shorter(text: &str, length: usize) -> bool {
    text.len() < length || text.len() / WIDEST < length && text.chars().count() < length
}

/// Whether a text has more code points than `maxLength` allows. Its bytes tell, nearly always.
#[inline]
#[must_use]
pub fn is_longer(text: &str, length: usize) -> bool {
    text.len() > length && text.chars().count() > length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_doubles_are_the_whole_numbers_that_they_hold() {
        let float = Number::Float;
        // 2^53 and powers of two beyond; every one is a multiple of a half and of a hundredth.
        for value in [
            9_007_199_254_740_992.0,
            -1e18,
            7.828_046_498_048_577e249,
            f64::MAX,
        ] {
            for (mantissa, scale) in [(5, 1), (1, 2), (1, 0), (2, 0), (25, 2)] {
                assert!(
                    is_multiple(float(value), mantissa, scale),
                    "{value} {mantissa}e-{scale}"
                );
            }
        }
        // 2^100 leaves 1 of three and 2 of seven; 3·2^100 nothing of three.
        let power = 2_f64.powi(100);
        assert!(!is_multiple(float(power), 3, 0));
        assert!(!is_multiple(float(-power), 7, 0));
        assert!(is_multiple(float(3.0 * power), 3, 0));
        assert!(is_multiple(float(3.0 * power), 3, 2));
        assert!(!is_multiple(float(power), 3, 2));
        // Its shortest spelling, 12345678901234568·10^4, is none of three.
        assert!(is_multiple(float(123_456_789_012_345_683_968.0), 1, 0));
        let (double, exact) = (
            123_456_789_012_345_683_968.0,
            123_456_789_012_345_683_968_u128,
        );
        assert_eq!(is_multiple(float(double), 3, 0), exact.is_multiple_of(3));
    }

    #[test]
    fn lengths_are_those_in_code_points() {
        for letter in ["a", "é", "語", "😀"] {
            for count in 0..9 {
                let text = letter.repeat(count);
                for length in 0..40 {
                    assert_eq!(is_shorter(&text, length), count < length, "{text} {length}");
                    assert_eq!(is_longer(&text, length), count > length, "{text} {length}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_ordered_whatever_their_spelling() {
        // In order; equal ones together.
        let numbers: [&[Number]; 9] = [
            &[Number::Float(-1e300)],
            &[
                Number::Signed(i64::MIN),
                Number::Float(-9_223_372_036_854_775_808.0),
            ],
            &[Number::Float(-1.5)],
            &[Number::Signed(-1), Number::Float(-1.0)],
            &[Number::Float(-0.5)],
            &[Number::Signed(0), Number::Float(0.0), Number::Float(-0.0)],
            &[Number::Signed(7), Number::Float(7.0)],
            &[Number::Float(7.25)],
            &[Number::Unsigned(u64::MAX)],
        ];
        for (left_place, lefts) in numbers.iter().enumerate() {
            for (right_place, rights) in numbers.iter().enumerate() {
                for left in *lefts {
                    for right in *rights {
                        let expected = left_place.cmp(&right_place);
                        assert_eq!(compare(*left, *right), expected, "{left:?} {right:?}");
                    }
                }
            }
        }
    }
}
