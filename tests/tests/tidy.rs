//! House rules that a compiler does not check: headers, names, sizes, what documents point at, which crate may see which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name == "target" || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    let root = root();
    files_below(&root, &[".rs"])
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn every_file_says_what_it_is() {
    let bare: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(
        bare.is_empty(),
        "these files lack a `//!` header: {bare:#?}"
    );
}

#[test]
fn names_say_the_concept() {
    let vague: Vec<String> = sources()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| {
            [
                "utils", "util", "helpers", "helper", "misc", "manager", "common",
            ]
            .iter()
            .any(|word| name.split(['/', '.']).any(|part| part == *word))
        })
        .collect();
    assert!(vague.is_empty(), "name the concept: {vague:#?}");
}

#[test]
fn files_stay_small() {
    let long: Vec<(String, usize)> = sources()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("generated/"))
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 700)
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn unsafe_stays_with_the_embedded_engine() {
    let places: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| {
            !name.starts_with("runtime/src/engine/")
                && !name.ends_with("tidy.rs")
                && text.lines().any(|line| {
                    let code = line.split("//").next().unwrap_or_default();
                    code.contains("unsafe {") || code.contains("unsafe fn")
                })
        })
        .map(|(name, _)| name)
        .collect();
    assert!(places.is_empty(), "{places:?}");
}

#[test]
fn compiler_and_runtime_never_see_each_other() {
    let manifest = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let codegen: toml::Table = manifest("codegen/Cargo.toml").parse().unwrap();
    let runtime: toml::Table = manifest("runtime/Cargo.toml").parse().unwrap();
    let needs = |table: &toml::Table, name: &str| {
        ["dependencies", "dev-dependencies", "build-dependencies"]
            .iter()
            .any(|kind| table.get(*kind).and_then(|all| all.get(name)).is_some())
    };
    // As registry.toml says.
    let generated: toml::Table = manifest("generated/Cargo.toml").parse().unwrap();
    let generated = generated["package"]["name"].as_str().unwrap();
    assert!(!needs(&codegen, "topicwright-runtime"));
    assert!(!needs(&codegen, generated));
    assert!(!needs(&runtime, "topicwright"));
    assert!(!needs(&runtime, generated));
}

#[test]
fn every_dependency_has_its_reason() {
    for manifest in ["codegen", "runtime", "generated", "tests", "tests/subject"] {
        let text = std::fs::read_to_string(root().join(manifest).join("Cargo.toml")).unwrap();
        let mut in_dependencies = false;
        let mut explained = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
                explained = false;
            } else if line.starts_with('#') {
                explained = true;
            } else if line.is_empty() {
                explained = false;
            } else if in_dependencies && line.contains('=') {
                // Several lines may share the reason above them.
                assert!(explained, "{manifest}/Cargo.toml: no reason for `{line}`");
            }
        }
    }
}

/// Every path in backticks that looks like one of ours is there.
#[test]
fn documents_point_at_what_exists() {
    let root = root();
    let mut missing = Vec::new();
    let documents = files_below(&root, &[".md"]).into_iter().filter(|path| {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        !name.starts_with("codegen/tests/corpora") && name != "schema_registry.md"
    });
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let ours = [
                "schema_registry/",
                "codegen/",
                "generated/",
                "runtime/",
                "tests/",
                "docs/",
                "examples/",
                ".ci/",
            ]
            .iter()
            .any(|folder| word.starts_with(folder));
            let concrete = !word.contains(['<', '*', ' ', '…', '{', '\n']);
            if ours && concrete && !root.join(word.split(['#', ':']).next().unwrap()).exists() {
                missing.push(format!("{}: {word}", document.display()));
            }
        }
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = target.split('#').next().unwrap();
            if !path.is_empty()
                && !path.contains("://")
                && !document.parent().unwrap().join(path).exists()
            {
                missing.push(format!("{}: ({target})", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// No path of a machine and no package registry's host in what we publish.
#[test]
fn nothing_speaks_of_a_machine() {
    let root = root();
    let words = ["/root/", "/home/", "/wo\u{72}k/"];
    let mut found = Vec::new();
    for path in files_below(
        &root,
        &[".rs", ".md", ".toml", ".sql", ".json", ".yaml", ".yml"],
    ) {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        if name.ends_with("tidy.rs") || name.starts_with("codegen/tests/corpora") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        found.extend(
            words
                .iter()
                .filter(|word| text.contains(**word))
                .map(|word| format!("{name}: {word}")),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}
