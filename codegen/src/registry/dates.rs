//! Calendar days in manifests.

/// Versions overlap at least this long (spec, section 8).
pub const MIN_OVERLAP_DAYS: i64 = 14;

/// Days since 1970-01-01 of a `YYYY-MM-DD`; `None` where it is no day.
#[must_use]
pub fn day_number(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    // A number may be parsed with a sign, a day has none.
    let is =
        |part: &str, digits| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !is(year, 4) || !is(month, 2) || !is(day, 2) {
        return None;
    }
    let (year, month, day): (i64, i64, i64) =
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [
        31,
        if leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let length = *lengths.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    // Leap days before this year, by the Gregorian rule.
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400;
    let months: i64 = lengths[..usize::try_from(month - 1).ok()?].iter().sum();
    Some(before * 365 + leaps + months + day - 1 - 719_162)
}

#[cfg(test)]
mod tests {
    use super::day_number;

    #[test]
    fn days() {
        assert_eq!(day_number("1970-01-01"), Some(0));
        assert_eq!(day_number("2000-03-01"), Some(11_017));
        assert_eq!(day_number("2026-11-23"), Some(20_780));
        for wrong in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-1-1",
            "+026-12-31",
            "2026-+1-31",
            "2026-12-+1",
            "２0-12-31",
            "x",
            "",
        ] {
            assert_eq!(day_number(wrong), None, "{wrong}");
        }
    }
}
