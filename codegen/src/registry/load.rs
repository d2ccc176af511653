//! From texts to a [`Registry`]: parse everything, read manifests, build models, cross-check.
//!
//! Each step collects findings and goes on with what is usable, so one run shows everything.
use std::collections::BTreeMap;

use referencing::Draft;
use serde_json::Value;

use super::document::Document;
use super::files::Files;
use super::manifest::{
    AggregateView, KpiQuery, LatestView, RegistryManifest, RollupView, Scenario, ViewManifest,
};
use super::references::closure;
use super::{Envelope, Registry, envelope, shape, topics};
use crate::finding::{Finding, Severity};
use crate::model::{self, Model};

/// What loading gave: a registry where nothing stops an emitter, and everything that was found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The registry; `None` where a finding of severity error stands against it.
    pub registry: Option<Registry>,
    /// All findings, sorted by file and place.
    pub findings: Vec<Finding>,
}

/// Loads a registry from its texts.
#[must_use]
pub fn load(files: &Files) -> Loaded {
    let mut loader = Loader {
        documents: BTreeMap::new(),
        findings: Vec::new(),
    };
    for (path, text) in &files.0 {
        if std::path::Path::new(path)
            .extension()
            .is_some_and(|ending| ending == "lock")
        {
            continue;
        }
        match Document::parse(path, text) {
            Ok(document) => {
                loader.documents.insert(path.clone(), document);
            }
            Err(findings) => loader.findings.extend(findings),
        }
    }
    let registry = loader.registry();
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
    let stopped = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    Loaded {
        registry: registry.filter(|_| !stopped),
        findings,
    }
}

fn read_as<T: schemars::JsonSchema + serde::de::DeserializeOwned>(
    document: &Document,
    kind: fn(T) -> ViewManifest,
) -> (Option<ViewManifest>, Vec<Finding>) {
    let (view, findings) = shape::read(document);
    (view.map(kind), findings)
}

/// Loading in progress.
pub(super) struct Loader {
    pub(super) documents: BTreeMap<String, Document>,
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
    fn registry(&mut self) -> Option<Registry> {
        let manifest = self.manifest::<RegistryManifest>("registry.toml");
        let envelope: Option<Envelope> = envelope::load(self);
        let topics = match (&manifest, &envelope) {
            (Some(manifest), Some(envelope)) => topics::load(self, manifest, envelope),
            _ => {
                topics::survey(self);
                Vec::new()
            }
        };
        let mut views = self.views();
        // What others read from comes first: aggregates and latest tables, rollups, KPIs.
        views.sort_by_key(|view| {
            let stage = match view {
                ViewManifest::Aggregate(_) | ViewManifest::Latest(_) => 0,
                ViewManifest::Rollup(_) => 1,
                ViewManifest::Kpi(_) => 2,
            };
            (stage, view.name().to_owned())
        });
        let scenarios: Vec<Scenario> = self
            .paths("scenarios/", ".toml")
            .iter()
            .filter_map(|path| self.manifest::<Scenario>(path))
            .collect();
        Some(Registry {
            manifest: manifest?,
            envelope: envelope?,
            topics,
            views,
            scenarios,
        })
    }

    /// Paths directly in `folder` with an ending, sorted.
    pub(super) fn paths(&self, folder: &str, ending: &str) -> Vec<String> {
        self.documents
            .keys()
            .filter(|path| {
                path.strip_prefix(folder)
                    .is_some_and(|name| name.ends_with(ending) && !name.contains('/'))
            })
            .cloned()
            .collect()
    }

    /// Reads a manifest; a missing file is a finding.
    pub(super) fn manifest<T: schemars::JsonSchema + serde::de::DeserializeOwned>(
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

    fn views(&mut self) -> Vec<ViewManifest> {
        let mut views = Vec::new();
        for path in self.paths("views/", ".toml") {
            let Some(document) = self.documents.get(&path) else {
                continue;
            };
            // The kind picks the schema, so that violations speak of that kind only.
            let kind = document
                .value
                .get("kind")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
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
            views.extend(view);
            self.findings.extend(findings);
        }
        views
    }

    /// Checks a schema against its meta-schema and builds its model; problems become findings in the file they are in.
    pub(super) fn schema(&mut self, path: &str) -> Option<(Value, Model)> {
        let document = self.documents.get(path)?;
        let meta = self.meta_findings(path);
        if !meta.is_empty() {
            self.findings.extend(meta);
            return None;
        }
        let schema = document.value.clone();
        let paths = closure(&self.documents, path);
        let mut broken = Vec::new();
        for path in paths.iter().skip(1) {
            broken.extend(self.meta_findings(path));
        }
        if !broken.is_empty() {
            self.findings.extend(broken);
            return None;
        }
        let uris: Vec<String> = paths.iter().map(|path| uri(path)).collect();
        let documents: Vec<(&str, &Value)> = uris
            .iter()
            .zip(&paths)
            .filter_map(|(uri, path)| {
                self.documents
                    .get(path)
                    .map(|document| (uri.as_str(), &document.value))
            })
            .collect();
        match model::build_in(&documents, 0, "", Draft::Draft202012) {
            Ok(model) => Some((schema, model)),
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

    fn meta_findings(&self, path: &str) -> Vec<Finding> {
        let Some(document) = self.documents.get(path) else {
            return Vec::new();
        };
        let options = jsonschema::meta::options();
        match options.validate(&document.value) {
            Ok(()) => super::keywords::check(document),
            Err(_) => jsonschema::meta::validator_for(&document.value).map_or_else(
                |error| vec![document.finding("invalid-schema", "", error.to_string())],
                |validator| {
                    validator
                        .iter_errors(&document.value)
                        .map(|error| {
                            let at = error.instance_path().to_string();
                            if at == "/type" || at.ends_with("/type") {
                                return unknown_type(document, &at, error.instance());
                            }
                            document.finding("invalid-schema", &at, error.to_string())
                        })
                        .collect()
                },
            ),
        }
    }

    /// A validator for a schema file with its references, by the independent implementation.
    pub(super) fn validator(&self, path: &str) -> Option<jsonschema::Validator> {
        let document = self.documents.get(path)?;
        let mut registry = jsonschema::Registry::new();
        for other in closure(&self.documents, path) {
            let contents = self.documents.get(&other)?;
            registry = registry.add(uri(&other), contents.value.clone()).ok()?;
        }
        let registry = registry.prepare().ok()?;
        jsonschema::options()
            .with_registry(&registry)
            .with_base_uri(uri(path))
            .build(&document.value)
            .ok()
    }
}

fn unknown_type(document: &Document, pointer: &str, value: &Value) -> Finding {
    let mut finding = document.finding(
        "invalid-schema",
        pointer,
        format!("{value} is not a JSON type, nor a list of them"),
    );
    finding.fix = Some(
        "use array, boolean, integer, null, number, object or string, or a list of them".to_owned(),
    );
    finding
}
