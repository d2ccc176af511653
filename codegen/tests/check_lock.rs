//! A `registry.lock` that does not fit its registry stops the change that brings it, and no later one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod edited;
mod git_repository;

use git_repository::{Repository, run};

const LOCK: &str = "schema_registry/registry.lock";

/// With the web shop's registry and its lock on `main`, and a branch for the change checked out.
fn locked() -> Repository {
    let repository = Repository::with_registry("schema_registry");
    run(&repository.root, &["generate"]).is_clean();
    repository.commit("lock");
    repository.git(&["checkout", "-q", "-B", "main"]);
    repository.git(&["checkout", "-q", "-b", "next"]);
    repository.check(&[]).is_clean();
    repository
}

impl Repository {
    fn lock(&self) -> String {
        std::fs::read_to_string(self.root.join(LOCK)).unwrap()
    }

    fn edit_lock(&self, edit: impl Fn(&str) -> String) {
        std::fs::write(self.root.join(LOCK), edit(&self.lock())).unwrap();
    }
}

/// `v1` of order.placed with the first digits of its hash changed.
fn wrong(text: &str) -> String {
    let at = text.find("[topics.\"order.placed\"]").unwrap();
    let at = at + text[at..].find("v1 = \"").unwrap() + 6;
    format!("{}{}{}", &text[..at], "0000000000", &text[at + 10..])
}

fn without_line(text: &str) -> String {
    let at = text.find("[topics.\"order.placed\"]").unwrap();
    let at = at + text[at..].find("v1 = ").unwrap();
    let end = at + text[at..].find('\n').unwrap() + 1;
    format!("{}{}", &text[..at], &text[end..])
}

fn extra_line(text: &str) -> String {
    let head = "[topics.\"order.placed\"]\n";
    text.replacen(head, &format!("{head}v7 = \"{}\"\n", "0".repeat(64)), 1)
}

type Edit = (&'static str, fn(&str) -> String, &'static str);

const EDITS: &[Edit] = &[
    (
        "a wrong hash",
        wrong,
        "the hash of v1 of order.placed is 0000000000",
    ),
    (
        "a missing line",
        without_line,
        "the hash of v1 of order.placed is missing here",
    ),
    (
        "an extra line",
        extra_line,
        "the registry has nothing that the hash of v7 of order.placed could be",
    ),
    (
        "garbage",
        |text| format!("{text}garbage\n"),
        "registry.lock:",
    ),
    (
        "an extra member",
        |text| format!("more = 1\n{text}"),
        "nothing that `more` could be",
    ),
    (
        "an extra topic",
        |text| format!("{text}\n[topics.\"a.b\"]\nv1 = \"0\"\n"),
        "nothing that the topic a.b could be",
    ),
    (
        "another format",
        |text| text.replacen("format = 1", "format = 9", 1),
        "its format is 9, and is 1 now",
    ),
    (
        "two lines",
        |text| format!("{text}{}", &text[text.rfind("\nv").unwrap() + 1..]),
        "duplicate key",
    ),
];

#[test]
fn the_change_that_damages_it_is_stopped() {
    for (name, edit, says) in EDITS {
        let repository = locked();
        repository.edit_lock(edit);
        repository.check(&[]).finds(&[
            "lock-mismatch  error",
            "fix: run `topicwright generate`, which",
            says,
        ]);
        run(&repository.root, &["generate", "--check"])
            .finds(&["registry.lock: is not up to date"]);
        // Whoever merged it: others are told, and not stopped.
        repository.commit(name);
        repository.git(&["checkout", "-q", "-B", "main"]);
        repository.git(&["checkout", "-q", "-b", "another"]);
        let later = repository.check(&[]);
        later.is_clean();
        assert!(
            later.text.contains("lock-mismatch  warning"),
            "{name}: {}",
            later.text
        );
        // The fix is the fix.
        run(&repository.root, &["generate"]).is_clean();
        let repaired = repository.check(&[]);
        repaired.is_clean();
        assert!(
            !repaired.text.contains("lock-mismatch"),
            "{name}: {}",
            repaired.text
        );
    }
}

#[test]
fn it_cannot_go_away() {
    let repository = locked();
    repository.git(&["rm", "-q", LOCK]);
    repository
        .check(&[])
        .finds(&["lock-mismatch", "the file is gone"]);
}

#[test]
fn an_edited_version_is_told_once() {
    let repository = locked();
    let v2 = "schema_registry/topics/order.placed/v2.json";
    repository.replace(v2, "\"maxLength\": 20", "\"maxLength\": 30");
    let checked = repository.check(&[]);
    checked.finds(&["released-version-edited"]);
    assert!(!checked.text.contains("lock-mismatch"), "{}", checked.text);
}

#[test]
fn one_that_was_not_written_anew_is_no_damage() {
    let repository = locked();
    run(&repository.root, &["bump", "order.placed"]).is_clean();
    let envelope = "schema_registry/envelope/v1.json";
    repository.replace(
        envelope,
        "\"properties\": {",
        "\"properties\": {\n    \"lane\": {\n      \"description\": \"Lane.\",\n      \"type\": \"string\"\n    },",
    );
    let checked = repository.check(&[]);
    assert!(!checked.text.contains("lock-mismatch"), "{}", checked.text);
    run(&repository.root, &["generate", "--check"]).finds(&["registry.lock: is not up to date"]);
    // Written, and then the new version was edited: it says what nothing ever meant.
    run(&repository.root, &["generate"]).is_clean();
    let v3 = "schema_registry/topics/order.placed/v3.json";
    repository.replace(v3, "\"maxLength\": 20", "\"maxLength\": 40");
    repository
        .check(&[])
        .finds(&["lock-mismatch", "the hash of v3 of order.placed is"]);
}
