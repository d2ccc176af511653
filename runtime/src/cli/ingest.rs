//! `pipeline ingest`: runs a worker until a signal ends it; everything it took is durable then.
use super::Outcome;
use super::signals::Signals;
use super::streams::say;
use crate::config::Settings;
use crate::error::Result;
use crate::ingest;
use crate::metrics::serve;
use crate::registry::EventRegistry;

/// Flags of `ingest`: all are settings.
#[derive(clap::Args)]
pub(super) struct Ingest {}

impl Ingest {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, R::PROJECT.needs_hash_key)?;
        let listen = config.listen;
        // From the start: a worker that still checks its servers ends well, too.
        let mut signals = Signals::listen()?;
        let mut worker = tokio::select! {
            () = signals.received() => return Ok(Outcome::Clean),
            worker = ingest::start::<R>(config) => worker?,
        };
        let _server = match listen {
            Some(address) => {
                Some(serve(address, worker.metrics().clone(), worker.health().clone()).await?)
            }
            None => None,
        };
        tokio::select! {
            () = signals.received() => {}
            ended = worker.ended() => return ended.map(|()| Outcome::Clean),
        }
        let counts = worker.stop().await?;
        say(&format!(
            "ingested {} rows in {} batches; {} duplicates, {} dead letters, {} batches replayed",
            counts.rows, counts.batches, counts.duplicates, counts.dead, counts.replays
        ));
        Ok(Outcome::Clean)
    }
}
