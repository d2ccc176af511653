//! `/metrics`, `/healthz` and `/readyz` over HTTP. Answers tell what is, not what is hoped for.
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus::{Encoder as _, TextEncoder};
use tokio::net::TcpListener;

use super::Metrics;
use crate::error::{Error, Result};

/// A loop that has not come round for this long hangs.
const HANGING_MS: u64 = 60_000;

/// What the process knows about itself; shared between its loop and the endpoints.
#[derive(Debug, Default)]
pub struct Health {
    /// When the main loop last came round, in milliseconds since the epoch.
    heartbeat_ms: AtomicU64,
    /// Whether it takes part in its group.
    joined: AtomicBool,
    /// Whether the last thing it asked of a server worked.
    served: AtomicBool,
    /// Whether its group's brokers are all away.
    cut_off: AtomicBool,
}

impl Health {
    /// The main loop came round.
    pub fn beat(&self) {
        self.heartbeat_ms.store(now_ms(), Ordering::Relaxed);
    }

    /// It has partitions, or lost them.
    pub fn set_joined(&self, joined: bool) {
        self.joined.store(joined, Ordering::Relaxed);
    }

    /// A server did what was asked, or did not.
    pub fn set_served(&self, served: bool) {
        self.served.store(served, Ordering::Relaxed);
    }

    /// No broker can be reached, or one can again.
    pub fn set_cut_off(&self, cut_off: bool) {
        self.cut_off.store(cut_off, Ordering::Relaxed);
    }

    /// Whether the process does its work: a restart would not help.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        now_ms().saturating_sub(self.heartbeat_ms.load(Ordering::Relaxed)) < HANGING_MS
    }

    /// Whether events get through.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_alive()
            && self.joined.load(Ordering::Relaxed)
            && self.served.load(Ordering::Relaxed)
            && !self.cut_off.load(Ordering::Relaxed)
    }
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

type Shared = (Metrics, Arc<Health>);

/// Serves the endpoints until the task is dropped; returns once the address is bound.
///
/// # Errors
/// The address is taken or not ours.
pub async fn serve(
    address: SocketAddr,
    metrics: Metrics,
    health: Arc<Health>,
) -> Result<tokio::task::JoinHandle<()>> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::config("cannot serve metrics and health")
            .at("address", address)
            .why(error)
            .fix("choose another address with --listen (LISTEN), or `off`")
    })?;
    let router = Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state((metrics, health));
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "metrics and health are no longer served");
        }
    }))
}

async fn scrape(State((metrics, _)): State<Shared>) -> (StatusCode, String) {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&metrics.registry.gather(), &mut text) {
        Ok(()) => (StatusCode::OK, String::from_utf8_lossy(&text).into_owned()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

async fn alive(State((_, health)): State<Shared>) -> (StatusCode, &'static str) {
    answer(health.is_alive(), "alive\n", "the main loop hangs\n")
}

async fn ready(State((_, health)): State<Shared>) -> (StatusCode, &'static str) {
    answer(health.is_ready(), "ready\n", "events do not get through\n")
}

fn answer(good: bool, yes: &'static str, no: &'static str) -> (StatusCode, &'static str) {
    if good {
        (StatusCode::OK, yes)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, no)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_does_not_come_round_is_told() {
        let health = Arc::new(Health::default());
        let metrics = Metrics::new().expect("metrics");
        let told = |health: &Arc<Health>| {
            let (metrics, health) = (metrics.clone(), Arc::clone(health));
            async move {
                let (alive, _) = alive(State((metrics.clone(), Arc::clone(&health)))).await;
                let (ready, _) = ready(State((metrics, health))).await;
                (alive.as_u16(), ready.as_u16())
            }
        };
        health.set_joined(true);
        health.set_served(true);
        assert_eq!(told(&health).await, (503, 503));
        health.beat();
        assert_eq!(told(&health).await, (200, 200));
        health.set_served(false);
        assert_eq!(told(&health).await, (200, 503));
        health.set_served(true);
        let long_ago = now_ms() - HANGING_MS;
        health.heartbeat_ms.store(long_ago, Ordering::Relaxed);
        assert_eq!(told(&health).await, (503, 503));
    }
}
