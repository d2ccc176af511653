//! `pipeline fallback replay`: what a producer left behind, to Kafka, in order; for when that producer is gone.
use std::sync::Arc;

use serde_json::json;

use super::super::Outcome;
use super::super::streams::write_result;
use super::super::topics::Format;
use super::{Place, records};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::fallback::{FallbackLog, FallbackOptions, inspect};
use crate::metrics::Metrics;
use crate::produce::{Drained, ProducerLimits, drain};
use crate::registry::EventRegistry;

/// Flags of `replay`.
#[derive(clap::Args)]
pub(super) struct Replay {
    #[command(flatten)]
    place: Place,
    /// Send; without it nothing is sent
    #[arg(long)]
    yes: bool,
    /// Send what Kafka refused, too
    #[arg(long)]
    refused: bool,
    /// Text for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Replay {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let found = tokio::task::block_in_place(|| inspect(&self.place.dir))?;
        let refused = match self.refused {
            true => found.refused_records(),
            false => 0,
        };
        let all = found.waiting_records() + refused;
        let drained = match self.yes {
            false => Drained::default(),
            true => self.send::<R>(settings).await?,
        };
        write_result(&match self.format {
            Format::Human => self.human(all, &drained),
            Format::Json => {
                let stopped = drained.stopped.as_ref().map(ToString::to_string);
                let answer = json!({
                    "format": 1,
                    "records": all,
                    "sent": drained.sent,
                    "refused": drained.refused,
                    "stopped": stopped,
                });
                format!("{answer}\n")
            }
        })?;
        match drained.stopped {
            Some(error) => Err(error),
            None if drained.sent >= all && drained.refused == 0 => Ok(Outcome::Clean),
            None => Ok(Outcome::Findings),
        }
    }

    fn human(&self, all: u64, drained: &Drained) -> String {
        let count = records(all);
        match (self.yes, all) {
            (_, 0) => "nothing waits\n".to_owned(),
            (false, _) => format!("would send {count}; nothing was sent: add --yes\n"),
            (true, _) => {
                let refused = match drained.refused {
                    0 => String::new(),
                    refused => format!(", {refused} refused and set aside"),
                };
                format!("sent {} of {count}{refused}\n", drained.sent)
            }
        }
    }

    async fn send<R: EventRegistry>(&self, settings: &Settings) -> Result<Drained> {
        let config = settings.check(R::PROJECT.name, false)?;
        let options = FallbackOptions::in_folder(&self.place.dir);
        let (log, _) = tokio::task::block_in_place(|| FallbackLog::open(&options))?;
        let limits = ProducerLimits {
            max_message_bytes: config.batch.max_message_bytes,
            ..ProducerLimits::default()
        };
        let metrics =
            Metrics::new().map_err(|error| Error::bug("cannot register the metrics").why(error))?;
        let client_id = format!("{}-fallback-replay", R::PROJECT.name);
        let log = Arc::new(log);
        drain(
            log,
            &config.kafka,
            &client_id,
            limits,
            metrics,
            self.refused,
        )
        .await
    }
}
