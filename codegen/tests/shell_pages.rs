//! Completions and manual pages: every shell, every command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod program;

use std::collections::BTreeSet;

use program::{WEBSHOP, run};

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, stdout, stderr) = run(WEBSHOP, &["completions", shell], b"");
        assert_eq!((code, stderr.as_str()), (0, ""), "{shell}");
        for word in [
            "topicwright",
            "generate",
            "validate",
            "--envelope",
            "completions",
        ] {
            let word = if shell == "fish" {
                word.trim_start_matches('-')
            } else {
                word
            };
            assert!(stdout.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(WEBSHOP, &["completions", "cmd"], b"").0, 2);
}

/// The shell itself takes the script.
#[test]
fn bash_reads_its_completions() {
    let (_, script, _) = run(WEBSHOP, &["completions", "bash"], b"");
    let ask = "\nCOMP_WORDS=(topicwright val); COMP_CWORD=1\n_topicwright topicwright val topicwright\necho \"${COMPREPLY[@]}\"\n";
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", &format!("{script}{ask}")])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "validate\n");
}

#[test]
fn manual_pages() {
    let (code, page, _) = run(WEBSHOP, &["man"], b"");
    assert_eq!(code, 0);
    assert!(page.contains(".TH topicwright 1"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("share/man1");
    let (code, stdout, stderr) = run(WEBSHOP, &["man", "--dir", target.to_str().unwrap()], b"");
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", ""));
    let pages: BTreeSet<String> = std::fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in [
        "topicwright.1",
        "topicwright-validate.1",
        "topicwright-sample.1",
        "topicwright-check.1",
    ] {
        assert!(pages.contains(name), "{pages:?}");
    }
    // Every command that the main page names has a page.
    let commands = page.matches(".TP\ntopicwright").count();
    assert!(pages.len() > 10 && commands <= pages.len(), "{pages:?}");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let (code, _, stderr) = run(
        WEBSHOP,
        &["man", "--dir", folder.path().join("file").to_str().unwrap()],
        b"",
    );
    assert_eq!(code, 1);
    assert!(stderr.starts_with("error: cannot write into"), "{stderr}");
}
