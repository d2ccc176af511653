//! Which changes of a column's type keep every value.
use crate::clickhouse::{Integer, Type};

/// Whether it is the payload's type, which has rules of its own.
pub(super) const fn is_json(kind: &Type) -> bool {
    matches!(kind, Type::Json(_))
}

/// Whether it holds states that functions of groups keep.
pub(super) const fn is_state(kind: &Type) -> bool {
    matches!(kind, Type::Bitmap(_))
}

/// Why a value may not survive; `None` where every value does.
pub(super) fn loss(old: &Type, new: &Type) -> Option<String> {
    if old == new || old.is_text() && new.is_text() {
        return None;
    }
    if is_state(old) || is_state(new) {
        return Some("ClickHouse cannot convert stored states".to_owned());
    }
    match (integer(old), integer(new)) {
        (Some(was), Some(is)) => {
            let (lowest, highest) = is.bounds();
            let (from, to) = was.bounds();
            if from >= lowest && to <= highest {
                None
            } else if to > highest {
                Some(format!(
                    "{} becomes {}",
                    highest + 1,
                    wrapped(is, highest + 1)
                ))
            } else {
                Some(format!("-1 becomes {}", wrapped(is, -1)))
            }
        }
        // A double holds every integer of up to 53 bits.
        (Some(was), None) if *new == Type::Float64 => {
            (was.bits() > 53).then(|| "integers beyond 9007199254740992 are rounded".to_owned())
        }
        _ if new.is_text() => Some(format!("queries that compute with a {old} get a text")),
        _ => Some(format!(
            "ClickHouse parses or casts each {old} as {new}, and fails or changes what does not fit"
        )),
    }
}

/// What ClickHouse's cast makes of a value that does not fit.
const fn wrapped(integer: Integer, value: i128) -> i128 {
    let size = 1_i128 << integer.bits();
    let rest = value.rem_euclid(size);
    if integer.is_signed() && rest >= size / 2 {
        rest - size
    } else {
        rest
    }
}

/// As a whole number; true and false are 1 and 0.
const fn integer(kind: &Type) -> Option<Integer> {
    match kind {
        Type::Integer(integer) => Some(*integer),
        Type::Bool => Some(Integer::UInt8),
        Type::Float64
        | Type::String
        | Type::LowCardinality
        | Type::Date
        | Type::DateTime64
        | Type::Json(_)
        | Type::NullableFloat64
        | Type::Tuple(_)
        | Type::Highest(_)
        | Type::Bitmap(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_survives() {
        let whole = Type::Integer;
        for (old, new) in [
            (whole(Integer::UInt8), whole(Integer::UInt16)),
            (whole(Integer::UInt32), Type::INT64),
            (whole(Integer::Int8), Type::INT64),
            (Type::Bool, whole(Integer::UInt8)),
            (whole(Integer::UInt32), Type::Float64),
            (Type::String, Type::LowCardinality),
            (Type::LowCardinality, Type::String),
        ] {
            assert_eq!(loss(&old, &new), None, "{old} to {new}");
        }
        for (old, new, why) in [
            (
                Type::INT64,
                whole(Integer::Int32),
                "2147483648 becomes -2147483648",
            ),
            (
                whole(Integer::UInt32),
                whole(Integer::UInt8),
                "256 becomes 0",
            ),
            (
                whole(Integer::Int8),
                Type::UINT64,
                "-1 becomes 18446744073709551615",
            ),
            (
                Type::UINT64,
                Type::INT64,
                "9223372036854775808 becomes -9223372036854775808",
            ),
            (Type::INT64, Type::Float64, "rounded"),
            (Type::String, Type::UINT64, "does not fit"),
            (Type::UINT64, Type::String, "get a text"),
            (Type::Bitmap(Integer::UInt64), Type::UINT64, "states"),
        ] {
            let loss = loss(&old, &new).unwrap_or_default();
            assert!(loss.contains(why), "{old} to {new}: {loss}");
        }
    }
}
