//! A log seen from outside: read without holding the folder, so also while a process uses it.
use std::collections::BTreeMap;
use std::path::Path;

use super::REFUSED;
use super::folder;
use super::position;
use super::segments::{DAMAGED, Damage, SEGMENT, Scan, Scanned, Segment, read};
use crate::error::{Error, Result};

/// Records with one topic and one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pile {
    /// Records.
    pub records: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// When the first was written, milliseconds since the epoch.
    pub first: Option<i64>,
    /// When the last was written.
    pub last: Option<i64>,
}

/// What is in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Waiting records by topic.
    pub waiting: BTreeMap<String, Pile>,
    /// Refused records by topic and reason.
    pub refused: BTreeMap<(String, String), Pile>,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes that are no record.
    pub damage: Vec<Damage>,
    /// Bytes of a last record that is not whole: a crash, or a process that is writing it now.
    pub torn_bytes: u64,
    /// The process that uses the log now, where one does and said so.
    pub used_by: Option<u32>,
    /// Whether a process uses the log now.
    pub is_used: bool,
}

impl Inspection {
    /// Records that wait.
    #[must_use]
    pub fn waiting_records(&self) -> u64 {
        self.waiting.values().map(|pile| pile.records).sum()
    }

    /// Records that Kafka refused.
    #[must_use]
    pub fn refused_records(&self) -> u64 {
        self.refused.values().map(|pile| pile.records).sum()
    }
}

/// Reads every byte of a log.
///
/// # Errors
/// There is no log, or it cannot be read.
pub fn inspect(path: &Path) -> Result<Inspection> {
    if !path.is_dir() {
        return Err(Error::config("there is no fallback log")
            .at("folder", path.display())
            .fix("name the folder that the producer was given"));
    }
    let is_used = folder::is_held(path);
    let mut found = Inspection {
        used_by: folder::holder(path).filter(|_| is_used),
        is_used,
        ..Inspection::default()
    };
    read_folder(path, &mut found, false)?;
    read_folder(&path.join(REFUSED), &mut found, true)?;
    Ok(found)
}

fn read_folder(path: &Path, found: &mut Inspection, is_refused: bool) -> Result<()> {
    let position = position::read(path).unwrap_or(0);
    let files = folder::numbered(path, SEGMENT)?;
    for (index, (first, file)) in files.iter().enumerate() {
        let segment = Segment::at(*first, file.clone(), 0);
        let bytes = match read(&segment, None) {
            Ok(bytes) => bytes,
            // Done with and deleted meanwhile.
            Err(_) if !file.exists() => continue,
            Err(error) => return Err(error),
        };
        found.bytes += bytes.len() as u64;
        found.segments += 1;
        let until = files.get(index + 1).map(|(first, _)| *first);
        for scanned in Scan::new(&bytes, until) {
            match scanned {
                Scanned::Record(entry, _) if entry.sequence >= position => {
                    let pile = match is_refused {
                        true => found.refused.entry((entry.topic, entry.note)).or_default(),
                        false => found.waiting.entry(entry.topic).or_default(),
                    };
                    pile.records += 1;
                    pile.bytes += entry.value.len() as u64;
                    pile.first = pile.first.or(Some(entry.time));
                    pile.last = pile.last.max(Some(entry.time));
                }
                Scanned::Record(..) => {}
                Scanned::Damaged(at, end) => found.damage.push(Damage {
                    file: file.clone(),
                    at,
                    bytes: end - at,
                }),
                Scanned::Torn(at) if until.is_none() => found.torn_bytes += bytes.len() as u64 - at,
                Scanned::Torn(_) => {}
            }
        }
    }
    for (first, file) in folder::numbered(path, DAMAGED)? {
        let bytes = read(&Segment::at(first, file.clone(), 0), None)?;
        found.bytes += bytes.len() as u64;
        found.segments += 1;
        for scanned in Scan::new(&bytes, None) {
            if let Scanned::Damaged(at, end) = scanned {
                found.damage.push(Damage {
                    file: file.clone(),
                    at,
                    bytes: end - at,
                });
            }
        }
    }
    Ok(())
}
