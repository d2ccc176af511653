//! Group commit: one thread writes what has gathered, syncs once, and tells everybody.
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::oneshot;

use super::{Batch, Pending, Shared};
use crate::error::{Error, Result};

/// A group is closed at this size: it is held in memory twice, and is not split over segments.
const MOST_BYTES: usize = 4 << 20;

struct Job {
    batch: Batch,
    told: oneshot::Sender<Result<()>>,
}

/// Hands batches to the thread; it ends, after its last group, when this is dropped.
pub(super) struct Group {
    /// Taken away to end the thread.
    jobs: RwLock<Option<mpsc::Sender<Job>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Group {
    pub(super) fn start(shared: Arc<Shared>) -> Result<Self> {
        let (sender, jobs) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("fallback-log".to_owned())
            .spawn(move || write(&shared, &jobs))
            .map_err(|error| Error::bug("cannot start the fallback log's writer").why(error))?;
        Ok(Self {
            jobs: RwLock::new(Some(sender)),
            thread: Some(thread),
        })
    }

    pub(super) fn append(&self, batch: Batch) -> Result<Pending> {
        let (told, pending) = oneshot::channel();
        let jobs = self.jobs.read().unwrap_or_else(PoisonError::into_inner);
        let job = Job { batch, told };
        match &*jobs {
            Some(jobs) if jobs.send(job).is_ok() => Ok(Pending(pending)),
            _ => Err(Error::bug("the fallback log's writer ended")),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let jobs = self.jobs.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(jobs.take());
        // The folder is free when the log is gone.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(shared: &Shared, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        let mut bytes = group[0].batch.bytes.len();
        while bytes < MOST_BYTES
            && let Ok(job) = jobs.try_recv()
        {
            bytes += job.batch.bytes.len();
            group.push(job);
        }
        let mut frames = Vec::with_capacity(bytes);
        let mut segments = shared.segments();
        let first = segments.next();
        let mut records = 0;
        for job in &mut group {
            job.batch.seal(first + records);
            records += job.batch.len() as u64;
            frames.extend_from_slice(&job.batch.bytes);
        }
        let written = segments.append(&frames, records);
        drop(segments);
        if let Err(error) = &written {
            shared.waiting.fetch_sub(records, Ordering::AcqRel);
            shared
                .bytes
                .fetch_sub(frames.len() as u64, Ordering::AcqRel);
            tracing::error!(%error, records, "the fallback log took nothing");
        }
        for job in group {
            // Whoever gave up waiting is not told.
            let _ = job.told.send(written.clone());
        }
    }
}
