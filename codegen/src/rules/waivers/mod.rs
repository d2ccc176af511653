//! Rules on the waivers themselves; the gate knows which of them matched a finding.
pub mod waiver_ambiguous;
pub mod waiver_expired;
pub mod waiver_unused;

use super::Rule;

/// This folder's rules, by id.
pub static RULES: &[&Rule] = &[
    &waiver_ambiguous::RULE,
    &waiver_expired::RULE,
    &waiver_unused::RULE,
];
