//! Takes over from a loaded registry what another one has alike: most of a registry is the same before and after
//! a change, and is parsed, modelled and hashed once.
//!
//! A document is taken over where its text is the same, a model where the texts of its schema and of all that it
//! refers to are. A topic is taken over as a whole where everything that
//! it is made from is the same text: `registry.toml`, every file of the topic's folder, the envelope, and every
//! file that references from the envelope or from the topic's files lead to. Loading a topic may look at nothing
//! else: whoever adds an input to `topics.rs` adds it to [`Beside::same_inputs`]. A topic that has
//! findings is loaded again, so that they are found again.
//!
//! Whether the two registries share a topic ([`Arc::ptr_eq`]) is therefore the proof that it is unchanged.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::document::{Document, Documents};
use super::envelope;
use super::references::closure;
use super::{Registry, Topic};
use crate::model::Model;

/// A registry that is loaded already.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// Its texts.
    pub documents: &'a Documents,
    /// What they say.
    pub registry: &'a Registry,
    /// Topics with findings, notes included.
    pub troubled: &'a BTreeSet<String>,
}

impl Beside<'_> {
    /// The document of this path, where its text is this one.
    #[must_use]
    pub fn document(&self, path: &str, text: &str) -> Option<Arc<Document>> {
        let document = self.documents.get(path)?;
        (document.text == text).then(|| Arc::clone(document))
    }

    /// Whether what all topics are made from is the same here: the manifest of the registry, and the envelope.
    #[must_use]
    pub fn same_frame(&self, documents: &Documents) -> bool {
        self.same("registry.toml", documents)
            && self.same_with_references(envelope::PATH, documents)
    }

    /// The topic, where everything it is made from is the same here. Holds only within [`Self::same_frame`].
    #[must_use]
    pub fn topic(&self, name: &str, documents: &Documents) -> Option<Arc<Topic>> {
        if self.troubled.contains(name) || !self.same_inputs(name, documents) {
            return None;
        }
        self.registry.shared_topic(name).map(Arc::clone)
    }

    /// The model of a topic's schema, where the schema and everything it refers to is the same here.
    #[must_use]
    pub fn model(&self, path: &str, documents: &Documents) -> Option<Arc<Model>> {
        let (name, _) = path.strip_prefix("topics/")?.split_once('/')?;
        let topic = self.registry.topic(name)?;
        let mut versions = topic.versions.iter();
        let version = versions.find(|version| version.path == path)?;
        self.same_with_references(path, documents)
            .then(|| Arc::clone(&version.model))
    }

    /// Whether the topic's files, and what they refer to, are the same here.
    #[must_use]
    pub fn same_inputs(&self, name: &str, documents: &Documents) -> bool {
        let folder = format!("topics/{name}/");
        let (there, here) = (within(self.documents, &folder), within(documents, &folder));
        there.eq(here)
            && within(documents, &folder).all(|path| self.same_with_references(path, documents))
    }

    fn same_with_references(&self, path: &str, documents: &Documents) -> bool {
        // Which file a reference leads to depends on which files there are.
        let files = closure(documents, path);
        files == closure(self.documents, path)
            && files.iter().all(|path| self.same(path, documents))
    }

    fn same(&self, path: &str, documents: &Documents) -> bool {
        match (self.documents.get(path), documents.get(path)) {
            (Some(there), Some(here)) => Arc::ptr_eq(there, here) || there.text == here.text,
            (there, here) => there.is_none() && here.is_none(),
        }
    }
}

fn within<'d>(documents: &'d Documents, folder: &str) -> impl Iterator<Item = &'d String> {
    let from = documents.range(folder.to_owned()..);
    let folder = folder.to_owned();
    from.map(|(path, _)| path)
        .take_while(move |path| path.starts_with(&folder))
}
