//! What the records of a batch are compressed with.
use std::io::{BufRead as _, Read};

use bytes::buf::Reader;
use bytes::{Buf as _, Bytes};
use kafka_protocol::compression::{Decompressor as _, Snappy};
use lz4_flex::frame::FrameDecoder;

use super::records::Unreadable;

/// Bytes that the records of one batch may take: what librdkafka takes at most in one answer
/// (`receive.message.max.bytes`), so that few bytes cannot take all memory.
const LIMIT: usize = 100_000_000;

/// Decompresses; keeps the memory that the most used codec needs.
#[derive(Default)]
pub(super) struct Decompression {
    lz4: Option<FrameDecoder<Reader<Bytes>>>,
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
        // A decoder at the end of one frame goes on with the next; one amid a damaged frame is of no use.
        let mut decoder = match self.lz4.take() {
            None => FrameDecoder::new(from.clone().reader()),
            Some(mut decoder) => {
                *decoder.get_mut() = from.clone().reader();
                decoder
            }
        };
        let limit = into.len().saturating_add(LIMIT);
        loop {
            let piece = decoder.fill_buf().map_err(compressed)?;
            if piece.is_empty() {
                break;
            }
            if into.len() + piece.len() > limit {
                return Err(too_large());
            }
            into.extend_from_slice(piece);
            let taken = piece.len();
            decoder.consume(taken);
        }
        // Nothing of the answer is held on to.
        *decoder.get_mut() = Bytes::new().reader();
        self.lz4 = Some(decoder);
        Ok(())
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

fn snappy(from: &Bytes, into: &mut Vec<u8>) -> Result<(), Unreadable> {
    Snappy::decompress(&mut from.clone(), |bytes| {
        into.extend_from_slice(bytes);
        Ok(())
    })
    .map_err(compressed)
}

fn too_large() -> Unreadable {
    Unreadable::Compressed(format!("more than {LIMIT} bytes"))
}

fn compressed(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Compressed(error.to_string())
}
