//! The payload column: ClickHouse's JSON type with the declared scalar paths typed, or plain text.
//!
//! One column holds every topic's payloads, so a typed path is nullable: most rows do not have it. A path
//! that topics or versions declare with different types stays dynamic, and so do arrays.
use crate::registry::Registry;
use crate::registry::manifest::PayloadStorage;
use crate::registry::payload_paths::{PayloadPaths, Span};

use super::sql;

/// Paths beyond the typed ones that get a column of their own: the declared arrays and a few undeclared
/// properties. The rest shares one column, so producers cannot create columns without end.
pub const MAX_DYNAMIC_PATHS: u32 = 16;

/// A typed path of the payload column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedPath {
    /// Member names from the payload's root.
    pub names: Vec<String>,
    /// Its type.
    pub kind: ScalarType,
}

impl TypedPath {
    /// The path as ClickHouse spells it: `source.host`.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.names.join(".")
    }
}

/// Types of typed paths; the column's are nullable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarType {
    /// Text.
    String,
    /// Whole number in the signed 64-bit range, whatever its bounds, so that new bounds keep the type.
    Int64,
    /// Whole number that may exceed it.
    UInt64,
    /// Any number.
    Float64,
    /// True or false.
    Bool,
}

impl ScalarType {
    /// ClickHouse's name without `Nullable`.
    #[must_use]
    pub const fn sql(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Int64 => "Int64",
            Self::UInt64 => "UInt64",
            Self::Float64 => "Float64",
            Self::Bool => "Bool",
        }
    }
}

/// The column's type as DDL shows it, a path a line.
#[must_use]
pub fn sql_type(registry: &Registry, storage: PayloadStorage) -> String {
    match storage {
        PayloadStorage::String => "String".to_owned(),
        PayloadStorage::Json => {
            format!(
                "JSON(\n        {}\n    )",
                arguments(registry).join(",\n        ")
            )
        }
    }
}

/// The same type on one line, as blocks name it.
#[must_use]
pub fn column_type(registry: &Registry, storage: PayloadStorage) -> String {
    match storage {
        PayloadStorage::String => "String".to_owned(),
        PayloadStorage::Json => format!("JSON({})", arguments(registry).join(", ")),
    }
}

fn arguments(registry: &Registry) -> Vec<String> {
    let mut arguments = vec![format!("max_dynamic_paths = {MAX_DYNAMIC_PATHS}")];
    arguments.extend(typed_paths(registry).iter().map(|path| {
        let names: Vec<String> = path.names.iter().map(|part| path_name(part)).collect();
        format!("{} Nullable({})", names.join("."), path.kind.sql())
    }));
    arguments
}

/// A path's part; words that open other arguments of the type need quotes too.
fn path_name(part: &str) -> String {
    match part.to_ascii_lowercase().as_str() {
        "skip" | "regexp" | "max_dynamic_paths" | "max_dynamic_types" => format!("`{part}`"),
        _ => sql::name(part),
    }
}

/// Every path that all topics and versions which declare it give one scalar type, sorted as ClickHouse sorts
/// them: by the dotted path's bytes.
#[must_use]
pub fn typed_paths(registry: &Registry) -> Vec<TypedPath> {
    let mut declared = PayloadPaths::default();
    for topic in &registry.topics {
        declared.add(&topic.payload_paths);
    }
    declared
        .0
        .into_values()
        .filter_map(|path| {
            Some(TypedPath {
                kind: scalar(path.span?)?,
                names: path.names,
            })
        })
        .collect()
}

const fn scalar(span: Span) -> Option<ScalarType> {
    match span {
        Span::Text => Some(ScalarType::String),
        Span::Boolean => Some(ScalarType::Bool),
        Span::Number => Some(ScalarType::Float64),
        Span::Integer { lowest, highest } => {
            if lowest >= i64::MIN as i128 && highest <= i64::MAX as i128 {
                Some(ScalarType::Int64)
            } else if lowest >= 0 && highest <= u64::MAX as i128 {
                Some(ScalarType::UInt64)
            } else {
                None
            }
        }
    }
}
