//! SIGTERM and SIGINT: how an orchestrator and a person ask a command to end.
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Result};

/// Both signals, heard from the moment of [`Signals::listen`] on; neither ends the process by itself then.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens.
    ///
    /// # Errors
    /// The system does not let it.
    pub(super) fn listen() -> Result<Self> {
        let handler =
            |kind| signal(kind).map_err(|error| Error::bug("cannot listen for signals").why(error));
        Ok(Self {
            terminate: handler(SignalKind::terminate())?,
            interrupt: handler(SignalKind::interrupt())?,
        })
    }

    /// Waits for either.
    pub(super) async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
