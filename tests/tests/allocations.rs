//! What the hot path takes from the allocator for a good event, once it has seen as many: nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use allocation_counter::measure;
use subject::Registry;
use topicwright_runtime::check::At;
use topicwright_runtime::column::Millis;
use topicwright_runtime::json::Decoder;
use topicwright_runtime::registry::{EventRegistry, FactBlock as _, Row, Topic};
use topicwright_tests::events;

type Block = <Registry as EventRegistry>::Block;

/// Copies of every example.
const COPIES: usize = 200;

fn topic(name: &str) -> &'static Topic<Block> {
    let mut topics = Registry::TOPICS.iter();
    topics.find(|topic| topic.name == name).unwrap()
}

/// Decodes, checks and writes events into the columns of a block.
fn fill(
    block: &mut Block,
    decoder: &mut Decoder,
    events: &[(&'static Topic<Block>, u64, Vec<u8>)],
) {
    let members = &Registry::PROJECT.envelope;
    for (topic, number, bytes) in events {
        let mut versions = topic.versions.iter();
        let version = versions.find(|version| u64::from(version.number) == *number);
        let version = version.unwrap();
        let written = decoder.decode(bytes, |event| {
            (Registry::CHECK_ENVELOPE)(event, At::ROOT).unwrap();
            let payload = event.get(members.payload).unwrap();
            (version.check)(payload, At::ROOT).unwrap();
            let time = event.get(members.timestamp);
            let row = Row {
                event,
                payload,
                payload_text: None,
                schema_version: version.number,
                timestamp: topicwright_runtime::row::timestamp(time, members.timestamp).unwrap(),
                dedupe_key: event.get(members.dedupe_key).unwrap().as_str().unwrap(),
                event_key: 0,
                received_at: Millis(0),
                topic: topic.name,
                partition: 0,
                offset: 0,
                hash_key: &[7; 16],
            };
            (version.write)(&row, block).unwrap();
        });
        written.unwrap();
    }
}

#[test]
fn a_good_event_allocates_nothing_in_steady_state() {
    let examples = events::examples();
    let good = examples.iter().filter(|(.., pointer)| pointer.is_none());
    let good: Vec<_> = good.collect();
    let events: Vec<(&'static Topic<Block>, u64, Vec<u8>)> = (0..COPIES)
        .flat_map(|copy| {
            let of_copy =
                good.iter()
                    .enumerate()
                    .map(move |(index, (name, version, payload, _))| {
                        let event = events::event(name, *version, payload, copy * 1000 + index);
                        (topic(name), *version, event.to_string().into_bytes())
                    });
            of_copy.collect::<Vec<_>>()
        })
        .collect();
    assert!(events.len() > 1000);
    let (mut block, mut decoder) = (Block::default(), Decoder::default());
    let first = measure(|| fill(&mut block, &mut decoder, &events));
    // Memory is taken while it fills: the counter counts.
    assert!(first.count_total > 100, "{first:?}");
    let rows = block.rows();
    assert_eq!(rows, events.len());
    for round in 0..2 {
        block.clear();
        let again = measure(|| fill(&mut block, &mut decoder, &events));
        assert_eq!(again.count_total, 0, "round {round}: {again:?}");
    }
    assert_eq!(block.rows(), rows);
}
