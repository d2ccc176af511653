//! The cache folder: each entry is made once, whole or not at all, by one process at a time.
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{EngineError, at};

/// The cache folder: `TOPICWRIGHT_CACHE`, else `topicwright` in the user's cache folder.
#[must_use]
pub fn folder() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("TOPICWRIGHT_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|path| path.join("topicwright")))
        .or_else(|| set("HOME").map(|path| path.join(".cache/topicwright")))
        .unwrap_or_else(|| std::env::temp_dir().join("topicwright-cache"))
}

/// The folder of an entry; `make` fills an empty one when there is none yet.
///
/// A lock file keeps other processes waiting, and the entry gets its name only when it is complete, so a
/// killed download leaves nothing that looks finished.
///
/// # Errors
/// The folder cannot be written, or `make` fails.
pub fn entry(
    name: &str,
    make: impl FnOnce(&Path) -> Result<(), EngineError>,
) -> Result<PathBuf, EngineError> {
    let folder = folder();
    let done = folder.join(name);
    if done.is_dir() {
        return Ok(done);
    }
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let lock_path = folder.join(format!("{name}.lock"));
    let lock = File::create(&lock_path).map_err(at(&lock_path))?;
    lock.lock().map_err(at(&lock_path))?;
    if done.is_dir() {
        return Ok(done);
    }
    let partial = folder.join(format!("{name}.partial"));
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).map_err(at(&partial))?;
    make(&partial)?;
    fs::rename(&partial, &done).map_err(at(&done))?;
    Ok(done)
}
