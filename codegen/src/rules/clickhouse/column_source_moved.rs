//! `column-source-moved`: a new version fills a fact column from another field than the version before it.
use super::column_source::{declared, readers, words, zero};
use crate::finding::{Plane, Severity};
use crate::model::escape;
use crate::registry::columns::{field, with_property};
use crate::registry::{ColumnMapping, TopicVersion};
use crate::rules::pair::SuccessorPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "column-source-moved",
    plane: Plane::ClickHouse,
    severity: Severity::Warning,
    purpose: "a new version fills a fact column from another field than the version before, or not at all",
    doc: Doc {
        what: "A version that is new fills a fact column from another field than the version before it, under \
               another condition, with another sign, or not at all. The same field under the name that \
               `x-renamed-from` declares is no change, nor is a new field in the place of one that is gone.",
        why: "Rows of both versions stand in one table. Where the new version leaves the column out, they hold its \
              zero, and every sum, count and filter over the column goes on without its events: a KPI falls as \
              producers move to the new version, and nobody is told.",
        example: "v3 of `shop.purchase` lost `\"x-column\": \"price_cents\"`, and revenue falls to what v2 brings.",
        fix: "Fill the column in the new version as well. A field that means something else gets a column of its own.",
    },
    check: Check::Successor(check),
};

fn check(pair: &SuccessorPair<'_>) -> Vec<Problem> {
    let (old, new) = (pair.old, pair.new);
    // What an edit of a version does to its own rows is `column-source-changed`'s.
    if old.number == new.number {
        return Vec::new();
    }
    let side = pair.around.new;
    let known = crate::fact::layout(&side.registry.manifest);
    let payload = &side.registry.envelope.fields.payload;
    let mut problems = Vec::new();
    for was in &old.columns {
        if !known.iter().any(|column| column.name == was.column) {
            continue;
        }
        let expected = renamed(was, new, payload);
        let is = new.columns.iter().find(|is| is.column == was.column);
        if is.is_some_and(|is| words(is) == words(&expected)) {
            continue;
        }
        // A field of another name in the place of one that is gone goes on with its column.
        if is.is_some()
            && field(&expected.source.from, &side.registry.envelope, &new.model).is_none()
        {
            continue;
        }
        let (column, topic) = (&was.column, &pair.topic.name);
        let message = match is {
            Some(is) => format!(
                "v{} of {topic} fills `{column}` from {}, v{} from {}",
                new.number,
                words(is),
                old.number,
                words(was)
            ),
            None => format!(
                "v{} of {topic} does not fill `{column}`, which v{} fills from {}: its rows hold {}",
                new.number,
                old.number,
                words(was),
                zero(side, column)
            ),
        };
        let readers = readers(side, column);
        let evidence = match readers.as_slice() {
            [] => "no view reads it".to_owned(),
            readers => format!("read by {}", readers.join(", ")),
        };
        let by_manifest = pair.topic.manifest.columns.contains_key(column);
        let (file, pointer, fix) = if by_manifest {
            (
                &pair.topic.path,
                format!("/columns/{}", escape(column)),
                format!(
                    "keep the field in v{}, or say in it with `x-renamed-from` which one it was",
                    new.number
                ),
            )
        } else {
            (
                &new.path,
                declared(&expected),
                format!(
                    "give its field in v{} `\"x-column\": \"{column}\"`",
                    new.number
                ),
            )
        };
        problems.push(
            Problem::new(file, pointer, message)
                .old(&old.path, declared(was))
                .evidence(evidence)
                .fix(fix),
        );
    }
    problems
}

/// A source as the new version names its fields.
fn renamed(mapping: &ColumnMapping, new: &TopicVersion, payload: &str) -> ColumnMapping {
    let follow = |pointer: &mut String| {
        let called = |name: &str| {
            let renamed = new.renames.iter().find(|(_, old)| *old == name);
            Some(renamed.map_or(name, |(new, _)| new).to_owned())
        };
        if let Some(followed) = with_property(pointer, payload, called) {
            *pointer = followed;
        }
    };
    let mut mapping = mapping.clone();
    follow(&mut mapping.source.from);
    for when in &mut mapping.source.when {
        follow(&mut when.field);
    }
    mapping
}
