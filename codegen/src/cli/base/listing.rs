//! What a commit has: files, submodules, and which of its folders are registries.
use std::path::Path;

use super::git::git;
use super::{Repository, objects};
use crate::cores;
use crate::registry::files::Files;

/// The mode of a submodule: a commit of another repository in a folder's place.
const SUBMODULE: &str = "160000";

/// A symbolic link, whose contents are a path.
const LINK: &str = "120000";

/// A text of a commit.
pub(super) struct Blob {
    /// Below the listed folder.
    pub(super) path: String,
    /// Of the object.
    pub(super) id: String,
}

/// What a folder of a commit has; paths are below it.
pub(super) struct Listing {
    entries: Vec<Entry>,
}

struct Entry {
    mode: String,
    path: String,
    id: String,
}

impl Listing {
    /// Reads one; `folder` is the root's where empty, and ends with `/` otherwise.
    ///
    /// # Errors
    /// What git says.
    pub(super) fn read(repository: &Repository, id: &str, folder: &str) -> Result<Self, String> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", id];
        if !folder.is_empty() {
            arguments.extend(["--", folder]);
        }
        let listing = repository.run(arguments)?;
        let entries = listing.split('\0').filter_map(|entry| {
            let (head, path) = entry.split_once('\t')?;
            let mut head = head.split(' ');
            let (mode, _, id) = (head.next()?, head.next()?, head.next()?);
            Some(Entry {
                mode: mode.to_owned(),
                path: path.strip_prefix(folder)?.to_owned(),
                id: id.to_owned(),
            })
        });
        Ok(Self {
            entries: entries.collect(),
        })
    }

    /// Whether the folder itself is a registry.
    pub(super) fn is_registry(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.path == "registry.toml")
    }

    /// Folders that are registries, `/` at their ends.
    pub(super) fn registries(&self) -> Vec<&str> {
        let paths = self.entries.iter().map(|entry| entry.path.as_str());
        let folders = paths.filter_map(|path| path.strip_suffix("registry.toml"));
        folders
            .filter(|folder| folder.is_empty() || folder.ends_with('/'))
            .collect()
    }

    /// Submodules: path and commit.
    pub(super) fn submodules(&self) -> impl Iterator<Item = (&str, &str)> {
        let modules = self.entries.iter().filter(|entry| entry.mode == SUBMODULE);
        modules.map(|entry| (entry.path.as_str(), entry.id.as_str()))
    }

    /// Files that a registry may consist of.
    pub(super) fn into_blobs(self) -> Vec<Blob> {
        let blobs = self.entries.into_iter().filter(|entry| {
            let Entry { mode, path, .. } = entry;
            ![SUBMODULE, LINK].contains(&mode.as_str())
                && !path.contains(char::REPLACEMENT_CHARACTER)
                && [".json", ".toml", ".lock"]
                    .iter()
                    .any(|ending| path.ends_with(ending))
                && !path.split('/').any(|part| part.starts_with('.'))
        });
        blobs
            .map(|Entry { path, id, .. }| Blob { path, id })
            .collect()
    }
}

/// The first submodule below a folder of the working tree, as the index has it.
///
/// # Errors
/// What git says.
pub(super) fn submodule_below(folder: &Path) -> Result<Option<String>, String> {
    let listing = git(folder, ["ls-files", "--stage", "-z"])?;
    let mut entries = listing
        .split('\0')
        .filter_map(|entry| entry.split_once('\t'));
    let found = entries.find(|(head, _)| head.split(' ').next() == Some(SUBMODULE));
    Ok(found.map(|(_, path)| path.to_owned()))
}

impl Repository {
    /// Texts of blobs. Most of a registry is in the working tree as it is in the base, and what has a blob's id
    /// is that blob.
    pub(super) fn texts(&self, blobs: Vec<Blob>, working: &Files) -> Result<Files, String> {
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
