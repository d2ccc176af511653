//! Objects of the database, and how days are closed.
use std::fmt;

use super::expression::Expression;
use super::query::Select;
use super::types::Type;

/// When an object is created; the number opens its file's name, so files sort in running order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The database.
    Database,
    /// The fact table.
    FactTable,
    /// The ledger of events, and how far each view is closed.
    Ledger,
    /// The materialized view that fills the ledger.
    LedgerFeed,
    /// Tables that hold the closed days of views.
    Closed,
    /// Views that show closed and open days.
    Read,
    /// Views that show rollups, which read other views.
    RollupRead,
    /// Standing views of KPIs.
    Kpi,
}

impl Stage {
    /// The number in file names.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Database => 0,
            Self::FactTable => 10,
            Self::Ledger => 20,
            Self::LedgerFeed => 30,
            Self::Closed => 40,
            Self::Read => 50,
            Self::RollupRead => 60,
            Self::Kpi => 80,
        }
    }
}

/// A named object of the database.
#[derive(Clone, Debug)]
pub struct Object {
    /// Name as ClickHouse knows it.
    pub name: String,
    /// File name without number and ending.
    pub file: String,
    /// When it is created.
    pub stage: Stage,
    /// The view or KPI of the registry that it belongs to.
    pub view: Option<String>,
    /// What it is made from, for the header.
    pub source: String,
    /// What it is.
    pub definition: Definition,
}

impl Object {
    /// The database.
    #[must_use]
    pub fn database(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            file: "database".to_owned(),
            stage: Stage::Database,
            view: None,
            source: "registry.toml".to_owned(),
            definition: Definition::Database(name.to_owned()),
        }
    }
}

/// What to create.
#[derive(Clone, Debug)]
pub enum Definition {
    /// A database by name.
    Database(String),
    /// A table.
    Table(Table),
    /// A view that runs on every insert.
    MaterializedView(MaterializedView),
    /// A view computed when read.
    View(View),
}

/// Database and table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// Database.
    pub database: String,
    /// Table or view.
    pub table: String,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Engine.
    pub engine: Engine,
    /// What rows are put into partitions by.
    pub partition_by: Option<Expression>,
    /// Sorting key columns.
    pub order_by: Vec<String>,
    /// When a row is deleted.
    pub ttl: Option<Ttl>,
    /// Table settings in order.
    pub settings: Vec<Setting>,
    /// Comment.
    pub comment: String,
}

/// What merges make of rows with one sorting key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// All stay.
    MergeTree,
    /// The one with the highest value of this column stays.
    Replacing(String),
    /// They become one, column by column.
    Aggregating,
}

impl Engine {
    /// Its name, without arguments.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MergeTree => "MergeTree",
            Self::Replacing(_) => "ReplacingMergeTree",
            Self::Aggregating => "AggregatingMergeTree",
        }
    }
}

/// With arguments.
impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())?;
        match self {
            Self::MergeTree | Self::Aggregating => Ok(()),
            Self::Replacing(version) => write!(formatter, "({})", super::print::name(version)),
        }
    }
}

/// A setting of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Its value, as in SQL.
    pub value: &'static str,
    /// What it is for; printed above it.
    pub why: &'static str,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: Type,
    /// Value where an insert names none.
    pub default: Default,
    /// Compression codec.
    pub codec: Option<Codec>,
    /// Comment.
    pub comment: String,
}

impl Column {
    /// A column with its type's default.
    #[must_use]
    pub fn new(name: &str, kind: Type, codec: Option<Codec>, comment: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            default: Default::OfType,
            codec,
            comment: comment.to_owned(),
        }
    }
}

/// The value of a column where an insert names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// The type's: 0, an empty text.
    OfType,
    /// Computed when a row is inserted.
    Stored(Expression),
    /// Computed when a row is read; nothing is stored.
    Alias(Expression),
}

/// How a column is compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not at all: its bytes are random.
    None,
    /// ZSTD of this level.
    Zstd(u8),
    /// Differences of neighbours, then ZSTD of this level.
    Delta(u8),
    /// Only the bits that a block of numbers needs, then ZSTD of this level.
    T64(u8),
    /// As registry.toml states it.
    Stated(String),
}

impl fmt::Display for Codec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("NONE"),
            Self::Zstd(level) => write!(formatter, "ZSTD({level})"),
            Self::Delta(level) => write!(formatter, "Delta, ZSTD({level})"),
            Self::T64(level) => write!(formatter, "T64, ZSTD({level})"),
            Self::Stated(text) => formatter.write_str(text),
        }
    }
}

/// Deletion of rows so many days after a date.
#[derive(Clone, Debug)]
pub struct Ttl {
    /// Of type Date.
    pub date: Expression,
    /// Days after that date.
    pub days: u32,
}

/// A materialized view.
#[derive(Clone, Debug)]
pub struct MaterializedView {
    /// Its name.
    pub name: TableName,
    /// The table it writes to.
    pub target: TableName,
    /// What it writes.
    pub select: Select,
    /// Comment.
    pub comment: String,
}

/// A plain view.
#[derive(Clone, Debug)]
pub struct View {
    /// Its name.
    pub name: TableName,
    /// What it shows.
    pub select: Select,
    /// Comment.
    pub comment: String,
}

/// How the rows of a view's closed days are computed and kept. `{days:Array(Date)}` stands for the days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The view.
    pub view: String,
    /// What it is made from, for the header.
    pub source: String,
    /// Table of its closed days.
    pub target: TableName,
    /// What the days' rows are.
    pub select: Select,
    /// How they get into the table.
    pub method: ClosingMethod,
}

/// How a day's rows get into the table of a view's closed days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosingMethod {
    /// The day is a partition of its own, which new rows replace in one step.
    ReplacePartition,
    /// Rows are merged with those of other days: the highest tuple of a key stays.
    Merge,
}
