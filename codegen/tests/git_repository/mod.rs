//! Repositories with the web shop's registry, and the program run in them.
#![allow(dead_code)] // nobody uses all of it
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::edited;

/// A repository in a folder that goes away.
pub struct Repository {
    _folder: tempfile::TempDir,
    pub root: PathBuf,
}

impl Repository {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A path with spaces and more, as people have them.
        let root = folder.path().join("my repo (ü)");
        std::fs::create_dir(&root).unwrap();
        let repository = Self {
            _folder: folder,
            root,
        };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    /// With the web shop's registry on `main`, and a branch for the change checked out.
    pub fn with_registry(folder: &str) -> Self {
        let repository = Self::new();
        repository.write_registry(folder);
        repository.commit("registry");
        repository.git(&["checkout", "-q", "-b", "change"]);
        repository
    }

    pub fn write_registry(&self, folder: &str) {
        for (path, text) in edited::webshop().0 {
            let path = self.root.join(folder).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.root, arguments)
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    pub fn replace(&self, path: &str, old: &str, new: &str) {
        replace(&self.root, path, old, new);
    }

    pub fn clone_of(&self, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("clone");
        let from = format!("file://{}", self.root.display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend(options);
        arguments.extend([from.as_str(), root.to_str().unwrap()]);
        git(folder.path(), &arguments);
        Self {
            _folder: folder,
            root,
        }
    }

    pub fn check(&self, arguments: &[&str]) -> Checked {
        check(&self.root, arguments)
    }
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .env_remove("GIT_DIR")
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn replace(root: &Path, path: &str, old: &str, new: &str) {
    let path = root.join(path);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{} has no {old}", path.display());
    std::fs::write(path, text.replacen(old, new, 1)).unwrap();
}

pub struct Checked {
    pub code: i32,
    pub text: String,
    pub error: String,
}

pub fn check(folder: &Path, arguments: &[&str]) -> Checked {
    run(
        folder,
        &[&["check", "--today", "2026-11-24"], arguments].concat(),
    )
}

pub fn run(folder: &Path, arguments: &[&str]) -> Checked {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_topicwright"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("GIT_DIR")
        .env_remove("TOPICWRIGHT_REGISTRY")
        .output()
        .unwrap();
    Checked {
        code: status.code().unwrap(),
        text: String::from_utf8(stdout).unwrap(),
        error: String::from_utf8(stderr).unwrap(),
    }
}

impl Checked {
    #[track_caller]
    pub fn finds(&self, rules: &[&str]) {
        assert_eq!(self.code, 100, "{}{}", self.text, self.error);
        for rule in rules {
            assert!(self.text.contains(rule), "no {rule}: {}", self.text);
        }
    }

    #[track_caller]
    pub fn is_clean(&self) {
        assert_eq!(self.code, 0, "{}{}", self.text, self.error);
    }

    #[track_caller]
    pub fn fails(&self, with: &[&str]) {
        assert_eq!(self.code, 1, "{}{}", self.text, self.error);
        assert_eq!(self.text, "");
        for part in with {
            assert!(self.error.contains(part), "no {part}: {}", self.error);
        }
    }
}
