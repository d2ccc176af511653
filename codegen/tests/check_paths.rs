//! How `topicwright check` names files, and what it says of one that it cannot read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod edited;
mod git_repository;

use std::path::Path;

use git_repository::{Repository, check};

const FORMATS: &[&str] = &["human", "json", "github", "sarif", "junit", "markdown"];

#[test]
fn every_format_names_files_from_the_repository_s_root() {
    let repository = Repository::with_registry("some/schemas");
    let manifest = "some/schemas/topics/order.returned/topic.toml";
    repository.replace(manifest, "key = \"/customer\"", "key = \"/data/order_id\"");
    let inside = repository.root.join("some");
    let absolute = inside.join("schemas");
    for format in FORMATS {
        for (folder, registry) in [
            (&repository.root, Path::new("some/schemas")),
            (&inside, Path::new("schemas/")),
            (&absolute, Path::new(".")),
            (&inside, &absolute),
        ] {
            let registry = registry.to_str().unwrap();
            let checked = check(folder, &["--registry", registry, "--format", format]);
            checked.finds(&[manifest]);
            let others = checked.text.replace(manifest, "");
            // SARIF's fingerprints and logical places are below the registry, so that they outlive a move.
            assert!(
                *format == "sarif" || !others.contains("topics/order.returned"),
                "{format}: {}",
                checked.text
            );
        }
    }
}

#[test]
fn outside_of_a_repository_files_are_named_as_the_folder_is() {
    let repository = Repository::with_registry("schemas");
    let manifest = "topics/order.returned/topic.toml";
    let base = repository.root.join("base");
    std::fs::rename(repository.root.join("schemas"), &base).unwrap();
    repository.write_registry("schemas");
    std::fs::remove_dir_all(repository.root.join(".git")).unwrap();
    let changed = format!("schemas/{manifest}");
    repository.replace(&changed, "key = \"/customer\"", "key = \"/data/order_id\"");
    let absolute = repository.root.join("schemas");
    for format in FORMATS.iter().filter(|format| **format != "sarif") {
        for (registry, shown) in [
            ("schemas", "schemas/"),
            ("./schemas/", "schemas/"),
            (absolute.to_str().unwrap(), absolute.to_str().unwrap()),
        ] {
            let arguments = [
                "--registry",
                registry,
                "--against",
                "base",
                "--format",
                format,
            ];
            let checked = repository.check(&arguments);
            checked.finds(&[&format!("{}/{manifest}", shown.trim_end_matches('/'))]);
            assert!(!checked.text.contains("./schemas"), "{}", checked.text);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_answered_with_what_helps() {
    use std::os::unix::fs::PermissionsExt as _;
    let repository = Repository::with_registry("schema_registry");
    let path = repository
        .root
        .join("schema_registry/topics/order.placed/v1.json");
    let before = std::fs::read(&path).unwrap();
    std::fs::write(&path, b"{\"title\": \"caf\xe9\"}").unwrap();
    let checked = repository.check(&[]);
    checked.fails(&["v1.json", "fix: write it as UTF-8"]);
    assert!(
        !checked.error.contains("--registry DIR"),
        "{}",
        checked.error
    );
    std::fs::write(&path, before).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // root reads everything.
    if std::fs::read(&path).is_err() {
        repository
            .check(&[])
            .fails(&["v1.json", "fix: let its reader read it"]);
    }
    repository
        .check(&["--registry", "nowhere"])
        .fails(&["nowhere", "--registry DIR"]);
}
