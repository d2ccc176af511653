//! Loads scenarios and checks that what they would send is what the registry describes.
//!
//! A broken scenario would only show as dead letters in a demo or a load test, so everything it names is looked
//! up here and its events are held against the schemas, each alternative of each generator once.
mod generator;
mod payload;

use std::sync::Arc;

use super::load::Loader;
use super::manifest::{Flow, Scenario, Step};
use super::shape::nearest;
use super::{Envelope, Topic};
use crate::model::escape;
use generator::Names;

/// Rule of numbers and names that make no scenario.
const INVALID: &str = "invalid-scenario";

/// Reads and checks every scenario.
pub(super) fn load(
    loader: &mut Loader,
    envelope: Option<&Envelope>,
    topics: &[Arc<Topic>],
) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for path in loader.paths("scenarios/", ".toml") {
        let Some(scenario) = loader.manifest::<Scenario>(&path) else {
            continue;
        };
        if scenarios.iter().any(|other| other.name == scenario.name) {
            loader.report(
                &path,
                "name-taken",
                "/name",
                format!("another scenario is called `{}` too", scenario.name),
                Some("rename one of them".to_owned()),
            );
        }
        let mut check = Check {
            loader,
            path: &path,
            scenario: &scenario,
            envelope,
            topics,
        };
        check.run();
        scenarios.push(scenario);
    }
    scenarios.sort_by(|left, right| left.name.cmp(&right.name));
    scenarios
}

/// The check of one scenario.
struct Check<'c> {
    loader: &'c mut Loader,
    path: &'c str,
    scenario: &'c Scenario,
    envelope: Option<&'c Envelope>,
    topics: &'c [Arc<Topic>],
}

impl Check<'_> {
    fn report(
        &mut self,
        rule: &'static str,
        pointer: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.loader
            .report(self.path, rule, pointer, message, Some(fix.into()));
    }

    fn run(&mut self) {
        let scenario = self.scenario;
        if scenario.days == 0 {
            self.report(
                INVALID,
                "/days",
                "events cannot be spread over 0 days",
                "write 1 or more",
            );
        }
        for (name, pool) in &scenario.entities {
            let at = format!("/entities/{}", escape(name));
            if pool.size == 0 || pool.first.checked_add(pool.size - 1).is_none() {
                self.report(
                    INVALID,
                    &format!("{at}/size"),
                    format!(
                        "a pool of {} ids from {} holds nothing that can be drawn",
                        pool.size, pool.first
                    ),
                    "write a size of 1 or more whose ids stay below 2^64",
                );
            }
            if !(pool.skew.is_finite() && pool.skew >= 0.0) {
                self.report(
                    INVALID,
                    &format!("{at}/skew"),
                    "a skew is 0 or more",
                    "write 0 to draw evenly, 1 to favour low ids",
                );
            }
        }
        let noise = &scenario.noise;
        for (name, share) in [
            ("duplicates", noise.duplicates),
            ("late", noise.late),
            ("malformed", noise.malformed),
        ] {
            self.share(&format!("/noise/{name}"), share);
        }
        if noise.late > 0.0 && noise.late_hours == 0 {
            self.report(
                INVALID,
                "/noise/late_hours",
                "late events cannot be 0 hours late",
                "write how many hours late they may be",
            );
        }
        if !scenario.flows.iter().any(|flow| flow.weight > 0.0) {
            self.report(
                INVALID,
                "/flows",
                "no flow is ever drawn",
                "add a flow with a weight above 0",
            );
        }
        self.envelope_names();
        for (index, flow) in scenario.flows.iter().enumerate() {
            self.flow(&format!("/flows/{index}"), flow);
        }
    }

    fn share(&mut self, pointer: &str, share: f64) {
        if !(0.0..=1.0).contains(&share) {
            self.report(
                INVALID,
                pointer,
                format!("{share} is no share"),
                "write a number from 0 to 1; 0.02 is two of a hundred",
            );
        }
    }

    /// Envelope members that the sampler fills itself, or that no envelope has.
    fn envelope_names(&mut self) {
        let Some(envelope) = self.envelope else {
            return;
        };
        let fields = &envelope.fields;
        let known: Vec<String> = envelope
            .model
            .properties(&[envelope.model.root])
            .into_keys()
            .filter(|name| !fields.has_role(name))
            .collect();
        for name in self.scenario.envelope.keys() {
            let pointer = format!("/envelope/{}", escape(name));
            if fields.has_role(name) {
                self.report(
                    INVALID,
                    &pointer,
                    format!("every event gets its own `{name}`"),
                    "remove it",
                );
            } else if !known.contains(name) {
                self.report(
                    "unknown-field",
                    &pointer,
                    format!("the envelope has no field `{name}`"),
                    suggestion(name, &known),
                );
            }
        }
    }

    fn flow(&mut self, at: &str, flow: &Flow) {
        if !(flow.weight.is_finite() && flow.weight >= 0.0) {
            self.report(
                INVALID,
                &format!("{at}/weight"),
                format!("{} is no weight", flow.weight),
                "write how often the flow is drawn beside the others, 0 or more",
            );
        }
        if flow.steps.is_empty() {
            self.report(
                INVALID,
                &format!("{at}/steps"),
                "a flow without steps sends nothing",
                "add a step",
            );
        }
        let names = Names {
            entities: self.scenario.entities.keys().cloned().collect(),
            drawn: flow.draw.keys().cloned().collect(),
        };
        let before = self.loader.findings.len();
        for (name, template) in &flow.draw {
            self.generators(template, &format!("{at}/draw/{}", escape(name)), &names);
        }
        for (name, template) in &self.scenario.envelope {
            self.generators(template, &format!("/envelope/{}", escape(name)), &names);
        }
        // What draws nothing sensible has no samples to look at, and a broken envelope tells of itself.
        let drawn = self.loader.findings.len() == before;
        let envelope_path = self.envelope.map(|envelope| envelope.path.as_str());
        let is_envelope_sound = !self
            .loader
            .findings
            .iter()
            .any(|finding| Some(finding.file.as_str()) == envelope_path);
        if drawn && is_envelope_sound {
            self.envelope_values(at, flow);
        }
        for (index, step) in flow.steps.iter().enumerate() {
            self.step(&format!("{at}/steps/{index}"), flow, step, &names, drawn);
        }
    }

    fn step(&mut self, at: &str, flow: &Flow, step: &Step, names: &Names, drawn: bool) {
        self.share(&format!("{at}/chance"), step.chance);
        for (name, [least, most]) in [
            ("repeat", step.repeat),
            ("after_seconds", step.after_seconds),
        ] {
            if least > most {
                self.report(
                    INVALID,
                    &format!("{at}/{name}"),
                    format!("from {least} to {most} there is nothing"),
                    "write [least, most]",
                );
            }
        }
        let before = self.loader.findings.len();
        let payload = format!("{at}/payload");
        self.generators(&step.payload, &payload, names);
        let sound = drawn && self.loader.findings.len() == before;
        let Some(topic) = self.topics.iter().find(|topic| topic.name == step.topic) else {
            let known = self.loader.topic_names();
            // A topic that did not load has findings of its own.
            if !known.contains(&step.topic) {
                self.report(
                    "unknown-topic",
                    &format!("{at}/topic"),
                    format!("there is no topic `{}`", step.topic),
                    suggestion(&step.topic, &known),
                );
            }
            return;
        };
        let version = match step.version {
            None => topic.versions.last(),
            Some(number) => topic
                .versions
                .iter()
                .find(|version| version.number == number),
        };
        let Some(version) = version else {
            let known: Vec<String> = topic
                .versions
                .iter()
                .map(|version| version.number.to_string())
                .collect();
            self.report(
                "unknown-version",
                &format!("{at}/version"),
                format!("`{}` has no such version", topic.name),
                listed(&known),
            );
            return;
        };
        self.payload(&payload, flow, step, version, sound);
    }
}

fn suggestion(name: &str, known: &[String]) -> String {
    nearest(name, known).map_or_else(|| listed(known), |near| format!("did you mean `{near}`?"))
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        "there is none to name yet; add one first".to_owned()
    } else {
        format!("use one of: {}", known.join(", "))
    }
}
