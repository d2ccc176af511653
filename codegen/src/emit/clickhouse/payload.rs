//! The payload column: ClickHouse's JSON type with the declared scalar paths typed, or plain text.
//!
//! One column holds every topic's payloads, so a typed path is nullable: most rows do not have it. A path
//! that topics or versions declare with different types stays dynamic, and so do arrays.
use crate::clickhouse::{JsonPath, Scalar, Type};
use crate::registry::Registry;
use crate::registry::manifest::PayloadStorage;
use crate::registry::payload_paths::{PayloadPaths, Span};

/// The column's type.
#[must_use]
pub fn column_type(registry: &Registry, storage: PayloadStorage) -> Type {
    match storage {
        PayloadStorage::String => Type::String,
        PayloadStorage::Json => Type::Json(typed_paths(registry)),
    }
}

/// Every path that all topics and versions which declare it give one scalar type, sorted as ClickHouse sorts
/// them: by the dotted path's bytes.
#[must_use]
pub fn typed_paths(registry: &Registry) -> Vec<JsonPath> {
    let mut declared = PayloadPaths::default();
    for topic in &registry.topics {
        declared.add(&topic.payload_paths);
    }
    declared
        .0
        .into_values()
        .filter_map(|path| {
            Some(JsonPath {
                kind: scalar(path.span?)?,
                names: path.names,
            })
        })
        .collect()
}

const fn scalar(span: Span) -> Option<Scalar> {
    match span {
        Span::Text => Some(Scalar::String),
        Span::Boolean => Some(Scalar::Bool),
        Span::Number => Some(Scalar::Float64),
        Span::Integer { lowest, highest } => {
            if lowest >= i64::MIN as i128 && highest <= i64::MAX as i128 {
                Some(Scalar::Int64)
            } else if lowest >= 0 && highest <= u64::MAX as i128 {
                Some(Scalar::UInt64)
            } else {
                None
            }
        }
    }
}
