//! The Rust that each keyword becomes, one fixture folder a keyword. `real_schemas` compiles them all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod registry_of;

use std::path::PathBuf;

use registry_of::registry_of;

#[test]
fn each_keyword_becomes_types_and_checks_that_read_well() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rust");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() > 25);
    for folder in folders {
        let schema = std::fs::read_to_string(folder.join("schema.json")).unwrap();
        let files = registry_of(&[serde_json::from_str(&schema).unwrap()]);
        let (emitted, _) = topicwright::emit_files(&files)
            .unwrap_or_else(|findings| panic!("{}: {}", folder.display(), findings[0]));
        let code = emitted
            .iter()
            .find(|file| file.path == "generated/src/topics/t0/v1.rs")
            .unwrap();
        // What is the same for every topic is shown once, by the committed output of the game's registry.
        let (types, rest) = code.contents.split_once("impl Payload for").unwrap();
        let types = types.split_once("\n/// ").map_or(types, |(_, types)| types);
        let checks = rest
            .find("/// `topics/t0/v1.json")
            .map_or("", |start| &rest[start..]);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("expected", format!("/// {types}\n{checks}")));
    }
}
