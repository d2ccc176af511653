//! `payload-path-retyped`: a typed path of the JSON payload has another type.
use crate::emit::clickhouse::payload::typed_paths;
use crate::finding::{Plane, Severity};
use crate::registry::manifest::PayloadStorage;
use crate::rules::pair::RegistryPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::payload_extent;

/// The rule.
pub static RULE: Rule = Rule {
    id: "payload-path-retyped",
    plane: Plane::ClickHouse,
    severity: Severity::Warning,
    purpose: "a path of the stored JSON payload is stored with another type",
    doc: Doc {
        what: "A path that the JSON payload column stores with a type gets another one, or becomes dynamic, because \
               topics or versions no longer agree on it. A path that is new, or that nothing declares any more, is \
               no finding. Only where `payload = \"json\"`.",
        why: "Rows are written in the type that the table has until somebody modifies the column; that rewrites all \
              rows and fails where a stored value does not fit. From then on queries that compute with the path \
              get values of another type.",
        example: "`score` is an integer in one topic, and a new topic declares `score` as a text.",
        fix: "Give the field another name, or the type that it has elsewhere.",
    },
    check: Check::Registry(check),
};

fn check(pair: &RegistryPair<'_>) -> Vec<Problem> {
    let [old, new] = [pair.old, pair.new].map(|side| &side.registry);
    let json = |storage| storage == PayloadStorage::Json;
    if !json(old.manifest.clickhouse.payload) || !json(new.manifest.clickhouse.payload) {
        return Vec::new();
    }
    let after = typed_paths(new);
    let mut problems = Vec::new();
    for was in typed_paths(old) {
        let is = after.iter().find(|path| path.names == was.names);
        if is.is_some_and(|is| is.kind == was.kind) {
            continue;
        }
        let pointer: String = was
            .names
            .iter()
            .map(|name| format!("/{}", crate::model::escape(name)))
            .collect();
        // The newest declaration is the one that this change brought.
        let versions = new.topics.iter().flat_map(|topic| {
            let versions = topic.versions.iter();
            versions.map(move |version| (&topic.name, version))
        });
        let declaring = versions
            .filter(|(_, version)| version.model.field(version.model.root, &pointer).is_some())
            .max_by_key(|(_, version)| pair.is_changed(&version.path));
        let Some((topic, version)) = declaring else {
            continue;
        };
        let now = is.map_or("a dynamic type", |is| is.kind.spelled());
        problems.push(
            Problem::new(
                &version.path,
                pointer.replace('/', "/properties/"),
                format!(
                    "`payload_json.{}` was stored as {}, is to be {now}: stored values must be rewritten, and queries need a cast",
                    was.dotted(),
                    was.kind.spelled()
                ),
            )
            .of(topic)
            .evidence(payload_extent(pair.old))
            .fix("give the field another name, or the type it has elsewhere"),
        );
    }
    problems
}
