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

/// Milliseconds since the epoch from an RFC 3339 text, 0 where absent.
///
/// # Errors
/// The text is no RFC 3339 timestamp; `member` names the field.
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

/// Parses an RFC 3339 text to milliseconds, cutting finer digits.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Millis> {
    if let Some(millis) = common_timestamp(text.as_bytes()) {
        return Some(millis);
    }
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(|timestamp| Millis(timestamp.as_millisecond()))
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
    let two = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
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
    // Years from March on have their odd day at the end: http://howardhinnant.github.io/date_algorithms.html
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(Millis(seconds * 1000 + millis))
}

/// Appends a text, integer or boolean as text; `false` where there is none.
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
            (None, None, Number::Float(value)) => write!(out, "{value}"),
            (None, None, Number::Signed(_) | Number::Unsigned(_)) => Ok(()),
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

    proptest! {
        #[test]
        fn what_is_common_is_as_anything_else(
            text in "(20[0-9]{2}|[0-9:/]{4})-(0[0-9]|1[0-9]|[0-9:/]{2})-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9:/]{0,4})?(Z|z|\\+09:00)"
        ) {
            if let Some(millis) = common_timestamp(text.as_bytes()) {
                prop_assert_eq!(Some(millis), by_jiff(&text));
            }
            prop_assert_eq!(parse_timestamp(&text), by_jiff(&text));
        }
    }
}
