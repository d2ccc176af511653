//! `rust-api-changed`: the semver verdict on the generated types.
use crate::finding::{Plane, Severity};
use crate::gate::api::verdict;
use crate::rules::pair::ApiPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "rust-api-changed",
    plane: Plane::Rust,
    severity: Severity::Note,
    purpose: "what the change means for code that uses the generated types, as a semver verdict",
    doc: Doc {
        what: "Both registries are compiled and their public items compared: types, fields, variants, signatures, \
               trait implementations. Removed or changed is major; a new field of a struct is major, because struct \
               literals must name it, and so is a new variant of an enum, because a `match` must handle it; \
               anything else that is new is minor; documentation is a patch. A new version of a topic is always \
               major: the topic's enum gets a variant, and `upcast` returns the new type.",
        why: "A note, not a finding: generated code is rebuilt with its registry. It tells the owner of a shared \
              crate which number to raise, and reviewers what will not compile.",
        example: "`topics::order_placed::OrderPlaced` gets the variant `V3`.",
        fix: "Raise the crate's version as the verdict says.",
    },
    check: Check::Api(check),
};

fn check(pair: &ApiPair<'_>) -> Vec<Problem> {
    let Some(verdict) = verdict(pair.changes) else {
        return Vec::new();
    };
    vec![
        Problem::new(
            "registry.toml",
            "/project/crate",
            format!(
                "the generated crate {}: {} change",
                pair.around.new.registry.manifest.project.crate_name,
                verdict.level.name()
            ),
        )
        .evidence(verdict.changes.join("; ")),
    ]
}
