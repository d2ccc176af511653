//! A calendar day, handed in by the command line: rules never read a clock.
use crate::registry::dates::day_number;

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

impl Day {
    /// Reads `YYYY-MM-DD`; `None` where it is no day.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        day_number(text).map(Self)
    }

    /// So many days later.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }
}

impl std::fmt::Display for Day {
    /// `YYYY-MM-DD`, by the Gregorian calendar's 400-year cycle of 146,097 days that starts on 1 March.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shifted = self.0 + 719_468;
        let cycle = shifted.div_euclid(146_097);
        let day = shifted.rem_euclid(146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let of_month = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + cycle * 400 + i64::from(month <= 2);
        write!(formatter, "{year:04}-{month:02}-{of_month:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::Day;

    #[test]
    fn days_read_and_print() {
        // From 0001-01-01 on; manifests have no year 0.
        for day in (-719_162..800_000).step_by(97) {
            let text = Day(day).to_string();
            assert_eq!(Day::read(&text), Some(Day(day)), "{text}");
        }
        assert_eq!(Day(0).to_string(), "1970-01-01");
        assert_eq!(Day(11_016).to_string(), "2000-02-29");
        assert_eq!(Day(20_780).plus(14).to_string(), "2026-12-07");
    }
}
