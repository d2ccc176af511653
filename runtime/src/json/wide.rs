//! Numbers beyond what 64-bit floats tell apart, read again from their text so that no digit is lost.
//!
//! The parser makes a float of whatever has a fraction, an exponent or more than 64 bits. From 2^53 on floats lie
//! further apart than whole numbers: `9007199254740993.0` would become one less. What fits 64 bits becomes the whole
//! number that it is; of what does not, the texts of members are kept as they came, for columns that store text.
//! Hardly any event has such a number, and only those that do pay for it.
use simd_json::StaticNode;
use simd_json::tape::Node;

use super::foreseen::Texts;

/// From here on floats lie further apart than whole numbers.
const FLOATS: f64 = 9_007_199_254_740_992.0;

/// Digits of the largest number that fits 64 bits.
const MOST_DIGITS: usize = 20;

/// Whether a number read as this float may be another one in its text.
#[inline]
pub(super) fn is_wide(value: f64) -> bool {
    value.abs() >= FLOATS
}

fn has_wide(tape: &[Node<'_>]) -> bool {
    tape.iter()
        .any(|node| matches!(node, Node::Static(StaticNode::F64(value)) if is_wide(*value)))
}

/// Puts whole numbers in place of the floats that were read of them; the texts of members where a number is left
/// that its float may not tell. `compact` is room for them.
pub(super) fn reread<'c>(
    text: &[u8],
    tape: &mut [Node<'_>],
    compact: &'c mut Vec<u8>,
) -> Texts<'c> {
    if !has_wide(tape) {
        return Texts::default();
    }
    let numbers = tape.iter_mut().filter_map(|node| match node {
        Node::Static(number @ (StaticNode::I64(_) | StaticNode::U64(_) | StaticNode::F64(_))) => {
            Some(number)
        }
        Node::Static(_) | Node::String(_) | Node::Array { .. } | Node::Object { .. } => None,
    });
    for (number, literal) in numbers.zip(literals(text)) {
        if let StaticNode::F64(value) = number
            && is_wide(*value)
            && let Some(exact) = whole(literal)
        {
            *number = exact;
        }
    }
    if !has_wide(tape) {
        return Texts::default();
    }
    compact.clear();
    for (byte, part) in parts(text) {
        if part != Part::Outside || !byte.is_ascii_whitespace() {
            compact.push(byte);
        }
    }
    members(compact)
}

/// Where a byte of a JSON text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    /// The first quote of a string.
    Opening,
    Inside,
    /// The last one.
    Closing,
}

/// Every byte with where it stands.
fn parts(text: &[u8]) -> impl Iterator<Item = (u8, Part)> + '_ {
    let (mut in_string, mut is_escaped) = (false, false);
    text.iter().map(move |byte| {
        let part = match (in_string, *byte) {
            (false, b'"') => {
                in_string = true;
                Part::Opening
            }
            (false, _) => Part::Outside,
            (true, _) if is_escaped => {
                is_escaped = false;
                Part::Inside
            }
            (true, b'"') => {
                in_string = false;
                Part::Closing
            }
            (true, byte) => {
                is_escaped = byte == b'\\';
                Part::Inside
            }
        };
        (*byte, part)
    })
}

/// The number literals of a text, in order.
fn literals(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_part = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let mut parts = parts(text).enumerate();
    std::iter::from_fn(move || {
        let starts = |(_, (byte, part)): &(usize, (u8, Part))| {
            *part == Part::Outside && matches!(byte, b'-' | b'0'..=b'9')
        };
        let (start, _) = parts.find(starts)?;
        let end = parts
            .by_ref()
            .find(|(_, (byte, _))| !is_part(*byte))
            .map_or(text.len(), |(end, _)| end);
        text.get(start..end)
    })
}

/// The whole number that a literal means, where it is one and fits 64 bits.
fn whole(literal: &[u8]) -> Option<StaticNode> {
    let literal = std::str::from_utf8(literal).ok()?;
    let (mantissa, exponent) = match literal.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (literal, 0),
    };
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (true, mantissa),
        None => (false, mantissa),
    };
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{behind}");
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let shift = exponent
        .checked_add(zeros)?
        .checked_sub(i64::try_from(behind.len()).ok()?)?;
    let shift = usize::try_from(shift).ok()?;
    let significant = significant.trim_start_matches('0');
    if shift > MOST_DIGITS || significant.len() + shift > MOST_DIGITS {
        return None;
    }
    let value: i128 = format!("{significant}{}", "0".repeat(shift)).parse().ok()?;
    if is_negative {
        i64::try_from(-value).ok().map(StaticNode::I64)
    } else {
        u64::try_from(value).ok().map(StaticNode::U64)
    }
}

/// The texts of the objects and arrays that the root of a compact text has as members.
fn members(compact: &[u8]) -> Texts<'_> {
    let mut texts = Texts::default();
    let Ok(text) = std::str::from_utf8(compact) else {
        return texts;
    };
    let (mut depth, mut start) = (0_usize, 0);
    let (mut opened, mut name) = (0, "");
    for (at, (byte, part)) in parts(compact).enumerate() {
        match (part, byte) {
            (Part::Opening, _) if depth == 1 => opened = at + 1,
            (Part::Closing, _) if depth == 1 => name = text.get(opened..at).unwrap_or_default(),
            (Part::Outside, b'{' | b'[') => {
                depth += 1;
                if depth == 2 {
                    start = at;
                }
            }
            (Part::Outside, b'}' | b']') => {
                if depth == 2
                    && compact.first() == Some(&b'{')
                    && let Some(member) = text.get(start..=at)
                {
                    texts.push(name, member);
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::super::{Decoder, Number};
    use super::whole;
    use simd_json::StaticNode;

    fn numbers(text: &str) -> Vec<Number> {
        let mut decoder = Decoder::default();
        decoder
            .decode(text.as_bytes(), |json| {
                let numbers = json.members().filter_map(|(_, value)| value.as_number());
                numbers.collect()
            })
            .unwrap()
    }

    #[test]
    fn what_fits_64_bits_is_the_number_that_was_written() {
        let text = r#"{"a": 9007199254740993.0, "1e30 \" 2": "3e40", "b": 12345678901234567e3, "c": -9223372036854775808.00,
            "d": 1.5, "e": 7, "f": 1.8446744073709551615e19, "g": 9.0071992547409930E+15}"#;
        let expected = [
            Number::Signed(9_007_199_254_740_993),
            Number::Unsigned(12_345_678_901_234_567_000),
            Number::Signed(i64::MIN),
            Number::Float(1.5),
            Number::Signed(7),
            Number::Unsigned(u64::MAX),
            Number::Signed(9_007_199_254_740_993),
        ];
        assert_eq!(numbers(text), expected);
        // The same without what makes a text special.
        let plain = r#"{"a":9007199254740993.0,"b":12345678901234567e3}"#;
        assert_eq!(numbers(plain), expected[..2]);
    }

    #[test]
    fn what_does_not_fit_stays_a_float() {
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "9007199254740993.5",
            "1e300",
            "1e9223372036854775807",
            "1.5e-9223372036854775808",
        ] {
            assert_eq!(whole(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            whole(b"1e19"),
            Some(StaticNode::U64(10_000_000_000_000_000_000))
        );
    }

    #[test]
    fn texts_of_members_keep_every_digit() {
        // A name is the same however it is spelled.
        let text = br#"{"at": "x", "data": {"open" : 100000000000000000000000001, "a b": "c \" {"}, "\u006e": [ 1, 12345678901234567890123 ]}"#;
        let mut decoder = Decoder::default();
        let kept = decoder.decode_with_texts(text, |_, texts| {
            ["data", "n", "at"].map(|name| texts.get(name).map(str::to_owned))
        });
        let [data, list, other] = kept.unwrap();
        assert_eq!(
            data.unwrap(),
            r#"{"open":100000000000000000000000001,"a b":"c \" {"}"#
        );
        assert_eq!(list.unwrap(), "[1,12345678901234567890123]");
        assert_eq!(other, None);
    }
}
