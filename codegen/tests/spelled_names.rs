//! Whatever names a registry uses, generated modules name only types that exist. `real_schemas` compiles them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod acronyms;
mod registry_of;

use std::collections::{BTreeMap, BTreeSet};

use registry_of::registry_of;
use serde_json::json;
use syn::visit_mut::{self, VisitMut};
use syn::{Item, UseTree};
use topicwright::emit::EmittedFile;
use topicwright::emit::rust::surface::both_ways;
use topicwright::gate::side::Side;
use topicwright::registry::files::Files;

/// What types of payloads refer to beside each other.
const BUILT_IN: &[&str] = &[
    "BTreeMap", "Option", "Result", "Self", "String", "Vec", "bool", "str",
];

fn files() -> Files {
    let mut files = registry_of(&[json!({"type": "object"})]);
    acronyms::add(&mut files);
    files
}

fn emitted(files: &Files) -> Vec<EmittedFile> {
    let (emitted, _) = topicwright::emit_files(files).unwrap_or_else(|findings| {
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        panic!("{}", findings.join("\n"))
    });
    emitted
}

/// The names below a `use`, each with the path before it.
fn used(tree: &UseTree, before: &str, found: &mut Vec<(String, String)>) {
    match tree {
        UseTree::Path(path) => used(&path.tree, &format!("{before}::{}", path.ident), found),
        UseTree::Name(name) => found.push((before.to_owned(), name.ident.to_string())),
        UseTree::Group(group) => {
            for tree in &group.items {
                used(tree, before, found);
            }
        }
        UseTree::Rename(_) | UseTree::Glob(_) => panic!("no generated module of a topic has one"),
    }
}

/// Paths of types, as texts.
#[derive(Default)]
struct Types(Vec<String>);

impl VisitMut for Types {
    fn visit_type_path_mut(&mut self, path: &mut syn::TypePath) {
        let segments = path.path.segments.iter();
        let words: Vec<String> = segments.map(|part| part.ident.to_string()).collect();
        self.0.push(words.join("::"));
        visit_mut::visit_type_path_mut(self, path);
    }
}

/// A module: what it declares, what it takes from elsewhere, what its types refer to.
#[derive(Default)]
struct Module {
    declared: BTreeSet<String>,
    used: Vec<(String, String)>,
    types: BTreeSet<String>,
}

fn module(text: &str) -> Module {
    let mut module = Module::default();
    for item in syn::parse_file(text).unwrap().items {
        let mut types = Types::default();
        match item {
            Item::Use(item) => used(&item.tree, "", &mut module.used),
            Item::Struct(mut item) => {
                assert!(
                    module.declared.insert(item.ident.to_string()),
                    "{}",
                    item.ident
                );
                types.visit_item_struct_mut(&mut item);
            }
            Item::Enum(mut item) => {
                assert!(
                    module.declared.insert(item.ident.to_string()),
                    "{}",
                    item.ident
                );
                types.visit_item_enum_mut(&mut item);
            }
            Item::Impl(mut item) => types.visit_type_mut(&mut item.self_ty),
            _ => {}
        }
        module.types.extend(types.0);
    }
    module
}

#[test]
fn modules_name_types_that_exist() {
    let emitted = emitted(&files());
    let modules: BTreeMap<String, Module> = emitted
        .iter()
        .filter_map(|file| {
            let path = file.path.strip_prefix("generated/src/topics")?;
            let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
            Some((path.replace('/', "::"), module(&file.contents)))
        })
        .collect();
    let mut taken_over = 0;
    for (path, module) in &modules {
        let parent = path.rsplit_once("::").map_or("", |(parent, _)| parent);
        let mut known = module.declared.clone();
        for (from, name) in &module.used {
            let source = match from.strip_prefix("::super") {
                Some(rest) => format!("{parent}{rest}"),
                None => format!("{path}{from}"),
            };
            assert!(known.insert(name.clone()), "{path}: {name} is there twice");
            let Some(source) = modules.get(&source) else {
                assert!(!from.starts_with("::super"), "{path}: {from}");
                continue;
            };
            taken_over += 1;
            let there = source.declared.contains(name)
                || source.used.iter().any(|(_, taken)| taken == name);
            assert!(there, "{path} uses {from}::{name}, which is not there");
        }
        for name in &module.types {
            let there = match name.split_once("::") {
                None => known.contains(name) || BUILT_IN.contains(&name.as_str()),
                Some(("serde_json", _)) => true,
                Some((inner, name)) => modules
                    .get(&format!("{path}::{inner}"))
                    .is_some_and(|inner| inner.declared.contains(name)),
            };
            assert!(there, "{path} refers to {name}, which is not there");
        }
    }
    assert!(taken_over > 30, "{taken_over}");
}

#[test]
fn a_version_carries_over_what_is_the_same() {
    for file in emitted(&files()) {
        let path = file.path.as_str();
        let is_new = path.starts_with("generated/src/topics/") && path.ends_with("/v2.rs");
        let (expected, text) = ("impl From<super::v1::", file.contents.as_str());
        assert!(!is_new || text.contains(expected), "{path}\n{text}");
    }
}

#[test]
fn acronyms_are_told_without_generating_types() {
    let side = Side::load(&files()).ok().unwrap();
    for topic in &side.registry.topics {
        let (told, read) = both_ways(&side.registry, topic);
        match topic.name.as_str() {
            "beyond.ASCII" => assert_eq!(told, None),
            _ => assert!(told.is_some() && told == read, "{}", topic.name),
        }
    }
}

#[test]
fn topics_that_are_called_alike_in_rust_are_refused() {
    let mut files = registry_of(&[json!({"type": "object"})]);
    for topic in ["a.b", "ab", "b-c", "b.c", "event", "option", "version"] {
        for file in ["topic.toml", "v1.json"] {
            let text = files.0[&format!("topics/t0/{file}")].clone();
            files.0.insert(format!("topics/{topic}/{file}"), text);
        }
    }
    let findings = topicwright::emit_files(&files).unwrap_err();
    let said: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| {
            assert_eq!(finding.rule, "not-carried");
            (finding.file.as_str(), finding.message.as_str())
        })
        .collect();
    assert_eq!(
        said,
        [
            (
                "topics/ab/topic.toml",
                "this topic and `a.b` would both be called `Ab` in Rust"
            ),
            (
                "topics/b.c/topic.toml",
                "this topic and `b-c` would both be called `Bc` in Rust"
            ),
            (
                "topics/event/topic.toml",
                "the topic would be called `Event` in Rust, which is taken"
            ),
            (
                "topics/option/topic.toml",
                "the topic would be called `Option` in Rust, which is taken"
            ),
            (
                "topics/version/topic.toml",
                "the topic would be called `Version` in Rust, which is taken"
            ),
        ]
    );
}
