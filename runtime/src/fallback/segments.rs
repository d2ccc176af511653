//! Segments in a folder: appended to in groups, repaired when opened, deleted when done with. One thread at a time.
//!
//! A segment's name is the number of its first record. Bytes beyond a segment's known length, and records numbered
//! like those of the next segment, come from a group that failed: nobody was told that they are durable.
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::Disk;
use super::folder;
use super::frame::{self, Entry, Found};
use super::position::Position;
use crate::error::{Error, Result};

/// Ending of segments.
pub(super) const SEGMENT: &str = "log";

/// Ending of segments that were done with, and had bytes that are no record.
pub(super) const DAMAGED: &str = "damaged";

/// Bytes of a segment that are no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub file: PathBuf,
    /// Where they start.
    pub at: u64,
    /// How many.
    pub bytes: u64,
}

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Records that wait.
    pub records: u64,
    /// Bytes at the end that were cut off: a record whose writing was interrupted before anybody was told that it is
    /// durable.
    pub torn_bytes: u64,
    /// What was skipped.
    pub damage: Vec<Damage>,
    /// When the first waiting record was written, milliseconds since the epoch.
    pub oldest: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    is_damaged: bool,
}

/// The segments.
pub(super) struct Segments {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    segments: VecDeque<Segment>,
    /// The last segment, while it is appended to.
    open: Option<File>,
    position: Position,
    next: u64,
    most_segment_bytes: u64,
    /// Bytes of segments that are kept because of their damage.
    damaged_bytes: u64,
}

impl Segments {
    pub(super) fn open(
        path: &Path,
        most_segment_bytes: u64,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, Opened)> {
        folder::make(path)?;
        let position = Position::open(path, &*disk)?;
        let mut opened = Opened::default();
        let mut segments = VecDeque::new();
        let mut next = position.next();
        let files = folder::numbered(path, SEGMENT)?;
        for (index, (first, file)) in files.iter().enumerate() {
            let until = files.get(index + 1).map(|(first, _)| *first);
            let mut segment = Segment {
                first: *first,
                path: file.clone(),
                bytes: 0,
                is_damaged: false,
            };
            let read = read(&segment, None)?;
            let is_last = until.is_none();
            for found in Scan::new(&read, until) {
                match found {
                    Scanned::Record(entry, _) => {
                        next = next.max(entry.sequence + 1);
                        if entry.sequence >= position.next() {
                            opened.records += 1;
                            opened.oldest = opened.oldest.or(Some(entry.time));
                        }
                    }
                    Scanned::Torn(at) if is_last => {
                        opened.torn_bytes = read.len() as u64 - at;
                        cut(file, at, &*disk).map_err(|error| {
                            folder::failed("cannot repair the fallback log", file, &error)
                        })?;
                    }
                    // Of a group that failed: never told to be durable.
                    Scanned::Torn(_) => {}
                    Scanned::Damaged(at, end) => {
                        segment.is_damaged = true;
                        opened.damage.push(Damage {
                            file: file.clone(),
                            at,
                            bytes: end - at,
                        });
                    }
                }
            }
            segment.bytes = read.len() as u64 - if is_last { opened.torn_bytes } else { 0 };
            segments.push_back(segment);
        }
        let mut damaged_bytes = 0;
        for (_, file) in folder::numbered(path, DAMAGED)? {
            damaged_bytes += fs::metadata(&file).map_or(0, |found| found.len());
        }
        let mut log = Self {
            folder: path.to_owned(),
            disk,
            segments,
            open: None,
            position,
            next,
            most_segment_bytes,
            damaged_bytes,
        };
        log.drop_done()
            .map_err(|error| folder::failed("cannot repair the fallback log", path, &error))?;
        Ok((log, opened))
    }

    /// Number that the next record gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Number of the first record that is not done with.
    pub(super) fn position(&self) -> u64 {
        self.position.next()
    }

    /// Segments with their durable lengths, oldest first.
    pub(super) fn segments(&self) -> Vec<Segment> {
        self.segments.iter().cloned().collect()
    }

    pub(super) fn bytes(&self) -> u64 {
        let segments: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        segments + self.damaged_bytes
    }

    /// Appends sealed frames, so many records, and returns when they are durable.
    ///
    /// # Errors
    /// They are not, and the log is as before.
    pub(super) fn append(&mut self, frames: &[u8], records: u64) -> Result<()> {
        let result = self.try_append(frames);
        match result {
            Ok(()) => {
                self.next += records;
                Ok(())
            }
            Err(error) => {
                self.give_up_last();
                Err(folder::failed(
                    "cannot write to the fallback log",
                    &self.folder,
                    &error,
                ))
            }
        }
    }

    fn try_append(&mut self, frames: &[u8]) -> io::Result<()> {
        let is_full = |segment: &Segment| {
            segment.bytes > 0 && segment.bytes + frames.len() as u64 > self.most_segment_bytes
        };
        if self.segments.back().is_none_or(is_full) {
            self.roll()?;
        } else if self.open.is_none()
            && let Some(last) = self.segments.back()
        {
            self.open = Some(folder::options().open(&last.path)?);
        }
        let (Some(file), Some(last)) = (&self.open, self.segments.back_mut()) else {
            return Err(io::Error::other("the fallback log has no segment"));
        };
        self.disk.write(file, frames, last.bytes)?;
        self.disk.sync(file)?;
        last.bytes += frames.len() as u64;
        Ok(())
    }

    /// Starts a segment. Where a file has its name already, that is what a failed group left.
    fn roll(&mut self) -> io::Result<()> {
        self.open = None;
        let name = format!("{:020}.{SEGMENT}", self.next);
        let path = self.folder.join(name);
        let file = folder::options().create(true).truncate(true).open(&path)?;
        folder::sync(&self.folder)?;
        self.segments.retain(|segment| segment.first != self.next);
        self.segments.push_back(Segment {
            first: self.next,
            path,
            bytes: 0,
            is_damaged: false,
        });
        self.open = Some(file);
        Ok(())
    }

    /// After a failed write or sync nothing is known of the file's end: takes back what was written, and where even
    /// that fails never appends to this file again.
    fn give_up_last(&mut self) {
        self.open = None;
        let Some(last) = self.segments.back() else {
            return;
        };
        if last.bytes == 0 {
            let _ = fs::remove_file(&last.path);
            self.segments.pop_back();
            return;
        }
        let is_cut = cut(&last.path, last.bytes, &*self.disk).is_ok();
        // A new segment, even an empty one, makes a reader stop at its number.
        if !is_cut {
            let _ = self.roll();
        }
    }

    /// Is done with the records below a number: the position is durable, then segments without others are deleted.
    pub(super) fn settle(&mut self, next: u64) -> Result<()> {
        let failed = |path: &Path, error: &io::Error| {
            folder::failed("cannot advance the fallback log's position", path, error)
        };
        if next > self.position.next() {
            self.position
                .write(next, &*self.disk)
                .map_err(|error| failed(&self.folder, &error))?;
        }
        self.drop_done()
            .map_err(|error| failed(&self.folder, &error))
    }

    fn drop_done(&mut self) -> io::Result<()> {
        let mut is_changed = false;
        while let Some(first) = self.segments.front() {
            let end = self.segments.get(1).map_or(self.next, |next| next.first);
            // An empty one is about to be filled.
            if end > self.position.next() || (self.segments.len() == 1 && first.bytes == 0) {
                break;
            }
            if first.is_damaged {
                fs::rename(&first.path, first.path.with_extension(DAMAGED))?;
                self.damaged_bytes += first.bytes;
            } else {
                fs::remove_file(&first.path)?;
            }
            is_changed = true;
            self.segments.pop_front();
            if self.segments.is_empty() {
                self.open = None;
            }
        }
        if is_changed {
            folder::sync(&self.folder)?;
        }
        Ok(())
    }
}

fn cut(path: &Path, length: u64, disk: &dyn Disk) -> io::Result<()> {
    let file = folder::options().open(path)?;
    file.set_len(length)?;
    disk.sync(&file)
}

/// The bytes of a segment, at most its durable length.
pub(super) fn read(segment: &Segment, from: Option<(u64, u64)>) -> Result<Vec<u8>> {
    use std::os::unix::fs::FileExt as _;
    let failed =
        |error: io::Error| folder::failed("cannot read the fallback log", &segment.path, &error);
    let Some((from, to)) = from else {
        return fs::read(&segment.path).map_err(failed);
    };
    let length = usize::try_from(to.saturating_sub(from))
        .map_err(|_| Error::bug("a segment of the fallback log is too large"))?;
    let mut bytes = vec![0; length];
    let file = File::open(&segment.path).map_err(failed)?;
    file.read_exact_at(&mut bytes, from).map_err(failed)?;
    Ok(bytes)
}

/// What a scan meets; places are relative to its bytes.
pub(super) enum Scanned {
    /// A record and where it ends.
    Record(Entry, u64),
    /// From, to.
    Damaged(u64, u64),
    /// From here to the end.
    Torn(u64),
}

/// Goes through a segment's bytes.
pub(super) struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
    /// First number of the next segment.
    until: Option<u64>,
}

impl<'b> Scan<'b> {
    pub(super) fn new(bytes: &'b [u8], until: Option<u64>) -> Self {
        Self {
            bytes,
            at: 0,
            until,
        }
    }
}

impl Iterator for Scan<'_> {
    type Item = Scanned;

    fn next(&mut self) -> Option<Scanned> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at as u64;
        match frame::find(self.bytes, self.at) {
            Found::Record(entry, end) => {
                self.at = end;
                if self.until.is_some_and(|until| entry.sequence >= until) {
                    self.at = self.bytes.len();
                    return None;
                }
                Some(Scanned::Record(entry, end as u64))
            }
            Found::Damaged(end) => {
                self.at = end;
                Some(Scanned::Damaged(start, end as u64))
            }
            Found::Torn => {
                self.at = self.bytes.len();
                Some(Scanned::Torn(start))
            }
        }
    }
}

impl Segment {
    pub(super) fn at(first: u64, path: PathBuf, bytes: u64) -> Self {
        Self {
            first,
            path,
            bytes,
            is_damaged: false,
        }
    }
}

impl Segments {
    /// Remembers damage that was met while reading.
    pub(super) fn note_damage(&mut self, damage: &Damage) {
        for segment in &mut self.segments {
            segment.is_damaged |= segment.path == damage.file;
        }
    }
}
