//! Looking up a keyword of a schema, which is done for every known keyword.
use serde_json::{Map, Value};

/// Up to here names are compared one by one.
const FEW: usize = 8;

/// A keyword's value. Most schemas have a handful of keywords: comparing names is faster than hashing them.
pub(super) fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    if members.len() > FEW {
        return members.get(name);
    }
    let mut members = members.iter();
    members.find_map(|(other, value)| (other == name).then_some(value))
}
