//! The payload column: ClickHouse's JSON type with the declared scalar paths typed, or plain text.
//!
//! One column holds every topic's payloads, so a typed path is nullable: most rows do not have it. A path
//! that topics or versions declare with different types stays dynamic, and so do arrays.
use std::collections::BTreeMap;

use crate::model::TypeSet;
use crate::model::fields::Range;
use crate::registry::Registry;
use crate::registry::manifest::PayloadStorage;

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
    let mut declared: BTreeMap<String, (Vec<String>, Option<Span>)> = BTreeMap::new();
    for version in registry.topics.iter().flat_map(|topic| &topic.versions) {
        for field in version.model.fields(version.model.root) {
            let names: Vec<String> = field
                .pointer
                .split('/')
                .skip(1)
                .map(|token| token.replace("~1", "/").replace("~0", "~"))
                .collect();
            // A dot inside a name reads as nesting in ClickHouse.
            if names
                .iter()
                .any(|name| name.contains('.') || name.is_empty())
            {
                continue;
            }
            let span = Span::of(&version.model.range(&field.property.schemas));
            declared
                .entry(names.join("."))
                .and_modify(|(_, seen)| {
                    *seen = match (*seen, span) {
                        (Some(left), Some(right)) => left.union(right),
                        (None, _) | (_, None) => None,
                    };
                })
                .or_insert((names, span));
        }
    }
    declared
        .into_values()
        .filter_map(|(names, span)| {
            Some(TypedPath {
                names,
                kind: span?.scalar()?,
            })
        })
        .collect()
}

/// What all declarations of a path so far allow.
#[derive(Clone, Copy, Debug)]
enum Span {
    Text,
    Boolean,
    Number,
    Integer { lowest: i128, highest: i128 },
}

impl Span {
    fn of(range: &Range) -> Option<Self> {
        let types = TypeSet(range.types.0 & !TypeSet::NULL.0);
        match types {
            TypeSet::STRING => Some(Self::Text),
            TypeSet::BOOLEAN => Some(Self::Boolean),
            TypeSet::INTEGER => Some(Self::Integer {
                lowest: range.minimum?,
                highest: range.maximum?,
            }),
            _ if types.0 & TypeSet::NUMBER.0 != 0
                && types.0 & !(TypeSet::NUMBER.0 | TypeSet::INTEGER.0) == 0 =>
            {
                Some(Self::Number)
            }
            _ => None,
        }
    }

    fn union(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Text, Self::Text) => Some(Self::Text),
            (Self::Boolean, Self::Boolean) => Some(Self::Boolean),
            (Self::Number, Self::Number) => Some(Self::Number),
            (
                Self::Integer { lowest, highest },
                Self::Integer {
                    lowest: other_lowest,
                    highest: other_highest,
                },
            ) => Some(Self::Integer {
                lowest: lowest.min(other_lowest),
                highest: highest.max(other_highest),
            }),
            (Self::Text | Self::Boolean | Self::Number | Self::Integer { .. }, _) => None,
        }
    }

    fn scalar(self) -> Option<ScalarType> {
        match self {
            Self::Text => Some(ScalarType::String),
            Self::Boolean => Some(ScalarType::Bool),
            Self::Number => Some(ScalarType::Float64),
            Self::Integer { lowest, highest } => {
                if lowest >= i128::from(i64::MIN) && highest <= i128::from(i64::MAX) {
                    Some(ScalarType::Int64)
                } else if lowest >= 0 && highest <= i128::from(u64::MAX) {
                    Some(ScalarType::UInt64)
                } else {
                    None
                }
            }
        }
    }
}
