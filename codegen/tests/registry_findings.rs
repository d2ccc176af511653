//! Every problem that loading a registry can find, one fixture folder a rule: an edit of the web shop's
//! registry, and all findings as a person reads them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use topicwright::registry::files::Files;

#[derive(Deserialize)]
struct Fixture {
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
struct Edit {
    file: String,
    old: Option<String>,
    new: Option<String>,
    text: Option<String>,
    #[serde(default)]
    remove: bool,
}

fn codegen() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn webshop() -> Files {
    Files::read(&codegen().join("../tests/registries/webshop")).unwrap()
}

fn edited(fixture: &Path) -> Files {
    let mut files = webshop();
    let fixture: Fixture = toml::from_str(&std::fs::read_to_string(fixture).unwrap()).unwrap();
    for edit in fixture.edit {
        match edit {
            Edit {
                remove: true, file, ..
            } => {
                assert!(files.0.remove(&file).is_some(), "{file}");
            }
            Edit {
                text: Some(text),
                file,
                ..
            } => {
                files.0.insert(file, text);
            }
            Edit {
                old: Some(old),
                new: Some(new),
                file,
                ..
            } => {
                let text = files.0.get_mut(&file).unwrap_or_else(|| panic!("{file}"));
                assert!(text.contains(&old), "{file} has no {old}");
                *text = text.replacen(&old, &new, 1);
            }
            Edit { file, .. } => panic!("{file}: an edit replaces, writes or removes"),
        }
    }
    files
}

fn rendered(files: &Files) -> (String, BTreeSet<&'static str>) {
    let findings = match topicwright::emit_files(files) {
        Ok((_, notes)) => notes,
        Err(findings) => findings,
    };
    for finding in &findings {
        assert!(
            finding.position.line > 0 && finding.position.column > 0,
            "{finding}"
        );
    }
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    (
        text.join("\n\n"),
        findings.iter().map(|finding| finding.rule).collect(),
    )
}

#[test]
fn the_unedited_registry_is_clean() {
    assert_eq!(rendered(&webshop()).0, "");
}

#[test]
fn every_rule_says_where_what_and_what_to_write_instead() {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(codegen().join("tests/fixtures/registry"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let files = edited(&folder.join("edit.toml"));
        let (text, rules) = rendered(&files);
        assert!(
            name == "everything-at-once" || rules.contains(name.as_str()),
            "{name}: {text}"
        );
        assert_eq!(text, rendered(&files).0, "two runs say the same");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("expected", text));
    }
}

/// Every rule of the loader has its fixture.
#[test]
fn no_rule_without_a_fixture() {
    let rule = regex::Regex::new(r#""([a-z]+(?:-[a-z]+)+)""#).unwrap();
    let mut rules = BTreeSet::new();
    let mut open = vec![codegen().join("src/registry")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            rules.extend(rule.captures_iter(&text).map(|found| found[1].to_owned()));
        }
    }
    rules.retain(|rule| !rule.starts_with("x-") && !ROLES.contains(&rule.as_str()));
    let missing: Vec<&String> = rules
        .iter()
        .filter(|rule| {
            !codegen()
                .join("tests/fixtures/registry")
                .join(rule)
                .is_dir()
        })
        // What the manifests' own JSON Schema cannot say is nothing yet.
        .filter(|rule| *rule != "invalid-manifest")
        .collect();
    assert!(rules.len() > 20, "{rules:?}");
    assert!(missing.is_empty(), "{missing:?}");
}

const ROLES: &[&str] = &["event-type", "schema-version", "event-id", "dedupe-key"];

#[test]
fn a_note_leaves_its_topic_in_place() {
    let mut files = webshop();
    let text = files.0.get_mut("topics/cart.updated/v1.json").unwrap();
    *text = text.replacen('{', "{\"somethingOfOurs\": 1,", 1);
    let loaded = topicwright::registry::load::load(&files);
    let notes: Vec<&str> = loaded.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(notes, ["unknown-keyword"]);
    let registry = loaded.registry.expect("a note stops nothing");
    assert!(registry.topic("cart.updated").is_some());
}
