//! From texts to a [`Registry`]: parse everything, read manifests, build models, cross-check.
//!
//! Each step collects findings and goes on with what is usable, so one run shows everything.
use std::collections::BTreeSet;
use std::sync::Arc;

use referencing::Draft;
use serde_json::Value;

use super::beside::Beside;
use super::demands::Demands;
use super::document::{Document, Documents};
use super::files::Files;
use super::manifest::{
    AggregateView, KpiQuery, LatestView, RegistryManifest, RollupView, ViewManifest,
};
use super::references::closure;
use super::views::{Surroundings, check_view};
use super::waivers::{self, Waiver};
use super::{
    Envelope, Registry, envelope, operations, payload_paths, project, scenarios, shape, topics,
};
use crate::cores;
use crate::finding::{Finding, Severity};
use crate::model::{self, Model};

/// Rules on what illustrates schemas and manifests and is no part of them.
const BESIDE_SCHEMAS: &[&str] = &["invalid-example", "invalid-scenario", "rejected-value"];

/// What loading gave: a registry where nothing stops an emitter, and everything that was found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The registry; `None` where a finding of severity error stands against it.
    pub registry: Option<Registry>,
    /// The registry where only examples or scenarios stand against it: what schemas and manifests say is known,
    /// so a change can still be compared.
    pub comparable: Option<Registry>,
    /// All findings, sorted by file and place.
    pub findings: Vec<Finding>,
    /// Every text that parses, by path below the registry folder.
    pub documents: Documents,
}

/// Loads a registry from its texts.
#[must_use]
pub fn load(files: &Files) -> Loaded {
    load_beside(files, None)
}

/// Loads a registry from its texts; what another one has alike is taken over from there.
#[must_use]
pub fn load_beside(files: &Files, beside: Option<Beside<'_>>) -> Loaded {
    let texts: Vec<(&String, &String)> = files
        .0
        .iter()
        .filter(|(path, _)| {
            let ending = std::path::Path::new(path).extension();
            ending.is_none_or(|ending| ending != "lock")
        })
        .collect();
    let parsed = cores::map(&texts, |(path, text)| {
        match beside.and_then(|beside| beside.document(path, text)) {
            Some(document) => Ok(document),
            None => Document::parse(path, text).map(Arc::new),
        }
    });
    let (mut documents, mut findings) = (Documents::new(), Vec::new());
    for ((path, _), parsed) in texts.into_iter().zip(parsed) {
        match parsed {
            Ok(document) => {
                documents.insert(path.clone(), document);
            }
            Err(found) => findings.extend(found),
        }
    }
    let mut loader = Loader {
        documents: Arc::new(documents),
        findings,
    };
    let registry = loader.registry(beside);
    let mut findings = loader.findings;
    findings.sort_by(|left, right| {
        (&left.file, left.position, left.rule, &left.pointer).cmp(&(
            &right.file,
            right.position,
            right.rule,
            &right.pointer,
        ))
    });
    findings.dedup();
    let mut errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .peekable();
    let (registry, comparable) = if errors.peek().is_none() {
        (registry, None)
    } else if errors.all(|finding| {
        BESIDE_SCHEMAS.contains(&finding.rule) || finding.file.starts_with("scenarios/")
    }) {
        (None, registry)
    } else {
        (None, None)
    };
    Loaded {
        registry,
        comparable,
        findings,
        documents: Arc::unwrap_or_clone(loader.documents),
    }
}

fn read_as<T: schemars::JsonSchema + serde::de::DeserializeOwned + 'static>(
    document: &Document,
    kind: fn(T) -> ViewManifest,
) -> (Option<ViewManifest>, Vec<Finding>) {
    let (view, findings) = shape::read(document);
    (view.map(kind), findings)
}

/// Loading in progress.
pub(super) struct Loader {
    pub(super) documents: Arc<Documents>,
    pub(super) findings: Vec<Finding>,
}

/// URI of a registry file, the base of its relative references.
#[must_use]
pub fn uri(path: &str) -> String {
    format!(
        "registry:///{}",
        path.replace('%', "%25").replace(' ', "%20")
    )
}

impl Loader {
    fn registry(&mut self, beside: Option<Beside<'_>>) -> Option<Registry> {
        let manifest = self.manifest::<RegistryManifest>("registry.toml");
        let mut envelope: Option<Envelope> = envelope::load(self);
        if let (Some(manifest), Some(envelope)) = (&manifest, &mut envelope) {
            envelope.demands = Demands::of_envelope(envelope, &manifest.clickhouse.columns);
        }
        let topics = match (&manifest, &envelope) {
            (Some(manifest), Some(envelope)) => {
                let topics = topics::load(self, manifest, envelope, beside);
                payload_paths::check(self, manifest.clickhouse.payload, &topics);
                topics
            }
            _ => {
                topics::survey(self);
                Vec::new()
            }
        };
        if let Some(manifest) = &manifest {
            operations::check(self, manifest);
            project::check(self, manifest);
        }
        let views = self.views(manifest.as_ref());
        let scenarios = scenarios::load(self, envelope.as_ref(), &topics);
        let waivers = self.waivers();
        Some(Registry {
            manifest: manifest?,
            envelope: envelope?,
            topics,
            views,
            scenarios,
            waivers,
        })
    }

    fn waivers(&mut self) -> Vec<Waiver> {
        let Some(document) = self.documents.get(waivers::PATH) else {
            return Vec::new();
        };
        let (waivers, findings) = waivers::read(document);
        self.findings.extend(findings);
        waivers.waivers
    }

    /// Paths directly in `folder` with an ending, sorted.
    pub(super) fn paths(&self, folder: &str, ending: &str) -> Vec<String> {
        // From the folder's first path on, so that a topic does not look at every other topic's files.
        self.documents
            .range(folder.to_owned()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(folder))
            .filter(|path| path.ends_with(ending) && !path[folder.len()..].contains('/'))
            .cloned()
            .collect()
    }

    /// Reads a manifest; a missing file is a finding.
    pub(super) fn manifest<T: schemars::JsonSchema + serde::de::DeserializeOwned + 'static>(
        &mut self,
        path: &str,
    ) -> Option<T> {
        let Some(document) = self.documents.get(path) else {
            // A file that did not parse has its findings already.
            if !self.findings.iter().any(|finding| finding.file == path) {
                self.missing(path, "this file is missing");
            }
            return None;
        };
        let (manifest, findings) = shape::read(document);
        self.findings.extend(findings);
        manifest
    }

    pub(super) fn missing(&mut self, path: &str, message: &str) {
        // An empty document of the file's kind gives the finding its place.
        let empty = if path.ends_with(".toml") { "" } else { "{}" };
        let document = Document::parse(path, empty).ok();
        self.findings
            .extend(document.map(|document| document.finding("missing-file", "", message)));
    }

    /// Adds a finding at a pointer of a file.
    pub(super) fn report(
        &mut self,
        path: &str,
        rule: &'static str,
        pointer: &str,
        message: impl Into<String>,
        fix: Option<String>,
    ) {
        if let Some(document) = self.documents.get(path) {
            let mut finding = document.finding(rule, pointer, message);
            finding.fix = fix;
            self.findings.push(finding);
        }
    }

    /// Reads the views and holds them against the fact table and each other.
    fn views(&mut self, manifest: Option<&RegistryManifest>) -> Vec<ViewManifest> {
        let mut found: Vec<(String, ViewManifest)> = Vec::new();
        let mut unread = Vec::new();
        for path in self.paths("views/", ".toml") {
            let Some(document) = self.documents.get(&path) else {
                continue;
            };
            let text = |name: &str| {
                let value = document.value.get(name).and_then(Value::as_str);
                value.unwrap_or_default().to_owned()
            };
            // The kind picks the schema, so that violations speak of that kind only.
            let kind = text("kind");
            let inner = document.without("kind");
            let (view, findings) = match kind.as_str() {
                "aggregate" => read_as::<AggregateView>(&inner, ViewManifest::Aggregate),
                "latest" => read_as::<LatestView>(&inner, ViewManifest::Latest),
                "rollup" => read_as::<RollupView>(&inner, ViewManifest::Rollup),
                "kpi" => read_as::<KpiQuery>(&inner, ViewManifest::Kpi),
                _ => {
                    let mut finding = document.finding(
                        "invalid-setting",
                        "/kind",
                        format!("`{kind}` is not a kind of view"),
                    );
                    finding.fix = Some(
                        "write kind = \"aggregate\", \"latest\", \"rollup\" or \"kpi\"".to_owned(),
                    );
                    (None, vec![finding])
                }
            };
            match view {
                Some(view) => found.push((path, view)),
                None => unread.push(text("name")),
            }
            self.findings.extend(findings);
        }
        // What others read from comes first: aggregates and latest tables, rollups, KPIs.
        found.sort_by_key(|(_, view)| {
            let stage = match view {
                ViewManifest::Aggregate(_) | ViewManifest::Latest(_) => 0,
                ViewManifest::Rollup(_) => 1,
                ViewManifest::Kpi(_) => 2,
            };
            (stage, view.name().to_owned())
        });
        let (paths, views): (Vec<String>, Vec<ViewManifest>) = found.into_iter().unzip();
        if let Some(manifest) = manifest {
            let around = Surroundings {
                fact_table: &manifest.clickhouse.table,
                fact: &crate::fact::layout(manifest),
                views: &views,
                unread: &unread,
                topics: &self.topic_names(),
            };
            for (path, view) in paths.iter().zip(&views) {
                for problem in check_view(view, &around) {
                    self.report(
                        path,
                        problem.rule,
                        &problem.pointer,
                        problem.message,
                        Some(problem.fix),
                    );
                }
            }
        }
        views
    }

    /// Names of all topics, loaded or not.
    pub(super) fn topic_names(&self) -> Vec<String> {
        let paths = self
            .documents
            .keys()
            .chain(self.findings.iter().map(|finding| &finding.file));
        let names: BTreeSet<&str> = paths
            .filter_map(|path| Some(path.strip_prefix("topics/")?.split_once('/')?.0))
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Checks a schema against its meta-schema and builds its model; problems become findings in the file they are in.
    /// A model that the other registry has of the same texts is taken over.
    pub(super) fn schema(
        &mut self,
        path: &str,
        beside: Option<Beside<'_>>,
    ) -> Option<(Arc<Document>, Arc<Model>)> {
        let document = self.documents.get(path)?;
        let before = self.findings.len();
        self.findings.extend_from_slice(document.problems());
        if self.has_errors(before) {
            return None;
        }
        let schema = Arc::clone(document);
        let paths = closure(&self.documents, path);
        let others = paths.iter().skip(1);
        let others = others.filter_map(|path| self.documents.get(path));
        self.findings
            .extend(others.flat_map(|document| document.problems()).cloned());
        if self.has_errors(before) {
            return None;
        }
        if let Some(model) = beside.and_then(|beside| beside.model(path, &self.documents)) {
            return Some((schema, model));
        }
        let uris: Vec<String> = paths.iter().map(|path| uri(path)).collect();
        let documents: Vec<(&str, &Value)> = uris
            .iter()
            .zip(&paths)
            .filter_map(|(uri, path)| {
                self.documents
                    .get(path)
                    .map(|document| (uri.as_str(), document.value.as_ref()))
            })
            .collect();
        match model::build_in(&documents, 0, "", Draft::Draft202012) {
            Ok(model) => Some((schema, Arc::new(model))),
            Err(error) => {
                let file = paths
                    .iter()
                    .zip(&uris)
                    .find(|(_, uri)| **uri == error.document)
                    .map_or(path, |(path, _)| path);
                self.report(file, "invalid-schema", &error.pointer, error.problem, None);
                None
            }
        }
    }

    /// Whether a finding from this one on is more than a note or a warning.
    fn has_errors(&self, from: usize) -> bool {
        let mut found = self.findings.iter().skip(from);
        found.any(|finding| finding.severity == Severity::Error)
    }

    /// A validator for a schema file with its references and what columns demand, by the independent
    /// implementation.
    pub(super) fn validator(&self, path: &str, demands: &Demands) -> Option<jsonschema::Validator> {
        if demands.is_empty() {
            return validator(&self.documents, path);
        }
        validator(&demands.said(&self.documents, path), path)
    }
}

/// A validator for a schema file with its references, by the independent implementation; `None` where the
/// file is missing or no schema.
#[must_use]
pub fn validator(documents: &Documents, path: &str) -> Option<jsonschema::Validator> {
    let document = documents.get(path)?;
    let mut registry = jsonschema::Registry::new();
    for other in closure(documents, path) {
        let contents = documents.get(&other)?;
        registry = registry
            .add(uri(&other), Value::clone(&contents.value))
            .ok()?;
    }
    let registry = registry.prepare().ok()?;
    jsonschema::options()
        // Annotations since 2019-09, and for the generated checks and the prover in every draft.
        .without_content_encoding_support("base64")
        .without_content_media_type_support("application/json")
        .should_validate_formats(false)
        .with_registry(&registry)
        .with_base_uri(uri(path))
        .build(&document.value)
        .ok()
}
