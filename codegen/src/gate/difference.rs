//! What changed in meaning, in words, without judging it: between two versions, or between two registries.
use indexmap::IndexMap;

use super::readings::{source, told};
use super::side::Side;
use super::{Answer, NewColumn, columns};
use crate::compat::{Prover, Verdict, View};
use crate::emit::docs::changed_fields;
use crate::registry::{Topic, TopicVersion};
use crate::rules::pair::RegistryPair;

/// Two versions held against each other.
#[derive(Clone, Debug)]
pub struct VersionDifference {
    /// `shop.purchase`.
    pub topic: String,
    /// `v1`, or `the old v1`.
    pub old: String,
    /// `v2`.
    pub new: String,
    /// What changed for those who read events, a sentence each; Markdown.
    pub sentences: Vec<String>,
    /// Whether readers of the new one read messages of the old one, and the message that breaks them.
    pub backward: (Answer, Option<String>),
    /// Whether readers of the old one read messages of the new one.
    pub forward: (Answer, Option<String>),
}

/// Two registries held against each other.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// Topics that are new, sorted.
    pub added: Vec<String>,
    /// Topics that are gone, sorted.
    pub removed: Vec<String>,
    /// Versions that are gone: topic and number.
    pub removed_versions: Vec<(String, u32)>,
    /// Versions that are new, or mean something else.
    pub versions: Vec<VersionDifference>,
    /// Columns that tables get.
    pub columns: Vec<NewColumn>,
}

/// A version and the registry it is in.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// The registry.
    pub side: &'a Side,
    /// The version.
    pub version: &'a TopicVersion,
}

/// Everything that changed between two registries. Without an old one, every topic is new.
#[must_use]
pub fn between(old: Option<&Side>, new: &Side, today: super::day::Day) -> Difference {
    let nothing;
    let old = match old {
        Some(old) => old,
        None => {
            nothing = new.before_anything();
            &nothing
        }
    };
    let names = |side: &Side, other: &Side| -> Vec<String> {
        let topics = side.registry.topics.iter();
        topics
            .filter(|topic| other.topic(&topic.name).is_none())
            .map(|topic| topic.name.clone())
            .collect()
    };
    let mut difference = Difference {
        added: names(new, old),
        removed: names(old, new),
        columns: columns::added(&RegistryPair { old, new, today }),
        ..Difference::default()
    };
    for topic in &new.registry.topics {
        let Some(before) = old.topic(&topic.name) else {
            continue;
        };
        let gone = before.versions.iter().filter(|was| {
            let number = was.number;
            topic.versions.iter().all(|is| is.number != number)
        });
        let gone = gone.map(|version| (topic.name.clone(), version.number));
        difference.removed_versions.extend(gone);
        difference
            .versions
            .extend(versions(old, new, before, topic));
    }
    difference
}

fn versions(old: &Side, new: &Side, before: &Topic, after: &Topic) -> Vec<VersionDifference> {
    let mut found = Vec::new();
    for (index, version) in after.versions.iter().enumerate() {
        let now = Located { side: new, version };
        let edited = before
            .versions
            .iter()
            .find(|was| was.number == version.number);
        match (edited, index.checked_sub(1)) {
            (Some(was), _) => {
                if old.hash(&after.name, was.number) != new.hash(&after.name, was.number) {
                    let was = Located {
                        side: old,
                        version: was,
                    };
                    found.push(of_versions(&after.name, was, now, true));
                }
            }
            (None, Some(previous)) => {
                let was = Located {
                    side: new,
                    version: &after.versions[previous],
                };
                found.push(of_versions(&after.name, was, now, false));
            }
            (None, None) => {}
        }
    }
    found
}

/// Two versions of a topic; `edited` where both are one version before and after an edit.
#[must_use]
pub fn of_versions(
    topic: &str,
    old: Located<'_>,
    new: Located<'_>,
    edited: bool,
) -> VersionDifference {
    let nothing = IndexMap::new();
    // Renames are declared against the version right before.
    let follows = !edited && new.version.number == old.version.number + 1;
    let renames = if follows {
        &new.version.renames
    } else {
        &nothing
    };
    let mut prover = Prover::default();
    let mut ask = |writer: Located<'_>, reader: Located<'_>| {
        let from = prover.add(source(writer.side, &writer.version.path));
        let to = prover.add(source(reader.side, &reader.version.path));
        let (Ok(from), Ok(to)) = (from, to) else {
            return (Answer::Unknown, None);
        };
        let example = writer.version.examples.first();
        let example = example.map(|example| &example.payload);
        let verdict = told(prover.compare(from, to, View::Stream, example));
        let shown = match &verdict {
            Verdict::Compatible(_) => None,
            Verdict::Incompatible(witness) => Some(witness.value.to_string()),
            Verdict::Unknown(unknown) => Some(unknown.reason.clone()),
        };
        (Answer::of(&verdict), shown)
    };
    VersionDifference {
        topic: topic.to_owned(),
        old: format!(
            "{}v{}",
            if edited { "the old " } else { "" },
            old.version.number
        ),
        new: format!("v{}", new.version.number),
        sentences: changed_fields(&old.version.model, &new.version.model, renames),
        backward: ask(old, new),
        forward: ask(new, old),
    }
}
