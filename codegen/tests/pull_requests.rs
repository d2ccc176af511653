//! Each rule as a reviewer meets it: a repository, a branch with the change, and the comment under it.
//!
//! `rules.rs` compares what is said in full; here the whole way counts, through git and the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeSet;

use serde_json::Value;
use topicwright::registry::files::Files;
use topicwright::rules::{self, Check, Rule};

mod edited;
mod git_repository;

use git_repository::{Checked, Repository, run};

const FOLDER: &str = "schema_registry";

struct PullRequest {
    repository: Repository,
    today: String,
}

impl PullRequest {
    /// The fixture's base on `main`, its change on a branch that is checked out.
    fn of(rule: &Rule, case: &str, waivers: Option<&str>) -> Self {
        let edited::Change {
            old,
            mut new,
            today,
        } = edited::change(rule.id, case);
        let repository = Repository::new();
        write(&repository, &old);
        repository.commit("as it was");
        repository.git(&["checkout", "-q", "-b", "change"]);
        if let Some(waivers) = waivers {
            new.0.insert("waivers.toml".to_owned(), waivers.to_owned());
        }
        write(&repository, &new);
        repository.commit("the change");
        Self { repository, today }
    }

    fn check(&self, format: &str) -> Checked {
        run(
            &self.repository.root,
            &["check", "--today", &self.today, "--format", format],
        )
    }

    /// The JSON report, and the exit code.
    fn report(&self) -> (Value, i32) {
        let checked = self.check("json");
        let report = serde_json::from_str(&checked.text)
            .unwrap_or_else(|error| panic!("{error}: {}{}", checked.text, checked.error));
        (report, checked.code)
    }

    /// Rules of open findings and notes.
    fn said(&self) -> (BTreeSet<String>, i32) {
        let (report, code) = self.report();
        let open = ["findings", "notes"].iter().flat_map(|list| {
            let list = report[*list].as_array().into_iter().flatten();
            list.map(|finding| finding["rule"].as_str().unwrap().to_owned())
        });
        (open.collect(), code)
    }
}

/// The registry's files and no others.
fn write(repository: &Repository, files: &Files) {
    let root = repository.root.join(FOLDER);
    if root.exists() {
        std::fs::remove_dir_all(&root).unwrap();
    }
    for (path, text) in &files.0 {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn each_rule_fires_on_a_breaking_pull_request() {
    for rule in rules::all() {
        let request = PullRequest::of(rule, "breaking", None);
        let (said, code) = request.said();
        assert!(said.contains(rule.id), "{}: {said:?}", rule.id);
        let comment = request.check("markdown");
        assert_eq!(comment.code, code, "{}", rule.id);
        // The verdict is the first line, and says what the exit code says.
        let verdict = comment.text.lines().next().unwrap_or_default();
        assert!(verdict.starts_with("### "), "{}: {verdict}", rule.id);
        assert_eq!(
            verdict.contains('❌'),
            code == 100,
            "{}: {verdict}",
            rule.id
        );
        if code == 100 {
            assert!(
                comment.text.contains(&format!("`{}`", rule.id)),
                "{}",
                comment.text
            );
        }
    }
}

#[test]
fn no_rule_fires_on_a_safe_pull_request() {
    for rule in rules::all() {
        let (said, _) = PullRequest::of(rule, "safe", None).said();
        assert!(!said.contains(rule.id), "{}: {said:?}", rule.id);
    }
}

#[test]
fn each_waiver_lets_its_finding_pass() {
    let mut passed = 0;
    for rule in rules::all() {
        let waivers = edited::rule_fixtures()
            .join(rule.id)
            .join("waived/waivers.toml");
        let Ok(waivers) = std::fs::read_to_string(waivers) else {
            // Notes stop nothing, and nobody waives a waiver.
            let needs_none = matches!(rule.check, Check::Waiver)
                || rule.severity < topicwright::finding::Severity::Warning;
            assert!(needs_none, "{}", rule.id);
            continue;
        };
        let open = PullRequest::of(rule, "breaking", None).report().0;
        let request = PullRequest::of(rule, "breaking", Some(&waivers));
        let waived = request.report().0;
        let count = |report: &Value, list: &str| report[list].as_array().unwrap().len();
        assert!(count(&waived, "waived") > 0, "{}: {waived}", rule.id);
        for accepted in waived["waived"].as_array().unwrap() {
            assert_eq!(accepted["finding"]["rule"], rule.id);
        }
        assert_eq!(
            count(&waived, "findings") + count(&waived, "waived"),
            count(&open, "findings"),
            "{}",
            rule.id
        );
        let comment = request.check("markdown").text;
        assert!(comment.contains(rule.id), "{}: {comment}", rule.id);
        passed += 1;
    }
    assert!(passed > 30, "{passed}");
}
