//! Views and KPIs as their manifests state them.
use serde::Deserialize;
use serde_json::Value;

/// A view or KPI.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum View {
    /// Measures over events, by group.
    Aggregate(Aggregate),
    /// The newest event of each key.
    Latest(Latest),
    /// Measures over an aggregate view, recomputed now and then.
    Rollup(Rollup),
    /// A question with a name.
    Kpi(Kpi),
}

/// Measures over events, by group.
#[derive(Clone, Debug, Deserialize)]
pub struct Aggregate {
    /// Name.
    pub name: String,
    /// Grouping columns.
    pub group_by: Vec<String>,
    /// Only events for which all hold.
    #[serde(default, rename = "where")]
    pub filter: Vec<Condition>,
    /// What is measured.
    pub measures: Vec<Measure>,
}

/// The newest event of each key.
#[derive(Clone, Debug, Deserialize)]
pub struct Latest {
    /// Name.
    pub name: String,
    /// Key columns.
    pub key: Vec<String>,
    /// Columns whose highest tuple is the newest.
    pub newest_by: Vec<String>,
    /// Columns shown.
    pub columns: Vec<String>,
    /// Only events for which all hold.
    #[serde(default, rename = "where")]
    pub filter: Vec<Condition>,
}

/// Measures over an aggregate view, recomputed now and then.
#[derive(Clone, Debug, Deserialize)]
pub struct Rollup {
    /// Name.
    pub name: String,
    /// View it reads.
    pub from: String,
    /// Grouping columns.
    pub group_by: Vec<String>,
    /// What is measured.
    pub measures: Vec<Measure>,
}

/// A question with a name.
#[derive(Clone, Debug, Deserialize)]
pub struct Kpi {
    /// Name.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// View it reads.
    pub from: String,
    /// Days up to the moment asked about.
    #[serde(default)]
    pub window_days: Option<u32>,
    /// Only rows for which all hold.
    #[serde(default, rename = "where")]
    pub filter: Vec<Condition>,
    /// Grouping columns.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Only results for which all hold.
    #[serde(default)]
    pub having: Vec<Condition>,
    /// Order of the result; `-` before a name for descending.
    #[serde(default)]
    pub order_by: Vec<String>,
    /// At most so many rows.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// One number of a result; exactly one of the kinds is stated.
#[derive(Clone, Debug, Deserialize)]
pub struct Measure {
    /// Column name of the result.
    pub name: String,
    /// Distinct values of a column.
    #[serde(default)]
    pub count_distinct: Option<String>,
    /// Sum of a column.
    #[serde(default)]
    pub sum: Option<String>,
    /// Highest value of a column.
    #[serde(default)]
    pub max: Option<String>,
    /// Lowest value of a column.
    #[serde(default)]
    pub min: Option<String>,
    /// Quotient of two measures.
    #[serde(default)]
    pub ratio: Option<[String; 2]>,
    /// Only rows for which all hold.
    #[serde(default, rename = "where")]
    pub filter: Vec<Condition>,
}

/// A condition on a column.
#[derive(Clone, Debug, Deserialize)]
pub struct Condition {
    /// Column.
    pub column: String,
    /// Equal to this.
    #[serde(default)]
    pub equals: Option<Value>,
    /// Not equal to it.
    #[serde(default)]
    pub not_equals: Option<Value>,
    /// One of these.
    #[serde(default, rename = "in")]
    pub one_of: Option<Vec<Value>>,
    /// At least this.
    #[serde(default)]
    pub at_least: Option<i64>,
    /// At most this.
    #[serde(default)]
    pub at_most: Option<i64>,
}
