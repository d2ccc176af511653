//! The log's folder: made for its owner alone, held by one process, its entries durable.
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Name of the file that is locked; it holds the process id of who locked it last.
const LOCK: &str = "lock";

/// Events may be personal: nobody else reads them.
const OWNER_ONLY: u32 = 0o600;

/// The folder while this process holds it.
#[derive(Debug)]
pub(super) struct Held {
    /// Closing it gives the folder free, also when the process is killed.
    _lock: File,
}

/// Options of every file that is made here.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(OWNER_ONLY);
    options
}

/// Makes the folder where it is missing.
pub(super) fn make(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => Ok(()),
    })
    .map_err(|error| failed("cannot make the fallback log's folder", folder, &error))
}

/// Takes the folder for this process.
///
/// # Errors
/// Another process has it, or another log of this one.
pub(super) fn hold(folder: &Path) -> Result<Held> {
    let path = folder.join(LOCK);
    let open = options().create(true).truncate(false).open(&path);
    let mut lock = open.map_err(|error| failed("cannot open the fallback log", folder, &error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut error =
                Error::config("the fallback log is in use").at("folder", folder.display());
            if let Some(process) = holder(folder) {
                error = error.at("process", process);
            }
            return Err(error
                .fix("give every process a folder of its own, or stop the other process first"));
        }
        Err(TryLockError::Error(error)) => {
            return Err(failed("cannot lock the fallback log", folder, &error));
        }
    }
    // For people who look for the holder; the lock itself does not rest on it.
    let _ = lock
        .set_len(0)
        .and_then(|()| write!(lock, "{}", std::process::id()));
    Ok(Held { _lock: lock })
}

/// The process that locked the folder last, where it said so.
pub(super) fn holder(folder: &Path) -> Option<u32> {
    let mut text = String::new();
    let mut file = File::open(folder.join(LOCK)).ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Whether some process has the folder now.
pub(super) fn is_held(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Makes what was created, renamed or deleted in it survive a power failure.
pub(super) fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Files of the folder with such an ending, by their number.
pub(super) fn numbered(folder: &Path, ending: &str) -> Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(failed(
                "cannot read the fallback log's folder",
                folder,
                &error,
            ));
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| failed("cannot read the fallback log's folder", folder, &error))?
            .path();
        let is_ours = path.extension().is_some_and(|there| there == ending);
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        if let (true, Some(number)) = (is_ours, number) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// What the operator must look at: permissions, space, the disk.
pub(super) fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let fix = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "free space on its disk; what is in the log stays there"
        }
        std::io::ErrorKind::PermissionDenied => "let the process' user read and write the folder",
        _ => "look at the disk and at the folder's permissions",
    };
    Error::service(what)
        .at("path", path.display())
        .why(error)
        .fix(fix)
}
