//! The registry that a change started from: another folder, or a commit of the git repository around it.
//!
//! Reads git through the `git` program, objects by id, so that paths may hold anything. What is missing is
//! answered with the command that brings it.
mod objects;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cores;
use crate::registry::files::Files;

/// Branches that a change is usually made from, the first that exists.
const DEFAULT_BRANCHES: &[&str] = &[
    "origin/HEAD",
    "origin/main",
    "origin/master",
    "main",
    "master",
];

/// What to compare with.
#[derive(Clone, Debug)]
pub struct Base {
    /// In words, for reports.
    pub name: String,
    /// Its texts; `None` where there was no registry.
    pub files: Option<Files>,
}

/// What `--against` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// The merge base with the default branch.
    MergeBase,
    /// A commit of the repository that holds the registry.
    Commit(String),
    /// A registry folder.
    Folder(PathBuf),
}

impl std::str::FromStr for Against {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("git:") {
            Some("") => Err("name a commit, branch or tag after `git:`".to_owned()),
            // git would read it as an option.
            Some(commit) if commit.starts_with('-') => {
                Err(format!("`{commit}` is not the name of a commit"))
            }
            Some(commit) => Ok(Self::Commit(commit.to_owned())),
            None => Ok(Self::Folder(PathBuf::from(text))),
        }
    }
}

/// Reads the base of the registry folder `registry`, which holds `working` now.
///
/// # Errors
/// What is missing, and the command or option that helps.
pub fn read(against: &Against, registry: &Path, working: &Files) -> Result<Base, String> {
    match against {
        Against::Folder(folder) => {
            let files = Files::read(folder).map_err(|error| {
                format!("{error}\n  fix: name a registry folder, or a commit as git:REF")
            })?;
            Ok(Base {
                name: folder.display().to_string(),
                files: Some(files),
            })
        }
        Against::Commit(commit) => {
            let repository = Repository::around(registry)?;
            let id = repository.commit(commit)?;
            repository.base(&id, commit, working)
        }
        Against::MergeBase => {
            let repository = Repository::around(registry)?;
            let (id, branch) = repository.merge_base()?;
            repository.base(&id, &format!("the merge base with {branch}"), working)
        }
    }
}

/// The registry folder as seen from the repository's root, `/` at its end; `None` outside of a repository.
#[must_use]
pub fn prefix(registry: &Path) -> Option<String> {
    Repository::around(registry)
        .ok()
        .map(|repository| repository.prefix)
}

struct Repository {
    root: PathBuf,
    prefix: String,
}

impl Repository {
    fn around(registry: &Path) -> Result<Self, String> {
        let help = "compare with a folder instead: --against DIR";
        if std::fs::symlink_metadata(registry).is_ok_and(|found| found.is_symlink()) {
            // git would look at the folder behind it, where the base has none.
            return Err(format!(
                "{} is a symbolic link\n  fix: name the folder itself with --registry DIR",
                registry.display()
            ));
        }
        let root = git(registry, ["rev-parse", "--show-toplevel"])
            .map_err(|error| format!("{error}\n  fix: run inside of the repository, or {help}"))?;
        let prefix = git(registry, ["rev-parse", "--show-prefix"])?;
        Ok(Self {
            root: PathBuf::from(root.trim_end_matches('\n')),
            prefix: prefix.trim_end_matches('\n').to_owned(),
        })
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<String, String> {
        git(&self.root, arguments)
    }

    fn resolve(&self, name: &str) -> Option<String> {
        let commit = format!("{name}^{{commit}}");
        self.run([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ])
        .ok()
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
    }

    fn shallow(&self) -> bool {
        self.run(["rev-parse", "--is-shallow-repository"])
            .is_ok_and(|answer| answer.trim() == "true")
    }

    fn commit(&self, name: &str) -> Result<String, String> {
        self.resolve(name).ok_or_else(|| {
            let fetch = match name.strip_prefix("origin/") {
                Some(branch) => format!("git fetch origin {branch}:refs/remotes/origin/{branch}"),
                None if self.shallow() => "git fetch --unshallow".to_owned(),
                None => format!("git fetch origin {name}"),
            };
            format!("there is no commit `{name}` in this repository\n  fix: {fetch}")
        })
    }

    fn merge_base(&self) -> Result<(String, &'static str), String> {
        if self.resolve("HEAD").is_none() {
            return Err(
                "the repository has no commit yet, so there is nothing to compare with\n  \
                 fix: commit the registry first, or compare with a folder: --against DIR"
                    .to_owned(),
            );
        }
        let found = DEFAULT_BRANCHES
            .iter()
            .find(|branch| self.resolve(branch).is_some());
        let Some(branch) = found else {
            return Err(format!(
                "none of the branches {} is here, so the base of this change is not known\n  \
                 fix: git fetch origin main:refs/remotes/origin/main\n  \
                 or name the base: --against git:REF",
                DEFAULT_BRANCHES.join(", ")
            ));
        };
        match self.run(["merge-base", "HEAD", branch]) {
            Ok(id) if !id.trim().is_empty() => Ok((id.trim().to_owned(), branch)),
            Ok(_) | Err(_) if self.shallow() => Err(format!(
                "this clone is shallow, and the commit where this change left {branch} is not in it\n  \
                 fix: git fetch --unshallow"
            )),
            Ok(_) | Err(_) => Err(format!(
                "HEAD and {branch} have no commit in common\n  fix: name the base: --against git:REF"
            )),
        }
    }

    fn base(&self, id: &str, name: &str, working: &Files) -> Result<Base, String> {
        let short = id.get(..10).unwrap_or(id);
        let tree = self.tree(id, &self.prefix)?;
        let name = format!("{name} ({short})");
        if !tree.is_empty() {
            return Ok(Base {
                name,
                files: Some(self.texts(tree, working)?),
            });
        }
        // The folder may have had another name: a registry of the base that is no longer there.
        let everything = self.tree(id, "")?;
        let moved = everything
            .iter()
            .filter_map(|blob| blob.path.strip_suffix("registry.toml"))
            .find(|folder| {
                (folder.is_empty() || folder.ends_with('/'))
                    && !self.root.join(folder).join("registry.toml").exists()
                    && everything
                        .iter()
                        .any(|blob| blob.path.starts_with(&format!("{folder}topics/")))
            });
        match moved {
            Some(folder) => {
                let tree = self.tree(id, folder)?;
                Ok(Base {
                    name: format!("{name}, where the registry was called {folder}"),
                    files: Some(self.texts(tree, working)?),
                })
            }
            None => Ok(Base {
                name: format!("{name}, which has no registry: everything is new"),
                files: None,
            }),
        }
    }

    /// Files that a registry may consist of, below a folder of a commit.
    fn tree(&self, id: &str, folder: &str) -> Result<Vec<Blob>, String> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", id];
        if !folder.is_empty() {
            arguments.extend(["--", folder]);
        }
        let listing = self.run(arguments)?;
        let blobs = listing.split('\0').filter_map(|entry| {
            let (head, path) = entry.split_once('\t')?;
            let mut head = head.split(' ');
            let (mode, kind, id) = (head.next()?, head.next()?, head.next()?);
            let path = path.strip_prefix(folder)?;
            // A symbolic link's contents are a path.
            let wanted = kind == "blob"
                && !path.contains(char::REPLACEMENT_CHARACTER)
                && mode != "120000"
                && [".json", ".toml", ".lock"]
                    .iter()
                    .any(|ending| path.ends_with(ending))
                && !path.split('/').any(|part| part.starts_with('.'));
            wanted.then(|| Blob {
                path: path.to_owned(),
                id: id.to_owned(),
            })
        });
        Ok(blobs.collect())
    }

    /// Texts of blobs. Most of a registry is in the working tree as it is in the base, and what has a blob's id
    /// is that blob.
    fn texts(&self, blobs: Vec<Blob>, working: &Files) -> Result<Files, String> {
        let unchanged = cores::map(&blobs, |blob| {
            let text = working.0.get(&blob.path)?;
            (blob_id(text, blob.id.len()).as_deref() == Some(blob.id.as_str()))
                .then(|| text.clone())
        });
        let mut files = Files::default();
        let mut others = Vec::new();
        for (blob, text) in blobs.into_iter().zip(unchanged) {
            match text {
                Some(text) => {
                    files.0.insert(blob.path, text);
                }
                None => others.push(blob),
            }
        }
        if !others.is_empty() {
            objects::read(&self.root, &others, &mut files)?;
        }
        Ok(files)
    }
}

/// What git calls a text; `None` where the length of ids is neither format's.
fn blob_id(text: &str, digits: usize) -> Option<String> {
    fn hex<D: sha2::Digest>(text: &str) -> String {
        let digest = D::new()
            .chain_update(format!("blob {}\0", text.len()))
            .chain_update(text)
            .finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    match digits {
        40 => Some(hex::<sha1::Sha1>(text)),
        64 => Some(hex::<sha2::Sha256>(text)),
        _ => None,
    }
}

struct Blob {
    path: String,
    id: String,
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // Messages are matched nowhere, but people paste them.
    command.arg("-C").arg(folder).env("LC_ALL", "C");
    // Hooks are run with these, which would make git look from somewhere else.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command
}

fn no_git(error: std::io::Error) -> String {
    format!("cannot run git: {error}\n  fix: install git, or compare with a folder: --against DIR")
}

fn git<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<String, String> {
    let output = command(folder)
        .args(arguments.into_iter().map(OsStr::new))
        .output()
        .map_err(no_git)?;
    if output.status.success() {
        // Names that are not UTF-8 are no registry's: its files are told apart by text.
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
