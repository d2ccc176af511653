//! Moments as people write them on a command line.
use jiff::{Span, SpanRelativeTo, Timestamp, civil::Date};

use crate::error::{Error, Result};

/// Which end of a day a date without a time means.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// Its first millisecond.
    First,
    /// Its last.
    Last,
}

/// Milliseconds since the epoch: a date, a time, or how long before `now`.
pub(super) fn moment(flag: &'static str, text: &str, now: Timestamp, end: End) -> Result<i64> {
    let wrong = |why: &dyn std::fmt::Display| {
        Error::config(format!("{flag} is no moment"))
            .at("value", text)
            .why(why)
            .fix("write e.g. 2026-01-31, 2026-01-31T12:00:00Z, or 2h for two hours ago")
    };
    if let Ok(span) = text.parse::<Span>() {
        let back = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|error| wrong(&error))?;
        let then = now.checked_sub(back.abs()).map_err(|error| wrong(&error))?;
        return Ok(then.as_millisecond());
    }
    let whole = match (text.len() == 10 && text.parse::<Date>().is_ok(), end) {
        (true, End::First) => format!("{text}T00:00:00Z"),
        (true, End::Last) => format!("{text}T23:59:59.999Z"),
        (false, _) => text.to_owned(),
    };
    let moment: Timestamp = whole.parse().map_err(|error: jiff::Error| wrong(&error))?;
    Ok(moment.as_millisecond())
}

/// RFC 3339 in UTC, to the second.
pub(super) fn shown(millis: Option<i64>) -> Option<String> {
    let moment = Timestamp::from_millisecond(millis?).ok()?;
    Some(format!("{moment:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        let now: Timestamp = "2026-02-01T00:00:00Z".parse().expect("a time");
        for (text, end, expected) in [
            ("2026-01-31", End::First, "2026-01-31T00:00:00Z"),
            ("2026-01-31", End::Last, "2026-01-31T23:59:59.999Z"),
            (
                "2026-01-31T12:00:00+01:00",
                End::Last,
                "2026-01-31T11:00:00Z",
            ),
            ("2h", End::First, "2026-01-31T22:00:00Z"),
            ("1d", End::First, "2026-01-31T00:00:00Z"),
            ("90m", End::Last, "2026-01-31T22:30:00Z"),
        ] {
            let expected: Timestamp = expected.parse().expect("a time");
            let found = moment("--since", text, now, end).ok();
            assert_eq!(found, Some(expected.as_millisecond()), "{text}");
        }
        for wrong in ["yesterday", "", "2026-02-30", "12:00", "1mo"] {
            assert!(
                moment("--since", wrong, now, End::First).is_err(),
                "{wrong}"
            );
        }
    }
}
