//! Reads the waiting records in their order, a window at a time, while others append.
use super::frame::Entry;
use super::segments::{Damage, Scan, Scanned, Segment, read};
use crate::error::Result;

/// Some records, and up to where the log was read for them.
#[derive(Debug, Default)]
pub struct Window {
    /// The records, in their order.
    pub entries: Vec<Entry>,
    /// What stands between them and is no record.
    pub damage: Vec<Damage>,
    /// Number of the first record after this window.
    pub next: u64,
}

/// Most of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

/// Where the reading stands.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// Number of the segment's first record, and the place in it.
    place: Option<(u64, u64)>,
    /// What was read of it ahead.
    ahead: Vec<u8>,
    /// How much of that was used.
    used: usize,
}

impl Cursor {
    /// Starts again at the first record that is not done with.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The next records with numbers from `from` on; `end` is the number after the last durable one.
    pub(super) fn window(
        &mut self,
        segments: &[Segment],
        from: u64,
        end: u64,
        most: Most,
    ) -> Result<Window> {
        let mut window = Window {
            next: from,
            ..Window::default()
        };
        let mut bytes = 0;
        let start = self.place.map_or(0, |(first, _)| first);
        for (index, segment) in segments.iter().enumerate() {
            if segment.first < start {
                continue;
            }
            let until = segments.get(index + 1).map(|next| next.first);
            if self.place.is_none_or(|(first, _)| first != segment.first) {
                self.place = Some((segment.first, 0));
                self.ahead = Vec::new();
                self.used = 0;
            }
            let Some((_, place)) = &mut self.place else {
                break;
            };
            loop {
                if self.used == self.ahead.len() {
                    if *place >= segment.bytes {
                        break;
                    }
                    self.ahead = read(segment, Some((*place, segment.bytes)))?;
                    self.used = 0;
                }
                let base = *place;
                let mut used = 0;
                let mut is_full = false;
                for found in Scan::new(&self.ahead[self.used..], until) {
                    match found {
                        Scanned::Record(entry, end) => {
                            used = end;
                            if entry.sequence < from {
                                continue;
                            }
                            bytes += entry.value.len();
                            window.next = entry.sequence + 1;
                            window.entries.push(entry);
                            is_full = window.entries.len() >= most.records || bytes >= most.bytes;
                            if is_full {
                                break;
                            }
                        }
                        Scanned::Damaged(at, end) => {
                            used = end;
                            window.damage.push(Damage {
                                file: segment.path.clone(),
                                at: base + at,
                                bytes: end - at,
                            });
                        }
                        Scanned::Torn(_) => {}
                    }
                }
                if !is_full {
                    // What a failed group left is skipped with the rest.
                    used = (self.ahead.len() - self.used) as u64;
                }
                *place += used;
                self.used += usize::try_from(used).unwrap_or(self.ahead.len());
                if is_full {
                    return Ok(window);
                }
            }
            window.next = window.next.max(until.unwrap_or(end));
        }
        Ok(window)
    }
}
