//! A topic's public items as its model tells them, without generating code.
use super::items::{Items, Module, Role};
use crate::emit::rust::checks::carried::Carried;
use crate::emit::rust::outline::{self, FieldType, Kind, Outline, Payload};
use crate::emit::rust::{names, structure, upcast};
use crate::registry::{Topic, TopicVersion};

/// Traits of the enum over a topic's versions, and of the enum over all topics.
pub(super) const ENUM_TRAITS: &[&str] = &["Clone", "Debug", "PartialEq"];

/// Traits that every type of a payload has.
const TYPE_TRAITS: &[&str] = &["Serialize", "Deserialize", "Debug", "Clone", "PartialEq"];

/// Traits that types over texts have beside.
const TEXT_TRAITS: &[&str] = &[
    "Copy",
    "PartialOrd",
    "Ord",
    "Eq",
    "Hash",
    "std::fmt::Display",
];

/// The items; `None` where the generated code has to be read, also for what may be refused.
pub(super) fn items(topic: &Topic, within: bool, carried: &mut Carried) -> Option<Items> {
    let (module, name) = (names::snake(&topic.name), names::pascal(&topic.name));
    let path = format!("topics::{module}");
    let mut items = Items::default();
    let mut done: Vec<(&TopicVersion, Payload)> = Vec::new();
    let mut carries_over = topic.versions.len() > 1;
    for version in &topic.versions {
        if !carried.refusals(&version.model, "").is_empty() {
            return None;
        }
        let structure = structure::bare(&version.model, &name, &version.renames);
        let before = done.last();
        let Outline { payload, types } = outline::of(structure, before.map(|(_, before)| before))?;
        let from = before
            .filter(|(older, before)| upcast::plan((*older, before), (version, &payload)).is_ok());
        carries_over &= before.is_none() || from.is_some();
        if within {
            let path = format!("{path}::v{}", version.number);
            let of = Some((topic.name.clone(), version.number));
            let mut module = items.module(&path, of);
            module.put("", "mod".to_owned(), Role::Other);
            if let Some((older, _)) = before {
                for shared in &payload.shared {
                    let text = format!("use super::v{}::{shared}", older.number);
                    module.put(shared, text, Role::Other);
                }
            }
            for (name, kind) in &types {
                put_type(&mut module, name, kind);
            }
            module.traits(&payload.root, &["Payload"]);
            if let Some((older, before)) = from {
                let from = format!("From<super::v{}::{}>", older.number, before.root);
                module.traits(&payload.root, &[&from]);
            }
        }
        done.push((version, payload));
    }
    let (_, newest) = done.last()?;
    // A name that Rust does not take is the generated code's business.
    if newest.root != name {
        return None;
    }
    let mut module = items.module(&path, None);
    module.put("", "mod".to_owned(), Role::Other);
    module.put(&name, "enum".to_owned(), Role::Other);
    module.traits(&name, ENUM_TRAITS);
    for (version, payload) in &done {
        let number = version.number;
        module.put(
            &format!("{name}::V{number}"),
            format!("V{number}(v{number}::{})", payload.root),
            Role::Variant,
        );
    }
    let topic = "const &'static str".to_owned();
    module.put(&format!("{name}::TOPIC"), topic, Role::Other);
    let read = "fn read(version: u32, payload: Json<'_>) -> Result<Self, ReadError>";
    module.put(&format!("{name}::read"), read.to_owned(), Role::Other);
    if carries_over && let Some((version, payload)) = done.last() {
        let text = format!("fn upcast(self) -> v{}::{}", version.number, payload.root);
        module.put(&format!("{name}::upcast"), text, Role::Other);
    }
    Some(items)
}

fn put_type(module: &mut Module<'_>, name: &str, kind: &Kind) {
    match kind {
        Kind::Struct { fields, empty } => {
            module.put(name, "struct".to_owned(), Role::Other);
            module.traits(name, TYPE_TRAITS);
            if *empty {
                module.traits(name, &["Default"]);
            }
            for FieldType { field, kind, .. } in fields {
                module.put(&format!("{name}.{field}"), kind.clone(), Role::Field);
            }
        }
        Kind::Around(inner) => {
            module.put(name, "struct".to_owned(), Role::Other);
            module.traits(name, TYPE_TRAITS);
            module.put(&format!("{name}.0"), inner.clone(), Role::Field);
        }
        Kind::Enum { variants } => {
            module.put(name, "enum".to_owned(), Role::Other);
            module.traits(name, TYPE_TRAITS);
            module.traits(name, TEXT_TRAITS);
            for variant in variants {
                let path = format!("{name}::{variant}");
                module.put(&path, variant.clone(), Role::Variant);
            }
        }
    }
}
