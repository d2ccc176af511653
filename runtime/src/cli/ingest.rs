//! `pipeline ingest`: runs a worker until a signal ends it; everything it took is durable then.
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use crate::config::Settings;
use crate::error::{Error, Result};
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
        let mut worker = ingest::start::<R>(config).await?;
        let _server = match listen {
            Some(address) => {
                Some(serve(address, worker.metrics().clone(), worker.health().clone()).await?)
            }
            None => None,
        };
        let handler =
            |kind| signal(kind).map_err(|error| Error::bug("cannot listen for signals").why(error));
        let mut terminate = handler(SignalKind::terminate())?;
        let mut interrupt = handler(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            ended = worker.ended() => return ended.map(|()| Outcome::Clean),
        }
        let counts = worker.stop().await?;
        eprintln!(
            "ingested {} rows in {} batches; {} duplicates, {} dead letters, {} batches replayed",
            counts.rows, counts.batches, counts.duplicates, counts.dead, counts.replays
        );
        Ok(Outcome::Clean)
    }
}
