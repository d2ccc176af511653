//! Thousands of schemas from independent sources, each generated or refused with a reason, none panics; and
//! judged instances held against the generated checks, compiled.
//!
//! The sources are described in `tests/corpora/README.md`. `TOPICWRIGHT_REAL_SCHEMAS=all` compiles every
//! schema (minutes); a sample otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
mod acronyms;
mod registry_of;

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use registry_of::registry_of;
use serde_json::{Value, json};
use topicwright::emit::EmittedFile;

/// A schema as a payload, and instances of it that its source judged.
#[derive(Clone, Debug)]
struct Case {
    id: String,
    schema: Value,
    /// Payload, and whether the schema accepts it.
    judged: Vec<(Value, bool)>,
}

fn corpus(name: &str) -> Vec<Value> {
    let path = format!(
        "{}/tests/corpora/{name}.jsonl.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn dialect(case: &Value, side: usize) -> &'static str {
    let draft = match &case["draft"] {
        Value::Array(pair) => &pair[side],
        one => one,
    };
    match draft.as_str() {
        Some("draft-04") => "http://json-schema.org/draft-04/schema#",
        Some("draft-06") => "http://json-schema.org/draft-06/schema#",
        Some("draft-07") => "http://json-schema.org/draft-07/schema#",
        Some("2019-09") => "https://json-schema.org/draft/2019-09/schema",
        _ => "https://json-schema.org/draft/2020-12/schema",
    }
}

/// The schema of a payload whose member `value` is of `schema`, a resource of its own.
fn boxed(schema: &Value, dialect: &str) -> Value {
    let mut inner = schema.clone();
    if let Some(members) = inner.as_object_mut() {
        members.shift_remove("$schema");
        let id = if dialect.contains("draft-04") {
            "id"
        } else {
            "$id"
        };
        members
            .entry(id)
            .or_insert_with(|| "urn:example:inner".into());
    }
    json!({"$schema": dialect, "type": "object", "properties": {"value": inner}, "required": ["value"]})
}

/// The schema as a payload: as it is where it describes objects, else as a member.
fn payload(schema: &Value, dialect: &str) -> Value {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return boxed(schema, dialect);
    }
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.entry("$schema").or_insert_with(|| dialect.into());
    }
    schema
}

/// Every distinct schema of the collections but the judged ones.
fn collected() -> Vec<Case> {
    let mut seen = HashSet::new();
    let mut cases = Vec::new();
    for name in [
        "iglu-central",
        "containment",
        "is-json-schema-subset",
        "jsoncompat",
        "jsonsubschema",
        "karapace",
    ] {
        for case in corpus(name) {
            for (side, member) in ["old", "new"].into_iter().enumerate() {
                let schema = payload(&case[member], dialect(&case, side));
                if seen.insert(schema.to_string()) {
                    cases.push(Case {
                        id: format!("{} {member}", case["id"]),
                        schema,
                        judged: Vec::new(),
                    });
                }
            }
        }
    }
    cases
}

/// The schemas of the official test suite, with its instances and verdicts.
fn judged() -> Vec<Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for case in corpus("jsts-derived") {
        let schema = boxed(&case["new"], dialect(&case, 1));
        let old = &case["old"];
        let value = old.get("const").unwrap_or(&old["enum"][0]);
        let instance = json!({"value": value});
        let accepted = case["truth"] == "compatible";
        cases
            .entry(schema.to_string())
            .or_insert_with(|| Case {
                id: case["id"].to_string(),
                schema,
                judged: Vec::new(),
            })
            .judged
            .push((instance, accepted));
    }
    cases.into_values().collect()
}

/// The schemas of the golden files of the Rust emitter.
fn fixtures() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rust");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path().join("schema.json");
        cases.push(Case {
            id: path.display().to_string(),
            schema: serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap(),
            judged: Vec::new(),
        });
    }
    cases
}

/// Generates each alone; returns those that can be carried and the reasons against the others.
fn carried(cases: Vec<Case>) -> (Vec<Case>, BTreeMap<String, Vec<String>>) {
    let mut good = Vec::new();
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in cases {
        let files = registry_of(std::slice::from_ref(&case.schema));
        let result = std::panic::catch_unwind(|| topicwright::emit_files(&files));
        match result.unwrap_or_else(|_| panic!("{} panics: {}", case.id, case.schema)) {
            Ok(_) => good.push(case),
            Err(findings) => {
                for finding in &findings {
                    assert!(finding.position.line > 0, "{}: {finding}", case.id);
                    assert!(!finding.message.is_empty(), "{}: {finding}", case.id);
                }
                refused
                    .entry(findings[0].rule.to_owned())
                    .or_default()
                    .push(format!("{}: {}", case.id, findings[0].message));
            }
        }
    }
    (good, refused)
}

fn thinned(cases: Vec<Case>, step: usize) -> Vec<Case> {
    let all = std::env::var("TOPICWRIGHT_REAL_SCHEMAS").is_ok_and(|value| value == "all");
    cases
        .into_iter()
        .step_by(if all { 1 } else { step })
        .collect()
}

#[test]
fn every_schema_is_carried_or_refused_with_a_reason() {
    let all = collected();
    let total = all.len();
    let (good, refused) = carried(all);
    println!("{} of {total} schemas carried", good.len());
    for (rule, cases) in &refused {
        println!("{} {rule}, e.g. {}", cases.len(), cases[0]);
    }
    assert!(total > 3000, "the collections are there: {total}");
    assert!(good.len() * 100 > total * 98, "{} of {total}", good.len());
    // A typo in a real schema is worth more than its silence.
    assert!(
        refused["unknown-keyword"]
            .iter()
            .any(|case| case.contains("multipleOF"))
    );
}

#[test]
fn generated_checks_compile_and_judge_as_the_test_suite_does() {
    let (suite, refused) = carried(judged());
    let expected = [
        "invalid-schema", // remote documents that are not there
        "not-carried",    // dynamic scope, endless recursion, lookaround
    ];
    assert!(
        refused.keys().all(|rule| expected.contains(&rule.as_str())),
        "{refused:#?}"
    );
    let mut cases = thinned(suite, 2);
    cases.extend(carried(thinned(collected(), 30)).0);
    cases.extend(fixtures());
    let schemas: Vec<Value> = cases.iter().map(|case| case.schema.clone()).collect();
    let mut registry = registry_of(&schemas);
    // Compiled with the rest, to see that every name in them is there.
    acronyms::add(&mut registry);
    let (files, _) = topicwright::emit_files(&registry).unwrap();
    let workspace = Workspace::new(&files);
    let mut judgements = String::new();
    let mut count = 0;
    for (number, case) in cases.iter().enumerate() {
        for (instance, accepted) in &case.judged {
            count += 1;
            judgements.push_str(&format!("t{number}\t{accepted}\t{instance}\n"));
        }
    }
    let wrong = workspace.judge(&judgements);
    let wrong: Vec<String> = wrong
        .lines()
        .map(|line| {
            let number: usize = line.split('\t').next().unwrap()[1..].parse().unwrap();
            format!("{line}\n    {} {}", cases[number].id, cases[number].schema)
        })
        .collect();
    println!("{} schemas compiled, {count} instances judged", cases.len());
    assert!(count > 500);
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A workspace with the generated crate and a program that judges instances.
struct Workspace(PathBuf);

/// Reads `topic<TAB>expected<TAB>payload` lines and prints those that the checks judge otherwise.
const JUDGE: &str = r#"
use std::io::Read as _;
use topicwright_runtime::check::At;
use topicwright_runtime::registry::EventRegistry as _;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let mut decoder = topicwright_runtime::json::Decoder::default();
    for line in text.lines() {
        let mut parts = line.splitn(3, '\t');
        let (name, expected, payload) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let topic = sample_events::SampleEvents::TOPICS.iter().find(|topic| topic.name == name).unwrap();
        let judged = decoder.decode(payload.as_bytes(), |json| (topic.versions[0].check)(json, At::ROOT).map_err(|violation| format!("{violation:?}")));
        let judged = match judged {
            Ok(judged) => judged,
            Err(problem) => Err(problem.to_string()),
        };
        if judged.is_ok().to_string() != expected {
            println!("{line}\t{judged:?}");
        }
    }
}
"#;

impl Workspace {
    fn new(files: &[EmittedFile]) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_schemas");
        let _ = std::fs::remove_dir_all(&root);
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for file in files {
            write(&file.path, &file.contents);
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let manifest = std::fs::read_to_string(project.join("Cargo.toml")).unwrap();
        let members = r#"members = ["codegen", "runtime", "generated", "tests", "tests/subject"]"#;
        assert!(manifest.contains(members));
        write(
            "Cargo.toml",
            &manifest.replace(members, r#"members = ["generated", "runtime"]"#),
        );
        write("generated/src/bin/judge.rs", JUDGE);
        if !files.iter().any(|f| f.path.ends_with("plan.json")) {
            write("generated/plan.json", "{}");
        }
        std::os::unix::fs::symlink(project.join("runtime"), root.join("runtime")).unwrap();
        std::fs::copy(project.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
        Self(root)
    }

    fn judge(&self, lines: &str) -> String {
        let build = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--package",
                "sample-events",
                "--bin",
                "judge",
                "--no-default-features",
            ])
            .env(
                "CARGO_TARGET_DIR",
                Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap(),
            )
            .current_dir(&self.0)
            .output()
            .unwrap();
        let messages = String::from_utf8_lossy(&build.stderr);
        assert!(build.status.success(), "{messages}");
        assert!(
            !messages.contains("warning"),
            "generated code is free of noise:\n{messages}"
        );
        let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap()
            .join("debug/judge");
        let mut judge = Command::new(program)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut judge.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        let output = judge.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }
}
