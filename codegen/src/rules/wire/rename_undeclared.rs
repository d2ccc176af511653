//! `rename-undeclared`: a property is gone and one of the same meaning is new.
use crate::finding::{Plane, Severity};
use crate::model::escape;
use crate::registry::canonical;
use crate::rules::pair::SuccessorPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "rename-undeclared",
    plane: Plane::Wire,
    severity: Severity::Warning,
    purpose: "a property looks renamed, and nothing says so",
    doc: Doc {
        what: "A new version lacks a property of the version before and has a new one of exactly the same \
               meaning, without `x-renamed-from`. Properties of a bare type (any text, any number) are left out: \
               sameness of those means nothing.",
        why: "With `x-renamed-from` the generated code carries old events over and the manifest's pointers (key, \
              dedupe key, columns) follow; without it the old value is dropped and the new one is empty.",
        example: "`country` is gone, `country_code` with the same pattern is new.",
        fix: "Add `\"x-renamed-from\": \"country\"` to the new property. If it is another thing, waive this.",
    },
    check: Check::Successor(check),
};

fn check(pair: &SuccessorPair<'_>) -> Vec<Problem> {
    let (old, new) = (&pair.old.model, &pair.new.model);
    let (before, after) = (old.properties(&[old.root]), new.properties(&[new.root]));
    let mut problems = Vec::new();
    for (gone, former) in &before {
        if after.contains_key(gone) || pair.new.renames.values().any(|old| old == gone) {
            continue;
        }
        let [schema] = former.schemas.as_slice() else {
            continue;
        };
        let meaning = canonical::hash_of(old, *schema);
        if canonical::is_bare(old, *schema) {
            continue;
        }
        let twin = after.iter().find(|(name, property)| {
            !before.contains_key(*name)
                && !pair.new.renames.contains_key(*name)
                && matches!(property.schemas.as_slice(), [schema] if canonical::hash_of(new, *schema) == meaning)
        });
        if let Some((name, _)) = twin {
            problems.push(
                Problem::new(
                    &pair.new.path,
                    format!("/properties/{}", escape(name)),
                    format!(
                        "`{gone}` of v{} is gone and `{name}` of v{} means the same: old values are not carried over",
                        pair.old.number, pair.new.number
                    ),
                )
                .old(&pair.old.path, format!("/properties/{}", escape(gone)))
                .fix(format!("add \"x-renamed-from\": \"{gone}\" to `{name}`")),
            );
        }
    }
    problems
}
