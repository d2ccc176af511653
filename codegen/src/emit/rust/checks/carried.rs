//! Whether a schema's rules can be carried, without writing the functions that check them.
//!
//! There are few reasons to refuse a rule, and most schemas have none of them anywhere: then nothing is written.
//! Where one may apply, the functions are written for what it says of this schema; a reason to refuse that is new
//! in this folder is added to `surely` below. A test holds both against each other.
use std::collections::BTreeMap;

use super::scalars::translated;
use super::{endless, generate};
use crate::emit::rust::literals::decimal;
use crate::emit::rust::refusal::Refusal;
use crate::model::{Keywords, Model, NodeKind};

/// Judges schemas; versions of a topic have most patterns in common, and each is tried once.
#[derive(Debug, Default)]
pub struct Carried {
    patterns: BTreeMap<String, bool>,
}

impl Carried {
    /// Everything that has no faithful check, with its place: what [`generate`] refuses.
    pub fn refusals(&mut self, model: &Model, name: &str) -> Vec<Refusal> {
        if self.surely(model) {
            return Vec::new();
        }
        generate(model, name).err().unwrap_or_default()
    }

    fn surely(&mut self, model: &Model) -> bool {
        let mut keywords = model.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Bool(_) => None,
            NodeKind::Keywords(keywords) => Some(keywords),
        });
        keywords.all(|keywords| self.plain(keywords)) && endless(model).is_none()
    }

    /// Whether a schema has no keyword that may be refused.
    fn plain(&mut self, keywords: &Keywords) -> bool {
        let Keywords {
            dynamic_reference,
            number,
            string,
            object,
            ..
        } = keywords;
        // An anchored dynamic reference may lead elsewhere than to its initial target.
        let is_fixed = dynamic_reference
            .as_ref()
            .is_none_or(|reference| reference.anchor.is_none());
        let step = number.multiple_of.as_ref();
        let mut patterns = string
            .pattern
            .iter()
            .chain(object.pattern_properties.keys());
        is_fixed
            && step.is_none_or(|step| decimal(step).is_some())
            && patterns.all(|pattern| self.compiles(pattern))
    }

    fn compiles(&mut self, pattern: &str) -> bool {
        if let Some(known) = self.patterns.get(pattern) {
            return *known;
        }
        let compiles = translated(pattern).is_ok();
        self.patterns.insert(pattern.to_owned(), compiles);
        compiles
    }
}
