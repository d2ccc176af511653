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
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(|timestamp| Millis(timestamp.as_millisecond()))
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
