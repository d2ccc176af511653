//! The plan: what to create, before anything is text. Expressions inside are finished SQL from the `sql` module.

/// When an object is created; the number opens its file's name, so files sort in running order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The database.
    Database,
    /// The fact table.
    FactTable,
    /// Tables that hold the states of aggregate and latest views.
    State,
    /// Materialized views that fill them.
    Feed,
    /// Views that read them.
    Read,
    /// Tables that hold rollups.
    RollupState,
    /// Refreshable views that fill them.
    RollupFeed,
    /// Views that read them.
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
            Self::State => 20,
            Self::Feed => 30,
            Self::Read => 40,
            Self::RollupState => 50,
            Self::RollupFeed => 60,
            Self::RollupRead => 70,
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
    Table(TableSpec),
    /// A view kept up to date on insert or on a schedule.
    MaterializedView(MaterializedViewSpec),
    /// A view computed when read.
    View(ViewSpec),
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
pub struct TableSpec {
    /// Its name.
    pub name: TableName,
    /// Columns in order.
    pub columns: Vec<ColumnSpec>,
    /// Engine with arguments.
    pub engine: String,
    /// Partition expression.
    pub partition_by: Option<String>,
    /// Sorting key columns.
    pub order_by: Vec<String>,
    /// When a row is deleted.
    pub ttl: Option<Ttl>,
    /// Table settings in order.
    pub settings: Vec<(&'static str, &'static str)>,
    /// Comment.
    pub comment: String,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct ColumnSpec {
    /// Name.
    pub name: String,
    /// Type with default or alias.
    pub sql_type: String,
    /// Compression codec.
    pub codec: Option<String>,
    /// Comment.
    pub comment: String,
}

/// Deletion of rows: `expression` (a date) plus days.
#[derive(Clone, Debug)]
pub struct Ttl {
    /// SQL of type Date.
    pub date: String,
    /// Days after that date.
    pub days: u32,
}

/// A materialized view.
#[derive(Clone, Debug)]
pub struct MaterializedViewSpec {
    /// Its name.
    pub name: TableName,
    /// Minutes between refreshes that append; on every insert where absent.
    pub refresh_minutes: Option<u32>,
    /// The table it writes to.
    pub target: TableName,
    /// What it writes.
    pub select: Select,
    /// Comment.
    pub comment: String,
}

/// A plain view.
#[derive(Clone, Debug)]
pub struct ViewSpec {
    /// Its name.
    pub name: TableName,
    /// What it shows.
    pub select: Select,
    /// Comment.
    pub comment: String,
}

/// A query over one source.
#[derive(Clone, Debug)]
pub struct Select {
    /// Result columns.
    pub columns: Vec<Output>,
    /// Where rows come from.
    pub from: Source,
    /// Name under which `columns` and `filter` refer to the source, so that a result column of the same
    /// name can never capture them.
    pub alias: &'static str,
    /// All must hold.
    pub filter: Vec<String>,
    /// Grouping expressions.
    pub group_by: Vec<String>,
    /// Order of the result.
    pub order_by: Vec<String>,
    /// At most so many rows.
    pub limit: Option<u32>,
}

/// A result column.
#[derive(Clone, Debug)]
pub struct Output {
    /// SQL.
    pub expression: String,
    /// Result name.
    pub name: String,
}

/// Where a query reads.
#[derive(Clone, Debug)]
pub enum Source {
    /// A table or view.
    Table(TableName),
    /// A table of the replacing kind, read merged.
    Final(TableName),
    /// Another query.
    Query(Box<Select>),
}
