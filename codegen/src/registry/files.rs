//! The registry folder as texts, so that loading is the same from disk, from git and in tests.
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cores;

/// Texts by path below the registry folder, `/` between folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, String>);

/// A registry folder could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}", path = path.display())]
pub struct ReadError {
    /// What could not be read.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

impl ReadError {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn fix(&self) -> Option<&'static str> {
        match self.source.kind() {
            ErrorKind::PermissionDenied => Some("let its reader read it: chmod u+r"),
            ErrorKind::InvalidData => Some("write it as UTF-8: JSON and TOML are"),
            _ if is_link(&self.path) => {
                Some("put the file or folder itself there, and let others name it there")
            }
            _ => None,
        }
    }
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

impl Files {
    /// Reads every `.json`, `.toml` and `.lock` file below `root`; hidden files are left out.
    ///
    /// # Errors
    /// The folder or a file cannot be read, or a file is not UTF-8.
    pub fn read(root: &Path) -> Result<Self, ReadError> {
        let mut found = Vec::new();
        let mut folders = vec![(root.to_path_buf(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let fail = |source| ReadError {
                path: folder.clone(),
                source,
            };
            for entry in std::fs::read_dir(&folder).map_err(fail)? {
                let entry = entry.map_err(fail)?;
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                if name.starts_with('.') {
                    continue;
                }
                let path = format!("{prefix}{name}");
                let kind = entry.file_type().map_err(fail)?;
                if kind.is_symlink() {
                    // A commit keeps a link as a path, so no base would have what is behind it.
                    let link = std::io::Error::other("a symbolic link");
                    return Err(ReadError {
                        path: entry.path(),
                        source: link,
                    });
                }
                if kind.is_dir() {
                    folders.push((entry.path(), format!("{path}/")));
                } else if [".json", ".toml", ".lock"]
                    .iter()
                    .any(|ending| name.ends_with(ending))
                {
                    found.push((path, entry.path()));
                }
            }
        }
        let texts = cores::map(&found, |(_, path)| {
            std::fs::read_to_string(path).map_err(|source| ReadError {
                path: path.clone(),
                source,
            })
        });
        let mut files = Self::default();
        for ((path, _), text) in found.into_iter().zip(texts) {
            files.0.insert(path, text?);
        }
        Ok(files)
    }
}
