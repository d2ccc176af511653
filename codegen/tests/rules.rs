//! Every rule of the gate: one folder a rule with a change that it finds, one next to it that it must not,
//! and the first one waived; what a person reads is compared in full.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use topicwright::compat::{Prover, Source, Verdict, View};
use topicwright::finding::{Plane, Severity};
use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::gate::{self, Outcome};
use topicwright::registry::files::Files;
use topicwright::report::{Report, human};
use topicwright::rules::{self, Rule};

mod edited;

use edited::{Change, TODAY, change};

fn folder() -> PathBuf {
    edited::rule_fixtures()
}

fn side(files: &Files, what: &str) -> Side {
    Side::load(files).unwrap_or_else(|findings| {
        let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
        panic!("{what} does not load:\n{}", texts.join("\n"))
    })
}

fn checked(change: &Change, what: &str) -> Outcome {
    let (old, new) = (side(&change.old, what), side(&change.new, what));
    let today = Day::read(&change.today).unwrap();
    let outcome = gate::check(Some(&old), &new, today);
    // As the command does it: both share what is the same in both.
    let sharing = new.load_other(&change.old).expect(what);
    assert_eq!(
        format!("{outcome:#?}"),
        format!("{:#?}", gate::check(Some(&sharing), &new, today)),
        "{what}: sides that share"
    );
    outcome
}

fn rendered(outcome: &Outcome, change: &Change) -> String {
    let report = Report {
        outcome,
        base: "the base",
        folder: "schema_registry/",
        texts: &change.new.0,
    };
    let notes: Vec<String> = outcome.notes.iter().map(ToString::to_string).collect();
    let mut text = human::print(&report, false);
    if !notes.is_empty() {
        text.push_str(&format!("\nnotes:\n\n{}\n", notes.join("\n\n")));
    }
    text
}

fn said(outcome: &Outcome) -> BTreeSet<&'static str> {
    let found = outcome.findings.iter().chain(&outcome.notes);
    found.map(|finding| finding.rule).collect()
}

/// The compared text, and that a second run says the same.
fn snapshot(rule: &str, case: &str, change: &Change) -> Outcome {
    let what = format!("{rule}/{case}");
    let outcome = checked(change, &what);
    let text = rendered(&outcome, change);
    assert_eq!(
        text,
        rendered(&checked(change, &what), change),
        "{what}: two runs"
    );
    let places = outcome.findings.iter().chain(&outcome.notes);
    for finding in places {
        assert!(
            finding.position.line > 0 && finding.position.column > 0,
            "{what}"
        );
        assert!(
            !finding.message.is_empty() && finding.rule.contains('-'),
            "{what}"
        );
        if finding.severity > Severity::Note {
            assert!(finding.fix.is_some(), "{what}: {finding}");
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder().join(rule).join(case));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("expected", text));
    outcome
}

fn is_waivable(rule: &Rule) -> bool {
    rule.severity > Severity::Note && rule.plane != Plane::Registry
}

/// Rules that say what the prover says. Where it only says "not compared" their fixtures say nothing.
fn needs_prover(rule: &str) -> bool {
    let mut prover = Prover::default();
    let source = Source {
        documents: vec![("registry:///a".to_owned(), serde_json::json!(true).into())],
        draft: referencing::Draft::Draft202012,
    };
    let schema = prover.add(source).unwrap();
    let verdict = prover.compare(schema, schema, View::Strict, None);
    rule.starts_with("reader-") && matches!(verdict, Verdict::Unknown(_))
}

fn with_fixtures() -> impl Iterator<Item = &'static Rule> {
    rules::all()
        .into_iter()
        .filter(|rule| !needs_prover(rule.id))
}

#[test]
fn every_rule_finds_what_it_should() {
    for rule in with_fixtures() {
        let change = change(rule.id, "breaking");
        let outcome = snapshot(rule.id, "breaking", &change);
        assert!(
            said(&outcome).contains(rule.id),
            "{}: {}",
            rule.id,
            rendered(&outcome, &change)
        );
    }
}

#[test]
fn no_rule_finds_what_it_should_not() {
    for rule in with_fixtures() {
        let change = change(rule.id, "safe");
        let outcome = snapshot(rule.id, "safe", &change);
        assert!(
            !said(&outcome).contains(rule.id),
            "{}: {}",
            rule.id,
            rendered(&outcome, &change)
        );
    }
}

#[test]
fn a_waiver_accepts_its_finding_and_nothing_else() {
    for rule in with_fixtures().filter(|rule| is_waivable(rule)) {
        let mut change = change(rule.id, "breaking");
        let open = checked(&change, rule.id);
        let path = folder().join(rule.id).join("waived/waivers.toml");
        let waivers = std::fs::read_to_string(path).unwrap();
        change.new.0.insert("waivers.toml".to_owned(), waivers);
        let outcome = snapshot(rule.id, "waived", &change);
        assert!(
            !outcome.waived.is_empty(),
            "{}: {}",
            rule.id,
            rendered(&outcome, &change)
        );
        for waived in &outcome.waived {
            assert_eq!(waived.finding.rule, rule.id);
        }
        assert_eq!(
            outcome.findings.len() + outcome.waived.len(),
            open.findings.len(),
            "{}",
            rule.id
        );
    }
}

#[test]
fn files_fixtures_pages_and_the_list_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &Path| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap_or_else(|_| panic!("{}", folder.display()));
        entries
            .map(|entry| {
                let path = entry.unwrap().path();
                path.file_stem().unwrap().to_string_lossy().into_owned()
            })
            .collect()
    };
    let listed: BTreeSet<String> = rules::all().iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(listed.len(), rules::all().len(), "an id stands twice");
    let mut files = BTreeSet::new();
    for plane in ["wire", "rust", "clickhouse", "kafka", "waivers"] {
        for entry in std::fs::read_dir(root.join("src/rules").join(plane)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let stem = path
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .replace('_', "-");
            // What rules share has no rule of its own.
            if text.contains("pub static RULE: Rule") {
                assert!(text.contains(&format!("id: \"{stem}\"")), "{stem}");
                assert!(text.starts_with(&format!("//! `{stem}`: ")), "{stem}");
                files.insert(stem);
            }
        }
    }
    assert_eq!(files, listed, "files and list");
    assert_eq!(names(&folder()), listed, "fixtures and list");
    let mut pages = names(&root.join("../docs/rules"));
    pages.remove("README");
    assert_eq!(pages, listed, "pages and list");
}

/// `docs/rules/` is what the rules say; `TOPICWRIGHT_UPDATE_DOCS=1` writes it.
#[test]
fn pages_are_current() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules");
    let update = std::env::var_os("TOPICWRIGHT_UPDATE_DOCS").is_some();
    let mut pages: Vec<(String, String)> = rules::all()
        .iter()
        .map(|rule| (format!("{}.md", rule.id), rule.page()))
        .collect();
    let mut index = "# Rules of the gate\n\nWhat `topicwright check` looks at; `topicwright explain RULE` prints a \
                     page.\n\n| rule | plane | severity | |\n|---|---|---|---|\n"
        .to_owned();
    for rule in rules::all() {
        let (id, plane, severity) = (rule.id, rule.plane.name(), rule.severity.name());
        index.push_str(&format!(
            "| [{id}]({id}.md) | {plane} | {severity} | {} |\n",
            rule.purpose
        ));
    }
    pages.push(("README.md".to_owned(), index));
    for (name, text) in pages {
        let path = docs.join(&name);
        if update {
            std::fs::create_dir_all(&docs).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == text,
            "{name} is not current: TOPICWRIGHT_UPDATE_DOCS=1 writes it"
        );
    }
}

/// Descriptions, titles, examples, formatting and the order of keys are nobody's business.
#[test]
fn a_change_of_words_is_silent() {
    let old = edited::webshop();
    let mut new = old.clone();
    for (path, text) in &mut new.0 {
        if path.starts_with("topics/")
            && path.contains("/v")
            && path.ends_with(".json")
            && !path.contains("/examples/")
            || path.starts_with("envelope/")
            || path.starts_with("common/")
        {
            let schema: serde_json::Value = serde_json::from_str(text).unwrap();
            *text = reworded(&schema).to_string();
        }
        if path.ends_with(".toml") {
            *text = format!("# Another comment.\n{text}\n");
        }
    }
    assert_ne!(old, new);
    let change = Change {
        old,
        new,
        today: TODAY.to_owned(),
    };
    let outcome = checked(&change, "reworded");
    assert_eq!(
        said(&outcome),
        BTreeSet::new(),
        "{}",
        rendered(&outcome, &change)
    );
    assert!(outcome.compared.is_empty());
}

/// The schema with members in reverse order, other words and a comment.
fn reworded(schema: &serde_json::Value) -> serde_json::Value {
    use serde_json::{Value, json};
    match schema {
        Value::Object(members) => {
            let mut reversed = serde_json::Map::new();
            for (name, value) in members.iter().rev() {
                let value = match (name.as_str(), value) {
                    ("description" | "title", Value::String(text)) => {
                        json!(format!("{text} Really."))
                    }
                    _ => reworded(value),
                };
                reversed.insert(name.clone(), value);
            }
            if members.contains_key("type") && members.contains_key("description") {
                reversed.insert("$comment".to_owned(), json!("a comment"));
            }
            reversed.into()
        }
        Value::Array(items) => items.iter().map(reworded).collect(),
        _ => schema.clone(),
    }
}

#[test]
fn the_same_registry_is_silent_against_itself() {
    for rule in with_fixtures() {
        let mut change = change(rule.id, "breaking");
        // Waivers added by the fixture would be unused.
        change
            .new
            .0
            .insert("waivers.toml".to_owned(), String::new());
        change.old = change.new.clone();
        let outcome = checked(&change, rule.id);
        assert_eq!(said(&outcome), BTreeSet::new(), "{}", rule.id);
    }
}

/// Closed days of a KPI may be sets, which no `ALTER` converts.
#[test]
fn what_a_kpi_keeps_is_compared_too() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/views/kpi-sets");
    let text = |name: &str| std::fs::read_to_string(fixture.join(name)).unwrap();
    let edits: BTreeMap<String, Vec<edited::Edit>> = toml::from_str(&text("edit.toml")).unwrap();
    let mut old = edited::webshop();
    edited::apply(&mut old, &edits["edit"]);
    old.0
        .insert("views/kpi_revisions.toml".to_owned(), text("view.toml"));
    let mut new = old.clone();
    let registry = new.0.get_mut("registry.toml").unwrap();
    *registry = registry.replacen("type = \"UInt32\"", "type = \"UInt64\"", 1);
    assert_ne!(old, new);
    let change = Change {
        old,
        new,
        today: TODAY.to_owned(),
    };
    let outcome = checked(&change, "sets of a KPI");
    let told = outcome.findings.iter().any(|finding| {
        finding.rule == "column-narrowed"
            && finding.file == "views/kpi_revisions.toml"
            && finding.message.contains("shop.kpi_revisions_closed")
            && finding.message.contains("cannot convert stored states")
    });
    assert!(told, "{}", rendered(&outcome, &change));
}

#[test]
fn without_a_base_everything_is_new() {
    let new = side(&edited::webshop(), "webshop");
    let outcome = gate::check(None, &new, Day::read(TODAY).unwrap());
    let errors: Vec<String> = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule != "reader-unproved")
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors, [""; 0]);
}

/// A definition that a released version refers to: the next version alone has to refer to another.
#[test]
fn an_edit_of_a_shared_definition_needs_a_definition_of_its_own() {
    let old = edited::webshop();
    let mut new = old.clone();
    let shared = new.0.get_mut("common/shop.json").unwrap();
    let edit = shared.replacen("\"maximum\": ", "\"maximum\": 1", 1);
    assert_ne!(*shared, edit);
    *shared = edit;
    let today = Day::read(TODAY).unwrap();
    let outcome = gate::check(Some(&side(&old, "before")), &side(&new, "after"), today);
    let mut edits = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == "released-version-edited")
        .peekable();
    assert!(edits.peek().is_some(), "{:#?}", outcome.findings);
    for finding in edits {
        assert_eq!(finding.file, "common/shop.json");
        let fix = finding.fix.as_deref().unwrap_or_default();
        assert!(fix.contains("a definition of another name"), "{fix}");
    }
}
