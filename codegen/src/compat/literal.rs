//! Number literals that would be read as another number.
//!
//! JSON does not bound numbers; what reads them here keeps 64-bit integers and doubles. A schema whose bound was
//! rounded on the way in would be proved compatible with what it is not, so such a literal is refused where a text
//! is read.
use num_rational::BigRational;
use serde_json::Number;

use super::values::{decimal, rational};

/// Any literal with fewer digits, and no exponent, is kept as it is written.
const SAFE_DIGITS: usize = 15;

/// Largest power of ten that a literal is looked into with; doubles end at 308.
const MOST_EXPONENT: i64 = 400;

/// The first number of a JSON text that would be read as another one, and the byte it starts at.
#[must_use]
pub fn first_inexact(text: &str) -> Option<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let is_part =
                    |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = bytes[at..].iter().take_while(is_part).count();
                let literal = &text[at..at + length];
                if !is_exact(literal) {
                    return Some((at, literal));
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
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
    let exponent = literal
        .split_once(['e', 'E'])
        .map_or(Ok(0), |(_, exponent)| exponent.parse::<i64>());
    match exponent {
        Ok(exponent) if exponent.abs() <= MOST_EXPONENT => {
            decimal(literal).is_none_or(|written| is_meant(&written, &number))
        }
        _ => is_zero(literal),
    }
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
            "-123456789012345678901234567890",
        ] {
            assert!(!is_exact(rounded), "{rounded}");
        }
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
