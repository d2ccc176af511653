//! The plan: what to create, before anything is text. Expressions inside are finished SQL from the `sql` module.

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
    Table(TableSpec),
    /// A view that runs on every insert.
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
    pub settings: Vec<Setting>,
    /// Comment.
    pub comment: String,
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

/// A query over one source.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Tests of groups; all must hold.
    pub having: Vec<String>,
    /// Order of the result.
    pub order_by: Vec<String>,
    /// Only the first row of each combination of these.
    pub first_by: Vec<String>,
    /// At most so many rows.
    pub limit: Option<u32>,
}

impl Select {
    /// All rows of a source, with these columns; filters, groups and order are added by name.
    #[must_use]
    pub const fn over(from: Source, alias: &'static str, columns: Vec<Output>) -> Self {
        Self {
            columns,
            from,
            alias,
            filter: Vec::new(),
            group_by: Vec::new(),
            having: Vec::new(),
            order_by: Vec::new(),
            first_by: Vec::new(),
            limit: None,
        }
    }
}

/// A result column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// SQL.
    pub expression: String,
    /// Result name.
    pub name: String,
}

impl Output {
    /// An expression under a name.
    #[must_use]
    pub fn new(name: &str, expression: impl Into<String>) -> Self {
        Self {
            expression: expression.into(),
            name: name.to_owned(),
        }
    }
}

/// Where a query reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A table or view.
    Table(TableName),
    /// A table of the replacing kind, read as if all of its parts were merged.
    Final(TableName),
    /// The same, where rows of different partitions never replace each other: each partition by itself.
    FinalByPartition(TableName),
    /// Another query.
    Query(Box<Select>),
    /// The rows of all of these queries, which have the same columns.
    All(Vec<Select>),
}
