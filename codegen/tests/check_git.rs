//! `topicwright check` as a reviewer meets it: real repositories, pull requests, and clones that lack what is
//! needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::path::Path;
use std::process::Command;

mod edited;

mod git_repository;

use git_repository::{Repository, check, replace, run};

const KEY: &str = "schema_registry/topics/order.returned/topic.toml";

#[test]
fn a_pull_request_is_held_against_its_merge_base() {
    let repository = Repository::with_registry("schema_registry");
    repository.check(&[]).is_clean();
    repository.replace(KEY, "key = \"/customer\"", "key = \"/data/order_id\"");
    // Not yet committed counts: that is what a pre-commit hook sees.
    repository.check(&[]).finds(&["record-key-changed"]);
    repository.commit("the key");
    repository
        .check(&[])
        .finds(&["record-key-changed", "merge base with main"]);
    // What main does meanwhile is not this change's.
    repository.git(&["checkout", "-q", "main"]);
    repository.replace(
        "schema_registry/registry.toml",
        "retention_days = 90",
        "retention_days = 400",
    );
    repository.commit("main moves on");
    repository.git(&["checkout", "-q", "change"]);
    let checked = repository.check(&[]);
    assert!(!checked.text.contains("ttl-shortened"), "{}", checked.text);
    repository
        .check(&["--against", "git:main"])
        .finds(&["ttl-shortened", "record-key-changed"]);
    // After merging main in, the base is main's tip.
    repository.git(&["merge", "-q", "--no-edit", "main"]);
    let checked = repository.check(&[]);
    checked.finds(&["record-key-changed"]);
    assert!(!checked.text.contains("ttl-shortened"), "{}", checked.text);
}

#[test]
fn deleted_and_renamed_files_are_seen() {
    let repository = Repository::with_registry("schema_registry");
    repository.git(&["rm", "-q", "schema_registry/views/latest_cart.toml"]);
    repository.commit("a view less");
    repository
        .check(&[])
        .finds(&["view-removed", "views/latest_cart.toml"]);
    repository.git(&[
        "mv",
        "schema_registry/views/sales_daily.toml",
        "schema_registry/views/sales.toml",
    ]);
    let checked = repository.check(&[]);
    assert!(
        !checked.text.contains("sales_daily"),
        "another file name is no change: {}",
        checked.text
    );
}

/// The base would have no registry at the folder behind the link, and everything would be new.
#[cfg(unix)]
#[test]
fn a_link_hides_nothing() {
    use std::os::unix::fs::symlink;
    let repository = Repository::with_registry("schema_registry");
    let folder = repository.root.join("schema_registry");
    std::fs::rename(&folder, repository.root.join("real")).unwrap();
    symlink("real", &folder).unwrap();
    repository.commit("a link");
    repository
        .check(&[])
        .fails(&["schema_registry is a symbolic link", "--registry DIR"]);
    // Inside of it: round in circles, or to what no commit would have there.
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(repository.root.join("real"), &folder).unwrap();
    symlink(".", folder.join("topics/again")).unwrap();
    repository
        .check(&[])
        .fails(&["topics/again", "a symbolic link"]);
}

/// Whoever merged it could not check any change afterwards, not even its removal.
#[cfg(target_os = "linux")]
#[test]
fn a_file_name_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let repository = Repository::with_registry("schema_registry");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.json");
    std::fs::write(repository.root.join("schema_registry").join(name), "{}").unwrap();
    repository.commit("coffee");
    repository.check(&["--against", "git:HEAD"]).is_clean();
}

/// git hands these to hooks; in a linked worktree they lead to the repository that it is linked to.
#[test]
fn a_hook_sees_the_same() {
    let repository = Repository::with_registry("schema_registry");
    let output = Command::new(env!("CARGO_BIN_EXE_topicwright"))
        .args(["check", "--today", "2026-11-24"])
        .current_dir(&repository.root)
        .env("GIT_DIR", repository.root.join(".git"))
        .env("GIT_INDEX_FILE", ".git/index")
        .env_remove("TOPICWRIGHT_REGISTRY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn the_registry_folder_may_move_and_have_any_name() {
    let repository = Repository::with_registry("the registry, old");
    repository.git(&["mv", "the registry, old", "schemas"]);
    replace(
        &repository.root,
        "schemas/topics/order.returned/topic.toml",
        "\"/customer\"",
        "\"/data/order_id\"",
    );
    repository.commit("moved");
    repository.check(&["--registry", "schemas"]).finds(&[
        "record-key-changed",
        "where the registry was called the registry, old/",
    ]);
    // From inside of the folder, and named absolutely.
    let inside = repository.root.join("schemas");
    check(&inside, &["--registry", "."]).finds(&["record-key-changed"]);
    let checked = check(
        Path::new("/"),
        &["--registry", inside.to_str().unwrap(), "--format", "github"],
    );
    checked.finds(&["::error file=schemas/topics/order.returned/topic.toml,line=4,"]);
}

#[test]
fn a_base_without_a_registry_makes_everything_new() {
    let repository = Repository::new();
    repository.commit("nothing yet");
    repository.git(&["checkout", "-q", "-b", "change"]);
    repository.write_registry("schema_registry");
    let checked = repository.check(&[]);
    assert!(
        checked.text.contains("everything is new"),
        "{}{}",
        checked.text,
        checked.error
    );
}

#[test]
fn what_is_missing_is_answered_with_the_command() {
    let origin = Repository::with_registry("schema_registry");
    origin.replace(KEY, "key = \"/customer\"", "key = \"/data/order_id\"");
    origin.commit("the key");
    origin.git(&["checkout", "-q", "main"]);
    // As a checkout action does: one commit of one branch.
    let shallow = origin.clone_of(&["--depth", "1", "--branch", "change"]);
    shallow
        .check(&[])
        .fails(&["git fetch origin main:refs/remotes/origin/main"]);
    shallow.git(&[
        "fetch",
        "-q",
        "--depth",
        "1",
        "origin",
        "main:refs/remotes/origin/main",
    ]);
    shallow
        .check(&[])
        .fails(&["shallow", "git fetch --unshallow"]);
    // A named commit needs no history.
    shallow
        .check(&["--against", "git:origin/main"])
        .finds(&["record-key-changed"]);
    shallow.git(&["fetch", "-q", "--unshallow"]);
    shallow
        .check(&[])
        .finds(&["record-key-changed", "merge base with origin/main"]);
    shallow
        .check(&["--against", "git:origin/release"])
        .fails(&["git fetch origin release:refs/remotes/origin/release"]);
    shallow
        .check(&["--against", "git:v9"])
        .fails(&["no commit `v9`", "git fetch origin v9"]);
}

#[test]
fn without_git_or_a_commit_a_folder_will_do() {
    let outside = tempfile::tempdir().unwrap();
    let registry = outside.path().join("schema_registry");
    for (path, text) in edited::webshop().0 {
        let path = registry.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    check(outside.path(), &[]).fails(&["not a git repository", "--against DIR"]);
    let webshop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/registries/webshop");
    let base = webshop.to_str().unwrap();
    check(outside.path(), &["--against", base]).is_clean();
    replace(
        &registry,
        "topics/order.returned/topic.toml",
        "\"/customer\"",
        "\"/data/order_id\"",
    );
    check(outside.path(), &["--against", base]).finds(&["record-key-changed"]);
    check(outside.path(), &["--against", "/nowhere"]).fails(&["/nowhere", "git:REF"]);
    let unborn = Repository::new();
    unborn.write_registry("schema_registry");
    unborn.check(&[]).fails(&["no commit yet"]);
    unborn
        .check(&["--registry", "elsewhere"])
        .fails(&["elsewhere", "--registry DIR"]);
}

#[test]
fn every_format_goes_to_a_file_and_codes_stay() {
    let repository = Repository::with_registry("schema_registry");
    repository.replace(KEY, "key = \"/customer\"", "key = \"/data/order_id\"");
    for (format, holds) in [
        ("human", "record-key-changed  error (kafka)"),
        ("json", "\"format\": 1"),
        (
            "github",
            "::error file=schema_registry/topics/order.returned/topic.toml,line=4,col=1,",
        ),
        ("sarif", "\"version\": \"2.1.0\""),
        ("junit", "<failure message="),
        ("markdown", "### ❌"),
    ] {
        let checked = repository.check(&["--format", format, "--output", "report"]);
        assert_eq!((checked.code, checked.text.as_str()), (100, ""), "{format}");
        let text = std::fs::read_to_string(repository.root.join("report")).unwrap();
        assert!(text.contains(holds), "{format}: {text}");
        assert!(!text.contains('\u{1b}'), "{format} has colours");
    }
    assert_eq!(repository.check(&["--format", "xml"]).code, 2);
    assert_eq!(repository.check(&["--today", "tomorrow"]).code, 2);
    assert_eq!(repository.check(&["--against", "git:"]).code, 2);
    assert_eq!(repository.check(&["--against", "git:--output=x"]).code, 2);
}

#[test]
fn a_registry_with_problems_is_findings_and_a_base_with_problems_is_not() {
    let repository = Repository::with_registry("schema_registry");
    let broken = "schema_registry/topics/order.returned/v1.json";
    repository.replace(broken, "\"type\": \"object\"", "\"type\": \"objekt\"");
    repository
        .check(&[])
        .finds(&["invalid-schema", "order.returned/v1.json"]);
    repository.commit("broken");
    repository.git(&["checkout", "-q", "-B", "main"]);
    repository.git(&["checkout", "-q", "-b", "repair"]);
    repository.replace(broken, "\"type\": \"objekt\"", "\"type\": \"object\"");
    repository
        .check(&[])
        .fails(&["invalid-schema", "--against git:REF"]);
    repository.check(&["--against", "git:main~1"]).is_clean();
}

/// A change that breaks readers mostly breaks its own examples too; they must not hide what matters.
#[test]
fn wrong_examples_do_not_hide_what_breaks() {
    let repository = Repository::with_registry("schema_registry");
    repository.replace(
        "schema_registry/topics/order.placed/v2.json",
        "\"lines\",\n    \"country\"",
        "\"lines\",\n    \"voucher\",\n    \"country\"",
    );
    let checked = repository.check(&[]);
    checked.finds(&[
        "invalid-example",
        "reader-breaks",
        "released-version-edited",
    ]);
    assert!(
        checked.text.contains("independent validator"),
        "{}",
        checked.text
    );
}

#[test]
fn rules_are_listed_and_explained() {
    let folder = Path::new("/");
    let listed = run(folder, &["rules"]);
    listed.is_clean();
    assert_eq!(listed.text.lines().count(), topicwright::rules::all().len());
    for rule in topicwright::rules::all() {
        assert!(listed.text.contains(rule.id) && listed.text.contains(rule.purpose));
        let explained = run(folder, &["explain", rule.id]);
        explained.is_clean();
        assert_eq!(explained.text, rule.page());
    }
    let listed: serde_json::Value =
        serde_json::from_str(&run(folder, &["rules", "--format", "json"]).text).unwrap();
    assert_eq!(listed["rules"][0]["plane"], "wire");
    run(folder, &["explain", "reader-break"]).fails(&["did you mean `reader-breaks`?"]);
    run(folder, &["explain", "x"]).fails(&["topicwright rules"]);
}

#[test]
fn generate_writes_and_checks_the_lock() {
    let repository = Repository::with_registry("some folder/registry");
    let registry = ["--registry", "some folder/registry"];
    let generate = |more: &[&str]| {
        run(
            &repository.root,
            &[&["generate"], &registry[..], more].concat(),
        )
    };
    generate(&[]).is_clean();
    let lock = repository.root.join("some folder/registry/registry.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    assert!(text.contains("[topics.\"order.placed\"]"), "{text}");
    generate(&["--check"]).is_clean();
    repository.replace(
        "some folder/registry/topics/order.placed/v2.json",
        "\"maxLength\": 20",
        "\"maxLength\": 30",
    );
    generate(&["--check"]).finds(&["some folder/registry/registry.lock: is not up to date"]);
    generate(&[]).is_clean();
    let now = std::fs::read_to_string(&lock).unwrap();
    let changed = text
        .lines()
        .zip(now.lines())
        .filter(|(old, new)| old != new)
        .count();
    assert_eq!(changed, 1, "one version, one line");
}

#[test]
fn a_difference_is_told_without_judging_it() {
    let repository = Repository::with_registry("schema_registry");
    let diff = |more: &[&str]| run(&repository.root, &[&["diff"], more].concat());
    let checked = diff(&[]);
    checked.is_clean();
    assert!(
        checked.text.starts_with("Nothing changed in meaning."),
        "{}",
        checked.text
    );
    let checked = diff(&["order.placed@1", "order.placed@2"]);
    checked.is_clean();
    for part in [
        "order.placed: v1 → v2",
        "new field express (optional)",
        "readers of v2 accept every message of v1",
        "readers of v1 accept every message of v2",
    ] {
        assert!(checked.text.contains(part), "no {part}: {}", checked.text);
    }
    let v2 = "schema_registry/topics/order.placed/v2.json";
    repository.replace(v2, "\"maxLength\": 20", "\"maxLength\": 5");
    repository.replace(
        "schema_registry/topics/order.placed/examples/v2/express.json",
        "SPRING26",
        "A1",
    );
    let checked = diff(&["--format", "markdown"]);
    checked.is_clean();
    assert!(
        checked.text.contains("### order.placed: the old v2 → v2"),
        "{}",
        checked.text
    );
    assert!(
        checked
            .text
            .contains("readers of v2 reject this message of the old v2: `{"),
        "{}",
        checked.text
    );
    let json: serde_json::Value = serde_json::from_str(&diff(&["--format", "json"]).text).unwrap();
    assert_eq!(json["versions"][0]["backward"]["verdict"], "incompatible");
    assert_eq!(json["versions"][0]["forward"]["verdict"], "compatible");
    diff(&["order.place@1", "order.place@2"]).fails(&["did you mean `order.placed`?"]);
    diff(&["order.placed@1", "order.placed@9"]).fails(&["order.placed@2"]);
    diff(&["order.placed@1", "cart.updated@1"]).fails(&["two topics"]);
    assert_eq!(diff(&["order.placed@1"]).code, 2);
    assert_eq!(diff(&["order.placed", "order.placed@1"]).code, 2);
}

#[test]
fn what_did_not_change_is_not_read_from_git() {
    let repository = Repository::with_registry("schemas");
    let drop_object = |path: &str| {
        let id = repository.git(&["rev-parse", &format!("main:{path}")]);
        let (folder, file) = id.split_at(2);
        let object = format!(".git/objects/{folder}/{file}");
        std::fs::remove_file(repository.root.join(object)).unwrap();
    };
    let (topic, registry) = (
        "schemas/topics/order.placed/topic.toml",
        "schemas/registry.toml",
    );
    // A text that is in the working tree is known, whether git still has it or not.
    drop_object(topic);
    repository
        .check(&["--registry", "schemas", "--against", "git:main"])
        .is_clean();
    // One that was changed is not.
    drop_object(registry);
    replace(
        &repository.root,
        registry,
        "[project]",
        "# changed\n[project]",
    );
    repository
        .check(&["--registry", "schemas", "--against", "git:main"])
        .fails(&["git does not have the object of registry.toml", "git fetch"]);
}
