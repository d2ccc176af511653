//! Topics that cannot be called what they would be called in Rust.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::refusal::Refusal;
use super::source::is_imported;
use super::topic::Summary;
use crate::registry::Topic;
use crate::registry::load::uri;

/// Types that stand or are named beside the enums over topics' versions, besides what is imported, and the names
/// that typify gives to no type.
const TAKEN: &[&str] = &[
    "Box", "Err", "Event", "From", "None", "Ok", "Option", "Result", "Self", "Some", "String",
    "Vec",
];

/// Topics whose type or module has the name of another topic's, or of what the generated code is made with.
pub(super) fn refusals(topics: &[Arc<Topic>]) -> Vec<Refusal> {
    let mut types = BTreeMap::new();
    let mut modules = BTreeMap::new();
    let mut refusals = Vec::new();
    for topic in topics {
        let Summary { module, name, .. } = Summary::of(topic);
        // Both, whatever is said: the next one collides with either.
        let same_module = modules.insert(module.clone(), &topic.name);
        let same_type = types.insert(name.clone(), &topic.name);
        let message = if TAKEN.contains(&name.as_str()) || is_imported(&name) {
            format!("the topic would be called `{name}` in Rust, which is taken")
        } else if let Some(other) = same_type {
            format!("this topic and `{other}` would both be called `{name}` in Rust")
        } else if let Some(other) = same_module {
            format!("this topic and `{other}` would both be the module `{module}` in Rust")
        } else {
            continue;
        };
        refusals.push(Refusal {
            document: uri(&topic.path),
            pointer: String::new(),
            message,
            fix: "call the topic something else".to_owned(),
        });
    }
    refusals
}
