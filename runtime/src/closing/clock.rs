//! Days by the server's clock: which may be closed, and which are left alone.
use jiff::civil::Date;

use super::{Closer, date};
use crate::error::{Error, Result};

/// Days that raw events are left alone before the end of their retention: one for the server's time zone, one for a
/// round that runs while rows are being deleted.
const SAFETY_DAYS: i64 = 2;

/// The first day of a `Date` column.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// Days by the server's clock.
pub(super) struct Clock {
    /// In seconds since 1970.
    pub(super) server_started: i64,
    pub(super) closable: Date,
    pub(super) oldest_kept: Date,
    pub(super) oldest_taken: Date,
}

impl Closer {
    /// Days by the server's clock.
    pub(super) async fn clock(&self) -> Result<Clock> {
        let grace = self.options.grace.as_secs();
        let sql = format!(
            "SELECT toString(toDate(now64(3, 'UTC') - {grace})), toString(toDate(now64(3, 'UTC'))), \
             toInt64(toUnixTimestamp(now())) - toInt64(uptime())"
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        let row = answer.rows.first();
        let at = |index: usize| row.and_then(|row| date(row.get(index)?));
        let started = row.and_then(|row| row.get(2)?.as_i64());
        let (Some(over), Some(today), Some(server_started)) = (at(0), at(1), started) else {
            return Err(Error::bug("the server does not tell its time"));
        };
        let before = |day: Date, days: i64| {
            let span = jiff::Span::new().try_days(days);
            let before = span.and_then(|span| day.checked_sub(span));
            // What a Date column begins with.
            before.unwrap_or(EPOCH).max(EPOCH)
        };
        Ok(Clock {
            server_started,
            closable: before(over, 1),
            oldest_kept: before(
                today,
                (i64::from(self.days.retention_days) - SAFETY_DAYS).max(1),
            ),
            oldest_taken: before(today, i64::from(self.days.late_days)),
        })
    }
}
