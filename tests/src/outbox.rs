//! An outbox in a PostgreSQL of its own, looked at by a plain client.
use std::process::Output;

use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

use subject::Registry;
use topicwright_runtime::engine::postgres::Postgres;
use topicwright_runtime::outbox;
use topicwright_runtime::produce::OutgoingRecord;

use crate::events;
use crate::postgres::{self, Version};
use crate::program::{PATIENCE, Servers};

/// Connects; the connection ends with the client.
///
/// # Panics
/// The server does not answer.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Runs the program on these servers and this database to its end.
///
/// # Panics
/// It does not start.
#[must_use]
pub fn run(servers: &Servers, database: &Postgres, arguments: &[&str]) -> Output {
    servers
        .command(arguments)
        .env("DATABASE_URL", database.url())
        .output()
        .unwrap()
}

/// A server of this version with the outbox' tables, and a client.
///
/// # Panics
/// It does not come up.
pub async fn migrated(version: Version) -> (Postgres, Client) {
    let (server, mut client) = postgres::start(version).await;
    outbox::migrate::<Registry>(&mut client).await.unwrap();
    (server, client)
}

/// A purchase as a backend sends it; `number` makes it distinct.
#[must_use]
pub fn purchase(number: usize, user: usize) -> Value {
    let mut event = events::event(
        "shop.purchase",
        1,
        &json!({
            "tx_id": number + 1, "user_id": user, "status": "success", "product_id": 2001,
            "amount_gold": 2600, "price_cents": 199
        }),
        number,
    );
    event["user_id"] = user.into();
    event
}

/// An event made ready.
///
/// # Panics
/// A schema rejects it.
#[must_use]
pub fn record(event: &Value) -> OutgoingRecord {
    OutgoingRecord::from_json::<Registry>(event.to_string(), 1 << 20).unwrap()
}

/// A number that a query answers.
///
/// # Panics
/// It fails, or answers something else.
pub async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Asks again and again for some minutes.
///
/// # Panics
/// It is not so then.
pub async fn wait_until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(std::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Waits until no row is pending.
///
/// # Panics
/// Some are for some minutes.
pub async fn drained(client: &Client) {
    let pending =
        "SELECT count(*) FROM event_outbox WHERE published_at IS NULL AND parked_at IS NULL";
    wait_until("rows are still pending", async || {
        number(client, pending).await == 0
    })
    .await;
}

/// Connections of one writer process.
pub const LANES_OF_A_WRITER: usize = 4;

/// The header with an event's number in its stream.
pub const NUMBER: &str = "fault-number";

/// Whether the transaction that begins with this number rolls back.
#[must_use]
pub fn is_rolled_back(first: usize) -> bool {
    first % 11 == 3
}
