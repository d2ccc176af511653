//! Writes emitted files, or tells how the ones on disk differ. The only module that touches the output folder.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::emit::EmittedFile;

/// How a file on disk differs from what would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file is not there.
    Missing,
    /// The file has another text; the line, from 1, where they part.
    Different {
        /// First differing line.
        line: usize,
    },
    /// The file is there and nothing emits it any more.
    Obsolete,
}

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}", path = path.display())]
pub struct OutputError {
    /// `read`, `write` or `remove`.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// Folders that only emitted files live in; others there are left from before.
const OWNED: &[&str] = &[
    "generated/src",
    "generated/clickhouse",
    "generated/kafka",
    "generated/observability",
];

/// What writing `files` below `root` would change, sorted by path.
///
/// # Errors
/// A file cannot be read.
pub fn changes(files: &[EmittedFile], root: &Path) -> Result<Vec<(String, Change)>, OutputError> {
    let mut changes = Vec::new();
    for file in files {
        let path = root.join(&file.path);
        match std::fs::read_to_string(&path) {
            Ok(text) if text == file.contents => {}
            Ok(text) => {
                let same = text
                    .lines()
                    .zip(file.contents.lines())
                    .take_while(|(left, right)| left == right)
                    .count();
                changes.push((file.path.clone(), Change::Different { line: same + 1 }));
            }
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                changes.push((file.path.clone(), Change::Missing))
            }
            Err(source) => {
                return Err(OutputError {
                    action: "read",
                    path,
                    source,
                });
            }
        }
    }
    let emitted: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for folder in OWNED {
        for path in files_below(root, folder)? {
            if !emitted.contains(path.as_str()) {
                changes.push((path, Change::Obsolete));
            }
        }
    }
    changes.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(changes)
}

fn files_below(root: &Path, folder: &str) -> Result<Vec<String>, OutputError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => {
                return Err(OutputError {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        for entry in entries.flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(name);
            } else {
                found.push(name);
            }
        }
    }
    Ok(found)
}

/// Writes what differs and removes what is obsolete; returns what was done.
///
/// # Errors
/// A file cannot be read, written or removed.
pub fn write(files: &[EmittedFile], root: &Path) -> Result<Vec<(String, Change)>, OutputError> {
    let changes = changes(files, root)?;
    for (path, change) in &changes {
        let target = root.join(path);
        let fail = |action| {
            let path = target.clone();
            move |source| OutputError {
                action,
                path,
                source,
            }
        };
        match change {
            Change::Obsolete => std::fs::remove_file(&target).map_err(fail("remove"))?,
            Change::Missing | Change::Different { .. } => {
                if let Some(folder) = target.parent() {
                    std::fs::create_dir_all(folder).map_err(fail("write"))?;
                }
                let contents = files
                    .iter()
                    .find(|file| file.path == *path)
                    .map_or("", |file| &file.contents);
                std::fs::write(&target, contents).map_err(fail("write"))?;
            }
        }
    }
    Ok(changes)
}
