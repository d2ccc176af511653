//! An encoded block in pieces, so that it is never held whole.
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::error::Result;

/// Bytes from which a piece is handed on.
const PIECE: usize = 1 << 20;

/// Bytes that a piece hardly ever exceeds.
const ROOM: usize = PIECE + (PIECE >> 1);

/// Bytes alike that are handed on at a time: few enough to stay near the processor.
const RUN: usize = 1 << 17;

/// Bytes alike that are written sooner than handed on by themselves.
const FEW: usize = 1 << 15;

pub(super) static ZEROS: [u8; RUN] = [0; RUN];
pub(super) static ONES: [u8; RUN] = [1; RUN];

/// What is encoded and not handed on yet.
pub(super) struct Pieces<'t> {
    pub(super) buffer: Vec<u8>,
    buffers: Buffers,
    take: &'t mut dyn FnMut(Bytes) -> Result<()>,
}

impl<'t> Pieces<'t> {
    pub(super) fn new(buffers: Buffers, take: &'t mut dyn FnMut(Bytes) -> Result<()>) -> Self {
        Self {
            buffer: buffers.get(),
            buffers,
            take,
        }
    }

    /// Hands on what there is, where it is enough.
    pub(super) fn part(&mut self) -> Result<()> {
        if self.buffer.len() < PIECE {
            return Ok(());
        }
        self.end()
    }

    /// Appends many bytes, as much as a piece takes at a time: one that grows is copied.
    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = ROOM.saturating_sub(self.buffer.len()).max(1);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            self.part()?;
        }
        Ok(())
    }

    /// Appends bytes that are all alike, from the first of `run` on. Many are pieces of their own, which nobody writes.
    pub(super) fn repeat(&mut self, run: &'static [u8; RUN], count: usize) -> Result<()> {
        if count < FEW {
            return self.put(&run[..count]);
        }
        self.end()?;
        let mut left = count;
        while left > 0 {
            let now = left.min(RUN);
            (self.take)(Bytes::from_static(&run[..now]))?;
            left -= now;
        }
        Ok(())
    }

    /// Hands on what there is.
    pub(super) fn end(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::replace(&mut self.buffer, self.buffers.get());
        (self.take)(Bytes::from_owner(Piece {
            bytes,
            buffers: self.buffers.clone(),
        }))
    }
}

impl Drop for Pieces<'_> {
    fn drop(&mut self) {
        self.buffers.put_back(std::mem::take(&mut self.buffer));
    }
}

/// Buffers that are kept while no piece is in them.
const SPARE: usize = 4;

/// Buffers to be filled again. The system clears memory that it hands out, which costs as much as filling it.
#[derive(Clone, Default)]
pub(super) struct Buffers {
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Buffers {
    /// An empty buffer, with room for a piece.
    fn get(&self) -> Vec<u8> {
        let spare = self.with(Vec::pop);
        spare.unwrap_or_else(|| Vec::with_capacity(ROOM))
    }

    /// Keeps a buffer, unless an unusual row made it large.
    fn put_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.with(|spare| {
            if spare.len() < SPARE && buffer.capacity() <= 2 * ROOM {
                spare.push(buffer);
            }
        });
    }

    fn with<R>(&self, act: impl FnOnce(&mut Vec<Vec<u8>>) -> R) -> R {
        act(&mut self.spare.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Bytes on their way, whose buffer comes back when nobody holds them any more.
struct Piece {
    bytes: Vec<u8>,
    buffers: Buffers,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.buffers.put_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Sends a text of many bytes and two runs; where the pieces were in memory.
    fn places(buffers: &Buffers) -> BTreeSet<usize> {
        let (mut all, mut places) = (Vec::new(), BTreeSet::new());
        let mut take = |piece: Bytes| {
            places.insert(piece.as_ptr().addr());
            all.extend_from_slice(&piece);
            Ok(())
        };
        let mut pieces = Pieces::new(buffers.clone(), &mut take);
        let text: Vec<u8> = (0..=250).cycle().take(5 * PIECE).collect();
        pieces.put(&text).expect("taken");
        pieces.repeat(&ONES, FEW - 1).expect("taken");
        pieces.repeat(&ZEROS, RUN + 1).expect("taken");
        pieces.end().expect("taken");
        drop(pieces);
        // Not by `assert_eq`: nobody reads megabytes.
        assert!(all == [text, vec![1; FEW - 1], vec![0; RUN + 1]].concat());
        places
    }

    #[test]
    fn buffers_come_back() {
        let buffers = Buffers::default();
        let before = places(&buffers);
        // One that is filled, one that is sent, and the bytes alike.
        assert_eq!(before.len(), 3);
        assert_eq!(places(&buffers), before);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let buffers = Buffers::default();
        let taken: Vec<Vec<u8>> = (0..3 * SPARE).map(|_| buffers.get()).collect();
        buffers.put_back(Vec::with_capacity(3 * ROOM));
        assert_eq!(buffers.with(|spare| spare.len()), 0);
        for buffer in taken {
            buffers.put_back(buffer);
        }
        assert_eq!(buffers.with(|spare| spare.len()), SPARE);
    }
}
