//! What the records of a batch are compressed with.
use std::io::{BufRead as _, Read};

use bytes::buf::Reader;
use bytes::{Buf as _, Bytes};
use lz4_flex::frame::FrameDecoder;

use super::records::Unreadable;

/// Bytes that the records of one batch may take: what librdkafka takes at most in one answer
/// (`receive.message.max.bytes`), so that few bytes cannot take all memory.
const LIMIT: usize = 100_000_000;

/// Decompresses; keeps the memory that the most used codec needs.
#[derive(Default)]
pub(super) struct Decompression {
    lz4: Option<Lz4>,
}

/// A decoder at the end of a frame, where it may go on with one of the same kind.
struct Lz4 {
    decoder: FrameDecoder<Reader<Bytes>>,
    kind: Option<Vec<u8>>,
}

impl Decompression {
    /// Appends the records of a batch; the codec is the last three bits of its attributes.
    ///
    /// # Errors
    /// A codec that nobody has, bytes that it does not take, or more than the limit.
    pub(super) fn read(
        &mut self,
        codec: i16,
        from: &Bytes,
        into: &mut Vec<u8>,
    ) -> Result<(), Unreadable> {
        match codec {
            0 => {
                into.extend_from_slice(from);
                Ok(())
            }
            1 => read(flate2::read::MultiGzDecoder::new(&**from), into),
            2 => snappy(from, into),
            3 => self.lz4(from, into),
            4 => read(
                zstd::stream::read::Decoder::new(&**from).map_err(compressed)?,
                into,
            ),
            other => Err(Unreadable::Compressed(format!("codec {other}"))),
        }
    }

    fn lz4(&mut self, from: &Bytes, into: &mut Vec<u8>) -> Result<(), Unreadable> {
        // Block size and mode, which the decoder's memory depends on.
        let kind = from.get(4..6).map(<[u8]>::to_vec);
        let before = self.lz4.take().filter(|before| before.kind == kind);
        if let Some(mut before) = before {
            let start = into.len();
            *before.decoder.get_mut() = from.clone().reader();
            if unpack(&mut before.decoder, into).is_ok() {
                self.keep(before);
                return Ok(());
            }
            // It may have been left amid a frame that did not end.
            into.truncate(start);
        }
        let mut decoder = FrameDecoder::new(from.clone().reader());
        unpack(&mut decoder, into)?;
        self.keep(Lz4 { decoder, kind });
        Ok(())
    }

    fn keep(&mut self, mut lz4: Lz4) {
        // Nothing of the answer is held on to.
        *lz4.decoder.get_mut() = Bytes::new().reader();
        self.lz4 = Some(lz4);
    }
}

fn unpack(decoder: &mut FrameDecoder<Reader<Bytes>>, into: &mut Vec<u8>) -> Result<(), Unreadable> {
    let limit = into.len().saturating_add(LIMIT);
    loop {
        let piece = decoder.fill_buf().map_err(compressed)?;
        if piece.is_empty() {
            return Ok(());
        }
        if into.len() + piece.len() > limit {
            return Err(too_large());
        }
        into.extend_from_slice(piece);
        let taken = piece.len();
        decoder.consume(taken);
    }
}

fn read(from: impl Read, into: &mut Vec<u8>) -> Result<(), Unreadable> {
    let size = from
        .take(LIMIT as u64 + 1)
        .read_to_end(into)
        .map_err(compressed)?;
    if size > LIMIT {
        return Err(too_large());
    }
    Ok(())
}

/// What begins a stream of blocks, each after its length, as Java's clients write it; then two versions.
const BLOCKS: &[u8] = b"\x82SNAPPY\0";
const VERSIONS: usize = 8;

/// One block, or many: <https://github.com/xerial/snappy-java>.
fn snappy(from: &[u8], into: &mut Vec<u8>) -> Result<(), Unreadable> {
    let limit = into.len().saturating_add(LIMIT);
    let Some(mut blocks) = from.strip_prefix(BLOCKS) else {
        return block(from, into, limit);
    };
    let mut next = |length: usize| {
        let (block, rest) = blocks.split_at_checked(length)?;
        blocks = rest;
        Some(block)
    };
    let short = || Unreadable::Compressed("it ends amid a block".to_owned());
    next(VERSIONS).ok_or_else(short)?;
    while let Some(length) = next(4) {
        let length = length.try_into().map_or(0, u32::from_be_bytes);
        block(next(length as usize).ok_or_else(short)?, into, limit)?;
    }
    Ok(())
}

fn block(from: &[u8], into: &mut Vec<u8>, limit: usize) -> Result<(), Unreadable> {
    let start = into.len();
    let end = start + snap::raw::decompress_len(from).map_err(compressed)?;
    if end > limit {
        return Err(too_large());
    }
    into.resize(end, 0);
    let room = into.get_mut(start..).unwrap_or_default();
    let written = snap::raw::Decoder::new().decompress(from, room);
    written.map_err(compressed)?;
    Ok(())
}

fn too_large() -> Unreadable {
    Unreadable::Compressed(format!("more than {LIMIT} bytes"))
}

fn compressed(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Compressed(error.to_string())
}
