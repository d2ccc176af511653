//! What users of the generated types see, for comparing two registries.
//!
//! Most topics are told from their model (`plain`); where that cannot tell, the code is generated as for the
//! crate, and its public items are read from there, without printing anything.
pub mod items;
mod plain;

use super::checks::carried::Carried;
use super::refusal::Refusal;
use super::topic::{self, Summary};
use crate::fact::Column;
use crate::registry::{Registry, Topic};
use items::{Items, Role};

/// The public items of a topic's modules: `topics::order_placed` and, where they are of interest (`within`), those
/// of its versions: `topics::order_placed::v1`.
///
/// # Errors
/// Everything in this topic that Rust cannot carry faithfully.
pub fn of(
    registry: &Registry,
    columns: &[Column],
    topic: &Topic,
    within: bool,
    carried: &mut Carried,
) -> Result<Items, Vec<Refusal>> {
    let mut items = match plain::items(topic, within, carried) {
        Some(items) => items,
        None => read(registry, columns, topic, within)?,
    };
    items.follow_exports();
    Ok(items)
}

/// The public items of the generated code.
fn read(
    registry: &Registry,
    columns: &[Column],
    topic: &Topic,
    within: bool,
) -> Result<Items, Vec<Refusal>> {
    let built = topic::build(registry, columns, topic)?;
    let versions = built.versions.iter().filter(|_| within);
    let mut items = Items::default();
    for module in versions.chain([&built.whole]) {
        // What the emitter made parses, and is printed as it is otherwise.
        if let Ok(file) = syn::parse2(module.public.clone()) {
            items.add(&name(&module.path), &file);
        }
    }
    Ok(items)
}

/// The public items of the module around these topics.
#[must_use]
pub fn around<'t>(topics: impl Iterator<Item = &'t Topic>) -> Items {
    let mut items = Items::default();
    let mut module = items.module("topics", None);
    module.put("", "mod".to_owned(), Role::Other);
    module.put("Event", "enum".to_owned(), Role::Other);
    module.traits("Event", plain::ENUM_TRAITS);
    let read = "fn read(topic: &str, version: u32, payload: Json<'_>) -> Result<Self, ReadError>";
    module.put("Event::read", read.to_owned(), Role::Other);
    for topic in topics {
        let Summary {
            module: inner,
            name,
            ..
        } = Summary::of(topic);
        module.put(&name, format!("use {inner}::{name}"), Role::Other);
        module.put(
            &format!("Event::{name}"),
            format!("{name}({name})"),
            Role::Variant,
        );
    }
    items
}

/// `topics/order_placed/v1.rs` as a path in Rust.
fn name(path: &str) -> String {
    let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
    module.replace('/', "::")
}

/// Both ways to the items of a topic, for tests: what the model tells, `None` where it cannot, and what is read
/// from the generated code.
#[must_use]
pub fn both_ways(registry: &Registry, topic: &Topic) -> (Option<String>, Option<String>) {
    let columns = crate::fact::columns(registry);
    let text = |mut items: Items| {
        items.follow_exports();
        format!("{items:#?}")
    };
    (
        plain::items(topic, true, &mut Carried::default()).map(text),
        read(registry, &columns, topic, true).ok().map(text),
    )
}

/// As [`both_ways`], for the module around all topics.
#[must_use]
pub fn both_ways_around(registry: &Registry) -> (String, String) {
    let topics = registry.topics.iter().map(|topic| &**topic);
    let summaries: Vec<Summary> = topics.clone().map(Summary::of).collect();
    let mut items = Items::default();
    let emitted = super::crate_files::topics(&summaries);
    if let Ok(file) = syn::parse_file(&emitted.contents) {
        items.add("topics", &file);
    }
    (format!("{:#?}", around(topics)), format!("{items:#?}"))
}
