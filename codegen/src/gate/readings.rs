//! Which writers and readers to compare, and what the prover says.
//!
//! Only what is new or changed is compared: with every live version of its topic, or with its neighbours
//! where the level is not transitive. Neighbours are compared both ways whatever the level promises, because
//! the order of a rollout follows from it.
use std::collections::HashMap;
use std::sync::Arc;

use referencing::Draft;

use super::side::Side;
use super::{Answer, Compared};
use crate::compat::further::Further;
use crate::compat::{Prover, SchemaHandle, Source, Unknown, Verdict, View, Witness};
use crate::cores;
use crate::registry::demands;
use crate::registry::document::Documents;
use crate::registry::load::uri;
use crate::registry::manifest::CompatibilityLevel;
use crate::registry::references::closure;
use crate::registry::{Topic, TopicVersion};
use crate::rules::pair::{Direction, Edition, Reading, RegistryPair, Subject};

/// Every comparison that the change needs.
pub(super) fn all<'a>(around: &RegistryPair<'a>) -> Vec<Reading<'a>> {
    let asker = || Asker {
        around: *around,
        prover: Prover::default(),
        handles: HashMap::new(),
        readings: Vec::new(),
    };
    let RegistryPair { old, new, .. } = *around;
    let mut readings = Vec::new();
    let path = &new.registry.envelope.path;
    if old.meaning.envelope != new.meaning.envelope || !old.demands_same(new, path) {
        let mut asker = asker();
        asker.edit(Subject::Envelope, path, 0, true, (None, None));
        readings = asker.readings;
    }
    let asked = cores::map(&new.registry.topics, |topic| {
        let mut asker = asker();
        // The same texts ask nothing: no version and no level differs. Where a level is raised the manifest
        // differs, and then every pair is asked.
        if !new.has_same(old, &topic.name) {
            asker.topic(topic);
        }
        asker.readings
    });
    readings.extend(asked.into_iter().flatten());
    readings
}

/// Versions whose events may still be read.
pub(super) fn live(topic: &Topic, today: super::Day) -> impl Iterator<Item = &TopicVersion> {
    topic.versions.iter().filter(move |version| {
        !topic.manifest.deprecations.iter().any(|deprecation| {
            deprecation.version == version.number
                && super::Day::read(&deprecation.removal).is_some_and(|removal| removal < today)
        })
    })
}

/// The questions as reports show them; edits of a version are the business of their rule.
pub(super) fn summary(readings: &[Reading<'_>]) -> Vec<Compared> {
    readings
        .iter()
        .filter(|reading| !matches!(reading.subject, Subject::Edit(..)))
        .map(|reading| Compared {
            topic: match reading.subject {
                Subject::Versions(topic) | Subject::Edit(topic, _) => Some(topic.name.clone()),
                Subject::Envelope => None,
            },
            writer: reading.writer.name(),
            reader: reading.reader.name(),
            direction: reading.direction,
            promised: reading.promised,
            answer: Answer::of(&reading.verdict),
        })
        .collect()
}

struct Asker<'a> {
    around: RegistryPair<'a>,
    prover: Prover,
    handles: HashMap<(bool, String), Result<SchemaHandle, Unknown>>,
    readings: Vec<Reading<'a>>,
}

impl<'a> Asker<'a> {
    fn topic(&mut self, topic: &'a Topic) {
        let RegistryPair { old, new, today } = self.around;
        let before = old.topic(&topic.name);
        let changed = |version: &TopicVersion| {
            old.hash(&topic.name, version.number) != new.hash(&topic.name, version.number)
        };
        let demanded = |version: &TopicVersion| !old.demands_same(new, &version.path);
        let raised = before
            .is_some_and(|before| before.manifest.compatibility != topic.manifest.compatibility);
        for version in topic.versions.iter().filter(|version| changed(version)) {
            let previous = before.and_then(|before| {
                before
                    .versions
                    .iter()
                    .find(|previous| previous.number == version.number)
            });
            if let Some(previous) = previous {
                let subject = Subject::Edit(topic, version.number);
                let examples = (Some(previous), Some(version));
                self.edit(subject, &version.path, version.number, false, examples);
            }
        }
        // What was promised until now counts as well: lowering the level does not say which messages break.
        let levels = [Some(topic), before].into_iter().flatten();
        let (backward, forward, transitive) = levels
            .map(|topic| promises(topic.manifest.compatibility))
            .fold((false, false, false), |all, one| {
                (all.0 | one.0, all.1 | one.1, all.2 | one.2)
            });
        let versions: Vec<&TopicVersion> = live(topic, today).collect();
        for version in &versions {
            // The schema stayed, and a column demands more of it or less: messages of before still lie in the topic,
            // and workers of before still run.
            if !changed(version) && demanded(version) {
                let [was, is] = [true, false].map(|old| edition(version, old));
                let subject = Subject::Versions(topic);
                let writes = |edition| (edition, Some(*version));
                self.ask(subject, writes(was), is, Direction::Backward, true);
                self.ask(subject, writes(is), was, Direction::Forward, true);
            }
        }
        // The newest version that runs today: where a change brings several at once, each follows it.
        let deployed = before
            .and_then(|before| before.versions.last())
            .map(|version| version.number);
        let changed = |version: &TopicVersion| changed(version) || demanded(version);
        for (index, newer) in versions.iter().enumerate() {
            for (distance, older) in versions[..index].iter().rev().enumerate() {
                let neighbours = distance == 0 || deployed == Some(older.number);
                if !(raised || changed(newer) || changed(older)) || !(neighbours || transitive) {
                    continue;
                }
                let older_edition = edition(older, false);
                let newer_edition = edition(newer, false);
                if backward || neighbours {
                    self.ask(
                        Subject::Versions(topic),
                        (older_edition, Some(older)),
                        newer_edition,
                        Direction::Backward,
                        backward,
                    );
                }
                if forward || neighbours {
                    let subject = Subject::Versions(topic);
                    let writer = (newer_edition, Some(*newer));
                    self.ask(subject, writer, older_edition, Direction::Forward, forward);
                    // Workers of before go by what columns demanded then.
                    if demanded(older) && old.hash(&topic.name, older.number).is_some() {
                        let reader = edition(older, true);
                        self.ask(subject, writer, reader, Direction::Forward, forward);
                    }
                }
            }
        }
    }

    /// The same file before and after, both ways.
    fn edit(
        &mut self,
        subject: Subject<'a>,
        path: &'a str,
        number: u32,
        promised: bool,
        (before, after): (Option<&'a TopicVersion>, Option<&'a TopicVersion>),
    ) {
        let [old, new] = [true, false].map(|old| Edition { old, path, number });
        self.ask(subject, (old, before), new, Direction::Backward, promised);
        self.ask(subject, (new, after), old, Direction::Forward, promised);
    }

    fn ask(
        &mut self,
        subject: Subject<'a>,
        (writer, version): (Edition<'a>, Option<&'a TopicVersion>),
        reader: Edition<'a>,
        direction: Direction,
        promised: bool,
    ) {
        let example = version
            .and_then(|version| version.examples.first())
            .map(|example| &example.payload);
        let mut further = Further::default();
        let verdict = match (self.handle(writer), self.handle(reader)) {
            (Ok(from), Ok(to)) => {
                let verdict = self.prover.compare(from, to, View::Stream, example);
                let verdict = told(verdict);
                if let (Verdict::Incompatible(first), true) = (&verdict, promised) {
                    further = self.prover.further(from, to, View::Stream, example, first);
                    further.breaks.iter_mut().for_each(tell);
                }
                verdict
            }
            (Err(unknown), _) | (_, Err(unknown)) => Verdict::Unknown(unknown),
        };
        self.readings.push(Reading {
            subject,
            writer,
            reader,
            direction,
            promised,
            verdict,
            further,
            around: self.around,
        });
    }

    fn handle(&mut self, edition: Edition<'_>) -> Result<SchemaHandle, Unknown> {
        let side = if edition.old {
            self.around.old
        } else {
            self.around.new
        };
        let prover = &mut self.prover;
        self.handles
            .entry((edition.old, edition.path.to_owned()))
            .or_insert_with(|| {
                let source = source(side, edition.path);
                if let Some(model) = side.model(edition.path) {
                    return Ok(prover.add_modelled(source, model));
                }
                prover.add(source).map_err(|error| Unknown {
                    keyword: "$ref".to_owned(),
                    pointer: error.pointer,
                    reason: error.problem,
                })
            })
            .clone()
    }
}

/// What a column demands, in words instead of the pattern that stands for it.
pub(super) fn told(mut verdict: Verdict) -> Verdict {
    if let Verdict::Incompatible(witness) = &mut verdict {
        tell(witness);
    }
    verdict
}

fn tell(witness: &mut Witness) {
    witness.reason = demands::in_words(&witness.reason);
}

fn edition(version: &TopicVersion, old: bool) -> Edition<'_> {
    Edition {
        old,
        path: &version.path,
        number: version.number,
    }
}

/// A schema file with what it refers to, for the prover.
pub(super) fn source(side: &Side, path: &str) -> Source {
    source_of(&side.read, path)
}

/// A schema file of a registry's texts with what it refers to, for the prover.
pub(crate) fn source_of(documents: &Documents, path: &str) -> Source {
    Source {
        documents: closure(documents, path)
            .into_iter()
            .filter_map(|path| {
                let document = documents.get(&path)?;
                Some((uri(&path), Arc::clone(&document.value)))
            })
            .collect(),
        draft: Draft::Draft202012,
    }
}

/// Backward, forward, transitive.
const fn promises(level: CompatibilityLevel) -> (bool, bool, bool) {
    match level {
        CompatibilityLevel::None => (false, false, false),
        CompatibilityLevel::Backward => (true, false, false),
        CompatibilityLevel::BackwardTransitive => (true, false, true),
        CompatibilityLevel::Forward => (false, true, false),
        CompatibilityLevel::ForwardTransitive => (false, true, true),
        CompatibilityLevel::Full => (true, true, false),
        CompatibilityLevel::FullTransitive => (true, true, true),
    }
}
