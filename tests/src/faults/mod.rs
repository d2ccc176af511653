//! The fault harness: a known stream through workers, ClickHouse and Kafka that are killed on the way, and at the
//! end a comparison of everything stored with what an oracle of its own expects.
//!
//! [`stream`] makes the events and knows each one's fate, [`sender`] sends them, [`scene`] holds servers and workers,
//! [`waiting`] tells work from standstill, [`chaos`] does the damage, [`verdict`] compares rows and dead letters,
//! [`kpis`] answers the registry's questions by hand.
//! Nothing here uses the code under test: neither its decoding, nor its SQL, nor its oracle.
pub mod chaos;
pub mod kpis;
pub mod scene;
pub mod sender;
pub mod stream;
pub mod verdict;
pub mod waiting;
