//! How long `topicwright check` takes as a command, on a registry of a thousand topics of ten versions.
//!
//! `cargo bench -p topicwright --bench check`. Files are on disk and the base in git, as in a pull request;
//! the time is the whole process's, the processor time that of all its threads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#[path = "../tests/registry_of/mod.rs"]
mod registry_of;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

const TOPICS: usize = 1_000;
const VERSIONS: usize = 10;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q", "-b", "main"]);
    git(root, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    git(root, &["tag", "nothing"]);
    for topic in 0..TOPICS {
        for version in 1..=VERSIONS {
            write(
                root,
                &format!("topics/t{topic}/v{version}.json"),
                &schema(version),
            );
        }
        text(root, &format!("topics/t{topic}/topic.toml"), TOPIC);
    }
    // What every registry has, without a topic of its own.
    for (path, contents) in registry_of::registry_of(&[]).0 {
        text(root, &path, &contents);
    }
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", "registry"]);
    println!("| the change | seconds | processor seconds |");
    println!("|---|---:|---:|");
    check(root, "main", "none");
    write(root, "topics/t7/v11.json", &schema(11));
    check(root, "main", "a new version of one topic, 20 pairs");
    std::fs::remove_file(root.join("topics/t7/v11.json")).unwrap();
    check(root, "nothing", "everything is new, 90,000 pairs");
    for topic in 0..TOPICS {
        write(root, &format!("topics/t{topic}/v11.json"), &schema(11));
    }
    check(root, "main", "a new version of every topic, 20,000 pairs");
}

fn check(root: &Path, base: &str, what: &str) {
    let run = || {
        let started = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_topicwright"))
            .args(["check", "--registry", "."])
            .args(["--against", &format!("git:{base}"), "--format", "json"])
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "{what}");
        started.elapsed().as_secs_f64()
    };
    run();
    let mut times: Vec<(f64, f64)> = (0..3)
        .map(|_| {
            let before = processor_seconds();
            let seconds = run();
            (seconds, processor_seconds() - before)
        })
        .collect();
    times.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (seconds, processor) = times[0];
    println!("| {what} | {seconds:.2} | {processor:.2} |");
}

/// Of this process's children that have ended, from the kernel's clock of 100 ticks a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
    };
    // cutime and cstime, the 16th and 17th field of all.
    (ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / 100.0
}

fn schema(version: usize) -> Value {
    let mut properties = json!({
        "name": {"description": "A name.", "type": "string", "maxLength": 40, "pattern": "^[a-z]+$"},
        "lines": {"description": "Lines.", "type": "array", "maxItems": 10, "items": {
            "type": "object",
            "required": ["sku"],
            "properties": {
                "sku": {"type": "string", "maxLength": 20},
                "n": {"type": "integer", "minimum": 1, "maximum": 99},
            },
        }},
    });
    for field in 0..8 {
        properties[format!("f{field}")] = json!({"description": "A field.", "type": "integer", "minimum": 0, "maximum": 1_000_000});
    }
    for field in 0..version {
        properties[format!("o{field}")] = json!({"description": "Optional.", "type": "boolean"});
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "Something happened.",
        "type": "object",
        "required": ["f0", "f1", "name", "lines"],
        "properties": properties,
    })
}

fn write(root: &Path, path: &str, value: &Value) {
    text(root, path, &serde_json::to_string_pretty(value).unwrap());
}

fn text(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(arguments)
        .status()
        .expect("git is installed");
    assert!(status.success(), "git {arguments:?}");
}

const TOPIC: &str = r#"
description = "Something happened."
owner = "nobody"
key = "/actor"
dedupe_key = "{/id}"
compatibility = "FULL_TRANSITIVE"
"#;
