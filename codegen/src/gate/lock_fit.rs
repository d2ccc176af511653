//! Whether a lock file says what its registry means.
//!
//! One that does not would make later changes answer for it: they are held against what it says.
use serde_json::{Map, Value};

use super::{Outcome, walk};
use crate::finding::{Finding, Severity};
use crate::model::escape;
use crate::registry::document::Document;
use crate::registry::lock::{FORMAT, Lock, PATH};
use crate::rules::wire::released_version_edited;

/// Id of the findings.
pub const RULE: &str = "lock-mismatch";

const FIX: &str = "run `topicwright generate`, which writes registry.lock anew";

/// Where the text of a lock file differs from what its registry means, one finding a line.
///
/// What it says of the base, `before`, is no mistake: it was not written anew since, which is `generate --check`'s
/// to say, and the edits have rules of their own.
#[must_use]
pub fn findings(text: &str, meaning: &Lock, before: Option<&Lock>) -> Vec<Finding> {
    if meaning.text().is_ok_and(|meant| meant == text) {
        return Vec::new();
    }
    let document = match Document::parse(PATH, text) {
        Ok(document) => document,
        Err(mut broken) => {
            for finding in &mut broken {
                finding.rule = RULE;
                finding.fix = Some(FIX.to_owned());
            }
            return broken;
        }
    };
    // Nothing in a lock makes this fail.
    let meant = serde_json::to_value(meaning).unwrap_or_default();
    let before = before.and_then(|before| serde_json::to_value(before).ok());
    let format = document.value.get("format");
    let mut fit = Fit {
        document: &document,
        before: before.unwrap_or_default(),
        findings: Vec::new(),
    };
    if format != meant.get("format") {
        // Hashes of another form say nothing.
        let held = format.map_or_else(|| "none".to_owned(), ToString::to_string);
        fit.report(
            "/format",
            format!("its format is {held}, and is {} now", FORMAT),
        );
    } else {
        fit.value(&document.value, &meant, &mut Vec::new());
    }
    fit.findings
}

/// Findings of now; those that the base has alike warn, since this change did not bring them.
///
/// `text` and `base` are the lock files' texts, where there are any, with what their registries mean.
#[must_use]
pub fn since(text: Option<&str>, meaning: &Lock, base: Option<(&str, &Lock)>) -> Vec<Finding> {
    let Some(text) = text else {
        let gone = base.and_then(|_| Document::parse(PATH, "").ok());
        let gone = gone.map(|empty| {
            let mut finding = empty.finding(
                RULE,
                "",
                "the file is gone; it keeps what each released version means",
            );
            finding.fix = Some(FIX.to_owned());
            finding
        });
        return gone.into_iter().collect();
    };
    let mut found = findings(text, meaning, base.map(|(_, before)| before));
    if found.is_empty() {
        return found;
    }
    let before = base.map_or_else(Vec::new, |(text, meaning)| {
        findings(text, meaning, Some(meaning))
    });
    for finding in &mut found {
        let same =
            |old: &Finding| (&old.pointer, &old.message) == (&finding.pointer, &finding.message);
        if before.iter().any(same) {
            finding.severity = Severity::Warning;
        }
    }
    found
}

impl Outcome {
    /// Adds what [`since`] found. Nobody can accept it, and a topic of which a released version was edited is left
    /// out: the edit has to go, not the line.
    pub fn hold_against_lock(&mut self, found: Vec<Finding>) {
        let edited = |finding: &Finding| {
            let mut others = self.findings.iter();
            finding.topic.is_some()
                && others.any(|other| {
                    other.rule == released_version_edited::RULE.id && other.topic == finding.topic
                })
        };
        let found: Vec<Finding> = found.into_iter().filter(|found| !edited(found)).collect();
        self.findings.extend(found);
        walk::sort(&mut self.findings);
    }
}

struct Fit<'d> {
    document: &'d Document,
    /// What the base meant; null without one.
    before: Value,
    findings: Vec<Finding>,
}

impl Fit<'_> {
    fn report(&mut self, pointer: &str, message: String) {
        let mut finding = self.document.finding(RULE, pointer, message);
        finding.fix = Some(FIX.to_owned());
        self.findings.push(finding);
    }

    /// Compares what stands at a path with what should.
    fn value(&mut self, held: &Value, meant: &Value, path: &mut Vec<String>) {
        match (held, meant) {
            (Value::Object(held), Value::Object(meant)) => self.members(held, meant, path),
            _ if held == meant => {}
            _ => {
                let message = format!(
                    "{} is {} here, and {} by the registry",
                    name(path),
                    short(held),
                    short(meant)
                );
                self.report_of(path, message);
            }
        }
    }

    fn members(
        &mut self,
        held: &Map<String, Value>,
        meant: &Map<String, Value>,
        path: &mut Vec<String>,
    ) {
        for (member, value) in held {
            path.push(member.clone());
            match meant.get(member) {
                Some(meant) => self.value(value, meant, path),
                None => {
                    let message = format!("the registry has nothing that {} could be", name(path));
                    self.report_of(path, message);
                }
            }
            path.pop();
        }
        for member in meant.keys().filter(|member| !held.contains_key(*member)) {
            path.push(member.clone());
            let message = format!("{} is missing here", name(path));
            self.report_of(path, message);
            path.pop();
        }
    }

    fn report_of(&mut self, path: &[String], message: String) {
        let at = |value| {
            path.iter()
                .try_fold(value, |value: &Value, name| value.get(name))
        };
        if at(&self.document.value) == at(&self.before) {
            return;
        }
        let pointer: String = path
            .iter()
            .map(|name| format!("/{}", escape(name)))
            .collect();
        self.report(&pointer, message);
        let topic = path.get(1).filter(|_| path[0] == "topics");
        if let Some(finding) = self.findings.last_mut() {
            finding.topic = topic.cloned();
        }
    }
}

/// What a path in the file stands for.
fn name(path: &[String]) -> String {
    match path {
        [kind, topic] if kind == "topics" => format!("the topic {topic}"),
        [kind, topic, version] if kind == "topics" => format!("the hash of {version} of {topic}"),
        [envelope] if envelope == "envelope" => "the hash of the envelope".to_owned(),
        other => format!("`{}`", other.join(".")),
    }
}

/// As much of a hash as tells it from others.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 12 => {
            format!("{}…", text.chars().take(12).collect::<String>())
        }
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => "more than one value".to_owned(),
        other => other.to_string(),
    }
}
