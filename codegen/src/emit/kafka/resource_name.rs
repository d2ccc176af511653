//! Kubernetes names of topics: lower-case letters, digits, `-` and `.`, at most 253 characters (RFC 1123).
//!
//! A topic whose name Kubernetes does not take gets the nearest one, closed by a hash of the real name, so
//! that `a_b` and `a-b` stay two resources.
use sha2::{Digest as _, Sha256};

/// Longest name of a Kubernetes resource.
const MAX_LENGTH: usize = 253;

/// Hexadecimal digits of the hash; enough to tell a few thousand topics apart.
const HASH_DIGITS: usize = 8;

/// The Kubernetes name of a topic.
#[must_use]
pub fn resource_name(topic: &str) -> String {
    let labels: Vec<String> = topic
        .split('.')
        .map(|label| {
            let plain: String = label
                .chars()
                .map(|character| match character.to_ascii_lowercase() {
                    kept @ ('a'..='z' | '0'..='9' | '-') => kept,
                    _ => '-',
                })
                .collect();
            plain.trim_matches('-').to_owned()
        })
        .filter(|label| !label.is_empty())
        .collect();
    let name = labels.join(".");
    if name == topic && name.len() <= MAX_LENGTH {
        return name;
    }
    let hash: String = Sha256::digest(topic.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let room = MAX_LENGTH - HASH_DIGITS - 1;
    let kept: String = name.chars().take(room).collect();
    let kept = kept.trim_end_matches(['-', '.']);
    let hash = &hash[..HASH_DIGITS];
    if kept.is_empty() {
        format!("topic-{hash}")
    } else {
        format!("{kept}-{hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::resource_name;

    #[test]
    fn names_that_kubernetes_takes() {
        assert_eq!(resource_name("shop.purchase"), "shop.purchase");
        assert_eq!(resource_name("a-1.b"), "a-1.b");
        let underscored = resource_name("Shop_Purchase");
        assert!(
            underscored.starts_with("shop-purchase-"),
            "{underscored} keeps what it can"
        );
        assert_ne!(underscored, resource_name("shop_purchase"));
        for hostile in ["_", "..", ".a.", "a..b", "a.-b", "-", &"x_".repeat(122)] {
            let name = resource_name(hostile);
            assert!(name.len() <= 253, "{name}");
            for label in name.split('.') {
                assert!(
                    label.starts_with(|first: char| first.is_ascii_alphanumeric())
                        && label.ends_with(|last: char| last.is_ascii_alphanumeric()),
                    "{hostile} became {name}"
                );
            }
        }
    }
}
