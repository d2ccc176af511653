//! What a generated registry tells the runtime: topics, checks, keys, the block of the fact table, SQL.
//!
//! Generated code implements [`EventRegistry`]; this is all the runtime knows about a topic.
use std::hash::Hasher as _;

use crate::check::{At, Check, Violation};
use crate::column::{ColumnRef, Millis};
use crate::json::{Compact, Json};

/// A compiled registry.
pub trait EventRegistry: Send + Sync + 'static {
    /// Column buffers of the fact table.
    type Block: FactBlock + 'static;
    /// Names and settings.
    const PROJECT: Project;
    /// The check of the envelope without its payload's content.
    const CHECK_ENVELOPE: Check;
    /// Every topic, sorted by name.
    const TOPICS: &'static [Topic<Self::Block>];
}

/// Names and settings of a registry.
#[derive(Clone, Copy, Debug)]
pub struct Project {
    /// Short name: prefix of group and client ids.
    pub name: &'static str,
    /// ClickHouse database.
    pub database: &'static str,
    /// The fact table.
    pub fact_table: &'static str,
    /// The fact table's sorting key columns, in order.
    pub sorting_key: &'static [&'static str],
    /// Member names of the envelope by role.
    pub envelope: EnvelopeFields,
    /// Columns with a keyed hash: whether a hash key must be configured.
    pub needs_hash_key: bool,
    /// `CREATE` statements in the order to run them; the database comes first.
    pub tables: &'static [Statement],
    /// Named questions.
    pub kpis: &'static [Statement],
    /// How days are counted and closed; absent where no view keeps any.
    pub days: Option<Days>,
    /// The interpreted form of manifests, examples and scenarios for demo, oracle and tools (JSON, format 1).
    pub plan: &'static str,
}

/// How days are counted and closed: the ledger of open days, and the views that keep closed ones.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// The ledger's table: a narrow row an event, a partition an hour.
    pub ledger: &'static str,
    /// The table that says up to which day each view is closed.
    pub watermarks: &'static str,
    /// Puts rows of the fact table, which is called `event` in it, into the ledger. Ends in a filter, so that
    /// ` AND …` can follow.
    pub fill: &'static str,
    /// Adds to the ledger what it lacks of some days (parameter `days`, an Array(Date)).
    pub complete: &'static str,
    /// Marks those events of a day in the ledger that count in another partition. Parameters: `day` (Date); `late_days`
    /// (UInt32), how far around it other copies are looked for; `passes` and `pass` (UInt64), to look at a part of the
    /// keys at a time.
    pub mark_copies: &'static str,
    /// Views that keep closed days, in the order in which a day is closed: what others read comes first.
    pub views: &'static [ClosedView],
    /// How late an event may be, in days.
    pub late_days: u32,
    /// Days until raw events are deleted.
    pub retention_days: u32,
}

/// A view that keeps closed days.
#[derive(Clone, Copy, Debug)]
pub struct ClosedView {
    /// Name of the view, as in the table of watermarks.
    pub name: &'static str,
    /// Table of its closed days.
    pub table: &'static str,
    /// The rows of some days (parameter `days`, an Array(Date)).
    pub query: &'static str,
    /// The columns of the query's rows, by their names in the table.
    pub columns: &'static [&'static str],
    /// Whether the day is a partition of the table, which new rows replace; else rows are merged into the table.
    pub replaces_day: bool,
}

/// The envelope's members by role (`x-role` in the envelope schema); empty where the envelope is closed and has none.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeFields {
    /// `x-role: event-type`
    pub event_type: &'static str,
    /// `x-role: schema-version`
    pub schema_version: &'static str,
    /// `x-role: event-id`
    pub event_id: &'static str,
    /// `x-role: timestamp`
    pub timestamp: &'static str,
    /// `x-role: payload`
    pub payload: &'static str,
    /// `x-role: dedupe-key`
    pub dedupe_key: &'static str,
}

/// A named statement.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Name of the database, table, view or KPI.
    pub name: &'static str,
    /// One SQL statement without a closing semicolon.
    pub sql: &'static str,
    /// Where the database's name begins and ends in it, in bytes, each time.
    pub databases: &'static [(usize, usize)],
    /// What it creates.
    pub definition: Definition,
}

impl Statement {
    /// One that creates the database.
    #[must_use]
    pub const fn database(
        name: &'static str,
        sql: &'static str,
        databases: &'static [(usize, usize)],
    ) -> Self {
        Self {
            name,
            sql,
            databases,
            definition: Definition::Database,
        }
    }

    /// One that creates a table, with its engine and what follows its columns.
    #[must_use]
    pub const fn table(
        name: &'static str,
        sql: &'static str,
        databases: &'static [(usize, usize)],
        engine: &'static str,
        clauses: &'static str,
    ) -> Self {
        Self {
            definition: Definition::Table { engine, clauses },
            ..Self::database(name, sql, databases)
        }
    }

    /// One that creates a materialized view, with its target and query.
    #[must_use]
    pub const fn materialized_view(
        name: &'static str,
        sql: &'static str,
        databases: &'static [(usize, usize)],
        target: &'static str,
        query: &'static str,
    ) -> Self {
        Self {
            definition: Definition::MaterializedView { target, query },
            ..Self::database(name, sql, databases)
        }
    }

    /// One that creates a view.
    #[must_use]
    pub const fn view(
        name: &'static str,
        sql: &'static str,
        databases: &'static [(usize, usize)],
    ) -> Self {
        Self {
            definition: Definition::View,
            ..Self::database(name, sql, databases)
        }
    }

    /// A question; it creates nothing.
    #[must_use]
    pub const fn query(
        name: &'static str,
        sql: &'static str,
        databases: &'static [(usize, usize)],
    ) -> Self {
        Self {
            definition: Definition::Query,
            ..Self::database(name, sql, databases)
        }
    }

    /// The statement with its objects in another database, whose name is given as in SQL.
    #[must_use]
    pub fn in_database(&self, name: &str) -> String {
        let mut sql = String::with_capacity(self.sql.len());
        let mut from = 0;
        for (start, end) in self.databases {
            sql.push_str(self.sql.get(from..*start).unwrap_or_default());
            sql.push_str(name);
            from = *end;
        }
        sql.push_str(self.sql.get(from..).unwrap_or_default());
        sql
    }
}

/// What a statement creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition {
    /// The database.
    Database,
    /// A table.
    Table {
        /// Its engine, without arguments.
        engine: &'static str,
        /// What follows its columns: engine with arguments, keys, time to live, settings.
        clauses: &'static str,
    },
    /// A view that runs on every insert.
    MaterializedView {
        /// `database.table`
        target: &'static str,
        /// What it writes there.
        query: &'static str,
    },
    /// A view computed when it is read.
    View,
    /// Nothing.
    Query,
}

/// A topic.
#[derive(Debug)]
pub struct Topic<B: 'static> {
    /// Name, which is also its events' `event_type`.
    pub name: &'static str,
    /// Its dead letter topic.
    pub dlq: &'static str,
    /// Partitions.
    pub partitions: i32,
    /// Replication factor in production.
    pub replication_factor: i32,
    /// Topic settings as Kafka names them.
    pub config: &'static [(&'static str, &'static str)],
    /// Settings of the dead letter topic, which has one partition.
    pub dlq_config: &'static [(&'static str, &'static str)],
    /// Versions in ascending order.
    pub versions: &'static [Version<B>],
    /// Whether the compatibility level promises that the newest known version reads unknown newer ones.
    pub reads_newer: bool,
}

/// One schema version of a topic.
#[derive(Debug)]
pub struct Version<B: 'static> {
    /// Number, from 1.
    pub number: u32,
    /// Short hash of the schema file: what producers say they wrote with.
    pub schema_id: &'static str,
    /// Check of the payload.
    pub check: Check,
    /// Appends the record key to a buffer; `false` where the event has none.
    pub key: fn(Json<'_>, &mut Vec<u8>) -> bool,
    /// Appends the deduplication key by the manifest's template; the pointer of a missing part as error.
    pub dedupe_key: fn(Json<'_>, &mut String) -> Result<(), &'static str>,
    /// Appends what makes an event one beside its topic and deduplication key: record key and sorting columns.
    pub identify: fn(&Row<'_>, &mut Vec<u8>),
    /// Writes one row. Everything that can fail comes before the first column, so a failed row leaves no trace.
    pub write: fn(&Row<'_>, &mut B) -> Result<(), Violation>,
}

/// One event on its way into the fact table: checked, with what the envelope and Kafka say about it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The whole event.
    pub event: Json<'a>,
    /// Its payload.
    pub payload: Json<'a>,
    /// The payload's compact text, where it stands in the message.
    pub payload_text: Option<&'a str>,
    /// Schema version as written in the event (1 where absent).
    pub schema_version: u32,
    /// Event time.
    pub timestamp: Millis,
    /// Deduplication key.
    pub dedupe_key: &'a str,
    /// What copies of one event share: a hash of topic, record key, sorting columns and deduplication key.
    pub event_key: u64,
    /// When the worker took it.
    pub received_at: Millis,
    /// Kafka topic.
    pub topic: &'a str,
    /// Kafka partition.
    pub partition: i32,
    /// Kafka offset.
    pub offset: i64,
    /// SipHash key for hashed columns.
    pub hash_key: &'a [u8; 16],
}

impl Row<'_> {
    /// The payload, to be kept as text.
    #[must_use]
    pub fn compact_payload(&self) -> Compact<'_> {
        Compact {
            value: self.payload,
            text: self.payload_text,
        }
    }

    /// SipHash-2-4 of a value's text under the configured key.
    #[must_use]
    pub fn keyed_hash<T: Hashed + ?Sized>(&self, value: &T) -> u64 {
        let mut hasher = siphasher::sip::SipHasher24::new_with_key(self.hash_key);
        value.with_text(|text| hasher.write(text.as_bytes()));
        hasher.finish()
    }
}

/// What a keyed hash is of: a value with one text.
pub trait Hashed {
    /// Lends the value's text.
    fn with_text(&self, visit: impl FnOnce(&str));
}

impl Hashed for str {
    fn with_text(&self, visit: impl FnOnce(&str)) {
        visit(self);
    }
}

impl Hashed for &str {
    fn with_text(&self, visit: impl FnOnce(&str)) {
        visit(self);
    }
}

impl Hashed for bool {
    fn with_text(&self, visit: impl FnOnce(&str)) {
        visit(if *self { "true" } else { "false" });
    }
}

impl Hashed for Millis {
    fn with_text(&self, visit: impl FnOnce(&str)) {
        self.0.with_text(visit);
    }
}

impl Hashed for f64 {
    fn with_text(&self, visit: impl FnOnce(&str)) {
        visit(&self.to_string());
    }
}

macro_rules! hashed_integers {
    ($($integer:ty)*) => {$(
        impl Hashed for $integer {
            fn with_text(&self, visit: impl FnOnce(&str)) {
                // A row has one: formatting through `Display` showed in profiles.
                visit(itoa::Buffer::new().format(*self));
            }
        }
    )*};
}
hashed_integers!(u8 u16 u32 u64 i8 i16 i32 i64);

/// Column buffers of one insert block.
pub trait FactBlock: Default + Send + Sync + 'static {
    /// Column names and ClickHouse types in insert order.
    const COLUMNS: &'static [(&'static str, &'static str)];
    /// Rows so far.
    fn rows(&self) -> usize;
    /// Approximate bytes so far.
    fn bytes(&self) -> usize;
    /// Removes all rows and keeps the memory.
    fn clear(&mut self);
    /// The columns, in the order of [`Self::COLUMNS`].
    fn columns(&self) -> Vec<ColumnRef<'_>>;
}

/// A block without columns, for tests that are about other things.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct NoColumns;

#[cfg(test)]
impl FactBlock for NoColumns {
    const COLUMNS: &'static [(&'static str, &'static str)] = &[];

    fn rows(&self) -> usize {
        0
    }

    fn bytes(&self) -> usize {
        0
    }

    fn clear(&mut self) {}

    fn columns(&self) -> Vec<ColumnRef<'_>> {
        Vec::new()
    }
}

/// Why a payload could not be read as a typed value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No topic of the registry has this name.
    #[error("the registry has no topic `{0}`")]
    UnknownTopic(String),
    /// The topic has no such version.
    #[error("topic `{topic}` has no version {version}")]
    UnknownVersion {
        /// The topic.
        topic: &'static str,
        /// The version asked for.
        version: u32,
    },
    /// The schema rejects it.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// It passed its check and yet did not fit its type: a defect of the generated code.
    #[error("a checked payload does not fit its type: {0}")]
    Typed(#[from] crate::json::TypedError),
}

/// Checks a payload and builds its typed value.
///
/// # Errors
/// The schema rejects it; the pointer starts at the payload.
pub fn read<P: Payload>(payload: Json<'_>) -> Result<P, ReadError> {
    (P::CHECK)(payload, At::ROOT)?;
    Ok(payload.to_typed()?)
}

/// A typed payload of one topic and version.
pub trait Payload: serde::Serialize + serde::de::DeserializeOwned {
    /// Topic.
    const TOPIC: &'static str;
    /// Schema version.
    const VERSION: u32;
    /// The schema's check.
    const CHECK: Check;
}
