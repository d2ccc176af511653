//! Rules on what readers of messages meet.
pub mod compatibility_level_lowered;
pub mod dedupe_key_changed;
pub mod deprecation_overlap;
mod edits;
pub mod envelope_role_moved;
pub mod event_type_changed;
pub mod old_example_rejected;
mod personal_data;
pub mod personal_data_exposed;
pub mod personal_data_mark_removed;
pub mod personal_data_unmarked;
mod reader;
pub mod reader_breaks;
pub mod reader_unproved;
pub mod released_version_deleted;
pub mod released_version_edited;
pub mod rename_undeclared;
pub mod topic_deleted;
pub mod topic_renamed;
pub mod version_gap;

use super::Rule;

/// This folder's rules, by id.
pub static RULES: &[&Rule] = &[
    &compatibility_level_lowered::RULE,
    &dedupe_key_changed::RULE,
    &deprecation_overlap::RULE,
    &envelope_role_moved::RULE,
    &event_type_changed::RULE,
    &old_example_rejected::RULE,
    &personal_data_exposed::RULE,
    &personal_data_mark_removed::RULE,
    &personal_data_unmarked::RULE,
    &reader_breaks::RULE,
    &reader_unproved::RULE,
    &released_version_deleted::RULE,
    &released_version_edited::RULE,
    &rename_undeclared::RULE,
    &topic_deleted::RULE,
    &topic_renamed::RULE,
    &version_gap::RULE,
];
