//! Rules on the API of the generated types.
pub mod rust_api_changed;
pub mod rust_item_removed;

use super::Rule;

/// This folder's rules, by id.
pub static RULES: &[&Rule] = &[&rust_api_changed::RULE, &rust_item_removed::RULE];
