//! The producer for code without an asynchronous runtime: calls block their thread, many threads may call at once.
use std::time::Duration;

use super::{Draft, Durable, OutgoingRecord, ProducerBuilder, Unsent};
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// Blocks until events are durable. Share it by reference or in an `Arc`.
pub struct Producer<R> {
    inner: Option<super::Producer<R>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl<R: EventRegistry> Producer<R> {
    /// The producer of a builder.
    ///
    /// # Errors
    /// As [`ProducerBuilder::build`]; or the system gives no thread.
    pub fn new(builder: ProducerBuilder<R>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("producer")
            .enable_time()
            .build()
            .map_err(|error| Error::bug("cannot start the producer's runtime").why(error))?;
        let inner = {
            let _inside = runtime.enter();
            builder.build()?
        };
        Ok(Self {
            inner: Some(inner),
            runtime: Some(runtime),
        })
    }

    /// As [`super::Producer::emit`].
    ///
    /// # Errors
    /// As [`super::Producer::emit`]; or this is a thread of an asynchronous runtime, which must not block.
    pub fn emit(&self, event: impl Into<Draft>) -> Result<Durable, Unsent> {
        let (inner, runtime) = self.parts().map_err(Unsent::rejected)?;
        runtime.block_on(inner.emit(event))
    }

    /// As [`super::Producer::emit_all`].
    ///
    /// # Errors
    /// This is a thread of an asynchronous runtime.
    pub fn emit_all(
        &self,
        events: impl IntoIterator<Item = impl Into<Draft>>,
    ) -> Result<Vec<Result<Durable, Unsent>>> {
        let (inner, runtime) = self.parts()?;
        Ok(runtime.block_on(inner.emit_all(events)))
    }

    /// As [`super::Producer::send_all`].
    ///
    /// # Errors
    /// This is a thread of an asynchronous runtime.
    pub fn send_all(&self, records: &[OutgoingRecord]) -> Result<Vec<Result<Durable>>> {
        let (inner, runtime) = self.parts()?;
        Ok(runtime.block_on(inner.send_all(records)))
    }

    /// As [`super::Producer::flush`].
    ///
    /// # Errors
    /// Some of it is still under way after `timeout`.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        self.parts()?.0.flush(timeout)
    }

    fn parts(&self) -> Result<(&super::Producer<R>, &tokio::runtime::Runtime)> {
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(Error::config(
                "the blocking producer is called on a thread of an asynchronous runtime",
            )
            .fix("use produce::Producer there"));
        }
        match (&self.inner, &self.runtime) {
            (Some(inner), Some(runtime)) => Ok((inner, runtime)),
            _ => Err(Error::bug("the producer is closed")),
        }
    }
}

impl<R> Drop for Producer<R> {
    fn drop(&mut self) {
        let (inner, runtime) = (self.inner.take(), self.runtime.take());
        let Some(runtime) = runtime else { return };
        // Waiting is allowed on plain threads only; on others the folder is given free a moment later.
        if let (Some(inner), Err(_)) = (inner, tokio::runtime::Handle::try_current()) {
            runtime.block_on(inner.close());
        }
        runtime.shutdown_background();
    }
}
