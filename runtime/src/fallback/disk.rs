//! Where the log's bytes go: the two calls that can fail on a full or broken disk, so that tests can make them fail.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Writes and syncs.
pub trait Disk: Send + Sync {
    /// Writes all bytes at a place of a file.
    ///
    /// # Errors
    /// Some are not written; the file may hold a part of them.
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Returns when what was written survives a power failure.
    ///
    /// # Errors
    /// It may not.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

impl Disk for FileSystem {
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}
