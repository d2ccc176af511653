//! Values of the oracle: what a column of a table or result can hold, ordered as ClickHouse orders them.
use std::cmp::Ordering;

use serde_json::Value;

/// A column's value. Dates and times are texts in ClickHouse's form, which order as they should.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
}

impl Cell {
    /// The zero of a column type.
    pub(crate) fn zero(kind: &str) -> Self {
        match kind {
            "Bool" => Self::Bool(false),
            "Float64" => Self::Float(0.0),
            "DateTime64(3)" => Self::Text(time_text(0)),
            text if text.ends_with("String") || text.ends_with("String)") => {
                Self::Text(String::new())
            }
            _ => Self::Int(0),
        }
    }

    /// A JSON value in a column of this type; its zero where the value does not fit.
    pub(crate) fn of_type(kind: &str, value: &Value) -> Self {
        let fitting = match (kind, value) {
            ("Bool", Value::Bool(value)) => Some(Self::Bool(*value)),
            ("Float64", Value::Number(number)) => number.as_f64().map(Self::Float),
            ("DateTime64(3)", Value::String(text)) => {
                millis(text).map(|millis| Self::Text(time_text(millis)))
            }
            (_, Value::String(text)) if kind.contains("String") => Some(Self::Text(text.clone())),
            (_, Value::Number(_)) if kind.contains("Int") => integer(value).map(Self::Int),
            _ => None,
        };
        fitting.unwrap_or_else(|| Self::zero(kind))
    }

    /// A manifest's constant or an answer of ClickHouse.
    pub(crate) fn of_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => integer(value).filter(|_| !number.is_f64()).map_or_else(
                || Self::Float(number.as_f64().unwrap_or(f64::NAN)),
                Self::Int,
            ),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Self::Text(value.to_string()),
        }
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Int(number) => Self::Int(-number),
            Self::Float(number) => Self::Float(-number),
            other => other,
        }
    }

    pub(crate) fn as_int(&self) -> i128 {
        match self {
            Self::Int(number) => *number,
            Self::Bool(value) => i128::from(*value),
            Self::Null | Self::Float(_) | Self::Text(_) => 0,
        }
    }

    pub(crate) fn as_float(&self) -> f64 {
        match self {
            // As ClickHouse divides: both sides become floats first.
            Self::Int(number) => *number as f64,
            Self::Float(number) => *number,
            Self::Null | Self::Bool(_) | Self::Text(_) => 0.0,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 3,
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Float(_) => 1,
            Self::Text(_) => 2,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(number) => i64::try_from(*number)
                .map(Value::from)
                .or_else(|_| u64::try_from(*number).map(Value::from))
                .unwrap_or_else(|_| number.to_string().into()),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.clone().into(),
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => formatter.write_str("-"),
            Self::Bool(value) => value.fmt(formatter),
            Self::Int(number) => number.fmt(formatter),
            Self::Float(number) => write!(formatter, "{number:.4}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Int(_) | Self::Float(_), Self::Int(_) | Self::Float(_)) => {
                self.as_float().total_cmp(&other.as_float())
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cell {}

/// A whole number, 1.0 counted in.
fn integer(value: &Value) -> Option<i128> {
    if let Some(number) = value.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = value.as_u64() {
        return Some(number.into());
    }
    let float = value.as_f64()?;
    // Beyond 2^100 no column holds it anyway.
    (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128)
}

/// Milliseconds since the epoch of an RFC 3339 text.
pub(crate) fn millis(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_millisecond)
}

/// `2026-08-21 12:34:56.789`, as ClickHouse writes a `DateTime64(3, 'UTC')`.
pub(crate) fn time_text(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(
        |_| String::new(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
    )
}

/// Days since the epoch of a `YYYY-MM-DD` text.
pub(crate) fn day_number(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.get(..10)?.parse().ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch
        .until(date)
        .ok()
        .map(|span| i64::from(span.get_days()))
}
