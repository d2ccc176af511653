//! The registry before there was one.
use std::collections::BTreeMap;

use super::side::Side;

/// No topics and no views; settings as they are now, since nothing can differ from nothing.
pub(super) fn before(new: &Side) -> Side {
    let mut registry = new.registry.clone();
    registry.topics.clear();
    registry.views.clear();
    registry.scenarios.clear();
    registry.waivers.clear();
    let mut meaning = new.meaning.clone();
    meaning.topics.clear();
    Side {
        problems: Vec::new(),
        registry,
        documents: BTreeMap::new(),
        meaning,
        locked: None,
    }
}
