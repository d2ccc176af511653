//! What the records of a batch are compressed with.
use std::io::Read;

use bytes::Bytes;
use kafka_protocol::compression::{Decompressor as _, Snappy};

use super::records::Unreadable;

/// Bytes that the records of one batch may take: what librdkafka takes at most in one answer
/// (`receive.message.max.bytes`), so that few bytes cannot take all memory.
const LIMIT: u64 = 100_000_000;

/// Appends the records of a batch; the codec is the last three bits of its attributes.
///
/// # Errors
/// A codec that nobody has, bytes that it does not take, or more than the limit.
pub(super) fn decompress(codec: i16, from: &[u8], into: &mut Vec<u8>) -> Result<(), Unreadable> {
    match codec {
        0 => {
            into.extend_from_slice(from);
            Ok(())
        }
        1 => read(flate2::read::MultiGzDecoder::new(from), into),
        2 => snappy(from, into),
        3 => read(lz4_flex::frame::FrameDecoder::new(from), into),
        4 => read(
            zstd::stream::read::Decoder::new(from).map_err(compressed)?,
            into,
        ),
        other => Err(Unreadable::Compressed(format!("codec {other}"))),
    }
}

fn read(from: impl Read, into: &mut Vec<u8>) -> Result<(), Unreadable> {
    let size = from.take(LIMIT + 1).read_to_end(into).map_err(compressed)?;
    if size as u64 > LIMIT {
        return Err(Unreadable::Compressed(format!("more than {LIMIT} bytes")));
    }
    Ok(())
}

fn snappy(from: &[u8], into: &mut Vec<u8>) -> Result<(), Unreadable> {
    Snappy::decompress(&mut Bytes::copy_from_slice(from), |bytes| {
        into.extend_from_slice(bytes);
        Ok(())
    })
    .map_err(compressed)
}

fn compressed(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Compressed(error.to_string())
}
