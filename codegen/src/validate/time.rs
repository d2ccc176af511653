//! Times that the fact table can hold: its days are a `Date`, which begins with 1970.
use crate::registry::dates::day_number;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The first day that a `Date` cannot hold, 2149-06-07, in days since 1970-01-01.
const END_OF_DATES: i64 = 65_536;

/// Whether an RFC 3339 time lies outside of what workers store; nothing is said of a text that is none.
pub(super) fn is_out_of_reach(text: &str) -> bool {
    seconds(text).is_some_and(|seconds| !(0..END_OF_DATES * DAY).contains(&seconds))
}

/// Whole seconds since 1970, rounded down.
fn seconds(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let day = day_number(text.get(..10)?)?;
    let of_day = part(11, 13)? * 3600 + part(14, 16)? * 60 + part(17, 19)?;
    let offset = match text.get(text.len().checked_sub(6)?..)?.as_bytes() {
        [sign @ (b'+' | b'-'), hour @ .., b':', _, _] if hour.len() == 2 => {
            let end = text.len();
            let minutes = part(end - 5, end - 3)? * 60 + part(end - 2, end)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => 0,
    };
    Some(day * DAY + of_day - offset * 60)
}

#[cfg(test)]
mod tests {
    use super::is_out_of_reach;

    #[test]
    fn the_first_moment_and_the_last() {
        for text in [
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00.0Z",
            "1969-12-31T23:30:00-00:30",
            "2149-06-06T23:59:59.999Z",
            "2149-06-07T09:59:59+10:00",
            "2026-01-01t00:00:00z",
            "no time",
            "",
        ] {
            assert!(!is_out_of_reach(text), "{text}");
        }
        for text in [
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:29:59+00:30",
            "2149-06-07T00:00:00Z",
            "2149-06-06T23:59:60Z",
            "2149-06-06T20:00:00-04:00",
            "0000-02-28T00:00:59Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert!(is_out_of_reach(text), "{text}");
        }
    }
}
