//! ClickHouse column types as the emitter writes them: which changes keep every value.

/// A column's type and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Declared<'t> {
    /// The type.
    pub(super) sql_type: &'t str,
    /// `DEFAULT …`, `ALIAS …`, or nothing.
    pub(super) default: &'t str,
}

/// Takes a column's declaration apart.
pub(super) fn declared(text: &str) -> Declared<'_> {
    let end = [" DEFAULT ", " ALIAS ", " MATERIALIZED "]
        .iter()
        .filter_map(|word| text.find(word))
        .min()
        .unwrap_or(text.len());
    Declared {
        sql_type: &text[..end],
        default: text[end..].trim_start(),
    }
}

/// Whether it is the payload's type, which has rules of its own.
pub(super) fn is_json(sql_type: &str) -> bool {
    sql_type.starts_with("JSON")
}

/// Why a value may not survive; `None` where every value does.
pub(super) fn loss(old: &str, new: &str) -> Option<String> {
    let text = |sql_type: &str| matches!(sql_type, "String" | "LowCardinality(String)");
    if old == new || text(old) && text(new) {
        return None;
    }
    if old.starts_with("AggregateFunction") || new.starts_with("AggregateFunction") {
        return Some("ClickHouse cannot convert stored states".to_owned());
    }
    match (integer(old), integer(new)) {
        (Some(was), Some(is)) => {
            let (lowest, highest) = is.bounds();
            let (from, to) = was.bounds();
            if from >= lowest && to <= highest {
                None
            } else if to > highest {
                Some(format!("{} becomes {}", highest + 1, is.wrap(highest + 1)))
            } else {
                Some(format!("-1 becomes {}", is.wrap(-1)))
            }
        }
        // A double holds every integer of up to 53 bits.
        (Some(was), None) if new == "Float64" => {
            (was.bits > 53).then(|| "integers beyond 9007199254740992 are rounded".to_owned())
        }
        _ if text(new) => Some(format!("queries that compute with a {old} get a text")),
        _ => Some(format!(
            "ClickHouse parses or casts each {old} as {new}, and fails or changes what does not fit"
        )),
    }
}

#[derive(Clone, Copy)]
struct Integer {
    bits: u32,
    signed: bool,
}

impl Integer {
    const fn bounds(self) -> (i128, i128) {
        if self.signed {
            let half = 1_i128 << (self.bits - 1);
            (-half, half - 1)
        } else {
            (0, (1_i128 << self.bits) - 1)
        }
    }

    /// What ClickHouse's cast makes of a value that does not fit.
    const fn wrap(self, value: i128) -> i128 {
        let size = 1_i128 << self.bits;
        let rest = value.rem_euclid(size);
        if self.signed && rest >= size / 2 {
            rest - size
        } else {
            rest
        }
    }
}

fn integer(sql_type: &str) -> Option<Integer> {
    let (signed, bits) = match sql_type.strip_prefix("UInt") {
        Some(bits) => (false, bits),
        None if sql_type == "Bool" => (false, "8"),
        None => (true, sql_type.strip_prefix("Int")?),
    };
    match bits {
        "8" => Some(8),
        "16" => Some(16),
        "32" => Some(32),
        "64" => Some(64),
        _ => None,
    }
    .map(|bits| Integer { bits, signed })
}

#[cfg(test)]
mod tests {
    use super::{declared, loss};

    #[test]
    fn what_survives() {
        for (old, new) in [
            ("UInt8", "UInt16"),
            ("UInt32", "Int64"),
            ("Int8", "Int64"),
            ("Bool", "UInt8"),
            ("UInt32", "Float64"),
            ("String", "LowCardinality(String)"),
            ("LowCardinality(String)", "String"),
        ] {
            assert_eq!(loss(old, new), None, "{old} to {new}");
        }
        for (old, new, why) in [
            ("Int64", "Int32", "2147483648 becomes -2147483648"),
            ("UInt32", "UInt8", "256 becomes 0"),
            ("Int8", "UInt64", "-1 becomes 18446744073709551615"),
            (
                "UInt64",
                "Int64",
                "9223372036854775808 becomes -9223372036854775808",
            ),
            ("Int64", "Float64", "rounded"),
            ("String", "UInt64", "does not fit"),
            ("UInt64", "String", "get a text"),
        ] {
            let loss = loss(old, new).unwrap_or_default();
            assert!(loss.contains(why), "{old} to {new}: {loss}");
        }
    }

    #[test]
    fn a_declaration_comes_apart() {
        let parts = declared("UInt32 DEFAULT revision");
        assert_eq!(
            (parts.sql_type, parts.default),
            ("UInt32", "DEFAULT revision")
        );
        assert_eq!(declared("String").default, "");
    }
}
