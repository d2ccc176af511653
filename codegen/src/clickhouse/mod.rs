//! ClickHouse as data: types, expressions, queries and objects are values, and [`mod@print`] is the last step.
//!
//! Emitters build these values, gate rules and size estimates read them, and nothing takes printed SQL apart. Matches
//! over [`Type`] and [`Expression`] are exhaustive, so a new case names every place that it concerns.
mod expression;
mod object;
pub mod print;
mod query;
mod types;

pub use expression::{Aggregate, Among, Expression, Operator, Order};
pub use object::{
    Closing, ClosingMethod, Codec, Column, Default, Definition, Engine, MaterializedView, Object,
    Setting, Stage, Table, TableName, Ttl, View,
};
pub use query::{Output, Select, Source};
pub use types::{Integer, JsonPath, Scalar, Type};
