//! What is fetched is what was sent: record batches against another implementation of their format, fetching against
//! librdkafka's mock cluster, and against a broker that answers as it is told. Transactions need a real broker: `tests/transactions.rs`.
mod batches;
mod cluster;
mod damage;
