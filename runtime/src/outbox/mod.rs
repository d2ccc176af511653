//! The outbox: events stand in PostgreSQL with the change they tell of, in one transaction, until Kafka has them.
//!
//! ```text
//! transaction: change + enqueue ─▶ event_outbox ─ relay ─▶ Kafka <topic>
//!                                      └─ a row that cannot be published is parked with its reason
//! ```
//! [`enqueue()`] and [`enqueue_all`] insert from Rust (`sqlx` for that library), the SQL function
//! `event_outbox_enqueue` from any language; `migrate` makes the tables; `relay` publishes; `reconcile` compares
//! with the fact table. Whether a row is published stands in the row, so a transaction that commits late is never
//! skipped; rows with one key are published in the order of their ids.
mod address;
mod connect;
mod enqueue;
pub(crate) mod housekeeping;
pub(crate) mod migrate;
mod parked;
mod reconcile;
pub(crate) mod relay;
#[cfg(feature = "sqlx")]
pub mod sqlx;
#[cfg(feature = "postgres-tls")]
mod tls;

pub use connect::{Database, Session};
pub use enqueue::{enqueue, enqueue_all, enqueue_records};
pub use housekeeping::clean;
pub use migrate::{Migrated, migrate, script};
pub use parked::{Parked, Selected, list, release};
pub use reconcile::{Event, Reconciled, Span, reconcile};
pub use relay::{RelayHandle, RelayLimits, start};

/// Lanes that relays share: the mask in the table's generated column `lane`, plus one.
pub(crate) const LANES: i16 = 64;

/// The channel that the table's trigger notifies.
pub(crate) const CHANNEL: &str = "event_outbox";

/// What a notification says where rows that relays have passed over wait again.
pub(crate) const AGAIN: &str = "again";
