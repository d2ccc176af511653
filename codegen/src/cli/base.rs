//! The registry that a change started from: another folder, or a commit of the git repository around it.
//!
//! Reads git through the `git` program, objects by id, so that paths may hold anything. What is missing is
//! answered with the command that brings it.
mod commits;
mod git;
mod listing;
mod objects;
mod place;

use std::path::{Path, PathBuf};

use crate::registry::files::Files;
use listing::Listing;

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
    Commit {
        /// Any name of it.
        name: String,
        /// The registry's folder there, from the repository's root, `/` at its end; where it is now where left out.
        folder: Option<String>,
    },
    /// A registry folder.
    Folder(PathBuf),
    /// Nothing: whoever says so knows that the registry is a new one.
    Nothing,
}

impl std::str::FromStr for Against {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(named) = text.strip_prefix("git:") else {
            return Ok(match text {
                "none" => Self::Nothing,
                folder => Self::Folder(PathBuf::from(folder)),
            });
        };
        // As git writes it; a commit's name has no colon.
        let (name, folder) = match named.split_once(':') {
            Some((name, folder)) => (name, Some(folder)),
            None => (named, None),
        };
        if name.is_empty() {
            return Err("name a commit, branch or tag after `git:`".to_owned());
        }
        // git would read it as an option.
        if name.starts_with('-') {
            return Err(format!("`{name}` is not the name of a commit"));
        }
        let folder = folder.map(|folder| {
            let folder = folder.trim_start_matches("./").trim_matches('/');
            match folder {
                "" | "." => String::new(),
                folder => format!("{folder}/"),
            }
        });
        Ok(Self::Commit {
            name: name.to_owned(),
            folder,
        })
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
                let fix = match error.fix() {
                    Some(fix) if error.path != *folder => fix,
                    _ => "name a registry folder, or a commit as git:REF",
                };
                format!("{error}\n  fix: {fix}")
            })?;
            Ok(Base {
                name: folder.display().to_string(),
                files: Some(files),
            })
        }
        Against::Nothing => Ok(Base {
            name: "nothing, as --against none says: everything is new".to_owned(),
            files: None,
        }),
        Against::Commit { name, folder } => {
            let repository = Repository::around(registry)?;
            let id = repository.commit(name)?;
            match folder {
                None => repository.base(&id, name, working),
                Some(folder) => repository.at(&id, name, folder, working),
            }
        }
        Against::MergeBase => {
            let repository = Repository::around(registry)?;
            let (id, branch) = repository.merge_base()?;
            if id != repository.commit("HEAD")? {
                return repository.base(&id, &format!("the merge base with {branch}"), working);
            }
            // On the branch itself its commits are compared with nothing, which has to be said.
            let mut base = repository.base(&id, "HEAD", working)?;
            if base.files.is_some() {
                base.name.push_str(", so only what is not committed");
            }
            Ok(base)
        }
    }
}

/// The registry folder as seen from the repository's root, `/` at its end; `None` outside of a repository.
#[must_use]
pub fn prefix(registry: &Path) -> Option<String> {
    place::of(registry).ok().map(|(_, prefix)| prefix)
}

struct Repository {
    root: PathBuf,
    prefix: String,
}

impl Repository {
    /// The repository that holds a registry, where a commit of it can say what the registry was.
    fn around(registry: &Path) -> Result<Self, String> {
        place::without_links(registry)?;
        let (root, prefix) = place::of(registry)?;
        place::without_submodules(registry)?;
        Ok(Self { root, prefix })
    }

    /// The registry that a commit has where it is now; or where it was, if it can only have moved.
    fn base(&self, id: &str, commit: &str, working: &Files) -> Result<Base, String> {
        let listing = Listing::read(self, id, &self.prefix)?;
        let name = named(commit, id);
        if listing.is_registry() {
            let files = self.files(&name, &self.prefix, listing, working)?;
            return Ok(Base {
                name,
                files: Some(files),
            });
        }
        let everything = Listing::read(self, id, "")?;
        let mut modules = everything.submodules();
        if let Some((path, commit)) =
            modules.find(|(path, _)| self.prefix.starts_with(&format!("{path}/")))
        {
            return Err(is_submodule(&name, path, commit));
        }
        match everything.registries().as_slice() {
            [] => Ok(Base {
                name: format!("{name}, which has no registry: everything is new"),
                files: None,
            }),
            [folder] if !self.has_registry(folder) => {
                let listing = Listing::read(self, id, folder)?;
                let files = self.files(&name, folder, listing, working)?;
                Ok(Base {
                    name: format!("{name}, where the registry was called {folder}"),
                    files: Some(files),
                })
            }
            // Any of them may be what the registry was; saying "everything is new" would compare it with nothing.
            folders => {
                let shown: Vec<&str> = folders.iter().map(|folder| shown(folder)).collect();
                Err(format!(
                    "{name} has no registry in {}, but has one in {}\n  \
                     fix: if it was there before, say where: --against git:REF:{}\n  \
                     if it is a new one, say so: --against none",
                    self::shown(&self.prefix),
                    shown.join(", "),
                    folders[0].trim_end_matches('/')
                ))
            }
        }
    }

    /// The registry in a folder of a commit.
    fn at(&self, id: &str, commit: &str, folder: &str, working: &Files) -> Result<Base, String> {
        let name = named(commit, id);
        let listing = Listing::read(self, id, folder)?;
        if !listing.is_registry() {
            return Err(format!(
                "{name} has no registry in {}\n  \
                 fix: name a folder with a registry.toml, from the repository's root: --against git:REF:DIR",
                shown(folder)
            ));
        }
        let files = self.files(&name, folder, listing, working)?;
        Ok(Base {
            name: format!("{name}, {}", shown(folder)),
            files: Some(files),
        })
    }

    /// Texts of a registry.
    fn files(
        &self,
        name: &str,
        folder: &str,
        listing: Listing,
        working: &Files,
    ) -> Result<Files, String> {
        if let Some((path, commit)) = listing.submodules().next() {
            return Err(is_submodule(name, &format!("{folder}{path}"), commit));
        }
        self.texts(listing.into_blobs(), working)
    }

    /// Whether the working tree has a registry in a folder.
    fn has_registry(&self, folder: &str) -> bool {
        let manifest = self.root.join(folder).join("registry.toml");
        std::fs::symlink_metadata(manifest).is_ok()
    }
}

fn named(commit: &str, id: &str) -> String {
    format!("{commit} ({})", id.get(..10).unwrap_or(id))
}

/// A folder for people; the root has no name.
fn shown(folder: &str) -> &str {
    if folder.is_empty() {
        "the repository's root"
    } else {
        folder
    }
}

fn is_submodule(base: &str, path: &str, commit: &str) -> String {
    format!(
        "in {base} {path} is a submodule, whose files are in another repository\n  \
         fix: check out its commit {commit} into a folder, and compare with that: --against DIR"
    )
}
