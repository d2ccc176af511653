//! What `bump` and `new` write loads and generates as it is, and nothing is overwritten.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::path::Path;

use topicwright::registry::files::Files;
use topicwright::scaffold::{NewFile, ScaffoldError, bump, new_topic, write};

fn webshop() -> Files {
    Files::read(Path::new("../tests/registries/webshop")).unwrap()
}

fn with(mut files: Files, made: &[NewFile]) -> Files {
    for file in made {
        let replaced = files.0.insert(file.path.clone(), file.contents.clone());
        assert!(replaced.is_none(), "{}", file.path);
    }
    files
}

fn generates(files: &Files) -> Vec<String> {
    match topicwright::emit_files(files) {
        Ok((emitted, _)) => emitted.into_iter().map(|file| file.path).collect(),
        Err(findings) => panic!("{findings:#?}"),
    }
}

#[test]
fn the_next_version_starts_from_the_newest() {
    let made = bump(&webshop(), "order.placed").unwrap();
    let paths: Vec<&str> = made.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths[0], "topics/order.placed/v3.json");
    assert!(
        paths[1..]
            .iter()
            .all(|path| path.starts_with("topics/order.placed/examples/v3/"))
    );
    assert!(paths.iter().any(|path| path.contains("/invalid/")));
    let files = with(webshop(), &made);
    assert_eq!(
        files.0["topics/order.placed/v3.json"],
        files.0["topics/order.placed/v2.json"]
    );
    assert!(
        generates(&files)
            .iter()
            .any(|path| path.ends_with("order_placed/v3.rs"))
    );
    assert_eq!(
        bump(&files, "order.placed").unwrap()[0].path,
        "topics/order.placed/v4.json"
    );
}

#[test]
fn a_rename_is_not_declared_twice() {
    let mut files = webshop();
    let path = "topics/order.returned/v1.json";
    let renamed = files.0[path].replacen(
        "\"properties\": {",
        "\"properties\": {\n    \"why\": {\"type\": \"string\", \"description\": \"Why.\", \"x-renamed-from\": \"reason\"},",
        1,
    );
    files.0.insert(path.to_owned(), renamed);
    let made = bump(&files, "order.returned").unwrap();
    assert!(!made[0].contents.contains("x-renamed-from"));
    assert!(made[0].contents.contains("\"why\""));
}

#[test]
fn a_new_topic_loads_as_it_is() {
    let made = new_topic(&webshop(), "stock.counted", "warehouse", ("type", "data")).unwrap();
    let files = with(webshop(), &made);
    assert!(
        generates(&files)
            .iter()
            .any(|path| path.ends_with("stock_counted/v1.rs"))
    );
    let taken = new_topic(&files, "stock.counted", "warehouse", ("type", "data"));
    assert!(matches!(taken, Err(ScaffoldError::TopicExists(_))));
    for name in [
        "",
        "stock",
        "Stock.counted",
        "stock.",
        "stock.counted!",
        ".a",
        "stock.2x",
    ] {
        let refused = new_topic(&webshop(), name, "warehouse", ("type", "data"));
        assert!(
            matches!(refused, Err(ScaffoldError::TopicName(_))),
            "{name}"
        );
    }
}

#[test]
fn a_topic_that_does_not_exist_is_named_with_the_likely_one() {
    let error = bump(&webshop(), "order.place").unwrap_err().to_string();
    assert_eq!(
        error,
        "the registry has no topic `order.place`; did you mean `order.placed`?"
    );
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = NewFile {
        path: "topics/a.b/v1.json".to_owned(),
        contents: "{}".to_owned(),
    };
    write(std::slice::from_ref(&file), folder.path()).unwrap();
    let again = write(&[file], folder.path()).unwrap_err();
    assert!(again.to_string().contains("v1.json"), "{again}");
}

/// Runs `topicwright new` on a registry of these texts, and gives its exit code, what it said, and what is there then.
fn new(files: &Files, arguments: &[&str]) -> (i32, String, Files) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &files.0 {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_topicwright"))
        .args(["new", "--registry"])
        .arg(folder.path())
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let now = Files::read(folder.path()).unwrap();
    (output.status.code().unwrap(), said, now)
}

#[test]
fn an_owner_may_have_any_name() {
    for owner in [
        "x\"y",
        "back\\slash",
        "two\nlines",
        "'",
        "\"\"\"",
        "é\u{1b}",
    ] {
        let (code, said, files) = new(&webshop(), &["stock.counted", "--owner", owner]);
        assert_eq!(code, 0, "{said}");
        let manifest = &files.0["topics/stock.counted/topic.toml"];
        let read: toml::Table = toml::from_str(manifest).unwrap();
        assert_eq!(read["owner"].as_str(), Some(owner), "{manifest}");
        generates(&files);
    }
}

#[test]
fn a_registry_without_topics_gets_its_first() {
    let mut empty = webshop();
    empty.0.retain(|path, _| {
        !["topics/", "scenarios/", "views/"]
            .iter()
            .any(|folder| path.starts_with(folder))
    });
    assert!(topicwright::emit_files(&empty).is_err(), "it does not load");
    let (code, said, files) = new(&empty, &["stock.counted"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        generates(&files)
            .iter()
            .any(|path| path.ends_with("stock_counted/v1.rs"))
    );
    // Another problem is told, and nothing written.
    let manifest = empty.0.get_mut("registry.toml").unwrap();
    *manifest = manifest.replacen("retention_days", "retention_dayz", 1);
    let (code, said, files) = new(&empty, &["stock.counted"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("retention_dayz") && said.contains("nothing written"),
        "{said}"
    );
    assert!(!said.contains("has no topics"), "{said}");
    assert_eq!(files, empty);
    empty.0.remove("envelope/v1.json");
    let (code, said, _) = new(&empty, &["stock.counted"]);
    assert_eq!(code, 1);
    assert!(said.contains("envelope"), "{said}");
}
