//! Fetching from a broker that hands out a damaged batch.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{
    FetchRequest, FetchResponse, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable as _, Encodable as _, StrBytes};
use kafka_protocol::records::Compression;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::super::broker::Broker;
use super::super::leader::{Ended, Outlet, Place, fetch};
use super::super::requests::FETCH;
use super::super::run::Spare;
use super::batches::{encode, record};

/// Records of one partition by the offset that is asked for; nothing for others.
type Log = BTreeMap<(i32, i64), Bytes>;

/// Answers every fetch out of a log.
async fn serve(mut stream: TcpStream, log: Log) -> std::io::Result<()> {
    loop {
        let mut frame = vec![0; usize::try_from(stream.read_i32().await?).unwrap()];
        stream.read_exact(&mut frame).await?;
        let mut frame = Bytes::from(frame);
        let header = RequestHeader::decode(&mut frame, 1).unwrap();
        let request = FetchRequest::decode(&mut frame, FETCH).unwrap();
        let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
        let partitions = partitions.map(|asked| {
            let records = log.get(&(asked.partition, asked.fetch_offset)).cloned();
            PartitionData::default()
                .with_partition_index(asked.partition)
                .with_high_watermark(100)
                .with_records(Some(records.unwrap_or_default()))
        });
        let topic = FetchableTopicResponse::default()
            .with_topic(TopicName(StrBytes::from_static_str("t")))
            .with_partitions(partitions.collect());
        let answer = FetchResponse::default().with_responses(vec![topic]);
        let mut body = BytesMut::new();
        body.put_i32(0);
        let own = ResponseHeader::default().with_correlation_id(header.correlation_id);
        own.encode(&mut body, 0).unwrap();
        answer.encode(&mut body, FETCH).unwrap();
        let length = i32::try_from(body.len() - 4).unwrap();
        body[..4].copy_from_slice(&length.to_be_bytes());
        tokio::time::sleep(Duration::from_millis(5)).await;
        stream.write_all(&body).await?;
    }
}

fn batch(first: i64) -> Bytes {
    let records: Vec<_> = (first..first + 3)
        .map(|offset| record(offset, 1, None, Some(vec![b'x'; 20])))
        .collect();
    encode(&records, Compression::None)
}

#[tokio::test]
async fn what_is_damaged_is_not_passed_over() {
    let mut damaged = batch(3).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let first = [&batch(0)[..], &damaged, &batch(6)].concat();
    let log = Log::from([
        ((0, 0), first.into()),
        // What is asked for while the first answer is taken apart.
        ((0, 9), batch(9)),
        ((1, 0), batch(0)),
        ((1, 3), batch(3)),
        ((1, 6), batch(6)),
    ]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { serve(listener.accept().await.unwrap().0, log).await });
    let mut places = [0, 1].map(|partition| Place {
        topic: Arc::from("t"),
        partition,
        next: Some(0),
        told: None,
        rests: false,
        led: 0,
    });
    let (runs, taken) = channel();
    let outlet = Outlet {
        epoch: 1,
        runs,
        room: Arc::new(Semaphore::new(100)),
        is_over: AtomicBool::new(false),
        spare: Spare::default(),
    };
    let broker = Broker::connect("127.0.0.1", port).await.unwrap();
    let [left, right] = &mut places;
    let mut both = [left, right];
    let ended = fetch(broker, &mut both, &outlet);
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    let Ended::Unreadable {
        partition, offset, ..
    } = ended.unwrap()
    else {
        panic!("it ended otherwise")
    };
    assert_eq!((partition, offset), (0, 3));
    drop(outlet);
    let mut offsets = BTreeMap::<i32, Vec<i64>>::new();
    for delivery in taken {
        let run = delivery.run.unwrap();
        let all = (0..run.len()).filter_map(|index| run.at(index));
        let own = offsets.entry(run.partition).or_default();
        own.extend(all.map(|(offset, _)| offset));
    }
    assert_eq!(offsets[&0], (0..3).collect::<Vec<_>>());
    assert_eq!(offsets[&1], (0..9).collect::<Vec<_>>());
    assert_eq!(places.map(|place| place.next), [Some(3), Some(9)]);
}
