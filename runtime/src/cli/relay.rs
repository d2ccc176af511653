//! `pipeline relay`: publishes the outbox until a signal ends it; what Kafka has not acknowledged then stays in the
//! table.
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use super::Outcome;
use super::signals::Signals;
use super::streams::say;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::metrics::serve;
use crate::outbox::{self, RelayLimits};
use crate::registry::EventRegistry;

/// Flags of `relay`; the rest are settings.
#[derive(clap::Args)]
pub(super) struct Relay {
    /// How often the table is looked at without a notification, in milliseconds
    #[arg(long, env = "RELAY_POLL_MS", value_name = "MS", default_value_t = 500)]
    poll_ms: u64,
    /// How long published rows stay in the table, e.g. 24h or 7d; `off` for ever
    #[arg(
        long,
        env = "OUTBOX_RETENTION",
        value_name = "SPAN",
        default_value = "24h"
    )]
    retention: String,
}

impl Relay {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, false)?;
        if self.poll_ms == 0 {
            return Err(Error::config("--poll-ms: must be above 0"));
        }
        let limits = RelayLimits {
            poll: Duration::from_millis(self.poll_ms),
            retention: span(&self.retention)?,
            max_message_bytes: config.batch.max_message_bytes,
        };
        // Before anything is sent: a stop that comes while the relay starts is a stop too.
        let mut signals = Signals::listen()?;
        let mut relay = outbox::start::<R>(&config, limits).await?;
        let _server = match config.listen {
            Some(address) => {
                Some(serve(address, relay.metrics().clone(), relay.health().clone()).await?)
            }
            None => None,
        };
        tokio::select! {
            () = signals.received() => {}
            ended = relay.ended() => return ended.map(|()| Outcome::Clean),
        }
        let metrics = relay.metrics().clone();
        relay.stop().await?;
        say(&format!(
            "published {} rows, {} retried",
            metrics.outbox_published.get(),
            metrics.outbox_retries.get()
        ));
        Ok(Outcome::Clean)
    }
}

/// A length of time, or `off`.
fn span(text: &str) -> Result<Option<Duration>> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = |why: &dyn std::fmt::Display| {
        Error::config("--retention (OUTBOX_RETENTION) is no length of time")
            .at("value", text)
            .why(why)
            .fix("write e.g. 24h, 7d or `off`")
    };
    let span: Span = text.parse().map_err(|error: jiff::Error| wrong(&error))?;
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|error| wrong(&error))?;
    let length = Duration::try_from(length).map_err(|error| wrong(&error))?;
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retentions_are_read() {
        assert_eq!(span("off").ok(), Some(None));
        assert_eq!(span("24h").ok(), Some(Some(Duration::from_hours(24))));
        assert_eq!(span("7d").ok(), Some(Some(Duration::from_hours(168))));
        for wrong in ["", "-1h", "soon", "1mo"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
