//! The fallback log: events on the local disk while Kafka does not take them, durable before anybody is told so.
//!
//! A folder of segments (see `segments`), framed with CRC (see `frame`). Many emitters share one fsync: a thread
//! writes what has gathered while the last fsync ran, as one group. Reading is in order, skips damaged bytes and
//! says so. What Kafka refuses for good stands aside in `refused/`, with its reason.
//!
//! Own code, because no crate has all of it: `okaywal` and `yaque` stop at the first damaged byte of a segment,
//! `yaque` and `commitlog` do not sync before they return, none bounds the folder or names its holder.
mod batch;
mod cursor;
mod disk;
mod folder;
mod frame;
mod group;
mod inspect;
mod position;
mod segments;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

pub use batch::Batch;
pub use cursor::Window;
pub use disk::{Disk, FileSystem};
pub use frame::Entry;
pub use inspect::{Inspection, Pile, inspect};
pub use segments::{Damage, Opened};

use crate::error::{Error, Result};
use cursor::{Cursor, Most};
use group::Group;
use segments::Segments;

/// Folder of what Kafka refused, in the log's folder.
pub(crate) const REFUSED: &str = "refused";

/// Most records that are read at once.
pub(crate) const WINDOW_RECORDS: u64 = 5_000;

/// Most that is read at once.
const WINDOW: Most = Most {
    records: WINDOW_RECORDS as usize,
    bytes: 4 << 20,
};

/// Where a fallback log stands and how large it may grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FallbackOptions {
    /// The folder; made where it is missing. One process at a time.
    pub folder: PathBuf,
    /// Most bytes of the log; what would not fit is refused, and the caller told so.
    pub max_bytes: u64,
    /// Bytes of a segment; space is given free by whole segments.
    pub segment_bytes: u64,
}

impl FallbackOptions {
    /// A log of at most 1 GiB in segments of 16 MiB.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            max_bytes: 1 << 30,
            segment_bytes: 16 << 20,
        }
    }
}

/// What is shared with the writing thread.
struct Shared {
    options: FallbackOptions,
    segments: Mutex<Segments>,
    /// Records that wait, those included that are being written.
    waiting: AtomicU64,
    /// Bytes on disk and bytes on their way there.
    bytes: AtomicU64,
    /// When the first waiting record was written, ms since the epoch; 0 for none.
    oldest: AtomicI64,
    refused: AtomicU64,
    _held: folder::Held,
}

impl Shared {
    fn segments(&self) -> MutexGuard<'_, Segments> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open fallback log; this process holds its folder.
pub struct FallbackLog {
    shared: Arc<Shared>,
    group: Group,
    cursor: Mutex<Cursor>,
    refused: Mutex<Segments>,
}

/// Tells when a batch is durable.
pub struct Pending(oneshot::Receiver<Result<()>>);

impl Pending {
    /// Waits until the batch is durable.
    ///
    /// # Errors
    /// It is not: the disk is full or broken.
    pub async fn durable(self) -> Result<()> {
        self.0
            .await
            .unwrap_or_else(|_| Err(Error::bug("the fallback log's writer ended")))
    }
}

impl FallbackLog {
    /// Opens or makes a log and repairs what a crash left.
    ///
    /// # Errors
    /// Another process has it, or the disk does not let it.
    pub fn open(options: &FallbackOptions) -> Result<(Self, Opened)> {
        Self::open_on(options, Arc::new(FileSystem))
    }

    /// As [`Self::open`], on a disk of the caller's.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(options: &FallbackOptions, disk: Arc<dyn Disk>) -> Result<(Self, Opened)> {
        folder::make(&options.folder)?;
        let held = folder::hold(&options.folder)?;
        let open = |folder, disk| Segments::open(folder, options.segment_bytes, disk);
        let (segments, opened) = open(&options.folder, Arc::clone(&disk))?;
        let (refused, refusals) = open(&options.folder.join(REFUSED), disk)?;
        for found in [&opened, &refusals] {
            if found.torn_bytes > 0 {
                tracing::warn!(
                    folder = %options.folder.display(),
                    bytes = found.torn_bytes,
                    "the fallback log ended in a record that was not whole; it was cut off"
                );
            }
            report(&found.damage);
        }
        let shared = Arc::new(Shared {
            waiting: AtomicU64::new(opened.records),
            bytes: AtomicU64::new(segments.bytes() + refused.bytes()),
            oldest: AtomicI64::new(opened.oldest.unwrap_or(0)),
            refused: AtomicU64::new(refusals.records),
            options: options.clone(),
            segments: Mutex::new(segments),
            _held: held,
        });
        let log = Self {
            group: Group::start(Arc::clone(&shared))?,
            shared,
            cursor: Mutex::default(),
            refused: Mutex::new(refused),
        };
        Ok((log, opened))
    }

    /// Hands a batch to the log; its place in the order is decided when this returns.
    ///
    /// # Errors
    /// The log is full; nothing of the batch is in it.
    pub fn append(&self, batch: Batch) -> Result<Pending> {
        let bytes = batch.bytes.len() as u64;
        let most = self.shared.options.max_bytes;
        let room = |now: u64| now.checked_add(bytes).filter(|sum| *sum <= most);
        let counter = &self.shared.bytes;
        if let Err(now) = counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, room) {
            return Err(Error::service("the fallback log is full")
                .at("folder", self.shared.options.folder.display())
                .at("bytes", now)
                .at("most", most)
                .fix("bring Kafka back, and the log drains by itself; or give it more room (max_bytes)"));
        }
        let records = batch.len() as u64;
        self.shared.waiting.fetch_add(records, Ordering::AcqRel);
        let _ =
            self.shared
                .oldest
                .compare_exchange(0, batch.time, Ordering::AcqRel, Ordering::Acquire);
        self.group.append(batch)
    }

    /// Records that wait, those included that are being written.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.shared.waiting.load(Ordering::Acquire)
    }

    /// Records that Kafka refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Acquire)
    }

    /// Bytes of the log, the refused records included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Acquire)
    }

    /// When the oldest waiting record was written, milliseconds since the epoch.
    #[must_use]
    pub fn oldest(&self) -> Option<i64> {
        let oldest = self.shared.oldest.load(Ordering::Acquire);
        (self.waiting() > 0 && oldest > 0).then_some(oldest)
    }

    /// Its options.
    #[must_use]
    pub fn options(&self) -> &FallbackOptions {
        &self.shared.options
    }

    /// The next durable records after the last window. Blocks on the disk.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn window(&self) -> Result<Window> {
        let (segments, from, end) = {
            let segments = self.shared.segments();
            (segments.segments(), segments.position(), segments.next())
        };
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let window = cursor.window(&segments, from, end, WINDOW)?;
        drop(cursor);
        report(&window.damage);
        if let Some(first) = window.entries.first() {
            let oldest = &self.shared.oldest;
            let _ = oldest.compare_exchange(0, first.time, Ordering::AcqRel, Ordering::Acquire);
        }
        let mut segments = self.shared.segments();
        for damage in &window.damage {
            segments.note_damage(damage);
        }
        Ok(window)
    }

    /// Makes the next [`Self::window`] start at the first record that is not settled.
    pub fn rewind(&self) {
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        cursor.reset();
    }

    /// Sets records aside that Kafka will never take; durable when it returns. Blocks on the disk.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub fn refuse(&self, refused: &[(&Entry, String)]) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for (entry, reason) in refused {
            batch.push_refused(entry, reason)?;
        }
        let mut segments = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        batch.seal(segments.next());
        segments.append(&batch.bytes, batch.len() as u64)?;
        let (bytes, records) = (batch.bytes.len() as u64, batch.len() as u64);
        self.shared.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.shared.refused.fetch_add(records, Ordering::AcqRel);
        Ok(())
    }

    /// Is done with the records below `next`, so many of which were read. Blocks on the disk.
    ///
    /// # Errors
    /// The position cannot be written; the records will be read again after a restart.
    pub fn settle(&self, next: u64, records: u64, oldest: Option<i64>) -> Result<()> {
        let mut segments = self.shared.segments();
        let before = segments.bytes();
        let settled = segments.settle(next);
        let freed = before.saturating_sub(segments.bytes());
        drop(segments);
        self.shared.bytes.fetch_sub(freed, Ordering::AcqRel);
        settled?;
        let oldest = oldest.unwrap_or(0);
        self.shared.oldest.store(oldest, Ordering::Release);
        self.shared.waiting.fetch_sub(records, Ordering::AcqRel);
        Ok(())
    }

    /// The refused records, at most a window of them, from a number on. Blocks on the disk.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn refused_window(&self, from: u64) -> Result<Window> {
        let segments = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let from = from.max(segments.position());
        Cursor::default().window(&segments.segments(), from, segments.next(), WINDOW)
    }

    /// Is done with the refused records below `next`, so many. Blocks on the disk.
    ///
    /// # Errors
    /// The position cannot be written.
    pub fn settle_refused(&self, next: u64, records: u64) -> Result<()> {
        let mut segments = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let before = segments.bytes();
        let settled = segments.settle(next);
        let freed = before.saturating_sub(segments.bytes());
        self.shared.bytes.fetch_sub(freed, Ordering::AcqRel);
        settled?;
        self.shared.refused.fetch_sub(records, Ordering::AcqRel);
        Ok(())
    }
}

fn report(damage: &[Damage]) {
    for found in damage {
        tracing::error!(
            file = %found.file.display(),
            at = found.at,
            bytes = found.bytes,
            "the fallback log has bytes that are no record; what they held is lost, the rest goes on"
        );
    }
}
