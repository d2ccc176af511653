//! Queries.
use super::expression::{Expression, Order};
use super::object::TableName;

/// A query over one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Result columns.
    pub columns: Vec<Output>,
    /// Where rows come from.
    pub from: Source,
    /// Name under which expressions refer to the source, so that a result column of the same name can never capture
    /// them.
    pub alias: &'static str,
    /// All must hold.
    pub filter: Vec<Expression>,
    /// Grouping expressions.
    pub group_by: Vec<Expression>,
    /// Tests of groups; all must hold.
    pub having: Vec<Expression>,
    /// Order of the result.
    pub order_by: Vec<Order>,
    /// Only the first row of each combination of these.
    pub first_by: Vec<Expression>,
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
    /// Its value.
    pub expression: Expression,
    /// Its name.
    pub name: String,
}

impl Output {
    /// An expression under a name.
    #[must_use]
    pub fn new(name: &str, expression: Expression) -> Self {
        Self {
            expression,
            name: name.to_owned(),
        }
    }

    /// A column of an aliased source under its own name.
    #[must_use]
    pub fn plain(of: &'static str, name: &str) -> Self {
        Self::new(name, Expression::column(of, name))
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
