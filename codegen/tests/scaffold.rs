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
