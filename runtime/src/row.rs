//! What generated row writers and key functions are made of: scalars from a checked event.
//!
//! Values were checked before, so what does not fit its column is absent or null and becomes the column's zero.
use std::fmt::Write as _;

use crate::check::{At, Violation};
use crate::column::Millis;
use crate::json::{Json, Kind, Number};

/// An unsigned integer, 0 where absent.
#[inline]
#[must_use]
pub fn unsigned<T: TryFrom<u64> + Default>(value: Option<Json<'_>>) -> T {
    value
        .and_then(Json::as_u64)
        .and_then(|value| T::try_from(value).ok())
        .unwrap_or_default()
}

/// A signed integer, 0 where absent.
#[inline]
#[must_use]
pub fn signed<T: TryFrom<i64> + Default>(value: Option<Json<'_>>) -> T {
    value
        .and_then(Json::as_i64)
        .and_then(|value| T::try_from(value).ok())
        .unwrap_or_default()
}

/// A float, 0 where absent.
#[inline]
#[must_use]
pub fn float(value: Option<Json<'_>>) -> f64 {
    value.and_then(Json::as_f64).unwrap_or_default()
}

/// A boolean, `false` where absent.
#[inline]
#[must_use]
pub fn boolean(value: Option<Json<'_>>) -> bool {
    value.and_then(Json::as_bool).unwrap_or_default()
}

/// A text, empty where absent.
#[inline]
#[must_use]
pub fn text<'t>(value: Option<Json<'t>>) -> &'t str {
    value.and_then(Json::as_str).unwrap_or_default()
}

/// Milliseconds since the epoch from a text that was checked to be a time, 0 where absent.
#[inline]
#[must_use]
pub fn time(value: Option<Json<'_>>) -> Millis {
    value
        .and_then(Json::as_str)
        .and_then(parse_timestamp)
        .unwrap_or_default()
}

/// Milliseconds since the epoch from an event's member, 0 where absent.
///
/// # Errors
/// The text is no RFC 3339 timestamp; `member` is the member's name.
pub fn timestamp(value: Option<Json<'_>>, member: &str) -> Result<Millis, Violation> {
    match value.and_then(Json::as_str) {
        None => Ok(Millis::default()),
        Some(text) => parse_timestamp(text).map_or_else(
            || {
                At::ROOT
                    .member(member)
                    .reject("format", "an RFC 3339 timestamp")
            },
            Ok,
        ),
    }
}

/// Parses an RFC 3339 text to milliseconds, cutting finer digits: any year from 0000 to 9999, `T`, `t` or a space
/// in between. A leap second is the second before it. What the gate proves of time columns goes by the same grammar
/// (`TIMESTAMP` in the compiler's demands).
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Millis> {
    common_timestamp(text.as_bytes()).or_else(|| any_timestamp(text.as_bytes()))
}

/// Parses every spelling.
fn any_timestamp(text: &[u8]) -> Option<Millis> {
    let (stamp, rest) = text.split_first_chunk::<19>()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
    ] = *stamp
    else {
        return None;
    };
    let (year, month, day) = (
        two(y1, y2)? * 100 + two(y3, y4)?,
        two(o1, o2)?,
        two(d1, d2)?,
    );
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    let (millis, rest) = match rest {
        [b'.', rest @ ..] => fraction(rest)?,
        rest => (0, rest),
    };
    let offset = match *rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let minutes = hours * 60 + minutes;
            if sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let is_real =
        (1..=days_of(year, month)?).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !is_real {
        return None;
    }
    let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset;
    Some(Millis((minutes * 60 + second.min(59)) * 1000 + millis))
}

/// Milliseconds of the digits behind a point, of which there is at least one, and what follows them.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    digits.first()?;
    let digit = |index: usize| i64::from(digits.get(index).map_or(0, |digit| digit - b'0'));
    Some((digit(0) * 100 + digit(1) * 10 + digit(2), rest))
}

/// Days of a month; `None` where there is no such month.
const fn days_of(year: i64, month: i64) -> Option<i64> {
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return None,
    })
}

/// Days since the epoch of a day of the Gregorian calendar.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years from March on have their odd day at the end: http://howardhinnant.github.io/date_algorithms.html
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469
}

/// The number that two digits make.
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Parses the spelling that nearly every event has, `2026-01-05T12:34:56Z` with or without a fraction; `None` for
/// others, and for what is near the end of a month.
fn common_timestamp(text: &[u8]) -> Option<Millis> {
    let (stamp, rest) = text.split_first_chunk::<19>()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
    ] = *stamp
    else {
        return None;
    };
    let (year, month, day) = (
        two(y1, y2)? * 100 + two(y3, y4)?,
        two(o1, o2)?,
        two(d1, d2)?,
    );
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    let millis = match rest {
        b"Z" => 0,
        [b'.', a, b, c, b'Z'] => two(*a, *b)? * 10 + two(b'0', *c)?,
        _ => return None,
    };
    let is_common = (1970..=2100).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_common {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(Millis(seconds * 1000 + millis))
}

/// Appends a text, integer or boolean as text; `false` where there is none. A number beyond 64 bits is none: two of them
/// would have one text, and their events be taken for one.
pub fn append_scalar(value: Option<Json<'_>>, out: &mut String) -> bool {
    // Writing to a String cannot fail.
    let _ = match value.map(Json::kind) {
        Some(Kind::String(text)) => {
            out.push_str(text);
            Ok(())
        }
        Some(Kind::Bool(value)) => write!(out, "{value}"),
        Some(Kind::Number(number)) => match (number.to_i64(), number.to_u64(), number) {
            (Some(value), _, _) => write!(out, "{value}"),
            (None, Some(value), _) => write!(out, "{value}"),
            (None, None, Number::Float(value)) if value.fract() != 0.0 => write!(out, "{value}"),
            (None, None, Number::Float(_) | Number::Signed(_) | Number::Unsigned(_)) => {
                return false;
            }
        },
        Some(Kind::Null | Kind::Array | Kind::Object) | None => return false,
    };
    true
}

/// Appends a record key; `false` where the event has none.
pub fn append_key(value: Option<Json<'_>>, out: &mut Vec<u8>) -> bool {
    match value.map(Json::kind) {
        Some(Kind::String(text)) => {
            out.extend_from_slice(text.as_bytes());
            true
        }
        _ => {
            let mut text = String::new();
            let found = append_scalar(value, &mut text);
            out.extend_from_slice(text.as_bytes());
            found
        }
    }
}

/// Appends a record key to an event's identity, its length first, so that no two lists of parts are alike.
pub fn identify_key(value: Option<Json<'_>>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    append_key(value, out);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Appends a sorting column's value to an event's identity.
pub fn identify<T: Identifying + ?Sized>(value: &T, out: &mut Vec<u8>) {
    value.append_to(out);
}

/// A value that can tell two events apart. No value's bytes begin another's.
pub trait Identifying {
    /// Appends the value's bytes.
    fn append_to(&self, out: &mut Vec<u8>);
}

impl Identifying for &str {
    fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&u32::try_from(self.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(self.as_bytes());
    }
}

impl Identifying for bool {
    fn append_to(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Identifying for f64 {
    fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bits().to_le_bytes());
    }
}

impl Identifying for Millis {
    fn append_to(&self, out: &mut Vec<u8>) {
        self.0.append_to(out);
    }
}

macro_rules! identifying_integers {
    ($($integer:ty)*) => {$(
        impl Identifying for $integer {
            fn append_to(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
identifying_integers!(u8 u16 u32 u64 i8 i16 i32 i64);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_jiff(text: &str) -> Option<Millis> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        Some(Millis(timestamp.as_millisecond()))
    }

    #[test]
    fn every_day_is_where_it_belongs() {
        let mut common = 0;
        for year in 1969..=2101 {
            for month in 0..=13 {
                for day in 0..=32 {
                    let text = format!("{year}-{month:02}-{day:02}T23:59:58.007Z");
                    if let Some(millis) = common_timestamp(text.as_bytes()) {
                        assert_eq!(Some(millis), by_jiff(&text), "{text}");
                        common += 1;
                    }
                }
            }
        }
        assert_eq!(common, 131 * 12 * 28);
    }

    #[test]
    fn every_day_from_the_first_to_the_last() {
        let mut last = None;
        for year in 0..=9999 {
            for month in 1..=12 {
                for day in 1..=31 {
                    let text = format!("{year:04}-{month:02}-{day:02}T23:59:58.007Z");
                    let millis = parse_timestamp(&text);
                    let is_day = jiff::civil::Date::new(year, month, day).is_ok();
                    assert_eq!(millis.is_some(), is_day, "{text}");
                    let Some(millis) = millis else { continue };
                    assert!(
                        last.is_none_or(|last| millis.0 == last + 86_400_000),
                        "{text}"
                    );
                    last = Some(millis.0);
                }
            }
        }
        let end = parse_timestamp("9999-12-31T23:59:59Z");
        assert_eq!(end, Some(Millis(253_402_300_799_000)));
        let start = parse_timestamp("0000-01-01T00:00:00Z");
        assert_eq!(start, Some(Millis(-62_167_219_200_000)));
    }

    #[test]
    fn a_number_that_two_texts_share_is_no_key() {
        let mut decoder = crate::json::Decoder::default();
        let mut key = |number: &str| {
            let text = format!("{{\"k\":{number}}}");
            let read = decoder.decode(text.as_bytes(), |event| {
                let mut key = String::new();
                append_scalar(event.get("k"), &mut key).then_some(key)
            });
            read.unwrap()
        };
        assert_eq!(key("12345678901234567890123"), None);
        assert_eq!(key("-1e300"), None);
        assert_eq!(key("9007199254740993.0").unwrap(), "9007199254740993");
        assert_eq!(key("18446744073709551615").unwrap(), "18446744073709551615");
        assert_eq!(key("1e3").unwrap(), "1000");
    }

    #[test]
    fn finer_digits_are_cut_before_the_epoch_too() {
        for (text, millis) in [
            ("1969-12-31T23:59:59.9999Z", -1),
            ("1969-12-31T23:59:59.999Z", -1),
            ("1969-12-31T23:59:59Z", -1000),
            ("1970-01-01T00:00:00.0009Z", 0),
            ("1970-01-01T00:59:59.12345678901234567890+01:00", -877),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ] {
            assert_eq!(parse_timestamp(text), Some(Millis(millis)), "{text}");
        }
    }

    #[test]
    fn timestamps_are_those_of_rfc_3339() {
        // The compiler proves by the same list.
        let list = include_str!("../../codegen/tests/fixtures/timestamps.txt");
        for line in list.lines() {
            let (is_one, text) = line.split_once(' ').unwrap();
            assert_eq!(parse_timestamp(text).is_some(), is_one == "yes", "{text}");
        }
        assert_eq!(parse_timestamp("2026-01-31T12:00:00Z\n"), None);
    }

    proptest! {
        #[test]
        fn what_both_read_is_one_time(
            text in "(20[0-9]{2}|[0-9:/]{4})-(0[0-9]|1[0-9]|[0-9:/]{2})-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9:/]{0,4})?(Z|z|\\+09:00)"
        ) {
            if let Some(millis) = common_timestamp(text.as_bytes()) {
                prop_assert_eq!(Some(millis), any_timestamp(text.as_bytes()));
            }
            let jiff = text.parse::<jiff::Timestamp>().ok();
            let floor = |timestamp: jiff::Timestamp| {
                Millis(i64::try_from(timestamp.as_nanosecond().div_euclid(1_000_000)).unwrap())
            };
            prop_assert_eq!(parse_timestamp(&text), jiff.map(floor));
        }
    }
}
