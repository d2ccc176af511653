//! What changes for users of the generated types: their public items before and after.
//!
//! The items are those that a user really compiles against. Only topics that are made from other texts than
//! before are looked at.
use std::collections::BTreeSet;

use super::side::Side;
use crate::cores;
use crate::emit::rust::checks::carried::Carried;
use crate::emit::rust::refusal::Refusal;
use crate::emit::rust::surface;
use crate::emit::rust::surface::items::{self, Items, Role};
use crate::fact;
use crate::finding::Finding;
use crate::registry::Topic;
use crate::registry::files::Files;

/// How much a change may break a user, as semantic versioning counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only documentation.
    Patch,
    /// Something new.
    Minor,
    /// Code may stop compiling.
    Major,
}

impl Level {
    /// As printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

/// What happened to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is gone.
    Removed,
    /// It has another type or signature: old, new.
    Changed(String, String),
    /// It was not there before: what it is.
    Added(String),
}

/// A change of a public item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiChange {
    /// `topics::order_placed::v2::OrderPlaced.voucher`.
    pub path: String,
    /// What happened.
    pub kind: Kind,
    /// What it can break.
    pub level: Level,
    /// Topic and version whose module it is in, where it is in one.
    pub version: Option<(String, u32)>,
    /// Why it breaks, where that is not plain.
    pub why: &'static str,
}

impl ApiChange {
    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { path, why, .. } = self;
        let text = match &self.kind {
            Kind::Removed => format!("`{path}` is gone"),
            Kind::Changed(old, new) => format!("`{path}` was `{old}`, is now `{new}`"),
            Kind::Added(what) => format!("`{path}` is new: `{what}`"),
        };
        if why.is_empty() {
            text
        } else {
            format!("{text} ({why})")
        }
    }
}

/// The verdict on all changes together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The highest level.
    pub level: Level,
    /// Each change in words, the gravest first.
    pub changes: Vec<String>,
}

/// The verdict; `None` where the API stays as it is.
#[must_use]
pub fn verdict(changes: &[ApiChange]) -> Option<Verdict> {
    let level = changes.iter().map(|change| change.level).max()?;
    let mut sorted: Vec<&ApiChange> = changes.iter().collect();
    sorted.sort_by_key(|change| std::cmp::Reverse(change.level));
    Some(Verdict {
        level,
        changes: sorted.into_iter().map(ApiChange::text).collect(),
    })
}

/// Both APIs compared.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Every change of a public item, by path; empty where one side cannot be emitted, since then there is
    /// nothing to compare.
    pub changes: Vec<ApiChange>,
    /// What the generated types cannot carry: nothing can be generated from such a registry.
    pub refused: Vec<Finding>,
}

/// Compares the generated types of the topics that changed.
#[must_use]
pub fn compare(old: &Side, new: &Side) -> Comparison {
    let changed: Vec<[Option<&Topic>; 2]> = changed(new, old)
        .map(|topic| [old.topic(&topic.name), Some(topic)])
        .chain(
            changed(old, new)
                .filter(|topic| new.topic(&topic.name).is_none())
                .map(|topic| [Some(topic), None]),
        )
        .collect();
    let columns = [old, new].map(|side| fact::columns(&side.registry));
    let compared = cores::map(&changed, |topics| {
        let mut carried = Carried::default();
        // What is in a module that comes or goes is told by the module.
        let within = topics.iter().all(Option::is_some);
        let mut items = |side: &Side, index: usize| match topics[index] {
            Some(topic) => {
                surface::of(&side.registry, &columns[index], topic, within, &mut carried)
            }
            None => Ok(Items::default()),
        };
        let after = items(new, 1)?;
        let before = items(old, 0).ok();
        Ok::<_, Vec<Refusal>>(before.map(|before| changes(&before, &after)))
    });
    let (mut found, mut refused, mut comparable) = (Vec::new(), Vec::new(), true);
    for compared in compared {
        match compared {
            Ok(Some(changes)) => found.extend(changes),
            Ok(None) => comparable = false,
            Err(refusals) => refused.extend::<Vec<Refusal>>(refusals),
        }
    }
    let mut carried = Carried::default();
    let [before, after] =
        [old, new].map(|side| carried.refusals(&side.registry.envelope.model, "envelope"));
    refused.extend(after);
    if !refused.is_empty() {
        return Comparison {
            changes: Vec::new(),
            refused: findings(refused, new),
        };
    }
    if !comparable || !before.is_empty() {
        return Comparison::default();
    }
    let [before, after] = [0, 1]
        .map(|index: usize| surface::around(changed.iter().filter_map(|topics| topics[index])));
    found.extend(changes(&before, &after));
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Comparison {
        changes: found,
        refused: Vec::new(),
    }
}

/// One side's topics that are not made from the same texts on the other.
fn changed<'s>(side: &'s Side, other: &Side) -> impl Iterator<Item = &'s Topic> {
    let topics = side.registry.topics.iter().map(|topic| &**topic);
    topics.filter(|topic: &&Topic| !side.has_same(other, &topic.name))
}

fn changes(before: &Items, after: &Items) -> Vec<ApiChange> {
    let paths: BTreeSet<&String> = before.0.keys().chain(after.0.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| change(path, before, after))
        .collect()
}

fn findings(refusals: Vec<Refusal>, side: &Side) -> Vec<Finding> {
    let texts = side.documents.iter();
    let files = Files(
        texts
            .map(|(path, document)| (path.clone(), document.text.clone()))
            .collect(),
    );
    let findings = refusals.into_iter().map(|refusal| {
        let mut finding = refusal.into_finding(&files);
        let folder = finding.file.strip_prefix("topics/");
        finding.topic = folder.and_then(|path| Some(path.split_once('/')?.0.to_owned()));
        finding
    });
    findings.collect()
}

fn change(path: &str, before: &Items, after: &Items) -> Option<ApiChange> {
    let (was, is) = (before.0.get(path), after.0.get(path));
    let parent = items::parent(path);
    // The module around all topics is on both sides.
    let has_parent = |items: &Items| {
        parent.is_some_and(|parent| parent == "topics" || items.0.contains_key(parent))
    };
    let (kind, level, why) = match (was, is) {
        (Some(was), Some(is)) if was.text == is.text => return None,
        (Some(was), Some(is)) => {
            let kind = Kind::Changed(was.text.clone(), is.text.clone());
            (kind, Level::Major, "")
        }
        // What goes or comes with its owner is told by the owner.
        (Some(_), None) if has_parent(before) && !has_parent(after) => return None,
        (None, Some(_)) if has_parent(after) && !has_parent(before) => return None,
        (Some(_), None) => (Kind::Removed, Level::Major, ""),
        (None, Some(is)) => {
            let (level, why) = match is.role {
                Role::Field => (Level::Major, "struct literals must name it"),
                Role::Variant => (Level::Major, "a `match` must handle it"),
                Role::Other => (Level::Minor, ""),
            };
            (Kind::Added(is.text.clone()), level, why)
        }
        (None, None) => return None,
    };
    let version = was.or(is).and_then(|item| item.version.clone());
    Some(ApiChange {
        path: path.to_owned(),
        kind,
        level,
        version,
        why,
    })
}
