//! A web service that tells Kafka what happened: each purchase that is posted to it becomes an event.
//!
//! ```sh
//! cargo run -p topicwright-tests --bin axum-service
//! curl localhost:3000/purchases -H 'content-type: application/json' \
//!   -d '{"tx_id":1,"user_id":42,"status":"success","product_id":2001,"amount_gold":2600,"price_cents":199}'
//! ```
//! Variables: `KAFKA_BROKERS`, `LISTEN`, `FALLBACK_DIR`. `subject` is the generated crate; your service depends on it
//! by the name in your `registry.toml`.
#![allow(clippy::print_stdout)]
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use subject::Registry;
use subject::topics::shop_purchase::v1::ShopPurchase;
use topicwright_runtime::config::KafkaConfig;
use topicwright_runtime::error::{Error, Kind};
use topicwright_runtime::fallback::FallbackOptions;
use topicwright_runtime::metrics::Metrics;
use topicwright_runtime::produce::{Draft, Durable, Producer, ProducerLimits};

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let kafka = KafkaConfig::new(setting("KAFKA_BROKERS", "localhost:9092"));
    let metrics = Metrics::new()?;

    // One producer for the whole service; clones share it.
    let producer = Producer::<Registry>::builder(&kafka)
        // Said by every event, unless it says something else.
        .with("source", json!({"service": "shop-backend"}))
        // After so long without an answer of Kafka's, an event goes to the disk.
        .limits(ProducerLimits {
            delivery_timeout: Duration::from_secs(3),
            ..ProducerLimits::default()
        })
        .fallback(FallbackOptions::in_folder(setting(
            "FALLBACK_DIR",
            "fallback",
        )))
        .metrics(metrics.clone())
        .build()?;

    let purchases = Router::new()
        .route("/purchases", post(purchase))
        .with_state(producer.clone());
    let watched = Router::new()
        .route("/metrics", get(exported))
        .with_state(metrics);
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:3000")).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, purchases.merge(watched))
        .with_graceful_shutdown(terminated())
        .await?;

    // What waits on the disk goes to Kafka when the service starts again.
    producer.close().await;
    Ok(())
}

/// Answers when the event is durable: in Kafka, or on the disk while Kafka is away.
async fn purchase(
    State(producer): State<Producer<Registry>>,
    Json(purchase): Json<ShopPurchase>,
) -> Result<(StatusCode, String), (StatusCode, String)> {
    // The payload's type is checked by the compiler; the envelope of this registry also wants the player.
    let event = Draft::new(&purchase).with("user_id", json!(purchase.user_id));
    match producer.emit(event).await {
        Ok(Durable::Kafka(at)) => {
            let place = format!("partition {}, offset {}\n", at.partition, at.offset);
            Ok((StatusCode::CREATED, place))
        }
        Ok(Durable::Fallback) => Ok((
            StatusCode::ACCEPTED,
            "kept until Kafka is back\n".to_owned(),
        )),
        Err(error) => Err(refused(&error)),
    }
}

/// Who must act: the client, whose event breaks the schema, or the operator.
fn refused(error: &Error) -> (StatusCode, String) {
    let status = match error.kind {
        Kind::Record => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{error}\n"))
}

async fn exported(State(metrics): State<Metrics>) -> Result<String, StatusCode> {
    let text = metrics.text();
    text.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        // Then only a kill ends it, which loses nothing.
        Err(_) => std::future::pending().await,
    }
}
