//! `payload-storage-changed`: the payload column changes between JSON and text.
use crate::finding::{Plane, Severity};
use crate::registry::manifest::PayloadStorage;
use crate::rules::pair::RegistryPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::payload_extent;

/// The rule.
pub static RULE: Rule = Rule {
    id: "payload-storage-changed",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "the payload column changes between JSON and String",
    doc: Doc {
        what: "`payload` of `[clickhouse]` in registry.toml differs from the base.",
        why: "The whole column is parsed or printed again for every stored row, the most expensive mutation the \
              table can have. Queries by path work on JSON only, text functions on String only. From JSON to \
              String, spelling and order of the original text are gone already.",
        example: "`payload = \"string\"` becomes `payload = \"json\"`.",
        fix: "Keep it, or make a new fact table and let both run until the old one has aged out.",
    },
    check: Check::Registry(check),
};

fn check(pair: &RegistryPair<'_>) -> Vec<Problem> {
    let [old, new] = [pair.old, pair.new].map(|side| &side.registry.manifest.clickhouse);
    if old.payload == new.payload {
        return Vec::new();
    }
    let name = |storage| match storage {
        PayloadStorage::Json => "JSON",
        PayloadStorage::String => "String",
    };
    let (was, is) = (name(old.payload), name(new.payload));
    vec![
        Problem::new(
            "registry.toml",
            "/clickhouse/payload",
            format!("payload_json goes from {was} to {is}: every stored payload is converted, queries by the other kind fail"),
        )
        .old("registry.toml", "/clickhouse/payload")
        .evidence(payload_extent(pair.old))
        .fix(format!("keep payload = \"{}\", or make a new fact table", was.to_lowercase())),
    ]
}
