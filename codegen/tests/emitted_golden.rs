//! What each emitter but the Rust one makes, file by file; and that no text of a registry breaks out of its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use topicwright::emit::EmittedFile;
use topicwright::registry::files::Files;

mod edited;

/// Quotes, comments and markup of every language that is emitted, line ends, and a control character.
const HOSTILE: &str =
    "it's \"so\" \\ `tick` */ -- # | <b> {{ $x }} ${a} [[b]] %d\r\nnext: - line\u{7}\u{2028}한국어";

fn codegen() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn webshop() -> Files {
    Files::read(&codegen().join("../tests/registries/webshop")).unwrap()
}

fn emitted(files: &Files) -> Vec<EmittedFile> {
    let (emitted, _) = topicwright::emit_files(files).unwrap_or_else(|findings| {
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        panic!("{}", findings.join("\n"))
    });
    emitted
}

fn is_rust(file: &EmittedFile) -> bool {
    file.path.starts_with("generated/src") || file.path == "generated/Cargo.toml"
}

fn snapshot(folder: &Path, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_file_of_the_web_shop() {
    let folder = codegen().join("tests/fixtures/webshop");
    let mut expected: Vec<String> = Vec::new();
    for file in emitted(&webshop()).iter().filter(|file| !is_rust(file)) {
        let name = file
            .path
            .trim_start_matches("generated/")
            .replace('/', "__");
        snapshot(&folder, &name, &file.contents);
        expected.push(format!("{name}.snap"));
    }
    // Nothing is left of files that are no longer emitted.
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            expected.contains(&name) || !name.ends_with(".snap"),
            "{name} belongs to no emitted file"
        );
    }
}

/// A folder's view may need a registry that is edited first.
#[test]
fn the_sql_of_each_kind_of_view() {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(codegen().join("tests/fixtures/views"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() >= 7);
    for folder in folders {
        let mut files = webshop();
        if let Ok(edits) = std::fs::read_to_string(folder.join("edit.toml")) {
            let edits: BTreeMap<String, Vec<edited::Edit>> = toml::from_str(&edits).unwrap();
            edited::apply(&mut files, &edits["edit"]);
        }
        let before = emitted(&files);
        let view = std::fs::read_to_string(folder.join("view.toml")).unwrap();
        files.0.insert("views/fixture.toml".to_owned(), view);
        let sql: Vec<String> = emitted(&files)
            .into_iter()
            .filter(|file| file.path.ends_with(".sql") && !before.contains(file))
            .map(|file| format!("-- {}\n{}", file.path, file.contents))
            .collect();
        snapshot(&folder, "expected", &sql.join("\n"));
    }
}

/// The web shop with hostile text wherever a person writes prose.
fn hostile() -> Files {
    let mut files = webshop();
    let toml_text = toml::Value::String(HOSTILE.to_owned()).to_string();
    let json_text = Value::String(HOSTILE.to_owned()).to_string();
    for (path, text) in &mut files.0 {
        let prose: &[&str] = &["description = ", "owner = ", "title = ", "reason = "];
        if path.ends_with(".toml") {
            let lines: Vec<String> = text
                .lines()
                .map(
                    |line| match prose.iter().find(|key| line.starts_with(*key)) {
                        Some(key) => format!("{key}{toml_text}"),
                        None => line.to_owned(),
                    },
                )
                .collect();
            *text = format!("{}\n", lines.join("\n"));
        } else {
            let lines: Vec<String> = text
                .lines()
                .map(|line| match line.split_once("\"description\": \"") {
                    Some((indent, _)) if indent.trim().is_empty() => {
                        let comma = if line.ends_with(',') { "," } else { "" };
                        format!("{indent}\"description\": {json_text}{comma}")
                    }
                    _ => line.to_owned(),
                })
                .collect();
            *text = lines.join("\n");
        }
    }
    let registry = files.0.get_mut("registry.toml").unwrap();
    registry.push_str(&format!(
        "\n[[alerts]]\nname = \"Hostile\"\nexpr = \"up == 0\"\nseverity = \"critical\"\nsummary = {toml_text}\naction = {toml_text}\n"
    ));
    let topic = files.0.get_mut("topics/cart.updated/topic.toml").unwrap();
    *topic = topic.replacen("consumers = [", &format!("consumers = [{toml_text}, "), 1);
    assert!(files.0["topics/cart.updated/topic.toml"].contains(&toml_text));
    files
}

#[test]
fn hostile_text_stays_text() {
    let files = emitted(&hostile());
    let find = |path: &str| {
        &files
            .iter()
            .find(|file| file.path == path)
            .unwrap_or_else(|| panic!("{path}"))
            .contents
    };
    // YAML: a double-quoted scalar here is a JSON text, one a line.
    for path in [
        "generated/kafka/cart.updated.yaml",
        "generated/observability/alerts.yaml",
    ] {
        let text = find(path);
        let mut seen = 0;
        for line in text.lines().filter(|line| line.contains('"')) {
            let (_, scalar) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            let value: String =
                serde_json::from_str(scalar).unwrap_or_else(|error| panic!("{line}: {error}"));
            // Only a template's opening is written otherwise.
            let plain = value.replace("{{ \"{{\" }}", "{{");
            seen += usize::from(plain.contains(HOSTILE));
        }
        assert!(seen > 1, "{path} says {seen} times what the registry says");
        for line in text.lines().filter(|line| !line.contains('"')) {
            assert!(
                !line.contains("so") || line.starts_with('#') || line.ends_with(':'),
                "{path}: {line}"
            );
        }
    }
    for path in [
        "generated/kafka/topics.json",
        "generated/observability/dashboard.json",
        "generated/plan.json",
    ] {
        let value: Value = serde_json::from_str(find(path)).unwrap();
        assert!(holds(&value, HOSTILE), "{path}");
    }
    // Markdown: every row of a table has as many cells as its head, and nothing is left open.
    let markdown = find("schema_registry.md");
    let mut cells = None;
    for line in markdown.lines() {
        let count = line.starts_with('|').then(|| {
            line.replace("\\\\", "")
                .replace("\\|", "")
                .matches('|')
                .count()
        });
        if let (Some(head), Some(count)) = (cells, count) {
            assert_eq!(head, count, "{line}");
        }
        cells = count.map(|count| cells.unwrap_or(count));
        assert!(!line.starts_with("next: - line"), "{line}");
        assert!(
            !line.contains("<b>") || line.contains("\\<b\\>") || line.contains('"'),
            "{line}"
        );
    }
    // SQL: a literal ends where it should, and a comment line is one line.
    for file in files.iter().filter(|file| file.path.ends_with(".sql")) {
        assert_eq!(
            outside_literals(&file.contents, "next: - line"),
            0,
            "{}",
            file.path
        );
        assert_eq!(outside_literals(&file.contents, "*/"), 0, "{}", file.path);
    }
    assert!(find("generated/clickhouse/10_shop_events.sql").contains("it\\'s"));
    let folder = codegen().join("tests/fixtures/hostile");
    snapshot(
        &folder,
        "cart.updated.yaml",
        find("generated/kafka/cart.updated.yaml"),
    );
    snapshot(
        &folder,
        "40_customer_daily_closed.sql",
        find("generated/clickhouse/40_customer_daily_closed.sql"),
    );
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(members) => members.values().any(|member| holds(member, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// How often `needle` stands outside of single-quoted literals and backticked names.
fn outside_literals(sql: &str, needle: &str) -> usize {
    let mut outside = String::new();
    let mut quote: Option<char> = None;
    let mut characters = sql.chars();
    while let Some(character) = characters.next() {
        match quote {
            Some(_) if character == '\\' => {
                characters.next();
            }
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '\'' || character == '`' => quote = Some(character),
            None => outside.push(character),
        }
    }
    assert!(quote.is_none(), "a literal is left open: {sql}");
    outside.matches(needle).count()
}

#[test]
fn two_runs_give_the_same_bytes() {
    for files in [webshop(), hostile()] {
        assert_eq!(emitted(&files), emitted(&files));
    }
}

/// Somebody may have edited a manifest and not the files that are made from it.
#[test]
fn the_committed_output_is_up_to_date() {
    let root = codegen().join("..");
    let files = Files::read(&root.join("schema_registry")).unwrap();
    let changes = topicwright::output::changes(&emitted(&files), &root).unwrap();
    assert!(changes.is_empty(), "{changes:?}");
}
