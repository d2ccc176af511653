//! Types of columns.
use std::fmt;

use super::print::name;

/// A column's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number.
    Integer(Integer),
    /// A double.
    Float64,
    /// A text.
    String,
    /// A text kept by a dictionary.
    LowCardinality,
    /// A day.
    Date,
    /// A moment in milliseconds, UTC.
    DateTime64,
    /// A JSON object with these paths typed; the rest is dynamic.
    Json(Vec<JsonPath>),
    /// A number that may be absent: what a quotient is.
    NullableFloat64,
    /// Values side by side, each with a name.
    Tuple(Vec<(String, Self)>),
    /// A value of which merges keep the highest.
    Highest(Box<Self>),
    /// A set of whole numbers, as a bitmap.
    Bitmap(Integer),
}

/// Whole numbers by width and sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integer {
    /// 8 bits without a sign.
    UInt8,
    /// 16 bits without a sign.
    UInt16,
    /// 32 bits without a sign.
    UInt32,
    /// 64 bits without a sign.
    UInt64,
    /// 8 bits with a sign.
    Int8,
    /// 16 bits with a sign.
    Int16,
    /// 32 bits with a sign.
    Int32,
    /// 64 bits with a sign.
    Int64,
}

/// A typed path of a JSON column; its values are nullable, since most rows do not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    /// Member names from the root.
    pub names: Vec<String>,
    /// Its type.
    pub kind: Scalar,
}

impl JsonPath {
    /// The path as ClickHouse spells it: `source.host`.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.names.join(".")
    }
}

/// Types of typed paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
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

/// Paths beyond the typed ones that get a column of their own: the declared arrays and a few undeclared
/// properties. The rest shares one column, so producers cannot create columns without end.
const MAX_DYNAMIC_PATHS: u32 = 16;

impl Integer {
    /// Bits of a value.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::UInt8 | Self::Int8 => 8,
            Self::UInt16 | Self::Int16 => 16,
            Self::UInt32 | Self::Int32 => 32,
            Self::UInt64 | Self::Int64 => 64,
        }
    }

    /// Whether values below 0 fit.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 => true,
            Self::UInt8 | Self::UInt16 | Self::UInt32 | Self::UInt64 => false,
        }
    }

    /// The lowest and the highest value.
    #[must_use]
    pub const fn bounds(self) -> (i128, i128) {
        if self.is_signed() {
            let half = 1_i128 << (self.bits() - 1);
            (-half, half - 1)
        } else {
            (0, (1_i128 << self.bits()) - 1)
        }
    }

    const fn spelled(self) -> &'static str {
        match self {
            Self::UInt8 => "UInt8",
            Self::UInt16 => "UInt16",
            Self::UInt32 => "UInt32",
            Self::UInt64 => "UInt64",
            Self::Int8 => "Int8",
            Self::Int16 => "Int16",
            Self::Int32 => "Int32",
            Self::Int64 => "Int64",
        }
    }
}

impl Scalar {
    /// ClickHouse's name without `Nullable`.
    #[must_use]
    pub const fn spelled(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Int64 => "Int64",
            Self::UInt64 => "UInt64",
            Self::Float64 => "Float64",
            Self::Bool => "Bool",
        }
    }

    /// Bytes of a value; `None` where they depend on the value.
    #[must_use]
    pub const fn width(self) -> Option<u64> {
        match self {
            Self::String => None,
            Self::Int64 | Self::UInt64 | Self::Float64 => Some(8),
            Self::Bool => Some(1),
        }
    }
}

impl Type {
    /// A whole number of 64 bits without a sign: counts, keys, hashes.
    pub const UINT64: Self = Self::Integer(Integer::UInt64);
    /// A whole number of 64 bits: sums.
    pub const INT64: Self = Self::Integer(Integer::Int64);

    /// Whether values are whole numbers.
    #[must_use]
    pub const fn is_integer(&self) -> bool {
        matches!(self, Self::Integer(_))
    }

    /// Whether values are fractions.
    #[must_use]
    pub const fn is_fraction(&self) -> bool {
        matches!(self, Self::Float64 | Self::NullableFloat64)
    }

    /// Whether values are texts.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::String | Self::LowCardinality)
    }

    /// Bytes of a value before compression; `None` where they depend on the value.
    #[must_use]
    pub fn width(&self) -> Option<u64> {
        match self {
            Self::Bool => Some(1),
            Self::Integer(integer) => Some(u64::from(integer.bits() / 8)),
            Self::Float64 | Self::DateTime64 => Some(8),
            // A place in the dictionary; dictionaries of a part seldom have more than 256 words.
            Self::LowCardinality => Some(1),
            Self::Date => Some(2),
            Self::NullableFloat64 => Some(9),
            Self::Highest(inner) => inner.width(),
            Self::Tuple(elements) => elements.iter().map(|(_, kind)| kind.width()).sum(),
            Self::String | Self::Json(_) | Self::Bitmap(_) => None,
        }
    }

    /// The type without its dictionary: what tuples hold.
    #[must_use]
    pub fn plain(&self) -> Self {
        match self {
            Self::LowCardinality => Self::String,
            Self::Bool
            | Self::Integer(_)
            | Self::Float64
            | Self::String
            | Self::Date
            | Self::DateTime64
            | Self::Json(_)
            | Self::NullableFloat64
            | Self::Tuple(_)
            | Self::Highest(_)
            | Self::Bitmap(_) => self.clone(),
        }
    }

    /// The type as a definition of a column shows it: a JSON path a line.
    #[must_use]
    pub fn in_definition(&self) -> String {
        match self {
            Self::Json(paths) => {
                format!(
                    "JSON(\n        {}\n    )",
                    arguments(paths).join(",\n        ")
                )
            }
            Self::Bool
            | Self::Integer(_)
            | Self::Float64
            | Self::String
            | Self::LowCardinality
            | Self::Date
            | Self::DateTime64
            | Self::NullableFloat64
            | Self::Tuple(_)
            | Self::Highest(_)
            | Self::Bitmap(_) => self.to_string(),
        }
    }
}

/// The type in one line.
impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => formatter.write_str("Bool"),
            Self::Integer(integer) => formatter.write_str(integer.spelled()),
            Self::Float64 => formatter.write_str("Float64"),
            Self::String => formatter.write_str("String"),
            Self::LowCardinality => formatter.write_str("LowCardinality(String)"),
            Self::Date => formatter.write_str("Date"),
            Self::DateTime64 => formatter.write_str("DateTime64(3, 'UTC')"),
            Self::Json(paths) => write!(formatter, "JSON({})", arguments(paths).join(", ")),
            Self::NullableFloat64 => formatter.write_str("Nullable(Float64)"),
            Self::Tuple(elements) => {
                let elements: Vec<String> = elements
                    .iter()
                    .map(|(element, kind)| format!("{} {kind}", name(element)))
                    .collect();
                write!(formatter, "Tuple({})", elements.join(", "))
            }
            Self::Highest(inner) => write!(formatter, "SimpleAggregateFunction(max, {inner})"),
            Self::Bitmap(of) => {
                write!(
                    formatter,
                    "AggregateFunction(groupBitmap, {})",
                    of.spelled()
                )
            }
        }
    }
}

fn arguments(paths: &[JsonPath]) -> Vec<String> {
    let mut arguments = vec![format!("max_dynamic_paths = {MAX_DYNAMIC_PATHS}")];
    arguments.extend(paths.iter().map(|path| {
        let names: Vec<String> = path.names.iter().map(|part| path_name(part)).collect();
        format!("{} Nullable({})", names.join("."), path.kind.spelled())
    }));
    arguments
}

/// A path's part; words that open other arguments of the type need quotes too.
fn path_name(part: &str) -> String {
    match part.to_ascii_lowercase().as_str() {
        "skip" | "regexp" | "max_dynamic_paths" | "max_dynamic_types" => format!("`{part}`"),
        _ => name(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_the_server_does() {
        let tuple = Type::Tuple(vec![
            ("ts".to_owned(), Type::DateTime64),
            ("all".to_owned(), Type::String),
        ]);
        let path = |names: &[&str], kind| JsonPath {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            kind,
        };
        let json = Type::Json(vec![
            path(&["a", "b"], Scalar::Bool),
            path(&["skip"], Scalar::Int64),
        ]);
        for (kind, spelled, width) in [
            (Type::UINT64, "UInt64", Some(8)),
            (Type::LowCardinality, "LowCardinality(String)", Some(1)),
            (Type::NullableFloat64, "Nullable(Float64)", Some(9)),
            (
                Type::Highest(Box::new(tuple)),
                "SimpleAggregateFunction(max, Tuple(ts DateTime64(3, 'UTC'), `all` String))",
                None,
            ),
            (
                Type::Bitmap(Integer::UInt32),
                "AggregateFunction(groupBitmap, UInt32)",
                None,
            ),
            (
                json,
                "JSON(max_dynamic_paths = 16, a.b Nullable(Bool), `skip` Nullable(Int64))",
                None,
            ),
        ] {
            assert_eq!(kind.to_string(), spelled);
            assert_eq!(kind.width(), width, "{spelled}");
        }
    }
}
