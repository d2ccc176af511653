//! Matches old and new, hands every pair to the rules that judge its kind, and gives problems their lines.
use std::collections::{BTreeSet, HashMap};

use super::api::ApiChange;
use super::columns::Tables;
use crate::clickhouse::Closing;
use crate::compat::Verdict;
use crate::cores;
use crate::finding::{Finding, OldPlace};
use crate::model::Model;
use crate::model::fields::Field;
use crate::registry::manifest::ViewManifest;
use crate::registry::{ColumnMapping, Topic, TopicVersion};
use crate::rules::pair::{
    ApiPair, ColumnPair, Direction, FieldPair, Pair, Reading, RegistryPair, Subject, SuccessorPair,
    TablePair, TopicPair, VersionPair, ViewPair,
};
use crate::rules::problem::{Place, Problem};
use crate::rules::{self, Judged, Rule};

/// Readings that are judged in one go.
const PORTION: usize = 256;

/// Everything that any rule finds, sorted by file and place.
pub(super) fn findings<'a>(
    around: &RegistryPair<'a>,
    readings: &[Reading<'a>],
    changes: &[ApiChange],
) -> Vec<Finding> {
    let mut walk = Walk::new(around);
    walk.run(around, None);
    walk.topics(&edits(readings));
    walk.envelope_fields();
    let portions: Vec<&[Reading<'_>]> = readings.chunks(PORTION).collect();
    let found = cores::map(&portions, |readings| {
        let mut walk = Walk::new(around);
        for reading in *readings {
            let topic = match reading.subject {
                Subject::Versions(topic) | Subject::Edit(topic, _) => Some(topic.name.as_str()),
                Subject::Envelope => None,
            };
            walk.run(reading, topic);
        }
        walk.findings
    });
    walk.findings.extend(found.into_iter().flatten());
    let api = ApiPair {
        changes,
        around: *around,
    };
    walk.run(&api, None);
    walk.tables();
    walk.views();
    let mut findings = walk.findings;
    sort(&mut findings);
    findings
}

/// By file and place.
pub(super) fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|left, right| {
        (&left.file, left.position, left.rule, &left.message).cmp(&(
            &right.file,
            right.position,
            right.rule,
            &right.message,
        ))
    });
    findings.dedup();
}

/// A problem with its lines: of the new registry, or of the old one where the file is gone.
pub(super) fn finding(
    rule: &Rule,
    topic: Option<&str>,
    problem: Problem,
    around: &RegistryPair<'_>,
) -> Finding {
    let RegistryPair { old, new, .. } = around;
    let side = if new.documents.contains_key(&problem.at.file) {
        new
    } else {
        old
    };
    let old_side = |place: &Place| {
        // An unchanged version that a new one is held against stands in both.
        if old.documents.contains_key(&place.file) {
            old.position(place)
        } else {
            new.position(place)
        }
    };
    Finding {
        rule: rule.id,
        plane: rule.plane,
        severity: problem.severity.unwrap_or(rule.severity),
        position: side.position(&problem.at),
        file: problem.at.file,
        pointer: problem.at.pointer,
        topic: problem.topic.or_else(|| topic.map(str::to_owned)),
        old: problem.old.map(|place| OldPlace {
            position: old_side(&place),
            file: place.file,
            pointer: place.pointer,
        }),
        message: problem.message,
        evidence: problem.evidence,
        fix: problem.fix,
    }
}

/// Verdicts on versions before and after an edit, by topic, version, and whether the reader is the new one.
type Edits<'v> = HashMap<(&'v str, u32, bool), &'v Verdict>;

fn edits<'v>(readings: &'v [Reading<'_>]) -> Edits<'v> {
    let edits = readings.iter().filter_map(|reading| {
        let Subject::Edit(topic, number) = reading.subject else {
            return None;
        };
        let backward = reading.direction == Direction::Backward;
        Some(((topic.name.as_str(), number, backward), &reading.verdict))
    });
    edits.collect()
}

/// A schema's file, its model and the columns it fills.
type Declared<'a> = (&'a String, &'a Model, &'a Vec<ColumnMapping>);

struct Walk<'a> {
    around: RegistryPair<'a>,
    rules: Vec<&'static Rule>,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn new(around: &RegistryPair<'a>) -> Self {
        Self {
            around: *around,
            rules: rules::all(),
            findings: Vec::new(),
        }
    }

    /// Runs every rule that judges pairs of this kind.
    fn run<P: Judged>(&mut self, pair: &P, topic: Option<&str>) {
        for rule in &self.rules {
            for problem in pair.judged_by(&rule.check) {
                self.findings
                    .push(finding(rule, topic, problem, &self.around));
            }
        }
    }

    fn topics(&mut self, edits: &Edits<'_>) {
        let RegistryPair { old, new, .. } = self.around;
        let names: BTreeSet<&str> = (old.registry.topics.iter())
            .chain(&new.registry.topics)
            .map(|topic| topic.name.as_str())
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        let found = cores::map(&names, |name| {
            let mut walk = Walk::new(&self.around);
            walk.topic(name, edits);
            walk.findings
        });
        self.findings.extend(found.into_iter().flatten());
    }

    fn topic(&mut self, name: &str, edits: &Edits<'_>) {
        let RegistryPair { old, new, .. } = self.around;
        let topic = Pair {
            old: old.topic(name),
            new: new.topic(name),
        };
        let pair = TopicPair {
            topic,
            renamed_to: topic.removed().and_then(|gone| self.renamed_to(gone)),
            around: self.around,
        };
        self.run(&pair, Some(name));
        if let Some((before, after)) = topic.both() {
            self.versions(before, after, edits);
        }
        // What is made from the same texts has no version that differs from before.
        if let Some(after) = topic.new.filter(|_| !new.has_same(old, name)) {
            for version in &after.versions {
                if old.hash(name, version.number) != new.hash(name, version.number)
                    || marks_differ(topic.old, version)
                {
                    self.successor(topic.old, after, version);
                }
            }
        }
    }

    /// A new topic whose versions mean what those of a topic that is gone meant.
    fn renamed_to(&self, gone: &Topic) -> Option<&'a Topic> {
        let RegistryPair { old, new, .. } = self.around;
        let meant = old.meaning.topics.get(&gone.name)?;
        let mut topics = new.registry.topics.iter();
        let same = topics.find(|topic| {
            old.topic(&topic.name).is_none() && new.meaning.topics.get(&topic.name) == Some(meant)
        });
        same.map(AsRef::as_ref)
    }

    fn versions(&mut self, before: &'a Topic, after: &'a Topic, edits: &Edits<'_>) {
        let numbers: BTreeSet<u32> = (before.versions.iter())
            .chain(&after.versions)
            .map(|version| version.number)
            .collect();
        for number in numbers {
            let of = |topic: &'a Topic| {
                topic
                    .versions
                    .iter()
                    .find(|version| version.number == number)
            };
            let verdict = |backward| {
                let of = (after.name.as_str(), number, backward);
                edits.get(&of).copied()
            };
            let pair = VersionPair {
                topic: (before, after),
                version: Pair {
                    old: of(before),
                    new: of(after),
                },
                edited: verdict(true).zip(verdict(false)),
                around: self.around,
            };
            self.run(&pair, Some(&after.name));
        }
    }

    fn successor(&mut self, before: Option<&'a Topic>, topic: &'a Topic, new: &'a TopicVersion) {
        let edited = before.and_then(|before| {
            before
                .versions
                .iter()
                .find(|version| version.number == new.number)
        });
        let previous = topic
            .versions
            .iter()
            .rev()
            .find(|version| version.number < new.number);
        let old = edited.or(previous);
        if let Some(old) = old {
            let pair = SuccessorPair {
                topic,
                old,
                new,
                around: self.around,
            };
            self.run(&pair, Some(&topic.name));
        }
        let fields = new.model.fields(new.model.root);
        let matched = fields.into_iter().map(|field| {
            let former = old.and_then(|old| {
                let pointer = if edited.is_some() {
                    field.pointer.clone()
                } else {
                    former_pointer(&field.pointer, new)
                };
                old.model.field(old.model.root, &pointer)
            });
            (former, field)
        });
        for (former, field) in matched.collect::<Vec<_>>() {
            self.field(
                Some((topic, new)),
                (
                    old.map(|old| (&old.path, &*old.model, &old.columns)),
                    former,
                ),
                ((&new.path, &*new.model, &new.columns), field),
            );
        }
    }

    fn envelope_fields(&mut self) {
        let RegistryPair { old, new, .. } = self.around;
        let (before, after) = (&old.registry.envelope, &new.registry.envelope);
        for field in after.model.fields(after.model.root) {
            let former = before.model.field(before.model.root, &field.pointer);
            self.field(
                None,
                (Some((&before.path, &before.model, &before.columns)), former),
                ((&after.path, &after.model, &after.columns), field),
            );
        }
    }

    fn field(
        &mut self,
        of: Option<(&'a Topic, &'a TopicVersion)>,
        (before, former): (Option<Declared<'a>>, Option<Field>),
        ((file, model, columns), field): (Declared<'a>, Field),
    ) {
        let former = former
            .zip(before)
            .map(|(field, (_, model, _))| (field, model));
        let field = (field, model);
        let pair = FieldPair {
            topic: of.map(|(topic, _)| topic),
            version: of.map(|(_, version)| version),
            file: Pair {
                old: before.map(|(file, _, _)| file),
                new: Some(file),
            },
            field: Pair {
                old: former.as_ref(),
                new: Some(&field),
            },
            columns: Pair {
                old: before.map(|(_, _, columns)| columns),
                new: Some(columns),
            },
            around: self.around,
        };
        self.run(&pair, of.map(|(topic, _)| topic.name.as_str()));
    }

    fn tables(&mut self) {
        let RegistryPair { old, new, .. } = self.around;
        let (before, after) = (Tables::of(old), Tables::of(new));
        let names: BTreeSet<&String> = before.0.keys().chain(after.0.keys()).collect();
        for name in names {
            let (was, is) = (before.0.get(name), after.0.get(name));
            let pair = TablePair {
                table: Pair {
                    old: was.map(|(table, _)| *table),
                    new: is.map(|(table, _)| *table),
                },
                view: Pair {
                    old: was.and_then(|(_, view)| *view),
                    new: is.and_then(|(_, view)| *view),
                },
                around: self.around,
            };
            self.run(&pair, None);
            let Some((was, is)) = pair.table.both() else {
                continue;
            };
            let names: BTreeSet<&String> = (was.columns.iter())
                .chain(&is.columns)
                .map(|column| &column.name)
                .collect();
            for name in names {
                let column = Pair {
                    old: was.columns.iter().find(|column| column.name == *name),
                    new: is.columns.iter().find(|column| column.name == *name),
                };
                let pair = ColumnPair {
                    table: pair,
                    column,
                };
                self.run(&pair, None);
            }
        }
    }

    fn views(&mut self) {
        let RegistryPair { old, new, .. } = self.around;
        let names: BTreeSet<&str> = (old.registry.views.iter())
            .chain(&new.registry.views)
            .map(|view| view.name())
            .collect();
        for name in names {
            let own = |views: &'a [ViewManifest]| views.iter().find(|view| view.name() == name);
            let find = |view: Option<&ViewManifest>, closings: &'a [Closing]| {
                let object = view?.object();
                closings.iter().find(|closing| closing.view == object)
            };
            let pair = ViewPair {
                view: Pair {
                    old: own(&old.registry.views),
                    new: own(&new.registry.views),
                },
                closing: Pair {
                    old: find(own(&old.registry.views), old.closings()),
                    new: find(own(&new.registry.views), new.closings()),
                },
                around: self.around,
            };
            self.run(&pair, None);
        }
    }
}

/// Whether any field's marks changed in a version whose meaning did not.
fn marks_differ(before: Option<&Topic>, version: &TopicVersion) -> bool {
    let previous = before.and_then(|topic| {
        topic
            .versions
            .iter()
            .find(|previous| previous.number == version.number)
    });
    previous.is_some_and(|previous| marks(previous) != marks(version))
}

fn marks(version: &TopicVersion) -> Vec<(String, Option<&str>, Option<&str>)> {
    let model = &version.model;
    let fields = model.fields(model.root).into_iter();
    fields
        .map(|field| {
            let mark = |name| model.extension(&field.property.schemas, name);
            (field.pointer.clone(), mark("x-pii"), mark("x-column"))
        })
        .collect()
}

/// A field's pointer in the version before, by its top-level name.
fn former_pointer(pointer: &str, version: &TopicVersion) -> String {
    let (first, rest) = match pointer[1..].find('/') {
        Some(end) => pointer[1..].split_at(end),
        None => (&pointer[1..], ""),
    };
    let name = crate::model::unescape(first);
    match version.renames.get(&name) {
        Some(old) => format!("/{}{rest}", crate::model::escape(old)),
        None => pointer.to_owned(),
    }
}
