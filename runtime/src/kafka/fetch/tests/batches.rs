//! Record batches as another implementation writes them, whole, cut off and damaged.
use std::io::Write as _;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use proptest::prelude::*;

use super::super::compression::Decompression;
use super::super::records::{Batch, Unreadable};
use super::super::run::{Memory, Run, Spare, Standing};

/// What a record is for whoever reads it.
type Seen = (
    i64,
    Option<i64>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(String, Option<Vec<u8>>)>,
);

pub(super) fn record(
    offset: i64,
    time: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: i32::try_from(offset).unwrap(),
        timestamp: time,
        key: key.map(Bytes::from),
        value: value.map(Bytes::from),
        headers: IndexMap::new(),
    }
}

fn with_headers(mut record: Record, headers: &[(String, Option<Vec<u8>>)]) -> Record {
    for (name, value) in headers {
        let name = StrBytes::from_string(name.clone());
        record.headers.insert(name, value.clone().map(Bytes::from));
    }
    record
}

pub(super) fn encode(records: &[Record], compression: Compression) -> Bytes {
    let options = RecordEncodeOptions {
        version: 2,
        compression,
    };
    let lz4 = |from: &mut BytesMut, into: &mut BytesMut, _: Compression| {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(into.writer());
        encoder.write_all(from)?;
        encoder.finish()?;
        Ok(())
    };
    let mut bytes = BytesMut::new();
    let lz4 = (compression == Compression::Lz4).then_some(lz4);
    RecordBatchEncoder::encode_with_custom_compression(&mut bytes, records, &options, lz4).unwrap();
    bytes.freeze()
}

fn seen(mut bytes: Bytes, from: i64) -> Result<Vec<Seen>, Unreadable> {
    let mut memory = Memory::default();
    // The same for all, as where batches are fetched.
    let mut decompression = Decompression::default();
    while let Some(batch) = Batch::take(&mut bytes)? {
        batch.read(
            from,
            &mut decompression,
            &mut memory.bytes,
            &mut memory.records,
        )?;
    }
    let run = Run {
        epoch: 0,
        topic: Arc::from("t"),
        partition: 0,
        standing: Standing {
            low: 0,
            end: 0,
            next: 0,
        },
        memory,
        spare: Spare::default(),
    };
    let all = (0..run.len()).map(|index| {
        let (offset, time) = run.at(index).unwrap();
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let (key, value) = (owned(run.key(index)), owned(run.value(index)));
        (offset, time, key, value, run.headers(index))
    });
    Ok(all.collect())
}

fn bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
    proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200))
}

proptest! {
    #[test]
    fn records_are_read_as_they_were_written(
        parts in proptest::collection::vec(
            (1i64..4, 0i64..2_000_000_000_000, bytes(), bytes(),
             proptest::collection::btree_map("[a-z]{0,5}", bytes(), 0..4)),
            1..40,
        ),
        codec in 0usize..5,
        skipped in 0i64..60,
    ) {
        let codecs = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
        let mut offset = 10;
        let mut expected: Vec<Seen> = Vec::new();
        let mut records = Vec::new();
        for (step, time, key, value, headers) in parts {
            let headers: Vec<_> = headers.into_iter().collect();
            records.push(with_headers(record(offset, time, key.clone(), value.clone()), &headers));
            expected.push((offset, Some(time), key, value, headers));
            // Compaction leaves holes.
            offset += step;
        }
        let encoded = encode(&records, codecs[codec]);
        prop_assert_eq!(&seen(encoded.clone(), 0).unwrap(), &expected);
        let from = 10 + skipped;
        expected.retain(|(offset, ..)| *offset >= from);
        prop_assert_eq!(seen(encoded, from).unwrap(), expected);
    }

    #[test]
    fn damage_is_told_or_harmless(at in 0usize..400, bit in 0u8..8, codec in 0usize..5) {
        let codecs = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
        let records: Vec<Record> = (0..8)
            .map(|number| record(number, 5, Some(vec![7; 9]), Some(vec![b'x'; 30])))
            .collect();
        let whole = encode(&records, codecs[codec]);
        let good = seen(whole.clone(), 0).unwrap();
        let mut bytes = whole.to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // The first 21 bytes are not under the checksum: there a record may have another offset, or not be there,
        // but is never another record.
        if let Ok(read) = seen(bytes.into(), i64::MIN) {
            prop_assert!(read.is_empty() || at < 16, "byte {}", at);
            for (found, expected) in read.iter().zip(&good) {
                prop_assert_eq!(&found.3, &expected.3);
            }
        }
    }
}

#[test]
fn the_beginning_of_a_batch_is_none() {
    let records = [record(3, 1, None, Some(b"value".to_vec()))];
    let whole = encode(&records, Compression::Lz4);
    for length in 0..whole.len() {
        assert_eq!(seen(whole.slice(..length), 0).unwrap(), [], "{length}");
    }
    // Two of them, and one more that is not whole.
    let mut twice = BytesMut::from(&whole[..]);
    twice.extend_from_slice(&whole);
    twice.extend_from_slice(&whole[..whole.len() - 1]);
    assert_eq!(seen(twice.freeze(), 0).unwrap().len(), 2);
}

#[test]
fn older_formats_are_told() {
    let mut bytes = encode(&[record(3, 1, None, None)], Compression::None).to_vec();
    bytes[16] = 1;
    assert!(matches!(seen(bytes.into(), 0), Err(Unreadable::Format(1))));
}

#[test]
fn few_bytes_do_not_take_all_memory() {
    // 200 MB of nothing, in 200 kB.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..200 {
        encoder.write_all(&zeros).unwrap();
    }
    let small = encoder.finish().unwrap();
    let mut into = Vec::new();
    let told = Decompression::default().read(1, &small.into(), &mut into);
    assert!(matches!(told, Err(Unreadable::Compressed(_))));
    assert!(into.len() <= 100_000_001);
}

#[test]
fn names_that_stand_twice_and_are_no_text_are_kept() {
    // Two headers `a`, and one of a byte that is no UTF-8.
    let headers = [6, 2, b'a', 2, 1, 2, b'a', 2, 2, 2, 0xff, 1];
    let mut body = vec![0, 0, 0, 1, 1];
    body.extend_from_slice(&headers);
    let mut bytes = vec![u8::try_from(body.len() * 2).unwrap()];
    bytes.append(&mut body);
    let encoded = encode(&[record(0, 1, None, None)], Compression::None);
    let mut batch = encoded[..61].to_vec();
    batch.extend_from_slice(&bytes);
    let length = i32::try_from(batch.len() - 12).unwrap();
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    let checksum = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    let seen = seen(batch.into(), 0).unwrap();
    let names: Vec<(&str, Option<&[u8]>)> = seen[0]
        .4
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect();
    assert_eq!(
        names,
        [
            ("a", Some(&[1][..])),
            ("a", Some(&[2][..])),
            ("\u{fffd}", None)
        ]
    );
}

#[test]
fn a_frame_without_its_end_damages_no_other_batch() {
    let records: Vec<Record> = (0..3)
        .map(|n| record(n, 1, None, Some(vec![b'x'; 50])))
        .collect();
    let good = encode(&records, Compression::Lz4);
    // The frame's end is four zeros, and no checksum follows.
    let mut endless = good[..good.len() - 4].to_vec();
    let length = i32::try_from(endless.len() - 12).unwrap();
    endless[8..12].copy_from_slice(&length.to_be_bytes());
    let checksum = crc32c::crc32c(&endless[21..]);
    endless[17..21].copy_from_slice(&checksum.to_be_bytes());
    let both = [&endless[..], &good[..]].concat();
    assert_eq!(seen(both.into(), 0).unwrap().len(), 6);
}

#[test]
fn frames_of_all_kinds_follow_one_another() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let mut decompression = Decompression::default();
    let text: Vec<u8> = (0..300_000_u32).map(|n| (n / 7 % 251) as u8).collect();
    for (size, mode) in [
        (BlockSize::Max4MB, BlockMode::Linked),
        (BlockSize::Max64KB, BlockMode::Independent),
        (BlockSize::Max64KB, BlockMode::Linked),
        (BlockSize::Max64KB, BlockMode::Linked),
        (BlockSize::Max1MB, BlockMode::Independent),
    ] {
        let info = FrameInfo::new().block_size(size).block_mode(mode);
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(&text).unwrap();
        let frame: Bytes = encoder.finish().unwrap().into();
        let mut into = vec![1, 2, 3];
        decompression.read(3, &frame, &mut into).unwrap();
        assert_eq!(into[3..], text);
    }
}

#[test]
fn snappy_that_claims_too_much_is_refused() {
    let mut into = Vec::new();
    // 4 GB, as the block's head says.
    let told =
        Decompression::default().read(2, &Bytes::from_static(b"\xff\xff\xff\xff\x0f"), &mut into);
    assert!(matches!(told, Err(Unreadable::Compressed(_))));
}
