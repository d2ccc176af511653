//! One side of a comparison: a loaded registry with its texts and what they mean.
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::clickhouse::{Closing, Object};
use crate::finding::{Finding, Position, Severity};
use crate::model::Model;
use crate::registry::beside::Beside;
use crate::registry::canonical::MEANINGFUL;
use crate::registry::demands::{self, Demands};
use crate::registry::document::Documents;
use crate::registry::files::Files;
use crate::registry::load::{Loaded, load, load_beside};
use crate::registry::lock::Lock;
use crate::registry::{Registry, Topic};
use crate::rules::problem::Place;

/// A registry before or after the change.
#[derive(Clone, Debug)]
pub struct Side {
    /// The registry.
    pub registry: Registry,
    /// Its texts, by path below the registry folder.
    pub documents: Documents,
    /// The same as readers take them: schemas say what fact columns demand as well.
    pub read: Documents,
    /// What it means.
    pub meaning: Lock,
    /// What is wrong with its examples and scenarios.
    pub problems: Vec<Finding>,
    /// Topics with findings, notes included.
    troubled: BTreeSet<String>,
    database: OnceLock<Vec<Object>>,
    closings: OnceLock<Vec<Closing>>,
}

impl Side {
    /// Loads a registry; wrong examples and scenarios are no obstacle.
    ///
    /// # Errors
    /// Every problem of the registry, where schemas or manifests have any.
    pub fn load(files: &Files) -> Result<Self, Vec<Finding>> {
        Self::of(load(files))
    }

    /// Loads the registry that this one is compared with; both share what is the same in both.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_other(&self, files: &Files) -> Result<Self, Vec<Finding>> {
        Self::of(load_beside(files, Some(self.beside())))
    }

    const fn beside(&self) -> Beside<'_> {
        Beside {
            documents: &self.documents,
            registry: &self.registry,
            troubled: &self.troubled,
        }
    }

    /// The side before there was a registry: no topics and no views; settings as they are now, since nothing
    /// can differ from nothing.
    pub(super) fn before_anything(&self) -> Self {
        let registry = Registry {
            manifest: self.registry.manifest.clone(),
            envelope: self.registry.envelope.clone(),
            topics: Vec::new(),
            views: Vec::new(),
            scenarios: Vec::new(),
            waivers: Vec::new(),
        };
        Self {
            problems: Vec::new(),
            troubled: BTreeSet::new(),
            database: OnceLock::new(),
            closings: OnceLock::new(),
            documents: Documents::new(),
            read: Documents::new(),
            meaning: Lock::of(&registry),
            registry,
        }
    }

    fn of(loaded: Loaded) -> Result<Self, Vec<Finding>> {
        let Some(registry) = loaded.registry.or(loaded.comparable) else {
            return Err(loaded.findings);
        };
        let mut problems = loaded.findings;
        let folders = problems.iter().filter_map(|finding| {
            let (name, _) = finding.file.strip_prefix("topics/")?.split_once('/')?;
            Some(name.to_owned())
        });
        let troubled = folders.collect();
        problems.retain(|finding| finding.severity == Severity::Error);
        Ok(Self {
            problems,
            troubled,
            database: OnceLock::new(),
            closings: OnceLock::new(),
            meaning: Lock::of(&registry),
            read: demands::as_read(&registry, &loaded.documents),
            documents: loaded.documents,
            registry,
        })
    }

    /// A topic by name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.registry.topic(name)
    }

    /// Whether the other side makes this topic from the same texts, so that nothing about it alone can differ.
    #[must_use]
    pub fn has_same(&self, other: &Self, name: &str) -> bool {
        let [here, there] = [self, other].map(|side| side.registry.shared_topic(name));
        let Some((here, there)) = here.zip(there) else {
            return false;
        };
        Arc::ptr_eq(here, there) || {
            let beside = other.beside();
            beside.same_frame(&self.documents) && beside.same_inputs(name, &self.documents)
        }
    }

    /// Every object of the database.
    #[must_use]
    pub fn database(&self) -> &[Object] {
        self.database
            .get_or_init(|| crate::emit::clickhouse::plan(&self.registry))
    }

    /// How the days of each view are closed.
    #[must_use]
    pub fn closings(&self) -> &[Closing] {
        self.closings
            .get_or_init(|| crate::emit::clickhouse::closings(&self.registry))
    }

    /// What a topic's version means.
    #[must_use]
    pub fn hash(&self, topic: &str, number: u32) -> Option<&str> {
        self.meaning.version(topic, number)
    }

    /// The model of a topic's schema, where columns demand no more than it says.
    pub(crate) fn model(&self, path: &str) -> Option<Arc<Model>> {
        let (name, _) = path.strip_prefix("topics/")?.split_once('/')?;
        let mut versions = self.topic(name)?.versions.iter();
        let version = versions.find(|version| version.path == path)?;
        let read = self.read.get(path)?;
        Arc::ptr_eq(read, &version.document).then(|| Arc::clone(&version.model))
    }

    /// Whether columns demand the same of a schema's fields on the other side.
    pub(super) fn demands_same(&self, other: &Self, path: &str) -> bool {
        self.demands(path) == other.demands(path)
    }

    fn demands(&self, path: &str) -> Option<&Demands> {
        let envelope = &self.registry.envelope;
        if path == envelope.path {
            return Some(&envelope.demands);
        }
        let (name, _) = path.strip_prefix("topics/")?.split_once('/')?;
        let mut versions = self.topic(name)?.versions.iter();
        let version = versions.find(|version| version.path == path)?;
        Some(&version.demands)
    }

    /// File of a view by its name.
    #[must_use]
    pub fn view_file(&self, name: &str) -> String {
        self.documents
            .iter()
            .find(|(path, document)| {
                path.starts_with("views/")
                    && document.value.get("name").and_then(Value::as_str) == Some(name)
            })
            .map_or_else(|| "views".to_owned(), |(path, _)| path.clone())
    }

    /// Line and column of a place.
    #[must_use]
    pub fn position(&self, place: &Place) -> Position {
        self.documents
            .get(&place.file)
            .map_or(Position { line: 1, column: 1 }, |document| {
                document.position(&place.pointer)
            })
    }

    /// Where a pointer into a schema leads when references are followed.
    ///
    /// A validator's pointer goes through `$ref`; the text behind it may stand in another file.
    #[must_use]
    pub fn follow(&self, file: &str, pointer: &str) -> Place {
        let mut place = Place::new(file, "");
        for token in pointer.split('/').skip(1) {
            // A chain of references is followed to its end; a circle of them has none.
            for _ in 0..MAX_REFERENCES {
                let here = self.value(&place);
                let reference = here
                    .and_then(|value| value.get("$ref"))
                    .and_then(Value::as_str);
                let name = crate::model::unescape(token);
                let has = here.is_some_and(|value| value.get(&name).is_some() || value.is_array());
                match reference {
                    Some(reference) if token == "$ref" || !has => {
                        let Some(target) = self.target(&place.file, reference) else {
                            break;
                        };
                        place = target;
                        if token == "$ref" {
                            break;
                        }
                    }
                    Some(_) | None => break,
                }
            }
            if token != "$ref" {
                place.pointer = format!("{}/{token}", place.pointer);
            }
        }
        place
    }

    /// What stands at a place.
    #[must_use]
    pub fn value(&self, place: &Place) -> Option<&Value> {
        self.documents
            .get(&place.file)?
            .value
            .pointer(&place.pointer)
    }

    /// Where a chain of references that say nothing else ends.
    #[must_use]
    pub fn referred(&self, mut place: Place) -> Place {
        for _ in 0..MAX_REFERENCES {
            let Some(Value::Object(members)) = self.value(&place) else {
                break;
            };
            let lone = members.keys().all(|name| {
                matches!(
                    name.as_str(),
                    "$ref" | "title" | "description" | "$comment" | "examples"
                ) || (name.starts_with("x-") && !MEANINGFUL.contains(&name.as_str()))
            });
            let target = members
                .get("$ref")
                .and_then(Value::as_str)
                .filter(|_| lone)
                .and_then(|reference| self.target(&place.file, reference));
            match target {
                Some(target) => place = target,
                None => break,
            }
        }
        place
    }

    /// Where a reference leads that stands in a file; `None` for anchors and what is not there.
    #[must_use]
    pub fn target(&self, from: &str, reference: &str) -> Option<Place> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return None;
        }
        let file = if file.is_empty() {
            from.to_owned()
        } else {
            crate::registry::references::resolve(&self.documents, from, file)?
        };
        Some(Place::new(&file, fragment))
    }
}

/// More references in a row than any schema written by people has.
const MAX_REFERENCES: usize = 64;
