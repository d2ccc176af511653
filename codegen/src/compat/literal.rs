//! Number literals that would be read as another number.
//!
//! JSON does not bound numbers; what reads them here keeps 64-bit integers and doubles. A schema whose bound was
//! rounded on the way in would be proved compatible with what it is not, so such a literal is refused where a text
//! is read.
use num_rational::BigRational;
use serde_json::{Number, Value};

use super::values::{decimal, rational};

/// Any literal with fewer digits, and no exponent, is kept as it is written.
const SAFE_DIGITS: usize = 15;

/// Largest power of ten that a literal is looked into with; doubles end at 308.
const MOST_EXPONENT: u64 = 400;

/// The number literals of a JSON text, each with the byte it starts at.
struct Literals<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Literals<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    while let Some(byte) = bytes.get(self.at).filter(|byte| **byte != b'"') {
                        self.at += if *byte == b'\\' { 2 } else { 1 };
                    }
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => {
                    let is_part =
                        |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                    let start = self.at;
                    self.at += bytes[start..].iter().take_while(is_part).count();
                    return Some((start, &self.text[start..self.at]));
                }
                _ => self.at += 1,
            }
        }
        None
    }
}

/// The first number of a JSON text that would be read as another one, and the byte it starts at.
#[must_use]
pub fn first_inexact(text: &str) -> Option<(usize, &str)> {
    let mut literals = Literals { text, at: 0 };
    literals.find(|(_, literal)| !is_exact(literal))
}

/// Puts whole numbers of 64 bits in place of the doubles that were read of them: `9007199254740993.0` is no even
/// number, and a worker does not take it for one. `value` is what was read of `text`, its members in their order.
pub fn restore_whole(text: &str, value: &mut Value) {
    if has_wide_double(value) {
        put_back(value, &mut Literals { text, at: 0 });
    }
}

/// From here on doubles lie further apart than whole numbers.
const WIDE: f64 = 9_007_199_254_740_992.0;

fn is_wide_double(number: &Number) -> bool {
    number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= WIDE)
}

fn has_wide_double(value: &Value) -> bool {
    match value {
        Value::Number(number) => is_wide_double(number),
        Value::Array(items) => items.iter().any(has_wide_double),
        Value::Object(members) => members.values().any(has_wide_double),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn put_back(value: &mut Value, literals: &mut Literals<'_>) {
    match value {
        Value::Number(number) => {
            let literal = literals.next();
            if is_wide_double(number)
                && let Some(whole) = literal.and_then(|(_, literal)| whole(literal))
            {
                *number = whole;
            }
        }
        Value::Array(items) => {
            for item in items {
                put_back(item, literals);
            }
        }
        Value::Object(members) => {
            for member in members.values_mut() {
                put_back(member, literals);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The whole number of 64 bits that a literal spells with a fraction or an exponent.
fn whole(literal: &str) -> Option<Number> {
    if !is_in_reach(literal) {
        return None;
    }
    let written = decimal(literal)
        .filter(BigRational::is_integer)?
        .to_integer();
    let positive = u64::try_from(&written).map(Number::from);
    positive
        .or_else(|_| i64::try_from(&written).map(Number::from))
        .ok()
}

/// Whether a number literal means the number that it is read as; text that is no number counts as exact.
#[must_use]
pub fn is_exact(literal: &str) -> bool {
    if literal.len() <= SAFE_DIGITS && !literal.contains(['e', 'E']) {
        return true;
    }
    let Ok(number) = serde_json::from_str::<Number>(literal) else {
        return true;
    };
    if is_in_reach(literal) {
        decimal(literal).is_none_or(|written| is_meant(&written, &number))
    } else {
        is_zero(literal)
    }
}

/// Whether a literal's power of ten is one that is looked into.
fn is_in_reach(literal: &str) -> bool {
    let exponent = literal.split_once(['e', 'E']);
    exponent.is_none_or(|(_, exponent)| {
        let exponent = exponent.parse::<i64>();
        exponent.is_ok_and(|exponent| exponent.unsigned_abs() <= MOST_EXPONENT)
    })
}

/// Whether a number is what was written: exactly, or by the shortest text of a double, which is how most programs print
/// one (`9.223372036854776e+18` for 2^63).
fn is_meant(written: &BigRational, number: &Number) -> bool {
    *written == rational(number)
        || (number.is_f64() && decimal(&number.to_string()).as_ref() == Some(written))
}

/// Whether every digit before the exponent is 0.
fn is_zero(literal: &str) -> bool {
    let mantissa = literal.split(['e', 'E']).next().unwrap_or_default();
    !mantissa.contains(|digit| matches!(digit, '1'..='9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_what_is_rounded() {
        for exact in [
            "0",
            "-1.50",
            "0.1",
            "1e3",
            "1E-7",
            "123456789012345678",
            "18446744073709551615",
            "0.30000000000000004",
            "1e308",
            "2.5e-10",
            "0e99999",
            "1.7976931348623157e308",
            "9.223372036854776e+18",
            "18446744073709551616",
            "18446744073709552000",
            "1e23",
        ] {
            assert!(is_exact(exact), "{exact}");
        }
        for rounded in [
            "18446744073709551617",
            "1.00000000000000000001",
            "0.10000000000000000001",
            "9007199254740993.0",
            "36893488147419103233",
            "1e-99999",
            "1e-9223372036854775808",
            "-123456789012345678901234567890",
        ] {
            assert!(!is_exact(rounded), "{rounded}");
        }
    }

    #[test]
    fn whole_numbers_are_restored_however_they_are_spelled() {
        let text = r#"{"z": "1e30", "a": [9007199254740993.0, -9223372036854775807e0, 1e19, 1e20, 0.5],
            "b": {"a": 92233720368547758070E-1, "c": 18446744073709551615}}"#;
        let mut value = serde_json::from_str(text).expect("JSON");
        restore_whole(text, &mut value);
        let expected = serde_json::json!({
            "z": "1e30",
            "a": [9_007_199_254_740_993_u64, -9_223_372_036_854_775_807_i64, 10_000_000_000_000_000_000_u64, 1e20, 0.5],
            "b": {"a": 9_223_372_036_854_775_807_u64, "c": u64::MAX}
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn texts_are_searched_outside_of_strings() {
        let text = r#"{"a\"18446744073709551617": ["18446744073709551617\\", 1, 2.5], "b": 18446744073709551617}"#;
        let (at, literal) = first_inexact(text).expect("one");
        assert_eq!((literal, &text[at..=at]), ("18446744073709551617", "1"));
        assert_eq!(at, text.rfind("184").expect("it"));
        assert_eq!(first_inexact("[1, 2, \"x"), None);
        assert_eq!(first_inexact("\"\\"), None);
    }
}
