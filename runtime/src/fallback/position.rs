//! Up to which record the log is done with: two slots that are written in turn, in place, so that the position can
//! advance on a full disk and a torn write leaves the one before.
//!
//! ```text
//!   0  8  number of the first record that is not done, u64 LE        512  the same again
//!   8  4  CRC-32 of the number
//! ```
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::disk::Disk;
use super::folder;
use crate::error::Result;

const NAME: &str = "position";

/// Slots stand in different sectors: disks write those whole or not at all.
const SLOT: u64 = 512;

/// The file.
#[derive(Debug)]
pub(super) struct Position {
    file: File,
    next: u64,
    /// Slot that is written next: not the one that holds `next`.
    slot: u64,
}

/// The position that is written; nothing where there is none or it is damaged.
pub(super) fn read(folder: &Path) -> Option<u64> {
    let file = File::open(folder.join(NAME)).ok()?;
    latest(&file).map(|(next, _)| next)
}

fn latest(file: &File) -> Option<(u64, u64)> {
    let read = |slot: u64| {
        let mut bytes = [0; 12];
        file.read_exact_at(&mut bytes, slot * SLOT).ok()?;
        let (number, sum) = bytes.split_at(8);
        let number: [u8; 8] = number.try_into().ok()?;
        (sum == crc32fast::hash(&number).to_le_bytes()).then(|| (u64::from_le_bytes(number), slot))
    };
    read(0).max(read(1))
}

impl Position {
    /// Opens or makes it.
    pub(super) fn open(folder: &Path, disk: &dyn Disk) -> Result<Self> {
        let path = folder.join(NAME);
        let failed =
            |error| folder::failed("cannot open the fallback log's position", &path, &error);
        let file = folder::options()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        if let Some((next, slot)) = latest(&file) {
            let slot = 1 - slot;
            return Ok(Self { file, next, slot });
        }
        let mut position = Self {
            file,
            next: 0,
            slot: 0,
        };
        // Both now, so that no space is needed later.
        for _ in 0..2 {
            position.write(0, disk).map_err(failed)?;
        }
        folder::sync(folder).map_err(failed)?;
        Ok(position)
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Makes a later position durable.
    pub(super) fn write(&mut self, next: u64, disk: &dyn Disk) -> std::io::Result<()> {
        let mut bytes = next.to_le_bytes().to_vec();
        bytes.extend_from_slice(&crc32fast::hash(&next.to_le_bytes()).to_le_bytes());
        disk.write(&self.file, &bytes, self.slot * SLOT)?;
        disk.sync(&self.file)?;
        self.next = next;
        self.slot = 1 - self.slot;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::FileSystem;
    use super::*;

    #[test]
    fn a_torn_write_leaves_the_position_before() {
        let folder =
            std::env::temp_dir().join(format!("topicwright-position-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(NAME);
        let mut position = Position::open(&folder, &FileSystem).expect("made");
        for next in 1..=3 {
            position.write(next, &FileSystem).expect("written");
        }
        let whole = std::fs::read(&path).expect("there");
        position.write(1000, &FileSystem).expect("written");
        let later = std::fs::read(&path).expect("there");
        for cut in 0..12 {
            for slot in [0, 512] {
                let mut bytes = whole.clone();
                bytes[slot..slot + cut].copy_from_slice(&later[slot..slot + cut]);
                std::fs::write(&path, bytes).expect("written");
                let found = read(&folder).expect("a position");
                assert_eq!(found, 3, "{cut} bytes of the slot at {slot}");
            }
        }
        std::fs::write(&path, b"").expect("written");
        assert_eq!(read(&folder), None);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
